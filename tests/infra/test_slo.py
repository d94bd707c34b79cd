"""The page on the objective agrees with Terraform's alarms."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "terraform" / "modules" / "service"
SLO = (MODULE / "slo.tf").read_text(encoding="utf-8")
ALARMS = (MODULE / "alarms.tf").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "slo.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbooks" / "slo-burn-rate.md").read_text(encoding="utf-8")
MONTH_MINUTES = 30 * 24 * 60


def error_budget() -> float:
    """Return the share of requests that may fail, as Terraform has it."""
    return float(found(r"error_budget = ([0-9.]+)", SLO)[0])


def burn_rates() -> dict[str, tuple[float, int, int]]:
    """Return rate, long and short window in minutes of each alarm, as Terraform has them."""
    rows = re.findall(r"(\w+) = \{ rate = ([0-9.]+), minutes = \{ long = (\d+), short = (\d+) \}", SLO)
    return {speed: (float(rate), int(long), int(short)) for speed, rate, long, short in rows}


def found(pattern: str, text: str) -> tuple[str, ...]:
    """Return the groups of the one place where `pattern` is found."""
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match.groups()


def percent(share: float) -> str:
    """Write a share as the page writes it, such as 1.44 %."""
    return f"{round(100 * share, 6):g} %"


def row(speed: str, rate: float, long: int, short: int) -> str:
    """Write the page's row for an alarm."""
    spent = percent(rate * long / MONTH_MINUTES)
    return (
        f"| `slo-{speed}-burn` | {rate:g} | {percent(rate * error_budget())} | {long} and {short} minutes | {spent} |"
    )


def test_objective_is_that_of_the_alarms() -> None:
    """The page and the runbook promise what the error budget leaves; minutes of outage follow from it."""
    assert f"**{percent(1 - error_budget())} of a month's requests" in PAGE
    assert f"{percent(1 - error_budget())} of a month's requests" in RUNBOOK
    assert f"{error_budget() * MONTH_MINUTES:.0f} minutes in which nothing works" in PAGE


def test_page_has_each_burn_rate() -> None:
    """The table has one row for each alarm, with Terraform's rate and windows and what follows from them."""
    rows = re.findall(r"^\| `slo-.*?(?=\s*\| [a-z ]+ \|$)", PAGE, re.MULTILINE)
    assert [f"{text} |" for text in rows] == [row(speed, *burn) for speed, burn in burn_rates().items()]


def test_runbook_has_each_burn_rate() -> None:
    """The runbook has the same shares."""
    assert {f"more than {percent(rate * error_budget())}" in RUNBOOK for rate, _, _ in burn_rates().values()} == {True}


def test_alarms_say_how_much_of_the_budget_went() -> None:
    """The mail of each alarm states the share of the budget that its long window burns."""
    for speed, (rate, long, _) in burn_rates().items():
        (meaning,) = found(rf'{speed} = \{{ .*meaning = "([^"]+)"', SLO)
        assert meaning.startswith(f"{percent(rate * long / MONTH_MINUTES)} of the month's error budget")


def test_page_counts_what_the_alarms_count() -> None:
    """The share on the page is the expression of the alarms."""
    (expression,) = found(r'expression +=.*?"([^"]+)"', SLO)
    plain = re.sub(r"FILL\((\w+), 0\)", r"\1", expression)
    names = {"target": "target 5xx", "balancer": "load balancer 5xx"}
    assert re.sub(r"\w+", lambda word: names.get(word[0], word[0]), plain) in PAGE


def test_latency_is_that_of_its_alarm() -> None:
    """The page's threshold and minutes of latency-p99 are the alarm's."""
    pattern = r"latency-p99 = \{.*?threshold = ([0-9.]+).*?bad = (\d+), of = (\d+)"
    threshold, bad, of = found(f"(?s){pattern}", ALARMS)
    assert f"than {threshold} seconds in {bad} of {of} minutes" in " ".join(PAGE.split())
