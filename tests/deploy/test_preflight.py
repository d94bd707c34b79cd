"""Before a deployment, each prerequisite is reported in one line, with what to do if it is missing."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend

from terraform.preflight import places
from terraform.preflight.__main__ import tell, tell_in_one_line
from terraform.preflight.checks import before_bake, before_bootstrap, before_deploy, whole
from terraform.preflight.delegation import resolver
from terraform.preflight.finding import Finding, State
from terraform.preflight.values import Values, environments
from tests.support.name_server import name_server

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
VERSIONS = {
    "aws": "aws-cli/2.27.1 Python/3.13.2 Linux/6.12",
    "packer": "Packer v1.14.1",
    "session-manager-plugin": "1.2.707.0",
    "terraform": "Terraform v1.11.4",
}
GITHUB = "https://token.actions.githubusercontent.com"
PREFERENCES = "SSM-SessionManagerRunShell"
Told = tuple[int, str]


OWN = {
    "111111111111": "333333333333",
    "example.com": "birthdays.test",
    "github.com/example": "github.com/ada",
    '"example"': '"ada"',
    "1000001": "1234",
    "2000002": "5678",
}
"""What somebody puts in place of what stands in the files."""


def filled(values: Values, account: str) -> Values:
    """Fill the files of an environment in, for an account."""

    def own(text: str) -> str:
        for placeholder, value in {"222222222222": account, **OWN}.items():
            text = text.replace(placeholder, value)
        return text

    return replace(values, given=own(values.given), prepared=own(values.prepared), backend=own(values.backend))


class Place:
    """A machine with the tools, an account, and the world's DNS, in which everything is there or can be taken away."""

    def __init__(self, folder: Path, url: str) -> None:
        """Install the tools, log in to an account that nobody has used, and make its zone."""
        self.folder, self._url = folder, url
        for tool, version in VERSIONS.items():
            self.install(tool, version)
        self.account = str(uuid.uuid4().int)[:12]
        self.session = self._log_in()
        self.values = filled(environments()["prod"], self.account)
        zone = self.client("route53").create_hosted_zone(Name="birthdays.test", CallerReference=self.account)
        self.servers: Sequence[str] = zone["DelegationSet"]["NameServers"]

    def client(self, service: str) -> Any:  # noqa: ANN401 - one of boto3's
        """Return an administrator's client of the account."""
        make: Any = self.session.client
        return make(service, endpoint_url=self._url)

    def install(self, tool: str, version: str) -> None:
        """Put a tool on the PATH that tells its version, and does nothing else."""
        (self.folder / tool).write_text(f"#!/bin/sh\necho '{version}'\n")
        (self.folder / tool).chmod(0o755)

    def ask(self) -> list[Finding]:
        """Look at everything."""
        with name_server({"birthdays.test": self.servers}) as dns:
            return list(whole(self.session, self.values, resolver(dns)))

    def wrong(self) -> str:
        """Return the one line that does not say ok."""
        (line,) = [str(finding) for finding in self.ask() if finding.state is not State.OK]
        return line

    def _log_in(self) -> boto3.Session:
        role = f"arn:aws:iam::{self.account}:role/administrator"
        make: Any = boto3.client
        sts = make("sts", region_name=REGION, endpoint_url=self._url)
        keys = sts.assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
        return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Let the emulator know the quota, which it lacks, and change it at will."""
    quota = {"Value": 9.0}

    def tell(_backend: ServiceQuotasBackend, **asked: str) -> dict[str, Any]:
        assert asked == {"service_code": "ec2", "quota_code": "L-1216C47A"}
        return quota

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", tell)
    return quota


@pytest.fixture
def place(
    tmp_path: Path,
    dynamodb: str,
    allowed: dict[str, float],  # noqa: ARG001 - as every account has one
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """Give a place in which nothing is missing."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb)
    return Place(tmp_path, dynamodb)


def run(*arguments: str, **environ: str) -> Told:
    """Run the command, and return its exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "terraform.preflight", *arguments],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_nothing_is_missing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """If nothing is missing, each line says what was found, and the exit status is 0."""
    assert tell(place.ask()) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert [line[9:].partition(":")[0] for line in lines] == [
        "terraform", "aws", "values", "identity", "account", "vCPUs", "hosted zone", "delegation", "OIDC provider",
        "session preferences", "EBS encryption",
    ]  # fmt: skip
    assert "prod needs 9 at its largest (9 x c7g.medium, a refresh included), the quota is 9" in printed


def delegate_elsewhere(place: Place) -> None:
    """Let the parent zone name servers of somebody else."""
    place.servers = ["ns.example.net"]


def delegate_nowhere(place: Place) -> None:
    """Let the parent zone know nothing."""
    place.servers = []


def delete_the_zone(place: Place) -> None:
    """Delete the hosted zone."""
    route53 = place.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    route53.delete_hosted_zone(Id=zone["Id"])


def make_a_provider(place: Place) -> None:
    """Make GitHub's provider by hand."""
    place.client("iam").create_open_id_connect_provider(Url=GITHUB, ClientIDList=["sts.amazonaws.com"])


