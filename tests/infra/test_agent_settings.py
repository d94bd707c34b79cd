"""The settings of the CloudWatch agent, checked against the schema that Amazon publishes."""

import json
from pathlib import Path
from typing import Any

import jinja2
import jsonschema_rs
import yaml

ROLE = Path("ansible/roles/aws_agents")
SCHEMA = Path(__file__).parent / "vendor" / "cloudwatch-agent.schema.json"


def complaints(settings: dict[str, Any]) -> list[str]:
    """Return what the agent's schema has against settings."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found = jsonschema_rs.validator_for(schema).iter_errors(settings)
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in found]


def settings() -> dict[str, Any]:
    """Return the settings as the role writes them."""
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    template = jinja2.Template((ROLE / "templates/cloudwatch.json.j2").read_text(encoding="utf-8"))
    written: dict[str, Any] = json.loads(template.render(defaults))
    return written


def test_settings_are_what_the_agent_understands() -> None:
    """The agent knows every setting; with an unknown one it would not start."""
    assert complaints(settings()) == []


def test_schema_notices_what_is_wrong() -> None:
    """A value of the wrong type and a missing name are found, each with its place."""
    wrong = settings()
    wrong["agent"]["metrics_collection_interval"] = "60"
    del wrong["logs"]["logs_collected"]["files"]["collect_list"][0]["file_path"]
    assert len(complaints(wrong)) == 2
