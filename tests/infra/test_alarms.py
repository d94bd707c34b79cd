"""Alarms ring when they should and at no other time: their expressions are evaluated, and their events matched."""

import re
from typing import Any

import pytest
from moto.events.models import EventPattern

from service.app import ROUTES
from tests.infra.test_contracts_metrics import SCRAPE
from tests.support.stack import Stack
from tests.support.terraform import ROOT

NOTHING = None
"""The value of a metric that nobody sent."""
GROUP = {"AutoScalingGroupName": "NAME"}


def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the planned alarms by their names without the environment's."""
    planned = stack.planned("aws_cloudwatch_metric_alarm")
    return {alarm["alarm_name"].removeprefix(f"{stack.name}-"): alarm for alarm in planned}


def fill(value: float | None, other: float) -> float:
    """CloudWatch's FILL, of one value."""
    return other if value is None else value


def expression(alarm: dict[str, Any]) -> str:
    """Return what an alarm computes from its metrics."""
    (found,) = (query["expression"] for query in alarm["metric_query"] if query["expression"])
    return str(found)


def period(alarm: dict[str, Any]) -> int:
    """Return how many seconds the first of its metrics is added up for."""
    (first, *_) = {metric["period"] for query in alarm["metric_query"] for metric in query["metric"]}
    return int(first)


def rings(alarm: dict[str, Any], **values: float | None) -> bool:
    """Tell whether a time in which metrics have these values counts against an alarm."""
    named = {query["id"] for query in alarm["metric_query"] if not query["expression"]}
    assert named == values.keys()
    try:
        return bool(eval(expression(alarm), {"FILL": fill}, values) > alarm["threshold"])  # noqa: S307 - our own, of numbers
    except TypeError:  # a metric has no value, so the expression has none
        return bool(alarm["treat_missing_data"] == "breaching")


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("below-desired-capacity", {"desired": 3, "in_service": 2}, {"desired": 3, "in_service": 4}),
        ("below-desired-capacity", {"desired": NOTHING, "in_service": NOTHING}, {"desired": 3, "in_service": 3}),
        ("agents-silent", {"in_service": 3, "told": 10}, {"in_service": 3, "told": 14}),
        ("agents-silent", {"in_service": 3, "told": NOTHING}, {"in_service": 3, "told": 20}),
        ("host-memory", {"used": 91}, {"used": 89}),
        ("host-disk", {"used": 81}, {"used": 79}),
        ("log-lines-lost", {"lost": 1}, {"lost": NOTHING}),
        ("requests-shed", {"shed": NOTHING, "refused": 1}, {"shed": NOTHING, "refused": NOTHING}),
        ("launch-failed", {"events": 1}, {"events": NOTHING}),
        ("backup-failed", {"events": 1}, {"events": NOTHING}),
    ],
)
def test_alarm_rings_when_it_should(
    stack: Stack, name: str, bad: dict[str, float | None], good: dict[str, float | None]
) -> None:
    """Values that are too low, too high or missing count towards the alarm, and normal values do not."""
    alarm = alarms(stack)[name]
    assert (rings(alarm, **bad), rings(alarm, **good)) == (True, False)


def test_group_may_replace_an_instance_in_peace(stack: Stack) -> None:
    """Missing instances and silent agents ring only after a quarter of an hour."""
    for name in ("below-desired-capacity", "agents-silent"):
        alarm = alarms(stack)[name]
        assert alarm["datapoints_to_alarm"] * period(alarm) == 15 * 60


def test_agents_tell_as_often_as_the_alarm_expects(stack: Stack) -> None:
    """The sum of the agents' reports in a period is divided by the number that one agent sends in it."""
    alarm = alarms(stack)["agents-silent"]
    (interval,) = re.findall(r"scrape_interval: (\d+)s", SCRAPE)
    assert expression(alarm).endswith(f"/ {period(alarm) // int(interval)}")


def test_only_three_alarms_stop_a_refresh(stack: Stack) -> None:
    """All other alarms notify people, and stop no deployment."""
    (group,) = stack.planned("aws_autoscaling_group")
    (specification,) = group["instance_refresh"][0]["preferences"][0]["alarm_specification"]
    names = {name.removeprefix(f"{stack.name}-") for name in specification["alarms"]}
    assert names == {"load-balancer-5xx", "target-5xx", "latency-p99"}


