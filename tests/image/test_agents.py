"""The agents: they run, know where to send data, and find the journal and the metrics."""

import json
import re
import urllib.request
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.image.conftest import ask
from tests.support.machine import Machine
from tests.support.outside import STAND_INS

pytestmark = pytest.mark.image

COPIES = "/var/lib/journal-to-file"


def test_agents_run(inside: Host) -> None:
    """Both agents start at boot; here they are stand-ins, and say so."""
    for agent in STAND_INS:
        assert inside.service(agent).is_running
        assert inside.service(agent).is_enabled
        assert f"this is a stand-in, not {agent}" in inside.check_output("journalctl --unit=%s --output=cat", agent)


def settings(inside: Host) -> dict[str, Any]:
    """Return the settings that the CloudWatch agent reads."""
    path = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
    found: dict[str, Any] = json.loads(inside.file(path).content_string)
    return found


def test_agent_ships_to_the_groups_of_this_environment(inside: Host) -> None:
    """The agent's settings name the copies of the journal and the log groups that the user data named."""
    shipped = settings(inside)["logs"]["logs_collected"]["files"]["collect_list"]
    assert {(file["file_path"], file["log_group_name"]) for file in shipped} == {
        (f"{COPIES}/service/current", "/test/service"),
        (f"{COPIES}/system/current", "/test/system"),
    }
    assert settings(inside)["agent"]["run_as_user"] == "cwagent"


def test_agent_is_told_whose_metrics_it_finds_where(machine: Machine, inside: Host) -> None:
    """The agent's user can read its settings: the port of the metrics, the instance's id and the log group."""
    metrics = settings(inside)["logs"]["metrics_collected"]["prometheus"]
    assert metrics["log_group_name"] == "/test/metrics"
    told = machine.run("runuser", "--user", "cwagent", "--", "cat", metrics["prometheus_config_path"]).stdout
    (job,) = yaml.safe_load(told)["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8081"], "labels": {"InstanceId": "i-0123456789abcdef0"}}]


def test_agent_finds_the_metrics_it_looks_for(machine: Machine, inside: Host) -> None:
    """The service exposes everything that becomes a metric in CloudWatch, and only to this machine."""
    fetch = ["curl", "--silent", "--show-error", "--fail", "http://127.0.0.1:8081/metrics"]
    shown = machine.run("runuser", "--user", "cwagent", "--", *fetch).stdout
    processor = settings(inside)["logs"]["metrics_collected"]["prometheus"]["emf_processor"]
    selectors = {name for rule in processor["metric_declaration"] for name in rule["metric_selectors"]}
    names = set(re.findall(r"^([a-z_]+)[{ ]", shown, re.MULTILINE))
    assert {selector for selector in selectors if not any(re.search(selector, name) for name in names)} == set()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://{machine.address()}:8081/metrics", timeout=10)


def test_service_log_reaches_the_agent_as_it_was_written(machine: Machine, inside: Host) -> None:
    """The agent's copy has the service's log lines as the same JSON, readable by the agent's user."""
    request_id = "seen-by-the-agent"
    command = f'curl --silent --header "X-Request-Id: {request_id}" http://127.0.0.1:8080/version'
    machine.run("sh", "-c", command)
    copy = f"runuser --user cwagent -- timeout 10 tail --follow --lines=+1 {COPIES}/service/current"
    line = machine.run("sh", "-c", f"{copy} | grep --max-count=1 {request_id}", check=False).stdout
    event = json.loads(line)
    assert (event["event"], event["route"], event["request_id"]) == ("request.completed", "/version", request_id)
    assert ask(machine, "/healthz")[0] == 200
    assert inside.user("cwagent").shell != "/bin/bash"


def test_system_log_has_everything_else(machine: Machine) -> None:
    """The copy of the system's journal has the units' lines, and none of the service's."""
    copy = machine.run("cat", f"{COPIES}/system/current").stdout
    assert "Started hello-birthday.service" in copy
    assert '"event"' not in copy
