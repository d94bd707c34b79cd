"""What docs/scale.md says about fleets of any size."""

import re

import pytest

from tests.bench import scale
from tests.bench.plan import FLEET_RATE
from tests.support.told_time import in_told_time

COSTS = {
    "instance hour": "Instances, c7g.medium",
    "LCU hour": "Load balancer, capacity used",
    "firewall": "Firewall, requests",
    "read": "DynamoDB, strongly consistent reads",
    "write": "DynamoDB, writes",
    "GB of log": "Logs of the service and the system, ingested",
}
"""The row of docs/costs.md that has each price of tests/bench/scale.py."""


@pytest.mark.parametrize("table", [scale.loads(), scale.deployments()], ids=["loads", "deployments"])
def test_page_has_what_is_computed(table: list[str]) -> None:
    """The tables on the page are those that the assumptions give."""
    page = scale.PAGE.read_text(encoding="utf-8")
    assert "\n".join(table) in page, "run: python -m tests.bench.scale"


def test_fleet_is_terraforms() -> None:
    """The computation uses Terraform's own rate for adding an instance and its way of replacing them."""
    group = (scale.PAGE.parents[1] / "terraform/modules/service/group.tf").read_text(encoding="utf-8")
    for told in (
        f"target_value = {FLEET_RATE * 60} ",
        f"MaxHealthyPercentage      = {100 + 100 * scale.SPARE:.0f}\n",
        f"CheckpointPercentages = [{100 * scale.FIRST:.0f}, 100]\n",
        f"CheckpointDelay       = {scale.PAUSE_SECONDS} ",
    ):
        assert told in group


@pytest.mark.parametrize("price", scale.PRICES)
def test_prices_are_those_of_costs(price: str) -> None:
    """Both pages count with the same price of a thing."""
    costs = (scale.PAGE.parent / "costs.md").read_text(encoding="utf-8")
    row = COSTS[price]
    found = re.search(rf"^\| {re.escape(row)} \|[^|]*\$([\d.]+) \|", costs, re.MULTILINE)
    assert found is not None, f"docs/costs.md has no row {row!r} any more: change its name in COSTS"
    assert scale.PRICES[price] == float(found[1]), "make PRICES in tests/bench/scale.py and docs/costs.md agree"


def test_name_that_all_ask_for_is_still_answered() -> None:
    """A hundred instances answer all requests for one name, three times as many as its partition serves."""
    hot = scale.HotName(size=100, rate=9_000, seconds=1)
    in_told_time(hot.run)()
    assert hot.failed == 0
    assert hot.partition.asked > scale.PARTITION_READS
