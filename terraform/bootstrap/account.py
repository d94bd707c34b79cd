"""This folder's root module in one account, and what its removal requires."""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from terraform.bootstrap.kept import ABSENT
from terraform.deploy.exit_status import Refused
from terraform.deploy.plan import Plan
from terraform.deploy.root import Root
from terraform.deploy.state import BUILD
from terraform.preflight.values import Values, environments

FOLDER = Path(__file__).parent


class Account(Root):
    """The root module; its state is on this machine, in a workspace for each environment."""

    def __init__(self, environment: str) -> None:
        """Use the values of `environment`."""
        super().__init__(FOLDER, environment)

    @property
    def state(self) -> Path:
        """The file that Terraform keeps the state in."""
        return self.folder / "terraform.tfstate.d" / self.environment / "terraform.tfstate"

    def init(self) -> None:
        """Install the provider and select the workspace; raise Failed if that fails."""
        self.run("init", "-input=false")
        self.run("workspace", "select", "-or-create", self.environment)

    def plan(self, *options: str) -> Plan:
        """Plan, and save the plan and a text for people to build/; raise Failed if that fails."""
        path = BUILD / f"{self.environment}.bootstrap.tfplan"
        return self.save_plan(path, "no image", *arguments(environments()[self.environment]), *options)


def arguments(values: Values) -> list[str]:
    """Return the arguments that give Terraform the values: this folder's, and those in the environment's own file."""
    own = f"-var-file={values.environment}.tfvars"
    return [own, f"-var=account_id={values.account_id}", f"-var=region={values.region}"]


def refuse_if_in_use(s3: Any, bucket: str, environment: str) -> None:  # noqa: ANN401 - a client of boto3's
    """Raise Refused if the environment still exists, since its state would be deleted with the bucket."""
    try:
        found = s3.get_object(Bucket=bucket, Key=f"env:/{environment}/hello-birthday.tfstate")
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return
        raise
    if resources := json.load(found["Body"])["resources"]:
        raise Refused(
            f"{environment} still stands: its state has {len(resources)} resources. "
            f"Destroy it first: make destroy ENVIRONMENT={environment}"
        )


def empty(s3: Any, bucket: str) -> None:  # noqa: ANN401 - as above
    """Delete every version of every object: AWS deletes a bucket only if it is empty."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
