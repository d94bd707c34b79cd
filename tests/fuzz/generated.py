"""Generated requests: Hypothesis makes them, and what the service acknowledged is what it must return afterwards."""

import http.client
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from hypothesis import HealthCheck, Phase, given, seed, settings
from yarl import URL

from service.api.payload import MAX_BYTES
from service.birthdays import greeting
from tests.fuzz.answers import Fault, Hang, check, document
from tests.fuzz.strategies import Case, cases
from tests.support.openapi import DOCUMENT
from tests.support.raw import RawResponse

TIMEOUT_SECONDS = 10
_UNDOCUMENTED = {"/": "308", "/docs": "200", "/docs/": "308", "/openapi.yaml": "200"}
_OPERATIONS = DOCUMENT["paths"] | {path: {"get": {"responses": {status: {}}}} for path, status in _UNDOCUMENTED.items()}
# /version has no errors of its own: those documented for it answer invalid HTTP, which is never sent here.
_OF_INVALID_HTTP: dict[str, Any] = DOCUMENT["paths"]["/version"]["get"]["responses"]


@dataclass
class Dialogue:
    """One client of the service, and the writes that the service has acknowledged to it."""

    url: str
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: dict[str, date] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare a connection, which is opened again whenever the service has closed it."""
        target = URL(self.url)
        self._connection = http.client.HTTPConnection(str(target.host), target.port, timeout=TIMEOUT_SECONDS)

    def play(self, case: Case) -> None:
        """Send a request, and read what it may have changed; raise `Fault` if an answer is wrong."""
        answer = self._ask(case)
        self.statuses[answer.status] += 1
        check(answer, body=case.method != "HEAD")
        if answer.status not in _allowed(case):
            raise Fault(f"{answer.status} is not documented for this request")
        if case.born is not None and answer.status != HTTPStatus.NO_CONTENT:
            raise Fault(f"a proper request was answered with {answer.status}: {answer.body!r}")
        if (name := _name(case)) is not None:
            if case.method == "PUT" and answer.status == HTTPStatus.NO_CONTENT:
                self.acknowledged[name] = _stored(case)
            self._check_greeting(name)

    def _check_greeting(self, name: str) -> None:
        days = [_today()]
        answer = self._ask(Case("GET", f"/hello/{name}", {}, b""))
        days.append(_today())
        born = self.acknowledged.get(name)
        if born is None and answer.status != HTTPStatus.NOT_FOUND:
            raise Fault(f"{name} was never acknowledged, and yet: {answer}")
        if born is not None and document(answer) not in [{"message": greeting(name, born, day)} for day in days]:
            raise Fault(f"{born} was acknowledged for {name}, and yet: {answer}")

    def _ask(self, case: Case) -> RawResponse:
        half = len(case.body) // 2
        body = iter([case.body[:half], case.body[half:]]) if case.chunked else case.body
        try:
            self._connection.request(case.method, case.target, body, case.headers)
            response = self._connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return RawResponse(response.status, headers, response.read())
        except TimeoutError:
            self._connection.close()
            raise Hang(f"there is no answer after {TIMEOUT_SECONDS} s") from None
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Fault(f"there is no answer, but {error!r}") from error


def _today() -> date:
    return datetime.now(UTC).date()


def _name(case: Case) -> str | None:
    """Return the username that the request is about, if it is a valid one."""
    name = unquote_to_bytes(case.target.partition("?")[0].removeprefix("/hello/"))
    return name.decode() if case.target.startswith("/hello/") and re.fullmatch(rb"[A-Za-z]{1,256}", name) else None


def _stored(case: Case) -> date:
    """Return the date that an acknowledged request must have carried."""
    try:
        text = json.loads(case.body)["dateOfBirth"]
        born = date.fromisoformat(text)
    except (ValueError, KeyError, TypeError):
        raise Fault("a body without a date was acknowledged") from None
    if str(born) != text or born >= _today() or len(case.body) > MAX_BYTES:
        raise Fault("a body that breaks the rules was acknowledged")
    return born


def _allowed(case: Case) -> set[int]:
    """Return the statuses that the OpenAPI document allows for a request, and those allowed for any request."""
    path = case.target.partition("?")[0]
    resource = "/hello/{username}" if re.fullmatch("/hello/[^/]*", path) else path
    operations = _OPERATIONS.get(resource, {})
    operation = operations.get({"HEAD": "get"}.get(case.method, case.method.lower()))
    allowed = set(_own(operation["responses"])) if operation else {405 if operations else 404}
    return allowed | ({417} if "Expect" in case.headers else set())


def _own(responses: dict[str, Any]) -> Iterator[int]:
    """Yield the statuses with which an operation answers valid HTTP."""
    for status, response in responses.items():
        if status == "200" or response != _OF_INVALID_HTTP.get(status):
            yield int(status)


def converse(dialogue: Dialogue, start: int, count: int) -> None:
    """Play `count` cases, the same ones for the same `start`; raise the `Fault` of the smallest failing case."""

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def play(case: Case) -> None:
        dialogue.play(case)

    play()
