"""The list of releases is the way back."""

from terraform.deploy.releases import Release, Releases
from tests.deploy.conftest import Bucket


def release(image: str) -> Release:
    """Return a release of `image`."""
    return Release(image, "1.0.0", "c" * 40, "2026-01-01T00:00:00+00:00")


def images(bucket: Bucket, *deployed: str) -> list[str]:
    """Deploy images one after the other, and return those that are listed."""
    releases = Releases(bucket.s3, bucket.name)
    for image in deployed:
        releases.add(release(image))
    return [entry.image for entry in releases.all()]


def test_newest_is_last(bucket: Bucket) -> None:
    """Releases are listed in the order they came, and there are none at first."""
    assert images(bucket) == []
    assert images(bucket, "a", "b", "c") == ["a", "b", "c"]


def test_going_back_forgets_what_came_after(bucket: Bucket) -> None:
    """After going back to a release, the one before it is the next way back."""
    assert images(bucket, "a", "b", "c", "b") == ["a", "b"]


def test_list_does_not_grow_for_ever(bucket: Bucket) -> None:
    """Fifty releases are kept."""
    many = [f"ami-{number}" for number in range(53)]
    assert images(bucket, *many) == many[3:]
