"""Destroying an environment: what is told, what is refused, and in which order Terraform is called."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from terraform.deploy.exit_status import Refused
from terraform.deploy.plan import Plan
from terraform.deploy.releases import Release, Releases
from terraform.destroy.loss import lost, refuse_if_locked
from terraform.destroy.protection import PROTECTING, protected
from tests.deploy.conftest import ROOT, Bucket, environ_of, provide_commands

# Plays Terraform: notes what it is called for; one table is there, and protected.
_TERRAFORM = """#!/bin/sh
echo "$*" >> ../calls
case "$1" in
  workspace) if [ "$2" = list ]; then echo '* dev'; fi ;;
  state) cat ../state ;;
  plan) for word; do case "$word" in -out=*) : > "${word#-out=}" ;; esac; done ;;
  output) cat ../outputs.json ;;
  show) case "$2$3" in -json) cat ../shown.json ;; -json*) cat ../plan.json ;; esac ;;
  apply) exit "$(cat ../applied)" ;;
esac
"""
TABLE = {"name": "birthdays", "deletion_protection_enabled": True}
_PLAN = {
    "variables": {},
    "resource_changes": [
        {"address": "a.table", "type": "aws_dynamodb_table", "change": {"actions": ["delete"], "before": TABLE}}
    ],
}
_SHOWN = {
    "values": {
        "root_module": {
            "child_modules": [{"resources": [{"address": "module.a.table", "mode": "managed", "values": TABLE}]}]
        }
    }
}
Destroy = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, bucket: Bucket) -> Path:
    """Return a folder with the command, values, and a stand-in for Terraform on its own PATH."""
    provide_commands(tmp_path, bucket, ("bootstrap", "deploy", "destroy", "environments", "preflight"), _TERRAFORM)
    texts = {"plan.json": json.dumps(_PLAN), "shown.json": json.dumps(_SHOWN), "state": "module.a.table\n"}
    texts |= {"outputs.json": json.dumps({"ami_id": {"value": "ami-a"}}), "applied": "0", "calls": ""}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def destroy(folder: Path, dynamodb: str) -> Destroy:
    """Run the command for dev in that folder; return its exit status and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "terraform.destroy", "dev", *arguments],
            cwd=folder,
            env=environ_of(folder, dynamodb),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def calls(folder: Path, command: str) -> list[str]:
    """Return how Terraform was called for a command."""
    return [line for line in (folder / "calls").read_text().splitlines() if line.startswith(f"{command} ")]


def test_without_confirmation_nothing_is_changed(destroy: Destroy, folder: Path, bucket: Bucket) -> None:
    """What would be lost is told; without the confirmation nothing is applied, and the lease is given back."""
    status, printed = destroy()
    assert (status, "lost for good: the table birthdays, with all data" in printed) == (2, True), printed
    assert 'add CONFIRM="dev 111111111111"' in printed
    assert calls(folder, "apply") == []
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)


def test_protection_is_lifted_where_it_is_and_nowhere_else(destroy: Destroy, folder: Path) -> None:
    """Confirmed, the one protected resource is changed first, with the image that runs; then everything is planned."""
    status, printed = destroy("--confirm", "dev 111111111111")
    assert status == 0, printed
    told, lift, whole = calls(folder, "plan")
    assert ("-destroy" in told, "-destroy" in lift, "-destroy" in whole) == (True, False, True)
    assert "-target=module.a.table" in lift
    assert "-target" not in whole
    assert all(
        "-var=ami_id=ami-a -var=deletion_protection=false" in re.sub(r" -destroy", "", call)
        for call in (told, lift, whole)
    )
    assert len(calls(folder, "apply")) == 2


def test_without_protection_what_was_told_is_done(destroy: Destroy, folder: Path) -> None:
    """Where nothing is protected, the very plan that was confirmed is applied."""
    (folder / "shown.json").write_text(json.dumps({"values": {"root_module": {}}}))
    status, printed = destroy("--confirm", "dev 111111111111")
    assert (status, len(calls(folder, "plan")), len(calls(folder, "apply"))) == (0, 1, 1), printed


