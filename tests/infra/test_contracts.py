"""The values that decide zero downtime are the same wherever they are written down.

They are read from Terraform's plan and from the service itself.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from service.app import ROUTES
from service.config import Config, unknown_variables
from service.serving import protocol
from service.storage import dynamodb as storage
from terraform.deploy.limits import Limits
from terraform.deploy.root import LOCK_SECONDS
from tests.rehearsal.alarm import latest_seconds
from tests.rehearsal.deployments import budget_minutes
from tests.support.stack import Stack
from tests.support.terraform import ROOT

AGENTS = ROOT / "ansible/roles/aws_agents"
UNIT = ROOT / "ansible/roles/hello_birthday/files/hello-birthday.service"
DEFAULTS = Config.from_environ({})
# Kernel, cloud-init and Python from an encrypted volume of which each block is fetched when it is first read; a guess,
# and a generous one.
SLOW_BOOT_SECONDS = 120


def only(stack: Stack, kind: str) -> dict[str, Any]:
    """Return the planned values of the one resource of `kind`."""
    (resource,) = stack.planned(kind)
    return resource


def health_check(stack: Stack) -> dict[str, Any]:
    """Return the load balancer's health check."""
    check: dict[str, Any] = only(stack, "aws_lb_target_group")["health_check"][0]
    return check


def test_load_balancer_asks_on_the_port_and_path_that_the_service_serves(stack: Stack) -> None:
    """Target group, security groups and the service agree on the port; the health check's path is a route."""
    ports = {rule["from_port"] for rule in stack.planned("aws_vpc_security_group_egress_rule")} - {443}
    assert ports == {only(stack, "aws_lb_target_group")["port"]} == {DEFAULTS.port}
    assert health_check(stack)["path"] in {route.path for route in ROUTES}


def test_service_keeps_connections_longer_than_the_load_balancer(stack: Stack) -> None:
    """The load balancer closes idle connections first, so that it never sends into a closed one."""
    assert protocol.SETTINGS["keepalive_timeout"] > only(stack, "aws_lb")["idle_timeout"]


def test_load_balancer_stops_sending_before_an_instance_stops_serving(stack: Stack) -> None:
    """Deregistration outlasts the longest request; the load balancer notices a draining instance during its drain."""
    check, delay = health_check(stack), int(only(stack, "aws_lb_target_group")["deregistration_delay"])
    longest = DEFAULTS.body_seconds + DEFAULTS.storage_seconds
    assert delay > longest
    assert delay >= DEFAULTS.drain_seconds + DEFAULTS.shutdown_seconds
    assert check["interval"] <= DEFAULTS.drain_seconds


def test_new_instances_have_time_to_start(stack: Stack) -> None:
    """The warm-up is longer than start-up and the first healthy answers together."""
    group, check = only(stack, "aws_autoscaling_group"), health_check(stack)
    first_healthy = DEFAULTS.startup_seconds + check["interval"] * check["healthy_threshold"]
    assert group["default_instance_warmup"] > first_healthy


