"""What a plan would do, told so that somebody can approve it, and the refusal to do anything else then."""

import logging

from terraform.deploy.exit_status import Refused, Status
from terraform.deploy.state import BUILD, Plan

log = logging.getLogger(__name__)


def refuse_unless_approved(plan: Plan, approved: str | None) -> None:
    """Raise Refused if the changes of a dry run were approved, and these are others."""
    if approved not in (None, plan.digest):
        raise Refused(
            f"This would do something else than what was approved: {plan.summary}, listed in "
            f"{BUILD / plan.environment}.plan.txt. Make a new --dry-run, and have that approved."
        )


def dry_run(plan: Plan, *, expect_no_changes: bool) -> Status:
    """Tell what a deployment would do."""
    for address, action in plan.changes.items():
        log.info("  %s %s", action, address)
    text = BUILD / f"{plan.environment}.plan.txt"
    log.info("%s would be brought to %s: %s; details in %s", plan.image, plan.environment, plan.summary, text)
    values = f"IMAGE={plan.image} DEPLOY=--approved={plan.digest}"
    log.info("to do exactly that: make deploy ENVIRONMENT=%s %s", plan.environment, values)
    told = f"image={plan.image}\napproved={plan.digest}\n"  # as GitHub wants a step's outputs
    (BUILD / f"{plan.environment}.approval").write_text(told, encoding="utf-8")
    return Status.FAILED if expect_no_changes and plan.changes else Status.DONE
