"""docs/api.md is true: its routes, codes, limits and answers are those of the code."""

import json
import re

from service.api.payload import MAX_BYTES
from service.api.problems import RETRY_AFTER_SECONDS
from service.app import ROUTES
from service.config import Config
from service.serving.framing import MAX_FIELDS, MAX_REQUEST_LINE_BYTES
from service.serving.protocol import MAX_FIELD_BYTES, SETTINGS
from tests.infra.snippets import ROOT
from tests.support import firewall
from tests.support.openapi import DOCUMENT
from tests.unit.test_errors import concrete

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BALANCER = (ROOT / "terraform" / "modules" / "service" / "load_balancer.tf").read_text(encoding="utf-8")
LIMITED = json.loads(firewall.answer("too_many_requests").body)
CONFIG = Config()


def section(name: str) -> str:
    """Return what stands under a heading."""
    assert f"\n## {name}\n" in TEXT, f"docs/api.md needs the heading: ## {name}"
    return TEXT.split(f"\n## {name}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the rows of a section's table, but for its head."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in re.findall(r"^\|.*$", text, re.MULTILINE)
    ][2:]


def balancer(setting: str) -> str:
    """Return a number of the load balancer's settings."""
    found = re.search(rf"{setting} += (\d+)", BALANCER)
    assert found is not None, f"load_balancer.tf sets no {setting}"
    return found[1]


def test_routes_are_documented() -> None:
    """Each path that is served stands in the first table."""
    told = re.findall(r"`(?:[A-Z]+ )?(/[^` ]*)`", TEXT.split("\n## ")[0])
    paths = {re.sub(r"\{username:.*\}", "<username>", route.path) for route in ROUTES}
    missing = {path for path in paths - set(told) if not re.match("/docs/.", path)}
    assert not missing, f"document these routes in docs/api.md: {', '.join(sorted(missing))}"


def test_codes_are_documented() -> None:
    """The table of errors has a row for each code of the service and of the firewall, and no other."""
    told = {(status, code.strip("`")) for status, code, _ in rows(section("Errors"))}
    known = {(str(error.status), error.code) for error in concrete()} | {
        (str(firewall.answer(code).status), code) for code in firewall.CODES
    }
    assert not known - told, f"document these errors in docs/api.md: {sorted(known - told)}"
    assert not told - known, f"these errors are gone; remove them from docs/api.md: {sorted(told - known)}"


def test_limits_are_those_of_the_code() -> None:
    """Each limit is what the service, the firewall or the load balancer is set to."""
    told = {what: limit.split()[0] for what, limit, _ in rows(section("Limits"))}
    known = {
        "username": DOCUMENT["components"]["schemas"]["Username"]["pattern"].rpartition(",")[2].rstrip("}$"),
        "body": MAX_BYTES,
        "request line": MAX_REQUEST_LINE_BYTES,
        "header field": MAX_FIELD_BYTES,
        "header fields": MAX_FIELDS,
        "time for the request line and the header fields": CONFIG.head_seconds,
        "time for the body": CONFIG.body_seconds,
        "time in which a client reads its answers": CONFIG.answer_seconds,
        "time for a call to the storage": CONFIG.storage_seconds,
        "requests that one instance works on at once": CONFIG.max_in_flight,
        "requests from one address within five minutes": re.findall(r"\d+", LIMITED["detail"])[0],
        "idle connection to the load balancer": balancer("idle_timeout"),
        "any connection to the load balancer": balancer("client_keep_alive"),
        "idle connection to an instance": SETTINGS["keepalive_timeout"],
    }
    assert told == {what: f"{float(limit):g}" for what, limit in known.items()}, "correct Limits in docs/api.md"


def test_pauses_are_those_of_the_code() -> None:
    """Retry-After is what the service and the firewall send."""
    seconds = firewall.answer("too_many_requests").headers["retry-after"]
    told = f"{RETRY_AFTER_SECONDS} from the service, {seconds} from the firewall"
    assert told in section("Retries"), f"correct Retry-After under Retries in docs/api.md: {told}"


def test_error_is_the_one_of_the_openapi_document() -> None:
    """The error that is shown is the example of the OpenAPI document, which tests/api compares with the service."""
    shown = json.loads(section("Errors").split("Nobody\n")[1].split("```")[0])
    assert shown == DOCUMENT["components"]["examples"]["user_not_found"]["value"], "correct the error in docs/api.md"


def test_answer_of_the_firewall_is_the_one_of_terraform() -> None:
    """The body of the 429 that is shown is what Terraform tells the firewall to send."""
    shown = json.loads(section("In front of the service").split("```json\n")[1].split("```")[0])
    assert shown == LIMITED, "correct the firewall's answer in docs/api.md, or firewall.tf"
