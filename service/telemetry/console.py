"""Log lines for people at a terminal: short time, level, event, fields, and the request's id at the end.

Owns their layout, 120 columns wide where the values allow it, and their colours.
"""

from structlog.typing import EventDict

_COLUMNS = 120
_INDENT = " " * 9
_BOLD, _FAINT, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"
_COLOURS = {"debug": _FAINT, "info": _GREEN, "warning": _YELLOW}
# Enough of an id to tell requests apart; JSON lines have all of it.
_ID_CHARACTERS = 8


def render(event: EventDict, *, coloured: bool) -> bytes:
    """Return the lines for `event`, which has a level and an ISO 8601 timestamp."""
    rest = dict(event)
    level, name = rest.pop("level"), _printable(str(rest.pop("event", "")))
    time = str(rest.pop("timestamp"))[11:19]
    stack = rest.pop("stack", [])
    request_id = str(rest.pop("request_id", ""))
    words = [f"{key}={_value(value)}" for key, value in rest.items()]
    if request_id:
        words.append(f"request_id={_value(request_id[:_ID_CHARACTERS])}")
    head = f"{time} {level:<7} {name}"
    first, *more = _wrapped(head, words)
    if coloured:
        painted = f"{_paint(_FAINT, time)} {_paint(_COLOURS.get(level, _RED), f'{level:<7}')} {_paint(_BOLD, name)}"
        first = first.replace(head, painted, 1)
    lines = [first, *more, *(f"{_INDENT}{_printable(frame)}" for frame in stack)]
    return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


def _wrapped(head: str, words: list[str]) -> list[str]:
    """Put `words` after `head`, on as many lines as they need; a word is never cut."""
    lines = [head]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= _COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(_INDENT + word)
    return lines


def _value(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return _printable(text) if text and " " not in text else repr(text)


def _printable(text: str) -> str:
    """Return `text` without what would steer the terminal, whoever sent it."""
    return text if text.isprintable() else repr(text)


def _paint(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"
