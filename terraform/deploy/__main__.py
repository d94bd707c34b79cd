"""Deploys an image, verifies it, and rolls back to the last release if the new one is not healthy.

    python -m terraform.deploy ENVIRONMENT [--image IMAGE] [--dry-run] [--approved DIGEST] ...

`make deploy ENVIRONMENT=dev` does it. What it does and why: docs/decisions/12-delivery.md.
"""

import argparse
import json
import sys
import time

from terraform.deploy import aws, ending
from terraform.deploy.deployment import Deployment
from terraform.deploy.exit_status import Status
from terraform.deploy.images import check_age, choose, hand_over
from terraform.deploy.limits import Limits
from terraform.deploy.lock import Lease, held, holder
from terraform.deploy.plan import dry_run, refuse_unless_approved
from terraform.deploy.releases import Releases
from terraform.deploy.state import BUILD, Terraform

REPORT = BUILD / "deployment.json"
_EPILOG = """exit status: 0 done; 1 failed, the last release serves again (or --expect-no-changes found changes);
2 refused, nothing was changed; 3 failed, a person must act; 130 or 143 interrupted: run it again"""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m terraform.deploy", description=__doc__, epilog=_EPILOG)
    parser.add_argument("environment", help="dev or prod")
    parser.add_argument(
        "--image",
        default="baked",
        help="ami-...; baked: what `make bake` left (default); current: the last release; previous: the one before it",
    )
    parser.add_argument("--dry-run", action="store_true", help="save the plan in build/ and print it; change nothing")
    parser.add_argument("--approved", metavar="DIGEST", help="deploy only if the plan is the one of that --dry-run")
    parser.add_argument("--expect-no-changes", action="store_true", help="with --dry-run: fail if there are changes")
    parser.add_argument("--ignore-alarms", action="store_true", help="deploy although alarms are firing; none stops it")
    parser.add_argument("--hand-over", action="store_true", help="make the release of this checkout the `baked` image")
    parser.add_argument("--expect-younger-than", type=int, metavar="DAYS", help="fail if the image is older")
    parser.add_argument("--base-url", metavar="URL", help="load balancer, if the domain name does not lead there")
    parser.add_argument(
        "--minutes",
        type=float,
        default=Limits.minutes,
        help="time limit: half for the deployment, the rest for a rollback (default: %(default)g)",
    )
    parser.add_argument(
        "--watch-minutes",
        type=float,
        default=Limits.watch_minutes,
        help="how long to watch the alarms at the end (default: %(default)g)",
    )
    given = parser.parse_args()
    if given.expect_no_changes and not given.dry_run:
        parser.error("--expect-no-changes goes with --dry-run")
    return given


def deploy(given: argparse.Namespace, report: dict[str, object]) -> Status:
    """Carry out the command; raise Stuck if a person must act, and any other exception only if nothing was changed."""
    limits = Limits(given.minutes, given.watch_minutes, given.ignore_alarms, given.base_url)
    terraform = Terraform(given.environment)
    session = aws.session(terraform.backend["region"])
    s3, bucket = session.client("s3"), terraform.backend["bucket"]
    releases = Releases(s3, bucket)
    if given.expect_younger_than is not None:
        return check_age(session.client("ec2"), releases, given.expect_younger_than)
    if given.hand_over:
        return hand_over(releases)
    if given.dry_run:
        image = choose(given.image, releases)
        terraform.init(create=False)
        return dry_run(terraform.plan(image, lock=False), expect_no_changes=given.expect_no_changes)
    with held(Lease(s3, bucket, holder())) as lease:
        image = choose(given.image, releases)
        terraform.init()
        deployment = Deployment(terraform, session, releases, limits, aws.Waiter(lease.check), report)
        deployment.refuse_if_in_vain()
        plan = terraform.plan(image)
        refuse_unless_approved(plan, given.approved)
        return deployment.run(plan)


def main() -> int:
    """Deploy, write the report, and return the exit status."""
    given = arguments()
    began = time.monotonic()
    report: dict[str, object] = {"environment": given.environment}
    status = ending.run(lambda: deploy(given, report), "docs/runbooks/deploy.md")
    report |= {"status": status, "seconds": round(time.monotonic() - began, 1)}
    BUILD.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
