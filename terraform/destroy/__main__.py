"""Destroys an environment, once its name and account id have been typed; images, and what bootstrap made, stay.

    python -m terraform.destroy ENVIRONMENT [--image IMAGE] [--confirm "ENVIRONMENT ACCOUNT_ID"]

`make destroy ENVIRONMENT=dev` does it. What is left afterwards, and how to remove it: docs/first-deployment.md.
"""

import argparse
import json
import logging
import sys

from terraform.deploy import aws, ending
from terraform.deploy.confirmation import confirm
from terraform.deploy.exit_status import Failed, Refused, Status, Stuck
from terraform.deploy.images import choose
from terraform.deploy.lock import Lease, held, holder
from terraform.deploy.plan import Plan
from terraform.deploy.releases import Releases
from terraform.deploy.state import Terraform
from terraform.destroy.loss import lost, refuse_if_locked
from terraform.destroy.protection import protected
from terraform.preflight.values import environments

log = logging.getLogger("terraform.destroy")
_UNPROTECTED = "-var=deletion_protection=false"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m terraform.destroy", description=__doc__)
    parser.add_argument("environment", help="dev or prod")
    parser.add_argument("--image", help="an image that still exists, if the one that runs is gone (ami-...)")
    parser.add_argument("--confirm", metavar="ANSWER", help="the environment's name and account id, to not be asked")
    return parser.parse_args()


def destroy(given: argparse.Namespace) -> Status:
    """Destroy the environment; raise Stuck if something is left that Terraform could not destroy."""
    terraform = Terraform(given.environment)
    session = aws.session(terraform.backend["region"])
    s3, bucket = session.client("s3"), terraform.backend["bucket"]
    with held(Lease(s3, bucket, holder())) as lease:
        terraform.init(create=False)
        if not terraform.run("state", "list").split():
            log.info("nothing to destroy: the state of %s is empty", given.environment)
            return Status.DONE
        image = given.image or terraform.outputs().get("ami_id") or choose("current", Releases(s3, bucket))
        plan = terraform.plan(image, "-destroy", _UNPROTECTED)
        refuse_if_locked(plan, session.client("backup"))
        _tell(plan)
        confirm(given.environment, environments()[given.environment].account_id, given.confirm)
        lease.check()
        _destroy(terraform, plan)
    log.info("destroyed. What is left, and how that goes: docs/first-deployment.md")
    return Status.DONE


def _tell(plan: Plan) -> None:
    """Log what will be lost."""
    log.info("%s would be destroyed: %s, listed in %s", plan.environment, plan.summary, plan.text)
    for each in lost(plan):
        log.info("  lost for good: %s", each)


def _destroy(terraform: Terraform, plan: Plan) -> None:
    """Lift the protection of protected resources, changing nothing else, then destroy everything."""
    try:
        if targets := [f"-target={each}" for each in _protected(terraform)]:
            log.info("lifting the protection of %d resources", len(targets))
            terraform.apply(terraform.plan(plan.image, _UNPROTECTED, *targets))
            plan = terraform.plan(plan.image, "-destroy", _UNPROTECTED)
        terraform.apply(plan)
    except (Failed, Refused) as failure:
        raise Stuck(f"{failure} What is destroyed is gone; run the same command again for the rest.") from failure


def _protected(terraform: Terraform) -> list[str]:
    return list(protected(json.loads(terraform.run("show", "-json"))["values"]["root_module"]))


def main() -> int:
    """Destroy, and return the exit status."""
    given = arguments()
    return ending.run(lambda: destroy(given), "docs/first-deployment.md")


if __name__ == "__main__":
    sys.exit(main())
