"""The production stack, applied with Terraform to an emulated account: the starting point of deployment tests."""

import base64
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.emulator import IMAGES, Account
from tests.support.inventory import inventory
from tests.support.recording import MARK
from tests.support.terraform import Terraform, TerraformFailed, cli_environ

ENVIRONMENTS = {"dev": "111111111111", "prod": "222222222222"}
ZONES = {"dev": "dev.example.com", "prod": "example.com"}
# dev is applied with every option switched on, prod with its own values.
_OPTIONS = {"dev": {"authentication": "true", "vault_lock": "{ enabled = true, grace_days = 3 }"}, "prod": {}}


STAGES = {"bootstrap": "bootstrap", "destroy": "destruction"}
"""The stages of the commands that ask for confirmation, for the record of requests."""


@dataclass
class Stack:
    """An environment and how it came to be."""

    environment: str
    account: Account
    terraform: Terraform
    before: dict[str, set[str]]
    """What the account contained before the stack, by kind."""
    first_plan: dict[str, Any]
    second_plan: dict[str, Any]
    apply_seconds: float

    @property
    def name(self) -> str:
        """Prefix of every name in the stack."""
        return f"hello-birthday-{self.environment}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings in an instance's user data."""
        ec2 = self.account.client("ec2")
        (version,) = ec2.describe_launch_template_versions(LaunchTemplateName=self.name)["LaunchTemplateVersions"]
        lines = base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def authentication(self) -> bool:
        """Whether a user pool issues the tokens that the service asks for."""
        return bool(self.planned("aws_cognito_user_pool"))

    def planned(self, kind: str) -> list[dict[str, Any]]:
        """Return the planned values of every resource of `kind`, such as aws_lb."""
        return [
            change["change"]["after"]
            for change in self.first_plan["resource_changes"]
            if change["type"] == kind and change["mode"] == "managed"
        ]


def variables(environment: str, **others: object) -> list[str]:
    """Return the arguments that set an environment's variables, and `others` on top."""
    image = next(iter(IMAGES))
    settings = {"ami_id": image} | _OPTIONS[environment] | {name: str(value).lower() for name, value in others.items()}
    return [f"-var-file=environments/{environment}.tfvars", *(f"-var={key}={value}" for key, value in settings.items())]


def bootstrap(environment: str, account: Account, checkout: Path) -> None:
    """Prepare an account as a person does; another account may have been prepared from the same folder."""
    account.client("route53").create_hosted_zone(Name=ZONES[environment], CallerReference=environment)
    command(environment, account, checkout, "bootstrap")


def command(environment: str, account: Account, checkout: Path, name: str) -> None:
    """Run one of the commands that ask for confirmation, as make does, and confirm it."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME")} | account.environ | cli_environ(checkout)
    confirmed = f"{environment} {account.account_id}"
    done = subprocess.run(
        [sys.executable, "-m", f"terraform.{name}", environment, "--confirm", confirmed],
        cwd=checkout.parent,
        env=environ | {"TF_APPEND_USER_AGENT": f"{MARK}/{STAGES[name]}.{name}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise TerraformFailed(f"{name} {environment}\n{done.stdout}\n{done.stderr}")


def apply(environment: str, account: Account, checkout: Path) -> Stack:
    """Do what a person does in a prepared account: initialise, choose the workspace, plan, apply; and plan again."""
    terraform = Terraform.within(checkout, account, data=f".terraform/{environment}")
    terraform.run("init", f"-backend-config=environments/{environment}.s3.tfbackend")
    terraform.run("workspace", "new", environment)
    before = inventory(account)
    first = terraform.plan("-lock=false", *variables(environment))
    terraform.run("apply", terraform.saved)
    second = terraform.plan("-lock=false", *variables(environment))
    terraform.stage = "trial"  # what tests do with it is not the work of a pipeline
    return Stack(environment, account, terraform, before, first, second, terraform.seconds["apply"])


def plan_only(environment: str, account: Account, folder: Path) -> dict[str, Any]:
    """Return the plan of an environment for an account that has nothing but the hosted zone; the state stays here."""
    account.client("route53").create_hosted_zone(Name=ZONES[environment], CallerReference=environment)
    terraform = Terraform.copy(folder / "stack", account)
    (terraform.folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    terraform.run("init")
    terraform.run("workspace", "new", environment)
    return terraform.plan(*variables(environment))


def update(stack: Stack) -> None:
    """Do what a pipeline does to deploy another image to a stack."""
    stack.terraform.stage = "update"
    stack.terraform.plan("-lock=false", *variables(stack.environment, ami_id=list(IMAGES)[1]))
    stack.terraform.run("apply", stack.terraform.saved)


def destroy(stack: Stack) -> dict[str, set[str]]:
    """Destroy it as a person does, and return what is left that was not there before, by kind."""
    started = time.monotonic()
    command(stack.environment, stack.account, stack.terraform.folder, "destroy")
    stack.terraform.seconds["destroy"] = time.monotonic() - started
    after = inventory(stack.account)
    return {kind: names - stack.before[kind] for kind, names in after.items() if names - stack.before[kind]}


def new_folder(parent: Path) -> Path:
    """Return an empty folder for a stack."""
    shutil.rmtree(parent, ignore_errors=True)
    parent.mkdir(parents=True)
    return parent
