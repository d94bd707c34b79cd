"""What goes from dev to prod: the very image that dev released, as long as it is not too old."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from terraform.deploy.exit_status import Refused, Status
from terraform.deploy.images import check_age, hand_over
from terraform.deploy.releases import Release, Releases
from tests.support.emulator import Account, account

YOUNG, OLD, OTHER = "ami-0000000000000000d", "ami-0000000000000000e", "ami-0000000000000000f"
BAKED_DAYS_AGO = {YOUNG: 10, OLD: 90}
BUCKET = "releases"


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Run an account with two images."""
    now = datetime.now(UTC)
    baked = {name: (now - timedelta(days=days)).isoformat() for name, days in BAKED_DAYS_AGO.items()}
    with account("111111111111", tmp_path_factory.mktemp("account"), baked) as running:
        where = {"LocationConstraint": "eu-central-1"}
        running.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        yield running


@pytest.fixture
def releases(emulated: Account) -> Releases:
    """Give an empty list of releases."""
    s3 = emulated.client("s3")
    s3.put_object(Bucket=BUCKET, Key="deploy/releases.json", Body="[]")
    return Releases(s3, BUCKET)


def release(image: str, commit: str) -> Release:
    """Return an image that was verified just now."""
    return Release(image, "1.0.0", commit, datetime.now(UTC).isoformat())


class Repository:
    """A git repository with one file."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        self.folder = folder
        self._git("init", "--quiet")

    def commit(self, content: str) -> str:
        """Commit the file with this content, and return the commit."""
        (self.folder / "file").write_text(content, encoding="utf-8")
        self._git("add", "file")
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
        self._git(*who, "commit", "--quiet", "--allow-empty", "--message", content)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give an empty repository."""
    (tmp_path / "repository").mkdir()
    return Repository(tmp_path / "repository")


def test_image_of_the_same_content_is_handed_over(releases: Releases, repository: Repository, tmp_path: Path) -> None:
    """Of two releases, the one with the checked-out content is taken, whatever its commit is."""
    releases.add(release(YOUNG, repository.commit("one")))
    releases.add(release(OTHER, repository.commit("two")))
    repository.commit("one")
    target = tmp_path / "build" / "image.tfvars.json"
    assert hand_over(releases, repository.folder, target) is Status.DONE
    assert json.loads(target.read_text()) == {"ami_id": YOUNG}


@pytest.mark.parametrize("released", [None, "something else", "0" * 40])
def test_what_dev_did_not_release_is_refused(
    releases: Releases, repository: Repository, tmp_path: Path, released: str | None
) -> None:
    """Nothing is handed over without a release, or if its content is different or its commit is not here."""
    if released:
        commit = released if released.startswith("0") else repository.commit(released)
        releases.add(release(OTHER, commit))
    repository.commit("checked out")
    target = tmp_path / "image.tfvars.json"
    with pytest.raises(Refused, match="no release of what is checked out"):
        hand_over(releases, repository.folder, target)
    assert not target.exists()


@pytest.mark.parametrize(("image", "status"), [(YOUNG, Status.DONE), (OLD, Status.FAILED)])
def test_age_counts_from_the_bake(emulated: Account, releases: Releases, image: str, status: Status) -> None:
    """An image that was baked long ago is found, even if it was deployed today."""
    releases.add(release(image, "0" * 40))
    assert check_age(emulated.client("ec2"), releases, 60) is status
