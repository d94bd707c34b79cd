"""Bootstrap's state is kept in its bucket and found again, and neither is lost; a confirmation is more than a yes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from terraform.bootstrap.account import empty, refuse_if_in_use
from terraform.bootstrap.kept import KEY, Kept
from terraform.deploy.confirmation import confirm
from terraform.deploy.exit_status import Refused, Stuck
from tests.deploy.conftest import Bucket


def state(lineage: str = "ours", serial: int = 1, resources: int = 1) -> str:
    """Return a state as Terraform writes it."""
    return json.dumps({"lineage": lineage, "serial": serial, "resources": [{}] * resources})


def kept(bucket: Bucket, folder: Path) -> Kept:
    """Return the state in `folder` as a new run of the command sees it."""
    return Kept(bucket.s3, bucket.name, folder / "dev" / "terraform.tfstate")


def written(place: Kept, text: str) -> Kept:
    """Let Terraform write a state."""
    place.file.parent.mkdir(exist_ok=True)
    place.file.write_text(text)
    return place


def versions(bucket: Bucket) -> int:
    """Return how many versions the bucket has, of whatever."""
    found: dict[str, Any] = bucket.s3.list_object_versions(Bucket=bucket.name)
    return len(found.get("Versions", []))


def test_state_is_found_again_elsewhere(bucket: Bucket, tmp_path: Path) -> None:
    """What one checkout keeps, another one has after it fetched it; keeping it again writes nothing."""
    written(kept(bucket, tmp_path), state()).keep()
    (other := tmp_path / "other").mkdir()
    again = kept(bucket, other)
    again.fetch()
    assert again.file.read_text() == state()
    again.keep()
    assert versions(bucket) == 1


@pytest.mark.parametrize(("here", "wins"), [(1, 2), (3, 3)])
def test_newer_state_wins(bucket: Bucket, tmp_path: Path, here: int, wins: int) -> None:
    """An older file is replaced; a newer one, whose copy failed, stays and is kept at the end."""
    written(kept(bucket, tmp_path), state(serial=2)).keep()
    place = written(kept(bucket, tmp_path), state(serial=here))
    place.fetch()
    place.keep()
    assert json.loads(place.file.read_text())["serial"] == wins
    assert json.load(bucket.s3.get_object(Bucket=bucket.name, Key=KEY)["Body"])["serial"] == wins


def test_state_of_another_origin_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    """Neither of two states that describe different things is thrown away; an empty one is."""
    written(kept(bucket, tmp_path), state()).keep()
    with pytest.raises(Refused, match="are states of different origins"):
        written(kept(bucket, tmp_path), state(lineage="another")).fetch()
    place = written(kept(bucket, tmp_path), state(lineage="another", resources=0))
    place.fetch()
    assert place.file.read_text() == state()


def test_two_people_at_once_do_not_overwrite_each_other(bucket: Bucket, tmp_path: Path) -> None:
    """Whoever comes second is told, and the file has what was done."""
    one, other = kept(bucket, tmp_path), kept(bucket, tmp_path)
    written(one, state()).keep()
    with pytest.raises(Stuck, match="Somebody else ran bootstrap meanwhile"):
        written(other, state(serial=2)).keep()
    assert versions(bucket) == 1


def test_without_a_bucket_the_file_is_all(bucket: Bucket, tmp_path: Path) -> None:
    """Before there is a bucket, and after it is gone, nothing is fetched or kept, and that is no error."""
    place = Kept(bucket.s3, f"{bucket.name}-none", tmp_path / "terraform.tfstate")
    place.fetch()
    place.keep()
    written(place, state()).keep()
    assert place.file.read_text() == state()


def test_account_of_an_environment_that_stands_stays(bucket: Bucket) -> None:
    """The bucket stays while the environment's state has anything in it; nothing and no state are in nobody's way."""
    key = "env:/dev/hello-birthday.tfstate"
    refuse_if_in_use(bucket.s3, bucket.name, "dev")
    bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=state(resources=0).encode())
    refuse_if_in_use(bucket.s3, bucket.name, "dev")
    bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=state(resources=2).encode())
    with pytest.raises(Refused, match="has 2 resources"):
        refuse_if_in_use(bucket.s3, bucket.name, "dev")


def test_every_version_is_deleted(bucket: Bucket) -> None:
    """Old versions and marks of what was deleted go as well, so that the bucket can be deleted."""
    for text in ("one", "two"):
        bucket.s3.put_object(Bucket=bucket.name, Key="a", Body=text.encode())
    bucket.s3.delete_object(Bucket=bucket.name, Key="a")
    empty(bucket.s3, bucket.name)
    bucket.s3.delete_bucket(Bucket=bucket.name)
    names = [each["Name"] for each in bucket.s3.list_buckets()["Buckets"]]
    assert bucket.name not in names


@pytest.mark.parametrize(("given", "typed"), [("dev 123456789012", ""), (None, "dev  123456789012\n")])
def test_name_and_account_confirm(monkeypatch: pytest.MonkeyPatch, given: str | None, typed: str) -> None:
    """Both together, typed or given, are a confirmation."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    confirm("dev", "123456789012", given)


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        (None, ""),
        (None, "yes\n"),
        (None, "dev\n"),
        (None, "prod 123456789012\n"),
        ("", "dev 123456789012\n"),
        ("dev 123456789013", "dev 123456789012\n"),
    ],
)
def test_anything_else_does_not_confirm(monkeypatch: pytest.MonkeyPatch, given: str | None, typed: str) -> None:
    """Nothing, half of it, a yes or another environment: the refusal says what would have been right."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(Refused, match='Type "dev 123456789012" when asked'):
        confirm("dev", "123456789012", given)
