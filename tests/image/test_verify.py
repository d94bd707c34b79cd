"""The check of a prepared builder: packer/verify passes what works, and refuses what does not."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.machine import Machine

pytestmark = pytest.mark.image

SCRIPT = Path("packer/verify").read_text(encoding="utf-8")
Verify = Callable[[], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def verify(machine: Machine) -> Verify:
    """Return a function that runs packer/verify on a machine, with copies of its units in /run/units."""
    machine.run("sh", "-c", "rm -rf /run/units && cp -r /etc/systemd/system /run/units")
    return lambda: machine.run("sh", "-c", SCRIPT, "verify", "/run/units", check=False)


def test_prepared_machine_passes(verify: Verify) -> None:
    """Units, program and agents of the image pass."""
    done = verify()
    assert (done.returncode, done.stdout) == (0, "verified: units, program, agents\n"), done.stderr


def test_misspelt_option_is_refused(verify: Verify, machine: Machine) -> None:
    """An option that systemd would ignore with a warning ends the bake."""
    machine.run("sed", "--in-place", "s/^Restart=/Restrat=/", "/run/units/hello-birthday.service")
    done = verify()
    assert done.returncode != 0
    assert "Restrat" in done.stderr


def test_unit_that_is_not_started_is_refused(verify: Verify, machine: Machine) -> None:
    """A single unit that does not start at boot ends the bake."""
    machine.run("systemctl", "disable", "journal-to-file@system")
    done = verify()
    machine.run("systemctl", "enable", "journal-to-file@system")
    assert done.returncode != 0
    assert "journal-to-file@system is not started at boot" in done.stderr
