"""Images: which one to deploy, how old the released one is, and which one the next environment gets."""

import json
import logging
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from terraform.deploy.exit_status import Refused, Status
from terraform.deploy.releases import Releases
from terraform.deploy.state import BUILD, ROOT

log = logging.getLogger(__name__)

BAKED = BUILD / "image.tfvars.json"
_BACK = {"current": -1, "previous": -2}


def choose(wanted: str, releases: Releases) -> str:
    """Return the id of the image that `wanted` stands for; raise Refused if there is none."""
    if wanted == "baked":
        if not BAKED.exists():
            raise Refused(f"{BAKED} is missing: run `make bake` first, or name an image with --image.")
        return str(json.loads(BAKED.read_text(encoding="utf-8"))["ami_id"])
    return _released(wanted, releases) if wanted in _BACK else wanted


def _released(which: str, releases: Releases) -> str:
    try:
        return releases.all()[_BACK[which]].image
    except IndexError as error:
        raise Refused(f"There is no {which} release yet; name an image with --image.") from error


def check_age(ec2: Any, releases: Releases, days: int) -> Status:  # noqa: ANN401 - a client of boto3's
    """Fail if the released image is older than `days`, and so lacks updates of Debian and Python."""
    image = _released("current", releases)
    (told,) = ec2.describe_images(ImageIds=[image], IncludeDeprecated=True)["Images"]
    age = datetime.now(UTC) - datetime.fromisoformat(told["CreationDate"])
    log.info("%s was baked %d days ago", image, age.days)
    if age.days > days:
        log.error("That is more than %d: bake and deploy a new image to get updates.", days)
        return Status.FAILED
    return Status.DONE


def hand_over(releases: Releases, folder: Path = ROOT.parent, target: Path = BAKED) -> Status:
    """Write an image's id where `make bake` writes it, so that the next environment gets what this one ran.

    The image is the newest release of exactly the content checked out in `folder`; raise Refused if there is none.
    """
    found = next((release for release in reversed(releases.all()) if _is_checked_out(release.commit, folder)), None)
    if found is None:
        raise Refused(
            "This environment has no release of what is checked out here. Wait until it has, then run this again; "
            "a change must be released in this environment before it can be handed over."
        )
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"ami_id": found.image}) + "\n", encoding="utf-8")
    log.info("%s was released here from the same content; %s names it", found.image, target)
    return Status.DONE


def _is_checked_out(commit: str, folder: Path) -> bool:
    """Compare contents, not commits: what was verified is what is handed over, however a merge was made."""
    command = ["git", "diff", "--quiet", commit, "HEAD", "--"]
    return subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL, check=False).returncode == 0
