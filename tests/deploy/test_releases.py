"""The list of releases, which rollbacks rely on."""

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
    """Releases are listed in their order, and there are none at first."""
    assert images(bucket) == []
    assert images(bucket, "a", "b", "c") == ["a", "b", "c"]


def test_going_back_forgets_what_came_after(bucket: Bucket) -> None:
    """After a rollback to a release, the next rollback goes to the one before it."""
    assert images(bucket, "a", "b", "c", "b") == ["a", "b"]


def test_list_does_not_grow_for_ever(bucket: Bucket) -> None:
    """The last fifty releases are kept."""
    many = [f"ami-{number}" for number in range(53)]
    assert images(bucket, *many) == many[3:]
