"""An account is prepared by one command, and given back by the same; nothing happens unless it is confirmed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.emulator import Account, account
from tests.support.inventory import inventory
from tests.support.terraform import cli_environ, copy

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

BUCKET = "hello-birthday-dev-state-111111111111"
STATE = "bootstrap/state.json"
ANSWER = "dev 111111111111"


@dataclass
class Desk:
    """A checkout, and an account that nobody has prepared."""

    folder: Path
    account: Account

    def run(self, *arguments: str, answer: str = "", account_id: str = "") -> tuple[int, str]:
        """Run the command for dev, typing `answer`; return its exit status and what it said."""
        environ = {name: os.environ[name] for name in ("PATH", "HOME")} | self.account.environ
        if account_id:
            environ |= self._credentials_of(account_id)
        done = subprocess.run(
            [sys.executable, "-m", "terraform.bootstrap", "dev", *arguments],
            cwd=self.folder,
            env=environ | cli_environ(self.folder / "terraform"),
            input=answer,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def versions(self, key: str) -> int:
        """Return how many versions of an object there are in the state bucket."""
        found = self.account.client("s3").list_object_versions(Bucket=BUCKET, Prefix=key)
        return len(found.get("Versions", []))

    def write(self, key: str, text: str) -> None:
        """Put an object into the state bucket."""
        self.account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def _credentials_of(self, account_id: str) -> dict[str, str]:
        role = f"arn:aws:iam::{account_id}:role/administrator"
        keys = self.account.client("sts").assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give a checkout and dev's account."""
    folder = tmp_path_factory.mktemp("desk")
    copy(folder / "terraform")
    with account("111111111111", folder) as running:
        yield Desk(folder, running)


@pytest.fixture(scope="module")
def empty(desk: Desk) -> dict[str, set[str]]:
    """Tell what an account has that nobody has prepared."""
    return inventory(desk.account)


@pytest.fixture(scope="module")
def prepared(desk: Desk, empty: dict[str, set[str]]) -> str:  # noqa: ARG001 - looked at before
    """Prepare the account as a person does, and return what that printed."""
    status, printed = desk.run(answer=f"{ANSWER}\n")
    assert status == 0, printed
    return printed


def test_what_is_not_confirmed_is_not_done(desk: Desk, empty: dict[str, set[str]]) -> None:
    """The plan is shown; unless it is confirmed, that is all, and the refusal says what to type."""
    status, printed = desk.run(answer="yes\n")
    assert "create aws_s3_bucket.state" in printed
    assert (status, f'REFUSED: Not confirmed, so nothing was changed. Type "{ANSWER}"' in printed) == (2, True), printed
    assert inventory(desk.account) == empty


def test_another_account_is_refused(desk: Desk, empty: dict[str, set[str]]) -> None:
    """With credentials of another account nothing is planned, and neither account is changed."""
    status, printed = desk.run("--confirm", ANSWER, account_id="999999999999")
    assert (status, "AWS account ID not allowed" in printed) == (2, True), printed
    assert inventory(desk.account) == empty


def test_account_is_prepared_from_nothing(desk: Desk, prepared: str) -> None:
    """The state lies in the bucket that was made, and GitHub's values are told to be pasted."""
    state = json.loads(desk.account.client("s3").get_object(Bucket=BUCKET, Key=STATE)["Body"].read())
    assert "aws_s3_bucket" in {resource["type"] for resource in state["resources"]}
    told = dict(re.findall(r"gh variable set (\w+) --body (\S+)", prepared))
    assert told.keys() == {"DEV_APPLY_ROLE", "DEV_PLAN_ROLE", "BAKE_SUBNET"}
    assert told["DEV_PLAN_ROLE"].endswith("/hello-birthday-dev-github-plan")


@pytest.mark.usefixtures("prepared")
def test_second_run_changes_nothing(desk: Desk) -> None:
    """Run again, from a checkout that has never seen it, it finds its state, asks nothing and changes nothing."""
    before = inventory(desk.account)
    for remembered in ("terraform.tfstate.d", ".terraform"):
        shutil.rmtree(desk.folder / "terraform/bootstrap" / remembered)
    status, printed = desk.run()
    assert (status, "done: no changes" in printed) == (0, True), printed
    assert (inventory(desk.account), desk.versions(STATE)) == (before, 1)


@pytest.mark.usefixtures("prepared")
def test_account_is_given_back(desk: Desk, empty: dict[str, set[str]]) -> None:
    """Removed is everything: roles, the network, the bucket with every state and all their versions."""
    desk.write("env:/dev/hello-birthday.tfstate", json.dumps({"resources": []}))
    status, printed = desk.run("--remove", "--confirm", ANSWER)
    assert status == 0, printed
    assert inventory(desk.account) == empty
