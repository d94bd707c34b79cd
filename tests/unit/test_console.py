"""Log lines for people: their width, their order, and that no value steers the terminal."""

from collections.abc import Mapping

import pytest

from service.telemetry import console

TIME = "2026-11-26T14:10:15.897836Z"
REQUEST = {
    "event": "request.completed",
    "level": "info",
    "timestamp": TIME,
    "request_id": "6b2f9d0a-4f5e-4c1a-9a53-0d4c8f0f6f11",
    "method": "GET",
    "route": "/hello/{username}",
    "status": 503,
    "duration_ms": 3001.234,
    "code": "storage_unavailable",
}
TRACED = REQUEST | {
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "amzn_trace_id": "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1",
}


def lines(event: Mapping[str, object]) -> list[str]:
    """Return the lines for `event` without colours."""
    return console.render(dict(event), coloured=False).decode().splitlines()


def test_request_is_one_line() -> None:
    """A request fits one line of 120 columns, its id at the end and shortened."""
    line = "14:10:15 info    request.completed method=GET route=/hello/{username} status=200 duration_ms=0.5"
    rest = {key: value for key, value in REQUEST.items() if key != "code"}
    assert lines(rest | {"status": 200, "duration_ms": 0.5}) == [f"{line} request_id=6b2f9d0a"]


@pytest.mark.parametrize("event", [REQUEST, TRACED], ids=["failed", "traced"])
def test_lines_fit_a_terminal(event: Mapping[str, object]) -> None:
    """What does not fit 120 columns goes on below, nothing is lost, and the id of the request stays the last."""
    written = lines(event)
    assert max(len(line) for line in written) <= 120
    assert all(line.startswith(" " * 9) for line in written[1:])
    fields = [word.partition("=")[0] for word in " ".join(written).split()[3:]]
    assert fields == [key for key in event if key not in ("event", "level", "timestamp", "request_id")] + ["request_id"]


def test_places_of_an_exception_stand_below() -> None:
    """Each place that an exception passed has a line of its own."""
    failed = {"event": "task.failed", "level": "error", "timestamp": TIME, "exception": "KeyError", "stack": ["a:1 b"]}
    assert lines(failed) == ["14:10:15 error   task.failed exception=KeyError", "         a:1 b"]


@pytest.mark.parametrize(
    ("value", "written"),
    [("two words", "'two words'"), ("", "''"), ("\x1b[2J", "'\\x1b[2J'"), ("a\nb", "'a\\nb'"), (None, "None")],
)
def test_values_are_told_apart(value: object, written: str) -> None:
    """A value that is empty, has spaces or would steer the terminal is quoted."""
    event = {"event": "value.seen", "level": "info", "timestamp": TIME, "value": value}
    assert lines(event) == [f"14:10:15 info    value.seen value={written}"]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_colours_change_no_word(level: str) -> None:
    """Every level has a colour, those of other libraries too, and the words are the same."""
    event = {"event": "value.seen", "level": level, "timestamp": TIME}
    coloured = console.render(event, coloured=True).decode()
    assert "\x1b[" in coloured
    assert [word for word in ("14:10:15", level, "value.seen") if word not in coloured] == []
