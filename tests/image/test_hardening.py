"""Evidence for the hardening: lynis's report on a booted machine."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.conftest import World, note, ready
from tests.image.layout import REPOSITORY, ROOT
from tests.support.machine import booted

pytestmark = pytest.mark.image

FLOOR = 60  # of 100
LYNIS = ("/usr/sbin/lynis", "/usr/share/lynis", "/etc/lynis")
REPORT = "/var/log/lynis-report.dat"
PAGE = REPOSITORY / "docs/decisions/08-image.md"


def accepted() -> set[str]:
    """Return the findings that the decisions name with a reason."""
    return set(re.findall(r"\b[A-Z]{3,4}-\d{4}\b", PAGE.read_text(encoding="utf-8")))


@pytest.mark.usefixtures("metadata")
async def test_lynis_finds_nothing_that_was_not_decided(world: World) -> None:
    """The score is no lower than it was, and every finding is accepted with a reason in the decisions."""
    lynis = [f"--bind-ro={path}" for path in LYNIS]
    with booted(ROOT, world.network, "hello-audited", *world.trusting, *lynis) as machine:
        await ready(machine)
        await asyncio.to_thread(machine.run, "lynis", "audit", "system", "--quick", "--no-colors", check=False)
        report = machine.run("cat", REPORT).stdout
    found = dict(re.findall(r"^(?:warning|suggestion)\[\]=([A-Z]{3,4}-\d{4})\|(.*?)\|", report, re.MULTILINE))
    (score,) = re.findall(r"^hardening_index=(\d+)", report, re.MULTILINE)
    note("lynis_score", int(score))
    note("lynis_findings_accepted", len(found))
    assert {name: said for name, said in found.items() if name not in accepted()} == {}
    assert int(score) >= FLOOR


def test_every_kernel_setting_answers_a_finding() -> None:
    """Every kernel setting of the role is one that lynis asks for, or a comment says why it is set."""
    profile = Path("/etc/lynis/default.prf").read_text(encoding="utf-8")
    asked = set(re.findall(r"sysctl;([a-z0-9_.]+);", profile))
    text = (REPOSITORY / "ansible/roles/hardening/vars/main.yml").read_text(encoding="utf-8")
    settings: dict[str, Any] = yaml.safe_load(text)["hardening_sysctl"]
    explained = set(re.findall(r"^  ([a-z0-9_.]+): .* # ", text, re.MULTILINE))
    assert set(settings) - asked - explained == set(), json.dumps(settings)
