"""The rehearsal can fail: it notices that a fleet without drain loses requests."""

import json
import subprocess
import sys

import pytest

from tests.rehearsal.alarm import DELAY_SECONDS, Alarm
from tests.rehearsal.values import Values, read

pytestmark = pytest.mark.rehearsal


def test_without_drain_a_refresh_loses_requests_and_the_rehearsal_fails() -> None:
    """Instances that neither drain nor wait for deregistration fail requests, so the exit status is 1."""
    from tests.rehearsal.__main__ import REPORT  # noqa: PLC0415 - loads matplotlib, which takes seconds

    proof = REPORT.read_text(encoding="utf-8")
    options = ["--minutes", "7", "--only", "rolling_refresh", "--least", "1", "--without-drain"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.rehearsal", *options], capture_output=True, text=True, check=False
        )
        seen = json.loads(REPORT.read_text(encoding="utf-8"))["scenarios"]["rolling refresh"]
    finally:
        REPORT.write_text(proof, encoding="utf-8")
    assert done.returncode == 1, done.stdout
    assert seen["failed"] > 0
    assert "no request fails" in seen["missed"]


@pytest.fixture(scope="module")
def values() -> Values:
    """Return the plan's values."""
    return read()


def test_times_keep_their_proportions(values: Values) -> None:
    """A time scale changes every wait by the same factor and nothing else."""
    half = values.scaled(0.5)
    assert (half.interval, half.deregistration, half.warmup, half.drain) == (
        values.interval / 2,
        values.deregistration / 2,
        values.warmup / 2,
        values.drain / 2,
    )
    assert (half.healthy, half.unhealthy, half.most) == (values.healthy, values.unhealthy, values.most)


@pytest.mark.parametrize(
    ("periods", "rings"),
    [
        ([(0, 1000), (0, 1000)], False),
        ([(20, 1000), (0, 1000)], False),
        ([(20, 1000), (20, 1000)], True),
        ([(20, 1000), (0, 1000), (20, 1000)], True),
        ([(5, 100), (5, 100)], False),
        ([(10, 1000), (10, 1000)], False),
    ],
    ids=["quiet", "one bad period", "two bad periods", "two of three", "few errors", "exactly one percent"],
)
def test_alarm_rings_as_the_plan_says(values: Values, periods: list[tuple[int, int]], rings: bool) -> None:
    """The model of target-5xx needs two bad minutes of five, above 1 % and five errors, and rings with AWS's delay."""
    alarm = Alarm(values)
    for number, (errors, requests) in enumerate(periods, 1):
        alarm.count(number * values.alarm_period, {"200": requests - errors, "503": errors})
    end = len(periods) * values.alarm_period
    alarm.count(end + DELAY_SECONDS - 1, {})
    assert alarm.reason() is None
    alarm.count(end + DELAY_SECONDS, {})
    assert (alarm.reason() is not None) == rings
