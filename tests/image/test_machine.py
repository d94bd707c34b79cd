"""A booted machine: the service runs as it should, and only that."""

import json
import re

import pytest
from testinfra.host import Host

from tests.image.conftest import FIGURES, ask, note
from tests.support.machine import Machine

pytestmark = pytest.mark.image

START_SECONDS = 60  # TimeoutStartSec of the unit


def test_boots_fast(inside: Host) -> None:
    """The service is ready well within the time that systemd gives it, even on a busy machine; times are reported."""
    shown = inside.check_output("systemctl show hello-birthday --property=%s", "ExecMainStartTimestampMonotonic")
    active = inside.check_output("systemctl show hello-birthday --property=%s", "ActiveEnterTimestampMonotonic")
    started, ready = (int(line.partition("=")[2]) for line in (shown, active))
    note("process_start_seconds", round((ready - started) / 1e6, 2))
    assert (ready - started) / 1e6 <= START_SECONDS / 4
    assert json.loads(FIGURES.read_text())["boot_to_ready_seconds"] <= START_SECONDS / 2


def test_nothing_failed(inside: Host) -> None:
    """No unit failed at boot."""
    assert inside.check_output("systemctl --failed --no-legend --plain") == ""


def test_service_is_enabled_and_runs_as_its_own_user(inside: Host) -> None:
    """The unit starts at boot; its process belongs to a user without shell, home or password."""
    assert inside.service("hello-birthday").is_enabled
    (process,) = inside.process.filter(user="hello-birthday")
    assert process.args == "/opt/hello-birthday/bin/python -m service"
    user = inside.user("hello-birthday")
    assert (user.shell, user.home, user.password) == ("/usr/sbin/nologin", "/nonexistent", "!")


def test_service_is_sandboxed(inside: Host) -> None:
    """The exposure that systemd rates is 1.5 or lower, and the kernel confirms that no privileges can be gained."""
    rating = inside.check_output("systemd-analyze security hello-birthday.service --no-pager | tail -1")
    (exposure,) = re.findall(r"[0-9.]+(?= )", rating)
    note("exposure", float(exposure))
    assert float(exposure) <= 1.5
    (process,) = inside.process.filter(user="hello-birthday")
    status = inside.file(f"/proc/{process.pid}/status").content_string
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status


def test_machine_listens_for_requests_only(machine: Machine, inside: Host) -> None:
    """The network reaches only the service and the DHCP client; metrics and the resolver are local."""
    listening = inside.check_output("ss --no-header --listening --tcp --udp --numeric").splitlines()
    addresses = {line.split()[4] for line in listening}
    assert {address for address in addresses if not address.startswith("127.")} == {
        "0.0.0.0:8080",
        f"{machine.address()}%host0:68",
    }
    assert "127.0.0.1:8081" in addresses


def test_requests_are_answered_and_stored(machine: Machine) -> None:
    """A stored user is greeted, and /version names the image and the commit."""
    assert ask(machine, "/hello/Ada", "PUT", b'{"dateOfBirth":"1990-12-10"}') == (204, b"")
    status, body = ask(machine, "/hello/Ada")
    assert status == 200
    assert json.loads(body)["message"].startswith("Hello, Ada! ")
    version = json.loads(ask(machine, "/version")[1])
    assert version["image"] == "ami-0000000000000000a"
    assert re.fullmatch(r"[0-9a-f]{40}", version["commit"])


def test_journal_has_the_services_lines(machine: Machine, inside: Host) -> None:
    """Every request is one line of JSON in the journal, without usernames."""
    ask(machine, "/hello/Grace")
    lines = inside.check_output("journalctl --unit=hello-birthday --output=cat --no-pager").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert "server.started" in {event["event"] for event in events}
    assert "Grace" not in "".join(lines)
