"""The stack's root module in one environment: where its state is, and its plans."""

import re
from pathlib import Path

from terraform.deploy.exit_status import Failed, Refused
from terraform.deploy.plan import Plan
from terraform.deploy.root import WAIT, Root

ROOT = Path(__file__).parents[1]
BUILD = ROOT.parent / "build"


class Terraform(Root):
    """The root module, for one environment."""

    def __init__(self, environment: str) -> None:
        """Read where the state of `environment` is; raise Failed if there is no such environment."""
        files = {file.name.partition(".")[0]: file for file in sorted(ROOT.glob("environments/*.s3.tfbackend"))}
        if environment not in files:
            raise Failed(f"there is no environment {environment}; there are {', '.join(files)}.")
        super().__init__(ROOT, environment)
        told = files[environment].read_text(encoding="utf-8")
        self.backend = dict(re.findall(r'^(\w+) += "(.*)"$', told, re.MULTILINE))
        """Where the state is: bucket, region and so on."""

    def init(self, *, create: bool = True) -> None:
        """Select the backend and the workspace, which every other method needs; raise Failed if that fails.

        Raise Refused if there is no workspace and `create` is false: creating one writes a state.
        """
        environment = self.environment
        backend = f"-backend-config=environments/{environment}.s3.tfbackend"
        self.run("init", "-input=false", "-reconfigure", backend)
        if not create and environment not in self.run("workspace", "list").replace("*", "").split():
            raise Refused(
                f"{environment} has no state yet, and a dry run creates none: an administrator runs the first "
                f"deployment from a workstation: make deploy ENVIRONMENT={environment}. See docs/first-deployment.md."
            )
        self.run("workspace", "select", "-or-create", environment)

    def plan(self, image: str, *options: str, lock: bool = True) -> Plan:
        """Plan for `image`, and save the plan and a text for people to build/; raise Failed if that fails.

        Without `lock`, it writes nothing to the backend; if the state changes meanwhile, the plan is stale.
        """
        values = [f"-var-file=environments/{self.environment}.tfvars", f"-var=ami_id={image}"]
        path = BUILD / f"{self.environment}.tfplan"
        return self.save_plan(path, image, WAIT if lock else "-lock=false", *values, *options)
