"""The settings that the page on disaster recovery relies on are as it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "disaster-recovery.md").read_text(encoding="utf-8").split())
MODULE = "terraform/modules/service"


def setting(path: str, pattern: str) -> int:
    """Return the number that a setting has in a file, as the one group of `pattern`."""
    found = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"))
    assert len(found) == 1, f"{pattern} is in {path} {len(found)} times"
    return int(found[0])


@pytest.mark.parametrize(
    ("sentence", "path", "pattern"),
    [
        ("point-in-time recovery of {} days", f"{MODULE}/table.tf", r"recovery_period_in_days = (\d+)"),
        ("the vault's copies: {} nights", f"{MODULE}/backup.tf", r"delete_after = (\d+) # days"),
        ("from 0{}:00 UTC within an hour", f"{MODULE}/backup.tf", r"cron\(0 (\d+) \* \* \? \*\)"),
        ("everything, after {} days", f"{MODULE}/encryption.tf", r"deletion_window_in_days = var\.\w+ \? (\d+)"),
    ],
)
def test_page_says_what_is_set(sentence: str, path: str, pattern: str) -> None:
    """The number on the page is that of the setting."""
    assert sentence.format(setting(path, pattern)) in PAGE


def test_oldest_nightly_backup_is_a_day_and_its_window_old() -> None:
    """The hours that a lost table and its last backup cost are a day plus the time by which a backup may start late."""
    minutes = {int(found) for found in re.findall(r"start_window += (\d+)", _text(f"{MODULE}/backup.tf"))}
    assert minutes == {60}
    assert f"up to {24 + 1} hours" in PAGE


def test_unhealthy_instances_are_noticed_in_time() -> None:
    """The seconds that a lost instance costs are those of the health checks that it has to fail."""
    checks, seconds = (
        setting(f"{MODULE}/load_balancer.tf", rf"{name} += (\d+)") for name in ("unhealthy_threshold", "interval")
    )
    assert f"| an instance | nothing acknowledged | {checks * seconds} s" in PAGE


def test_states_are_kept_for_a_year() -> None:
    """Every version of the state is kept as long as the page says."""
    assert setting("terraform/bootstrap/state.tf", r"noncurrent_days = (\d+)") == 365
    assert "every version of the state, kept for a year" in PAGE


def test_prod_keeps_its_vault_unlocked_as_the_page_says() -> None:
    """What the page lists as not covered is still not covered."""
    assert "vault_lock" not in _text("terraform/environments/prod.tfvars")
    assert "copy_action" not in _text(f"{MODULE}/backup.tf")


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
