"""A saved plan: what it would change, described for an approval, and the refusal of any plan but the approved one."""

import hashlib
import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terraform.deploy.exit_status import Refused, Status

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A saved plan."""

    path: Path
    environment: str
    image: str
    told: dict[str, Any] = field(repr=False)
    """The output of `terraform show -json`, which contains parts of the state."""

    @property
    def text(self) -> Path:
        """The file for people to read."""
        return self.path.with_suffix(".plan.txt")

    @property
    def changes(self) -> dict[str, str]:
        """What happens to each resource, by address, such as create or delete+create."""
        return {address: "+".join(change["actions"]) for address, change in self._changes().items()}

    @property
    def summary(self) -> str:
        """What it changes, in one line."""
        counts = sorted(Counter(self.changes.values()).items())
        return ", ".join(f"{count} {action}" for action, count in counts) or "no changes"

    @property
    def digest(self) -> str:
        """The key of an approval: equal for plans that would do the same with the same values.

        Attributes that the plan leaves alone, such as the number of instances, may change meanwhile.
        """
        differences = {address: _difference(change) for address, change in self._changes().items()}
        whole = json.dumps([self.told["variables"], self.changes, differences], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()

    def _changes(self) -> dict[str, dict[str, Any]]:
        return {
            resource["address"]: resource["change"]
            for resource in self.told.get("resource_changes", [])
            if resource["change"]["actions"] not in (["no-op"], ["read"])
        }


def _difference(change: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that would change, with their new values, including those known only after the apply."""
    before, after, unknown = (change.get(name) or {} for name in ("before", "after", "after_unknown"))
    names = before.keys() | after.keys() | unknown.keys()
    return {
        name: [after.get(name), unknown.get(name)]
        for name in names
        if before.get(name) != after.get(name) or unknown.get(name) is True
    }


def refuse_unless_approved(plan: Plan, approved: str | None) -> None:
    """Raise Refused if a dry run was approved and this plan's changes differ from it."""
    if approved not in (None, plan.digest):
        raise Refused(
            f"This would do something else than what was approved: {plan.summary}, listed in {plan.text}. "
            "Make a new --dry-run, and have that approved."
        )


def dry_run(plan: Plan, *, expect_no_changes: bool) -> Status:
    """Log what a deployment would do, and write the file that its approval needs."""
    for address, action in plan.changes.items():
        log.info("  %s %s", action, address)
    log.info("%s would be brought to %s: %s; details in %s", plan.image, plan.environment, plan.summary, plan.text)
    values = f"IMAGE={plan.image} DEPLOY=--approved={plan.digest}"
    log.info("to deploy exactly this plan: make deploy ENVIRONMENT=%s %s", plan.environment, values)
    told = f"image={plan.image}\napproved={plan.digest}\n"  # the format of a GitHub step's outputs
    plan.path.with_suffix(".approval").write_text(told, encoding="utf-8")
    return Status.FAILED if expect_no_changes and plan.changes else Status.DONE
