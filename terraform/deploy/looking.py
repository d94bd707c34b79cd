"""What changes nothing in AWS: which image is meant, what a plan would do, what was released last."""

import argparse
import json
import logging
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from terraform.deploy.outcome import Refused, Status
from terraform.deploy.releases import Releases
from terraform.deploy.state import BUILD, ROOT, Plan, Terraform

log = logging.getLogger(__name__)

BAKED = BUILD / "image.tfvars.json"


def look(given: argparse.Namespace, terraform: Terraform, releases: Releases, session: boto3.Session) -> Status | None:
    """Do what changes nothing, if that is what was asked for."""
    if given.expect_younger_than is not None:
        return look_at_age(session.client("ec2"), releases, given.expect_younger_than)
    if given.hand_over:
        return hand_over(releases)
    if given.dry_run:
        image = choose(given, releases)
        terraform.choose(create=False)
        return dry_run(terraform.plan(image, lock=False), expect_no_changes=given.expect_no_changes)
    return None


def choose(given: argparse.Namespace, releases: Releases) -> str:
    """Return the id of the image that is meant; raise Refused if there is none."""
    if given.image == "baked":
        if not BAKED.exists():
            raise Refused(f"{BAKED} is missing: run `make bake` first, or name an image with --image.")
        return str(json.loads(BAKED.read_text(encoding="utf-8"))["ami_id"])
    return _released(given.image, releases) if given.image in ("current", "previous") else str(given.image)


def _released(which: str, releases: Releases) -> str:
    known = releases.all()
    back = ("current", "previous").index(which) + 1
    if len(known) < back:
        raise Refused(f"There is no {which} release yet; name an image with --image.")
    return known[-back].image


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


def look_at_age(ec2: Any, releases: Releases, days: int) -> Status:  # noqa: ANN401 - a client of boto3's
    """Fail if Debian's and Python's updates have not come with an image for long."""
    image = _released("current", releases)
    (told,) = ec2.describe_images(ImageIds=[image], IncludeDeprecated=True)["Images"]
    age = datetime.now(UTC) - datetime.fromisoformat(told["CreationDate"])
    log.info("%s was baked %d days ago", image, age.days)
    if age.days > days:
        log.error("That is more than %d: bake an image and deploy it, so that updates arrive.", days)
        return Status.FAILED
    return Status.DONE


def hand_over(releases: Releases, folder: Path = ROOT.parent, target: Path = BAKED) -> Status:
    """Leave an image where `make bake` leaves it, so that the next environment gets what this one ran.

    It is the newest release of the very content that `folder` has checked out; raise Refused if there is none.
    """
    found = next((release for release in reversed(releases.all()) if _is_checked_out(release.commit, folder)), None)
    if found is None:
        raise Refused(
            "This environment has no release of what is checked out here. Wait until it has, then run this again; "
            "what comes from elsewhere has to go through this environment first."
        )
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"ami_id": found.image}) + "\n", encoding="utf-8")
    log.info("%s was released here from the same content; %s names it", found.image, target)
    return Status.DONE


def _is_checked_out(commit: str, folder: Path) -> bool:
    """Compare contents, not commits: however a merge was made, what was verified is what goes on."""
    command = ["git", "diff", "--quiet", commit, "HEAD", "--"]
    return subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL, check=False).returncode == 0
