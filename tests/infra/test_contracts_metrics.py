"""The service's metrics arrive: unit, agent, permissions, alarms and dashboard use the same names."""

import json
import re

from service.telemetry import metrics
from tests.infra.test_contracts import AGENTS, UNIT
from tests.support.stack import Stack

DEFAULTS = (AGENTS / "defaults/main.yml").read_text(encoding="utf-8")
SCRAPE = (AGENTS / "templates/prometheus.yml.j2").read_text(encoding="utf-8")


def sent() -> set[tuple[str, frozenset[str]]]:
    """Return names and dimensions of the metrics that the agent makes of the service's."""
    agent = json.loads((AGENTS / "templates/cloudwatch.json.j2").read_text(encoding="utf-8"))
    return {
        (selector.strip("^$"), frozenset(dimensions))
        for rule in agent["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"]
        for selector in rule["metric_selectors"]
        for dimensions in rule["dimensions"]
    }


def sent_of_hosts() -> set[str]:
    """Return the names of the metrics that the agent measures itself."""
    agent = json.loads((AGENTS / "templates/cloudwatch.json.j2").read_text(encoding="utf-8"))
    measured = agent["metrics"]["metrics_collected"]
    return {f"{kind}_{name}" for kind, settings in measured.items() for name in settings["measurement"]}


def test_agent_may_write_into_the_log_groups_that_it_is_told(stack: Stack) -> None:
    """The role lets an instance write into these log groups, and into no others."""
    iam = stack.account.client("iam")
    policy = iam.get_role_policy(RoleName=f"{stack.name}-instance", PolicyName="observe")["PolicyDocument"]
    (statement,) = [found for found in policy["Statement"] if "logs:PutLogEvents" in found["Action"]]
    allowed = {resource.split(":log-group:")[1].removesuffix(":*") for resource in statement["Resource"]}
    assert allowed == {value for name, value in stack.settings.items() if name.startswith("LOG_GROUP_")}


def test_agent_may_write_metrics_where_it_writes_them(stack: Stack) -> None:
    """The namespace of the agent's metrics is the one that instances may write into."""
    (namespace,) = re.findall(r"aws_agents_metrics_namespace: (\w+)", DEFAULTS)
    iam = stack.account.client("iam")
    policy = iam.get_role_policy(RoleName=f"{stack.name}-instance", PolicyName="observe")["PolicyDocument"]
    conditions = [statement.get("Condition") for statement in policy["Statement"]]
    assert {"StringEquals": {"cloudwatch:namespace": namespace}} in conditions


def test_agent_reads_metrics_where_the_service_shows_them() -> None:
    """The port of the metrics is the same in the service's unit and in the agent's settings."""
    (shown,) = re.findall(r"HELLO_METRICS_PORT=(\d+)", UNIT.read_text(encoding="utf-8"))
    (read,) = re.findall(r"aws_agents_metrics_port: (\d+)", DEFAULTS)
    assert shown == read
    assert "127.0.0.1:{{ aws_agents_metrics_port }}" in SCRAPE


def test_agent_sends_metrics_that_the_service_has() -> None:
    """Each metric that the agent selects is one of the service's, of a kind that it can send, and is not dropped."""
    suffixes = {"counter": "_total", "gauge": ""}  # it cannot send histograms
    shown = {
        f"{family.name}{suffixes[family.type]}" for family in metrics.REGISTRY.collect() if family.type in suffixes
    }
    picked = {name for name, _ in sent()}
    (kept,) = re.findall(r"regex: (.+)", SCRAPE)
    assert picked - shown == set()
    assert {name for name in picked if not re.fullmatch(kept, name)} == set()


def test_agents_settings_are_filled_completely() -> None:
    """Whatever differs between instances in the agent's settings is filled in when an instance boots."""
    templates = [path.read_text(encoding="utf-8") for path in (AGENTS / "templates").iterdir()]
    script = (AGENTS / "files/agent-settings").read_text(encoding="utf-8")
    assert set(re.findall(r"@(\w+)@", "".join(templates))) == set(re.findall(r"s\|@(\w+)@\|\$\1\|", script))


def test_alarms_and_dashboard_show_what_the_agent_sends(stack: Stack) -> None:
    """Each metric of the service in an alarm or a graph is sent by the agent, and no other metrics are sent."""
    queries = [query for alarm in stack.planned("aws_cloudwatch_metric_alarm") for query in alarm["metric_query"]]
    watched = [metric for query in queries for metric in query["metric"] if "job" in (metric.get("dimensions") or {})]
    body = stack.account.client("cloudwatch").get_dashboard(DashboardName=stack.name)["DashboardBody"]
    drawn = [(name, "job") for name in re.findall(r'"HelloBirthday","(\w+)","job"', body)]
    searched = re.findall(r'\{HelloBirthday,([\w,]+)\} MetricName=\\"(\w+)', body)
    drawn += [(name, dimensions) for dimensions, name in searched if "job" in dimensions]
    shown = {(name, frozenset(dimensions.split(","))) for name, dimensions in drawn}
    assert shown | {(metric["metric_name"], frozenset(metric["dimensions"])) for metric in watched} == sent()
    assert {metric["dimensions"]["job"] for metric in watched} == set(re.findall(r"job_name: ([\w-]+)", SCRAPE))


def test_what_hosts_measure_is_watched_and_drawn(stack: Stack) -> None:
    """Every host metric has an alarm over all instances, and the dashboard shows it by instance."""
    queries = [query for alarm in stack.planned("aws_cloudwatch_metric_alarm") for query in alarm["metric_query"]]
    metrics = [metric for query in queries for metric in query["metric"] if metric["namespace"] == "HelloBirthday"]
    watched = {metric["metric_name"] for metric in metrics if not metric["dimensions"]}
    body = stack.account.client("cloudwatch").get_dashboard(DashboardName=stack.name)["DashboardBody"]
    assert set(re.findall(r'\{HelloBirthday,InstanceId\} MetricName=\\"(\w+)', body)) == sent_of_hosts()
    assert {name for name in watched if not name.startswith(stack.name)} == sent_of_hosts()


def test_what_gets_lost_is_told() -> None:
    """All counters of refused, lost or abandoned things reach CloudWatch."""
    counters = {f"{family.name}_total" for family in metrics.REGISTRY.collect() if family.type == "counter"}
    assert {name for name in counters if name.startswith("hello_")} - {name for name, _ in sent()} == set()
