"""What the firewall in front of the service answers by itself, read from the Terraform code that defines it."""

import json
import re
from pathlib import Path

from tests.support.raw import RawResponse

_TERRAFORM = Path(__file__).parents[2] / "terraform"
_CONTENT_TYPES = {"APPLICATION_JSON": "application/json", "TEXT_HTML": "text/html", "TEXT_PLAIN": "text/plain"}


def too_many_requests() -> RawResponse:
    """Return the answer to an address that has sent too many requests, with the limit that is the default."""
    code = (_TERRAFORM / "modules" / "service" / "firewall.tf").read_text(encoding="utf-8")
    status = _found(r"response_code += (\d+)", code)
    header, value = re.findall(r'(?:name|value) += "(.*)"', _found(r"response_header \{(.*?)\}", code))
    body = _found(r"custom_response_body \{(.*?)\n  \}\n", code)
    content_type = _CONTENT_TYPES[_found(r'content_type = "(\w+)"', body)]
    headers = {"content-type": content_type, header.lower(): value}
    return RawResponse(int(status), headers, json.dumps(_document(body)).encode())


def _document(body: str) -> dict[str, str | int]:
    members = re.findall(r"^ +(\w+) += (.*)$", _found(r"jsonencode\(\{(.*?)\}\)", body), re.MULTILINE)
    return {name: json.loads(value.replace("${var.requests_per_address}", _limit())) for name, value in members}


def _limit() -> str:
    variables = (_TERRAFORM / "variables_fleet.tf").read_text(encoding="utf-8")
    return _found(r'variable "requests_per_address" \{.*?default += (\d+)', variables)


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    assert found is not None, f"firewall.tf is not written as tests/support/firewall.py reads it: no {pattern}"
    return found[1]
