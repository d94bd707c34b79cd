"""All questions about one environment: what was recorded, and the duties that nothing records."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.infra.permissions import duties, held
from tests.infra.permissions.calls import Call, read
from tests.infra.permissions.needs import Account, Need
from tests.infra.permissions.simulation import Question
from tests.infra.snippets import ROOT
from tests.support.emulator import REGION

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
PLAN, APPLY = "github-plan", "github-apply"
_PLANNING = ("init", "plan")


@dataclass
class Environment:
    """One environment: who holds what, and what was recorded of it."""

    name: str
    account: Account
    principals: held.Principals
    recorded: list[tuple[str, str, Call]]
    """Stage, command and call."""

    @classmethod
    def read(cls, name: str, results: Path) -> "Environment":
        """Read what `make terraform-test` wrote down before it destroyed the environment."""
        account, principals = held.read(name, results / f"{name}-held.json")
        lines = (results / name / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        told = [line for line in map(json.loads, lines) if line["stage"] != "trial"]
        return cls(name, account, principals, [(line["stage"], line["command"], read(line)) for line in told])

    def questions(self) -> Iterator[Question]:
        """Yield who must be allowed what."""
        for who, call in self._calls():
            for need in self.account.needs(call):
                yield Question(who, need)
        yield from self._agents()

    def _calls(self) -> Iterator[tuple[str, Call]]:
        for stage, command, call in self.recorded:
            if stage in ("creation", "update"):
                yield from ((who, call) for who in ((PLAN, APPLY) if command in _PLANNING else (APPLY,)))
        bucket = next(name for name in self.account.encrypted if "-state-" in name)
        name = f"hello-birthday-{self.name}"
        yield from ((APPLY, call) for call in (*duties.deploys(name, bucket), *duties.bakes()))
        yield from ((PLAN, call) for call in duties.plans(bucket))
        yield from (("operators", call) for page in RUNBOOKS for call in duties.operates(page, self.name))
        yield "operators", Call("ssm", "TerminateSession", REGION, (("SessionId", "somebody-0123456789abcdef0"),))

    def _agents(self) -> Iterator[Question]:
        groups = [f"/hello-birthday-{self.name}/{kind}" for kind in ("service", "system", "metrics", "sessions")]
        for endpoint, call in duties.serves("birthdays", groups, self.account.sessions_key):
            for need in self.account.needs(call):
                yield Question(f"instance through {endpoint}", need)
        context = (("aws:PrincipalAccount", self.account.number),)
        for name in duties.CHANNELS:
            need = Need(f"ssmmessages:{name}", "*", context, "the agent")
            yield from (Question(who, need) for who in ("instance through ssmmessages", "hello-birthday-builder"))
        for name in duties.MESSAGES:
            yield Question("instance through ec2messages", Need(f"ec2messages:{name}", "*", context, "the agent"))