def test_instances_may_boot_slowly_and_start_twice(stack: Stack) -> None:
    """An instance with a slow volume and a failed first start still has time to become healthy."""
    (start,) = re.findall(r"^TimeoutStartSec=(\d+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    check = health_check(stack)
    first_healthy = check["interval"] * check["healthy_threshold"]
    grace = only(stack, "aws_autoscaling_group")["health_check_grace_period"]
    assert grace >= SLOW_BOOT_SECONDS + 2 * int(start) + first_healthy


def test_load_balancer_leaves_legal_requests_to_the_service(stack: Stack) -> None:
    """Unusual but legal requests get through the load balancer; the service itself refuses ambiguous ones."""
    assert only(stack, "aws_lb")["desync_mitigation_mode"] == "defensive"


def test_refresh_and_maintenance_keep_the_same_capacity(stack: Stack) -> None:
    """A refresh, a replacement and a rebalancing all launch before they terminate."""
    group = only(stack, "aws_autoscaling_group")
    policy, refresh = group["instance_maintenance_policy"][0], group["instance_refresh"][0]["preferences"][0]
    assert {policy["min_healthy_percentage"], refresh["min_healthy_percentage"]} == {100}
    assert {policy["max_healthy_percentage"], refresh["max_healthy_percentage"]} == {150}


def test_instances_may_call_what_the_service_calls(stack: Stack) -> None:
    """The role allows every DynamoDB action in the source, and besides only DescribeTable."""
    calls = set(re.findall(r"client\.([a-z]+(?:_[a-z]+)+)\(", inspect.getsource(storage)))
    calls.remove("create_table")  # for --local and tests
    iam = stack.account.client("iam")
    policy = iam.get_role_policy(RoleName=f"{stack.name}-instance", PolicyName="serve")["PolicyDocument"]
    granted = {action.removeprefix("dynamodb:") for action in policy["Statement"][0]["Action"]}
    assert granted - {call.title().replace("_", "") for call in calls} == {"DescribeTable"}


def test_table_is_the_one_that_the_service_expects(stack: Stack) -> None:
    """Name and key of the table are those that the service expects."""
    table = only(stack, "aws_dynamodb_table")
    assert table["name"] == DEFAULTS.table_name
    assert f'_KEY = "{table["hash_key"]}"' in inspect.getsource(storage)


def test_instances_are_told_only_settings_that_the_service_knows(stack: Stack) -> None:
    """Every setting in the user data is one of the service, or a log group for the agent."""
    told = stack.settings
    groups = {name for name in told if name.startswith("LOG_GROUP_")}
    assert unknown_variables(told) == []
    config = Config.from_environ(told)
    assert (config.table_name, config.self_test) == ("birthdays", "on")
    assert {name for name in told if not name.startswith("HELLO_")} == groups
    existing = {group["logGroupName"] for group in stack.account.client("logs").describe_log_groups()["logGroups"]}
    assert {told[name] for name in groups} <= existing
    needed = re.findall(r"\$\{(LOG_GROUP_\w+):", (AGENTS / "files/agent-settings").read_text(encoding="utf-8"))
    assert set(needed) == groups


def test_service_asks_for_tokens_where_they_are_issued(stack: Stack) -> None:
    """The service trusts the user pool and its client if there is one, and requires no token otherwise."""
    cognito = stack.account.client("cognito-idp")
    pools = [pool["Id"] for pool in cognito.list_user_pools(MaxResults=60)["UserPools"]]
    clients = [cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"] for pool in pools]
    config = Config.from_environ(stack.settings)
    assert config.auth_issuer == "".join(f"https://cognito-idp.eu-central-1.amazonaws.com/{pool}" for pool in pools)
    assert config.auth_audience == tuple(client["ClientId"] for (client,) in clients)


def test_builder_has_the_profile_that_the_bootstrap_makes(stack: Stack) -> None:
    """Bootstrap creates the instance profile that Packer names."""
    template = (ROOT / "packer/variables.pkr.hcl").read_text(encoding="utf-8")
    (name,) = re.findall(r'variable "instance_profile" \{.*?default += "([\w-]+)"', template, re.DOTALL)
    profile = stack.account.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [name]


def test_instances_reach_the_bucket_that_the_inventory_names(stack: Stack) -> None:
    """Ansible's bucket for modules exists, and instances can reach it."""
    inventory = (ROOT / "ansible/inventory/hello_birthday.aws_ec2.yml").read_text(encoding="utf-8")
    (prefix, suffix) = re.findall(
        r"bucket_name: \"'([\w-]+)' ~ ec2_tags.Environment ~ '([\w-]+)' ~ owner_id", inventory
    )[0]
    bucket = f"{prefix}{stack.environment}{suffix}{stack.account.account_id}"
    assert bucket in {found["Name"] for found in stack.account.client("s3").list_buckets()["Buckets"]}
    endpoints = stack.account.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert any(f"arn:aws:s3:::{bucket}/*" in endpoint.get("PolicyDocument", "") for endpoint in endpoints)


def test_unit_waits_as_long_as_the_service_takes_to_stop(stack: Stack) -> None:
    """The unit gives the drain and the last requests enough time, and so does the load balancer."""
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert int(stop) > DEFAULTS.drain_seconds + DEFAULTS.shutdown_seconds
    assert int(stop) > int(only(stack, "aws_lb_target_group")["deregistration_delay"])


def test_unit_starts_within_the_groups_grace(stack: Stack) -> None:
    """A start that takes as long as it may is over before the group counts an instance as unhealthy."""
    (start,) = re.findall(r"^TimeoutStartSec=(\d+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    (patience,) = re.findall(r"HELLO_STARTUP_SECONDS=(\d+)", UNIT.read_text(encoding="utf-8"))
    assert int(patience) < int(start) < only(stack, "aws_autoscaling_group")["health_check_grace_period"]


_APPLY_MINUTES = 8  # of a change to what stands; the first apply of all has no way back
SPARE_MINUTES = 15
"""For what has no limit of its own: preparing, uploading, and the last look after the time is up."""


def sessions(steps: list[dict[str, Any]]) -> Iterator[tuple[int, float]]:
    """Yield the seconds that each set of credentials lasts, and the minutes that the steps until the next may take."""
    begins = [n for n, step in enumerate(steps) if "configure-aws-credentials" in step.get("uses", "")]
    for begin, end in zip(begins, [*begins[1:], len(steps)], strict=True):
        yield int(steps[begin]["with"]["role-duration-seconds"]), sum(map(longest, steps[begin + 1 : end]))


def longest(step: dict[str, Any]) -> float:
    """Return how many minutes a step may take."""
    command = step.get("run", "")
    assert "make bake" not in command or "timeout-minutes" in step
    return Limits.minutes if "make deploy" in command else float(step.get("timeout-minutes", 0))


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_deployment_ends_before_its_credentials_and_its_job_do(environment: str) -> None:
    """Bake and deployment, including a rollback, fit the sessions of the role that they run with."""
    job = yaml.safe_load((ROOT / f".github/workflows/{environment}.yml").read_text(encoding="utf-8"))["jobs"]["deploy"]
    roles = (ROOT / "terraform/bootstrap/github.tf").read_text(encoding="utf-8")
    (longest_session,) = re.findall(r"max_session_duration += (\d+)", roles)
    found = list(sessions(job["steps"]))
    assert {seconds for seconds, _ in found} == {int(longest_session)}
    assert [minutes for seconds, minutes in found if minutes + SPARE_MINUTES > seconds / 60] == []
    assert sum(minutes for _, minutes in found) + SPARE_MINUTES <= job["timeout-minutes"]


def test_deployment_outlasts_what_it_waits_for() -> None:
    """A deployment has time for an apply, the longest refresh, the verification and the watch; so has a rollback."""
    assert Limits.minutes / 2 >= _APPLY_MINUTES + Limits.refresh_minutes + Limits.settle_minutes + Limits.watch_minutes


def test_an_unshortened_rehearsal_gives_a_deployment_its_whole_time() -> None:
    """In real time, a rehearsed deployment may take as long as a real one may, and on a small machine longer."""
    assert budget_minutes(scale=1.0) >= Limits.minutes
    assert budget_minutes(scale=0.1) >= 10


def test_a_refresh_and_the_watch_wait_for_longer_than_their_alarms_need(stack: Stack) -> None:
    """Each alarm that stops a refresh rings, CloudWatch's delay included, while one new instance serves."""
    refresh = only(stack, "aws_autoscaling_group")["instance_refresh"][0]["preferences"][0]
    names = refresh["alarm_specification"][0]["alarms"]
    alarms = [alarm for alarm in stack.planned("aws_cloudwatch_metric_alarm") if alarm["alarm_name"] in names]
    needed = [
        latest_seconds(
            next(query["metric"][0]["period"] for query in alarm["metric_query"] if query["metric"]),
            alarm["datapoints_to_alarm"],
        )
        for alarm in alarms
    ]
    assert len(needed) == len(names)
    assert refresh["checkpoint_percentages"] == [1, 100]
    warmup = only(stack, "aws_autoscaling_group")["default_instance_warmup"]
    assert max(needed) <= warmup + int(refresh["checkpoint_delay"])
    assert max(needed) <= 60 * Limits.watch_minutes


def test_waiting_for_locks_leaves_time_to_deploy() -> None:
    """A plan and an apply may each wait for a lock, and most of the time is left for what follows."""
    assert Limits.minutes / 2 / 4 >= 2 * LOCK_SECONDS / 60