def make_preferences(place: Place) -> None:
    """Make session preferences by hand."""
    place.client("ssm").create_document(Name=PREFERENCES, DocumentType="Session", Content='{"schemaVersion":"1.0"}')


@pytest.mark.parametrize(
    ("change", "what", "advice"),
    [
        (
            delegate_elsewhere,
            "delegation",
            "is delegated to ns.example.net, which is another zone; enter these NS records",
        ),
        (delegate_nowhere, "delegation", "birthdays.test is not delegated; enter these NS records"),
        (delete_the_zone, "hosted zone", "make it: aws route53 create-hosted-zone --name birthdays.test"),
        (make_a_provider, "OIDC provider", "say github_provider_exists = true in terraform/bootstrap/prod.tfvars"),
        (make_preferences, "session preferences", f"module.service.aws_ssm_document.session_preferences {PREFERENCES}"),
        (
            lambda place: place.install("terraform", "Terraform v1.9.8"),
            "terraform",
            "1.9.8 is installed, 1.11.0 or newer",
        ),
        (
            lambda place: place.install("aws", "broken"),
            "aws",
            "not installed, or not on the PATH; get it from https://",
        ),
    ],
    ids=["delegated elsewhere", "not delegated", "no zone", "provider", "preferences", "old tool", "no tool"],
)
def test_what_is_missing(place: Place, change: Callable[[Place], object], what: str, advice: str) -> None:
    """Each missing or conflicting thing is one line that says what to do; the others pass."""
    change(place)
    line = place.wrong()
    assert (line.startswith(f"MISSING  {what}: "), advice in line) == (True, True), line


