"""Commands of the AWS CLI as calls, one by one or a whole page. It does not know permissions."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.infra.aws_commands import operation as operation_of
from tests.infra.permissions.calls import Call
from tests.infra.snippets import commands, scripts
from tests.support.emulator import REGION

_ITEM = re.compile(r"(?:\d+\.|[*-]) |\|")


def operates(page: Path, environment: str) -> Iterator[Call]:
    """Yield a page's commands that are not marked **admin**; a paragraph that begins so marks the rest of the page."""
    text = page.read_text(encoding="utf-8").replace("hello-birthday-prod", f"hello-birthday-{environment}")
    text = text.replace("-$2", "-show-health").replace('"$1"', "i-0123456789abcdef0")  # arguments of the helper `tell`
    for unit in _units(text):
        if unit.startswith("**admin**"):
            return
        if "**admin**" not in unit:
            yield from (command(words) for script in scripts(unit) for words in commands(script, "aws"))


def _units(text: str) -> Iterator[str]:
    """Split a page into paragraphs, items and rows, each with the code that follows it."""
    unit, blank, code = "", True, False
    for line in text.splitlines(keepends=True):
        fence = line.lstrip().startswith("```")
        begins = _ITEM.match(line) or (blank and not line.startswith((" ", "```")))
        if begins and line.strip() and not code:
            yield unit
            unit = ""
        unit, blank, code = unit + line, not line.strip(), code != fence
    yield unit


def command(words: list[str]) -> Call:
    """Parse a command of the AWS CLI; words that the shell would substitute are left out."""
    service, name = operation_of(words)
    values, option = [], "log-group-name"  # `aws logs tail` takes it as an argument without an option
    for word in words[3:]:
        if word.startswith("--"):
            option = word[2:]
        elif "$" not in word and word != "X":
            values += [(option.title().replace("-", ""), each) for each in word.split(",")]
    if name == "StartSession" and "--document-name" not in words:
        values.append(("DocumentName", "SSM-SessionManagerRunShell"))
    return Call(service, name, REGION, tuple(_s3(words, values)))


def _s3(words: list[str], values: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Parse s3://bucket/key, which `aws s3` takes instead of options."""
    if words[1] != "s3":
        return values
    found = re.search(r"s3://([^/ ]+)/?(\S*)", " ".join(words))
    return [("Bucket", found[1]), ("Key", found[2])] if found else values