def test_failure_is_told_and_can_be_repeated(destroy: Destroy, folder: Path) -> None:
    """If Terraform fails half-way, a person must act: the message says to run it again; so does the exit status."""
    (folder / "applied").write_text("1")
    status, printed = destroy("--confirm", "dev 111111111111")
    assert (status, "run the same command again for the rest" in printed) == (3, True), printed


def test_image_is_the_last_release_where_no_output_names_it(destroy: Destroy, folder: Path, bucket: Bucket) -> None:
    """After a destruction that failed there are no outputs; then the last release counts, or what is given."""
    (folder / "outputs.json").write_text("{}")
    status, printed = destroy()
    assert (status, "There is no current release yet; name an image with --image" in printed) == (2, True), printed
    Releases(bucket.s3, bucket.name).add(Release("ami-b", "1", "c", "now"))
    destroy()
    destroy("--image", "ami-c")
    assert [re.findall(r"ami_id=(\S+)", call)[0] for call in calls(folder, "plan")] == ["ami-b", "ami-c"]


def test_nothing_is_left_to_destroy(destroy: Destroy, folder: Path) -> None:
    """An empty state is no error, and nothing is asked."""
    (folder / "state").write_text("")
    status, printed = destroy()
    assert (status, "nothing to destroy" in printed) == (0, True), printed


class Vaults:
    """Plays AWS Backup, with one vault."""

    def __init__(self, since: datetime | None) -> None:
        """Lock it for good at `since`, or never."""
        self._lock = {"LockDate": since} if since else {}

    def describe_backup_vault(self, **asked: str) -> dict[str, Any]:
        """Tell what is known of it."""
        return {**asked, **self._lock}


def plan(kind: str, **before: object) -> Plan:
    """Return a plan that destroys one resource."""
    change = {"actions": ["delete"], "before": before}
    return Plan(Path("x.tfplan"), "dev", "ami-a", {"resource_changes": [{"type": kind, "change": change}]})


def test_vault_that_is_locked_for_good_is_refused() -> None:
    """After the days of grace Terraform would fail half-way; before, and without a lock, it works."""
    locked, now = plan("aws_backup_vault_lock_configuration", backup_vault_name="v"), datetime.now(UTC)
    refuse_if_locked(locked, Vaults(None))
    refuse_if_locked(locked, Vaults(now + timedelta(days=1)))
    with pytest.raises(Refused, match="The backup vault v is locked for good since"):
        refuse_if_locked(locked, Vaults(now - timedelta(days=1)))
    refuse_if_locked(plan("aws_backup_vault", name="v"), Vaults(now - timedelta(days=1)))


@pytest.mark.parametrize(
    ("kind", "before", "says"),
    [
        ("aws_s3_bucket", {"bucket": "b"}, "the bucket b, with every object"),
        ("aws_kms_key", {"description": "d"}, 'the key "d", and whatever it encrypts'),
        ("aws_backup_vault", {"name": "v"}, "the backup vault v, with every recovery point"),
    ],
)
def test_loss_is_told_by_name(kind: str, before: dict[str, str], says: str) -> None:
    """What holds data is told by the name that people know."""
    assert lost(plan(kind, **before)) == [says]
    assert lost(plan("aws_route", name="r")) == []


def test_every_protection_of_the_stack_is_known() -> None:
    """Wherever the stack uses its variable for protection, the command finds what is protected by that attribute."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "terraform/modules").rglob("*.tf")]
    used = set(re.findall(r"^ +(\w+) += .*var\.deletion_protection\b", "".join(texts), re.MULTILINE))
    assert used == set(PROTECTING), "add the attribute to terraform/destroy/protection.py"


@pytest.mark.parametrize(("name", "value"), PROTECTING.items())
def test_protected_is_what_has_the_protecting_value(name: str, value: object) -> None:
    """Each attribute counts with its protecting value only; data sources do not count."""
    resources = [
        {"address": "a", "mode": "managed", "values": {name: value}},
        {"address": "b", "mode": "managed", "values": {name: None}},
        {"address": "c", "mode": "data", "values": {name: value}},
    ]
    assert list(protected({"resources": resources})) == ["a"]