def test_quota_is_too_small(place: Place, allowed: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    """A quota that is too small for prod is reported with the command that requests more, and exit status 2."""
    allowed["Value"] = 5.0
    assert tell(place.ask()) == 2
    assert "the quota is 5; ask for more: aws service-quotas request-service" in capsys.readouterr().out


def test_what_terraform_made_is_well(place: Place) -> None:
    """After the first deployment, preflight finds our own provider and preferences, and passes."""
    make_a_provider(place)
    make_preferences(place)
    iam = place.client("iam")
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    bootstrap = {"Key": "ManagedBy", "Value": "terraform/bootstrap"}
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"], Tags=[bootstrap])
    tags = [{"Key": "ManagedBy", "Value": "terraform"}]
    place.client("ssm").add_tags_to_resource(ResourceType="Document", ResourceId=PREFERENCES, Tags=tags)
    assert {finding.state for finding in place.ask()} == {State.OK}


def test_a_provider_that_bootstrap_is_told_of_is_well(place: Place) -> None:
    """If bootstrap's values say that GitHub's provider exists, preflight does not ask who created it."""
    make_a_provider(place)
    place.values = replace(place.values, prepared=f"{place.values.prepared}github_provider_exists = true\n")
    assert {finding.state for finding in place.ask()} == {State.OK}


def test_what_aws_does_not_say_is_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that AWS refuses is one line, and the others are made all the same."""

    def refuse(*_backend: object, **_asked: object) -> None:
        raise NoSuchResource

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", refuse)
    assert place.wrong().startswith("MISSING  vCPUs: could not be checked: ")


def test_images_of_an_account_that_encrypts_by_itself(place: Place) -> None:
    """In the account that bakes, encryption by default causes a warning, since such images are hard to share."""
    place.client("ec2").enable_ebs_encryption_by_default()
    assert "on by default; instances are encrypted" in str(place.ask()[-1])
    place.values = replace(place.values, given=place.values.given.replace("333333333333", place.account))
    assert place.wrong().startswith("note     EBS encryption: on by default, so images")
    assert "ok       packer: 1.14.1" in map(str, place.ask())


NOBODY = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


@pytest.mark.parametrize(
    ("arguments", "whose"),
    [((), NOBODY), (("--before=deploy",), {}), (("--before=bake",), NOBODY), ((), {"AWS_PROFILE": "nobody"})],
)
def test_wrong_credentials(place: Place, arguments: tuple[str, ...], whose: dict[str, str]) -> None:  # noqa: ARG001 - its tools
    """Missing credentials, or those of another account, are reported at once in one line that says what to do."""
    status, printed = run("prod", *arguments, **whose)
    lines = [line for line in printed.splitlines() if not line.startswith(("ok ", "note ", "MISSING  values"))]
    assert (status, len(lines), "export AWS_PROFILE=..." in lines[0]) == (2, 1, True), printed


def test_wrong_arguments() -> None:
    """An unknown environment is reported in one line, and so is an invalid server address."""
    status, printed = run("prod", "--dns=dns.example.com")
    assert (status, "argument --dns: invalid resolver value: 'dns.example.com'" in printed) == (2, True), printed
    assert run("test") == (2, "There is no environment test; there are dev, prod.\n")


@pytest.mark.parametrize(("before", "tool"), [(before_deploy, "terraform"), (before_bake, "packer")])
def test_quick_look(place: Place, before: Any, tool: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ANN401 - either of two
    """Before a deployment or a bake, one line says which identity acts in which account, or what its tools lack."""
    known = environments() | {"prod": place.values}
    assert tell_in_one_line("this", before(place.session, "prod", known)) == 0
    assert capsys.readouterr().out.endswith(f"account {place.account}, which is that of prod\n")
    place.install(tool, "v1.2.3")
    assert tell_in_one_line("this", before(place.session, "prod", known)) == 2
    assert capsys.readouterr().err.startswith(f"make this: {tool}: 1.2.3 is installed, 1.1")


def test_bootstrap_is_refused_while_a_provider_is_there(place: Place) -> None:
    """Before bootstrap, values, credentials and what is in the way are looked at; a provider would stop it."""
    known = environments() | {"prod": place.values}
    assert {finding.state for finding in before_bootstrap(place.session, "prod", known)} == {State.OK}
    make_a_provider(place)
    assert [*before_bootstrap(place.session, "prod", known)][-1].state is State.MISSING


@pytest.mark.parametrize(
    ("text", "own", "placeholder", "says"),
    [
        ("given", "333333333333", "111111111111", "environments/prod.tfvars still has 111111111111"),
        ("given", "alerts@birthdays.test", "alerts@example.com", "environments/prod.tfvars still has example.com"),
        ("given", "github.com/ada", "github.com/example", "environments/prod.tfvars still has github.com/example"),
        ("prepared", '"ada"', '"example"', 'bootstrap/prod.tfvars still has "example"'),
        ("prepared", "5678", "2000002", "bootstrap/prod.tfvars still has 2000002"),
        ("prepared", 'environment = "prod"', 'region = "eu-west-1"', "names the region eu-west-1, but "),
    ],
)
def test_values_that_are_nobodys_or_differ(place: Place, text: str, own: str, placeholder: str, says: str) -> None:
    """A placeholder that was forgotten, and a region that is another elsewhere, are told with the file."""
    after = getattr(place.values, text).replace(own, placeholder)
    assert after != getattr(place.values, text)
    place.values = replace(place.values, **{text: after})
    line = place.wrong()
    assert (line.startswith("MISSING  values: terraform/"), says in line) == (True, True), line


@pytest.mark.parametrize(("what", "other"), [("region", "eu-west-1"), ("account_id", "444444444444")])
def test_state_of_another_account_or_region(place: Place, what: str, other: str) -> None:
    """A deployment does not look for its state in another account or region, and says what corrects that."""
    wrong = place.values.backend.replace(getattr(place.values, what), other)
    known = {"prod": replace(place.values, backend=wrong)}
    (found,) = [finding for finding in before_deploy(place.session, "prod", known) if finding.state is not State.OK]
    assert str(found).endswith("To write them to it: make bootstrap ENVIRONMENT=prod")
    known["prod"] = replace(known["prod"], backend=places.backend(known["prod"]))
    assert {finding.state for finding in before_deploy(place.session, "prod", known)} == {State.OK}


def test_bake_for_another_environment(place: Place) -> None:
    """Images for one environment may be baked in the account of another, but not deployed to it."""
    known = environments() | {"dev": replace(place.values, environment="dev")}
    assert "which is that of dev" in str([*before_bake(place.session, "prod", known)][-1])
    assert [*before_deploy(place.session, "prod", known)][-1].state is State.MISSING


def test_values_are_read_as_terraform_reads_them() -> None:
    """The value in an environment's file counts, otherwise the variable's default."""
    dev, prod = environments().values()
    assert (dev.environment, dev.account_id, dev.bakes, dev.most_instances) == ("dev", "111111111111", True, 5)
    assert (prod.environment, prod.account_id, prod.bakes, prod.most_instances) == ("prod", "222222222222", False, 9)
    assert {value.text("instance_type") for value in (dev, prod)} == {"c7g.medium"}
    assert {value.region for value in (dev, prod)} == {REGION}
    otherwise = prod.given.replace("{ min = 3, desired = 3, max = 6 }", "{\n  min=3\n  desired=4\n  max=8 # enough\n}")
    assert replace(prod, given=otherwise).most_instances == 12
