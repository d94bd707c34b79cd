"""The network that an account can have for Packer's builders: a way out for them, and no way in for anybody."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from terraform.bootstrap.account import arguments
from terraform.preflight.values import environments
from tests.support.emulator import Account, account
from tests.support.terraform import Terraform, TerraformFailed

pytestmark = pytest.mark.terraform
VALUES = arguments(environments()["dev"])


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Emulate dev's account, with nothing in it."""
    with account("111111111111", tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def bootstrap(emulated: Account, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Prepare the account as dev's values say."""
    terraform = Terraform.copy(tmp_path_factory.mktemp("bootstrap") / "terraform", emulated, "terraform/bootstrap")
    terraform.run("init")
    terraform.run("workspace", "new", "dev")
    terraform.run("apply", "-auto-approve", *VALUES)
    return terraform


def subnet(bootstrap: Terraform) -> str | None:
    """Return what bootstrap says of the subnet for `make bake`."""
    told = json.loads(bootstrap.run("output", "-json").stdout)
    return str(told["builder_subnet"]["value"]) if "builder_subnet" in told else None


def planned(plan: dict[str, Any]) -> list[str]:
    """Return the kinds of what a plan changes."""
    return [change["type"] for change in plan["resource_changes"] if change["change"]["actions"] != ["no-op"]]


def test_builders_reach_the_internet_by_themselves(bootstrap: Terraform, emulated: Account) -> None:
    """The subnet that bootstrap names gives each builder an address, and its routes lead to an internet gateway."""
    ec2 = emulated.client("ec2")
    (found,) = ec2.describe_subnets(SubnetIds=[str(subnet(bootstrap))])["Subnets"]
    assert found["MapPublicIpOnLaunch"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [found["VpcId"]]}])["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    ways = {route["DestinationCidrBlock"]: str(route["GatewayId"]).partition("-")[0] for route in routes}
    assert ways == {"10.10.0.0/24": "local", "0.0.0.0/0": "igw"}


def test_nobody_reaches_builders(bootstrap: Terraform, emulated: Account) -> None:
    """No security group of the network has a rule; Packer's own, made for one bake, lets nobody in."""
    ec2 = emulated.client("ec2")
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
