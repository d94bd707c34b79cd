"""An account is prepared by one command, which asks first, and given back by the same; and what it has in between."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from terraform.bootstrap.account import arguments
from terraform.preflight.values import environments
from tests.support.emulator import Account, account
from tests.support.inventory import inventory
from tests.support.terraform import ROOT, Terraform, TerraformFailed, cli_environ, copy

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

BACKEND = "terraform/environments/dev.s3.tfbackend"
BUCKET = "hello-birthday-dev-state-111111111111"
STATE = "bootstrap/state.json"
ANSWER = "dev 111111111111"
VALUES = arguments(environments()["dev"])


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
    """Give a checkout whose state is looked for in an account of somebody else, and dev's account."""
    folder = tmp_path_factory.mktemp("desk")
    copy(folder / "terraform")
    backend = folder / BACKEND
    backend.write_text(backend.read_text().replace("111111111111", "333333333333").replace("eu-central", "us-east"))
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


def test_state_is_looked_for_in_the_account_of_the_values(desk: Desk) -> None:
    """Account and region are written to where the state is looked for, once, and to be committed."""
    desk.run(answer="no\n")
    assert (desk.folder / BACKEND).read_text().startswith((ROOT / BACKEND).read_text())
    _, printed = desk.run(answer="no\n")
    assert "commit it" not in printed


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


@pytest.fixture(scope="module")
def bootstrap(desk: Desk, prepared: str) -> Terraform:  # noqa: ARG001 - which it is
    """Give the prepared account's root module, as a person has it who works by hand."""
    return Terraform.within(desk.folder / "terraform", desk.account, "terraform/bootstrap", ".terraform/dev")


def subnet(bootstrap: Terraform) -> str | None:
    """Return what bootstrap says of the subnet for `make bake`."""
    told = json.loads(bootstrap.run("output", "-json").stdout)
    return str(told["builder_subnet"]["value"]) if "builder_subnet" in told else None


def planned(plan: dict[str, Any]) -> list[str]:
    """Return the kinds of what a plan changes."""
    return [change["type"] for change in plan["resource_changes"] if change["change"]["actions"] != ["no-op"]]


def test_builders_reach_the_internet_by_themselves(bootstrap: Terraform, desk: Desk) -> None:
    """The subnet that bootstrap names gives each builder an address, and its routes lead to an internet gateway."""
    ec2 = desk.account.client("ec2")
    (found,) = ec2.describe_subnets(SubnetIds=[str(subnet(bootstrap))])["Subnets"]
    assert found["MapPublicIpOnLaunch"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [found["VpcId"]]}])["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    ways = {route["DestinationCidrBlock"]: str(route["GatewayId"]).partition("-")[0] for route in routes}
    assert ways == {"10.10.0.0/24": "local", "0.0.0.0/0": "igw"}


def test_nobody_reaches_builders(bootstrap: Terraform, desk: Desk) -> None:
    """No security group of the network has a rule; Packer's own, made for one bake, lets nobody in."""
    ec2 = desk.account.client("ec2")
    (found,) = ec2.describe_subnets(SubnetIds=[str(subnet(bootstrap))])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [found["VpcId"]]}])["SecurityGroups"]
    assert [group["IpPermissions"] + group["IpPermissionsEgress"] for group in groups] == [[]]


def test_network_is_optional(bootstrap: Terraform) -> None:
    """Without the variable nothing of it is left, and nothing else changes."""
    assert planned(bootstrap.plan(*VALUES)) == []
    without = planned(bootstrap.plan(*VALUES, "-var=builder_network=false"))
    assert without
    assert [
        kind for kind in without if not kind.startswith(("aws_vpc", "aws_subnet", "aws_internet", "aws_default"))
    ] == []


def test_another_account_does_not_replace_this_one(bootstrap: Terraform) -> None:
    """Where one account was prepared, values of another are refused until its own workspace is chosen."""
    with pytest.raises(TerraformFailed) as caught:
        bootstrap.plan(*arguments(environments()["prod"]))
    message = " ".join(str(caught.value).replace("│", " ").split())
    assert "but the workspace is dev. Run: terraform workspace select -or-create prod" in message


@pytest.mark.parametrize(
    ("setting", "missing"),
    [
        ("repository=null", {"aws_iam_openid_connect_provider", "aws_iam_role", "aws_iam_role_policy",
                             "aws_iam_role_policy_attachment"}),
        ("github_provider_exists=true", {"aws_iam_openid_connect_provider"}),
    ],
)  # fmt: skip
def test_github_is_optional(bootstrap: Terraform, setting: str, missing: set[str]) -> None:
    """Without GitHub there are no roles for it; where the account has its provider already, only that is left out."""
    assert set(planned(bootstrap.plan(*VALUES, f"-var={setting}"))) == missing


@pytest.mark.usefixtures("prepared")
def test_account_is_given_back(desk: Desk, empty: dict[str, set[str]]) -> None:
    """Removed is everything: roles, the network, the bucket with every state and all their versions."""
    desk.write("env:/dev/hello-birthday.tfstate", json.dumps({"resources": []}))
    status, printed = desk.run("--remove", "--confirm", ANSWER)
    assert status == 0, printed
    assert inventory(desk.account) == empty
