"""All questions about one environment: recorded requests, and duties that are not recorded."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from tests.infra.permissions import duties, held, machines, pages
from tests.infra.permissions.calls import Call, read
from tests.infra.permissions.needs import Account
from tests.infra.permissions.simulation import Policies, Question
from tests.infra.snippets import ROOT

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
PLAN, APPLY = "github-plan", "github-apply"
_PLANNING = ("init", "plan")


@dataclass
class Environment:
    """One environment: its principals with their policies, and its recorded requests."""

    name: str
    account: Account
    policies: Policies
    recorded: list[tuple[str, str, Call]]
    """Stage, command and call."""
    group: str
    """ARN of the Auto Scaling group."""

    @classmethod
    def read(cls, name: str, results: Path) -> "Environment":
        """Read what `make terraform-test` recorded before it destroyed the environment."""
        account, policies, group = held.read(name, results / f"{name}-held.json")
        lines = (results / name / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        told = [line for line in map(json.loads, lines) if line["stage"] != "trial"]
        found = cls(name, account, policies, [(line["stage"], line["command"], read(line)) for line in told], group)
        found.account = replace(account, automations=found.automations())
        return found

    def questions(self) -> Iterator[Question]:
        """Yield every question: a principal and what it must be allowed."""
        for who, call in self._calls():
            for need in self.account.needs(call):
                yield Question(who, need)
        for who, call, context in self._machines():
            for need in self.account.needs(call):
                yield Question(who, need.under(context))

    def automations(self) -> dict[str, str]:
        """Return the ARNs of the roles that Automation assumes, by the name of the document."""
        contents = {name: yaml.safe_load(content) for name, content in self._documents().items()}
        return {name: content["assumeRole"] for name, content in contents.items() if "assumeRole" in content}

    def _documents(self) -> dict[str, str]:
        made = [call for _, _, call in self.recorded if call.operation == "CreateDocument"]
        return {call.named("Name")[0]: call.named("Content")[0] for call in made}

    def _calls(self) -> Iterator[tuple[str, Call]]:
        for stage, command, call in self.recorded:
            if stage in ("creation", "update"):
                yield from ((who, call) for who in ((PLAN, APPLY) if command in _PLANNING else (APPLY,)))
        bucket = next(name for name in self.account.encrypted if "-state-" in name)
        name, builder = f"hello-birthday-{self.name}", self.policies.principals["hello-birthday-builder"]["arn"]
        yield from ((APPLY, call) for call in (*duties.deploys(name, bucket), *duties.bakes(builder)))
        yield from ((PLAN, call) for call in (*duties.looks(bucket), *duties.asks()))
        yield from (("operators", call) for page in RUNBOOKS for call in pages.operates(page, self.name))
        transfers = f"{name}-transfers-{self.account.number}"
        yield from (("operators", call) for call in duties.hands_over(name, transfers))
        yield from (("operators through s3", call) for call in duties.signed(transfers))

    def _machines(self) -> Iterator[machines.Duty]:
        groups = [f"/hello-birthday-{self.name}/{kind}" for kind in ("service", "system", "metrics", "sessions")]
        yield from machines.instance("birthdays", groups, self.account.sessions_key)
        yield from machines.builder()
        yield from machines.flow_log(f"/hello-birthday-{self.name}/network")
        yield from machines.scales(self._made("CreateLaunchTemplate", "KmsKeyId"))
        for who in ("instance", "erasure"):
            yield from machines.uses_key(who, self._made("CreateTable", "KMSMasterKeyId"), "dynamodb")
        for name, role in self.automations().items():
            who = role.rpartition(f"-{self.name}-")[2]
            yield from machines.automates(who, self._documents()[name], ("AutoScalingGroupARN", self.group))

    def _made(self, operation: str, parameter: str) -> str:
        """Return a parameter of the first recorded call of an operation."""
        return next(call.named(parameter)[0] for _, _, call in self.recorded if call.operation == operation)
