"""The answers that the firewall in front of the service gives itself, read from the Terraform code that defines them.

tests/infra/test_firewall.py checks that AWS is given the same rules.
"""

import json
import re
from pathlib import Path

from tests.support.raw import RawResponse

_TERRAFORM = Path(__file__).parents[2] / "terraform"
_MODULE = _TERRAFORM / "modules" / "service"
CODES = ("blocked_by_firewall", "too_many_requests")


def answer(code: str) -> RawResponse:
    """Return the answer whose problem has this code, with the default limit for one address."""
    problems = _found(
        r"firewall_problems = \{(.*?)\n  \}\n", (_MODULE / "firewall_rules.tf").read_text(encoding="utf-8")
    )
    members = re.findall(r"^ +(\w+) += (.*)$", _found(rf"{code} = \{{(.*?)\n    \}}", problems), re.MULTILINE)
    told = {name: json.loads(value.replace("${var.requests_per_address}", _limit())) for name, value in members}
    problem = {"type": f"urn:problem-type:hello-birthday:{code.replace('_', '-')}"} | told | {"code": code}
    return RawResponse(
        told["status"], {"content-type": "application/json"} | _headers(code), json.dumps(problem).encode()
    )


def _headers(code: str) -> dict[str, str]:
    rules = (_MODULE / "firewall.tf").read_text(encoding="utf-8")
    response = _found(rf'custom_response_body_key = "{code}"\n(.*?)\n +\}}\n +\}}\n', rules)
    return {name.lower(): value for name, value in re.findall(r'name += "(.*)"\s+value = "(.*)"', response)}


def _limit() -> str:
    variables = (_TERRAFORM / "variables_fleet.tf").read_text(encoding="utf-8")
    return _found(r'variable "requests_per_address" \{.*?default += (\d+)', variables)


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    assert found is not None, f"the firewall's code is not written as tests/support/firewall.py reads it: no {pattern}"
    return found[1]