def event(stack: Stack, kind: str, source: str, **detail: str) -> Any:  # noqa: ANN401 - as moto takes it
    """Write an event as AWS does; `NAME` in its details is the name of the stack."""
    told = {key: value.replace("NAME", stack.name) for key, value in detail.items()}
    common = {"version": "0", "id": "0", "account": "0", "time": "2026-11-25T21:00:00Z", "region": "eu-central-1"}
    return common | {"resources": [], "detail-type": kind, "source": source, "detail": told}


@pytest.mark.parametrize(
    ("kind", "source", "detail", "alarm"),
    [
        ("EC2 Instance Launch Unsuccessful", "aws.autoscaling", GROUP, "launch-failed"),
        ("EC2 Instance Launch Unsuccessful", "aws.autoscaling", {"AutoScalingGroupName": "another"}, None),
        ("EC2 Instance Launch Successful", "aws.autoscaling", GROUP, None),
        ("Backup Job State Change", "aws.backup", {"state": "FAILED", "backupVaultName": "NAME"}, "backup-failed"),
        ("Backup Job State Change", "aws.backup", {"state": "EXPIRED", "backupVaultName": "NAME"}, "backup-failed"),
        ("Backup Job State Change", "aws.backup", {"state": "COMPLETED", "backupVaultName": "NAME"}, None),
        ("EC2 Auto Scaling Instance Refresh Failed", "aws.autoscaling", GROUP, "refresh-failed"),
        ("EC2 Auto Scaling Instance Refresh Succeeded", "aws.autoscaling", GROUP, None),
    ],
)  # fmt: skip
def test_bad_news_is_logged_and_counted(
    stack: Stack, kind: str, source: str, detail: dict[str, str], alarm: str | None
) -> None:
    """An event of a failure is logged and counts towards its alarm, and other events are not."""
    told, rules = event(stack, kind, source, **detail), stack.account.client("events").list_rules()["Rules"]
    patterns = [rule["EventPattern"] for rule in rules if rule["Name"].startswith(stack.name)]
    logged = any(EventPattern.load(pattern).matches_event(told) for pattern in patterns)
    filters = stack.account.client("logs").describe_metric_filters()["metricFilters"]
    asked = {found["filterName"]: re.findall(r'"(.+)"', found["filterPattern"]) for found in filters}
    assert [name for name, kinds in asked.items() if logged and kinds == [kind]] == ([alarm] if alarm else [])


def test_costs_count_what_alarms_watch(stack: Stack) -> None:
    """The page of costs counts as many metrics as the alarms watch."""
    planned = stack.planned("aws_cloudwatch_metric_alarm")
    watched = sum(len(query["metric"]) for alarm in planned for query in alarm["metric_query"])
    plain = sum(bool(alarm["metric_name"]) for alarm in planned)
    costs = (ROOT / "docs/costs.md").read_text(encoding="utf-8")
    assert f"| Alarms, by the metrics they watch | {watched + plain} metrics x" in costs


def test_somebody_far_away_asks_whether_the_service_is_there(stack: Stack) -> None:
    """The health check from outside uses our host name and TLS; its alarm is where Route 53 keeps its metrics."""
    (check,) = stack.account.client("route53").list_health_checks()["HealthChecks"]
    asked = check["HealthCheckConfig"]
    (name,) = [record["name"] for record in stack.planned("aws_route53_record") if record.get("type") == "A"]
    assert (asked["Type"], asked["FullyQualifiedDomainName"], asked["Port"]) == ("HTTPS", name, 443)
    assert asked["ResourcePath"] in {route.path for route in ROUTES}
    (alarm,) = stack.account.client("cloudwatch", "us-east-1").describe_alarms()["MetricAlarms"]
    assert alarm["Dimensions"] == [{"Name": "HealthCheckId", "Value": check["Id"]}]
    assert (alarm["TreatMissingData"], alarm["ComparisonOperator"]) == ("breaching", "LessThanThreshold")
    assert {arn.split(":")[3] for arn in alarm["AlarmActions"]} == {"us-east-1"}


def test_people_hear_of_both_regions(stack: Stack) -> None:
    """The alarm from outside is sent to the same addresses as the others."""
    told = {}
    for region in ("eu-central-1", "us-east-1"):
        subscriptions = stack.account.client("sns", region).list_subscriptions()["Subscriptions"]
        told[region] = {subscription["Endpoint"] for subscription in subscriptions}
    assert told["eu-central-1"] == told["us-east-1"]
    assert bool(told["us-east-1"]) is (stack.environment == "prod")
