"""Prepares an account for an environment, once its name and account id have been typed.

    python -m terraform.bootstrap ENVIRONMENT [--remove] [--confirm "ENVIRONMENT ACCOUNT_ID"]

`make bootstrap ENVIRONMENT=dev` does it, as often as you like: what exists already stays.
"""

import argparse
import logging
import sys

from terraform.bootstrap.account import Account, empty, refuse_if_in_use
from terraform.bootstrap.kept import Kept
from terraform.deploy import aws, ending
from terraform.deploy.confirmation import confirm
from terraform.deploy.exit_status import Failed, Status, Stuck
from terraform.deploy.plan import Plan
from terraform.deploy.state import Terraform
from terraform.preflight import places
from terraform.preflight.values import backend_file, environments

log = logging.getLogger("terraform.bootstrap")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m terraform.bootstrap", description=__doc__)
    parser.add_argument("environment", help="dev or prod")
    parser.add_argument("--remove", action="store_true", help="undo it: the state bucket, its key, the roles")
    parser.add_argument("--confirm", metavar="ANSWER", help="the environment's name and account id, to not be asked")
    return parser.parse_args()


def bootstrap(given: argparse.Namespace) -> Status:
    """Prepare the account, or undo that; raise Stuck if it was not completed."""
    _write_backend(given.environment)
    backend = Terraform(given.environment).backend
    s3, bucket = aws.session(backend["region"]).client("s3"), backend["bucket"]
    account = Account(given.environment)
    kept = Kept(s3, bucket, account.state)
    kept.fetch()
    account.init()
    if given.remove:
        refuse_if_in_use(s3, bucket, given.environment)
    plan = account.plan(*(["-destroy"] if given.remove else []))
    if plan.changes:
        _tell(plan)
        confirm(given.environment, environments()[given.environment].account_id, given.confirm)
        if given.remove:
            empty(s3, bucket)
    _apply(account, plan, kept)
    log.info("done: %s", plan.summary)
    _tell_github(given.environment, account)
    return Status.DONE


def _write_backend(environment: str) -> None:
    """Name account and region where the environment's state is looked for, as its own file has them."""
    values = environments().get(environment)
    if values and (text := places.backend(values)) != values.backend:
        file = backend_file(environment)
        file.write_text(text, encoding="utf-8")
        log.info("%s names account %s now; commit it", file.name, values.account_id)


def _tell(plan: Plan) -> None:
    """Log what would happen to which resource."""
    for address, action in plan.changes.items():
        log.info("  %s %s", action, address)
    log.info("in the account of %s: %s, listed in %s", plan.environment, plan.summary, plan.text)


def _apply(account: Account, plan: Plan, kept: Kept) -> None:
    """Apply the plan if it changes anything, and keep the state, however that ends."""
    try:
        if plan.changes:
            account.apply(plan)
    except Failed as failure:
        raise Stuck(f"{failure} Run the same command again once that is repaired.") from failure
    finally:
        kept.keep()


def _tell_github(environment: str, account: Account) -> None:
    """Log the commands that set the variables that GitHub's pipelines need."""
    outputs = account.outputs()
    told = {f"{environment}_{purpose}_ROLE".upper(): arn for purpose, arn in outputs.get("role_arns", {}).items()}
    if subnet := outputs.get("builder_subnet"):
        told["BAKE_SUBNET"] = subnet
    for name, value in told.items():
        log.info("gh variable set %s --body %s", name, value)


def main() -> int:
    """Prepare the account, and return the exit status."""
    given = arguments()
    return ending.run(lambda: bootstrap(given), "docs/first-deployment.md")


if __name__ == "__main__":
    sys.exit(main())
