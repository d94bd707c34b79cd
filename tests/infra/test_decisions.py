"""Every decision record has a status and dates, and the index lists it."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.infra.snippets import ROOT

FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")

FORM = "write below the title: Status: accepted. Decided YYYY-MM-DD, last revised YYYY-MM-DD."
_HEAD = re.compile(
    r"# (?P<title>.+)\n\n"
    r"Status: (?P<status>accepted|superseded by \[.+\]\((?P<successor>.+)\))\. "
    r"Decided (?P<decided>\d{4}-\d\d-\d\d), last revised (?P<revised>\d{4}-\d\d-\d\d)\.\n"
)


def mistakes(text: str, today: date) -> list[str]:
    """Return what is wrong with the title and the status line of a record, and how to correct it."""
    head = _HEAD.match(text)
    if head is None:
        return [FORM]
    try:
        decided, revised = (date.fromisoformat(head[name]) for name in ("decided", "revised"))
    except ValueError as error:
        return [f"{FORM} The date does not exist: {error}"]
    wrong = {
        f"{revised} is before {decided}: a record cannot be revised before it was decided": revised < decided,
        f"{revised} is in the future: write the day of the last revision": revised > today,
        f"{head['successor']} does not exist: name the record that supersedes this one": head["successor"]
        and not (FOLDER / head["successor"]).is_file(),
    }
    return [mistake for mistake, found in wrong.items() if found]


def cells(record: Path) -> list[str]:
    """Return the first two cells of a record's row in the index: number, title and link, and the status."""
    head = _HEAD.match(record.read_text(encoding="utf-8"))
    assert head is not None, f"{record.name}: {FORM}"
    return [f"[{record.name[:2]}. {head['title']}]({record.name})", head["status"]]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name)
def test_record_has_status_and_dates(record: Path) -> None:
    """A record says below its title whether it is accepted, when it was decided and when it was last revised."""
    assert mistakes(record.read_text(encoding="utf-8"), datetime.now(UTC).date()) == []


def test_index_lists_every_record() -> None:
    """The index has one row for each record, in their order, with title and status, and no other rows."""
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = [row.split(" | ")[:2] for row in re.findall(r"^\| (\[.*)", index, re.MULTILINE)]
    assert listed == [cells(record) for record in RECORDS], "correct the table in docs/decisions/README.md"
    assert len(listed) >= 12


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("", "write below the title"),
        ("Status: maybe. Decided 2026-11-01, last revised 2026-11-02.", "write below the title"),
        ("Status: accepted. Decided 2026-11-01.", "write below the title"),
        ("Status: accepted. Decided 20261101, last revised yesterday.", "write below the title"),
        ("Status: accepted. Decided 2026-11-31, last revised 2026-12-01.", "does not exist"),
        ("Status: accepted. Decided 2026-11-03, last revised 2026-11-02.", "before it was decided"),
        ("Status: accepted. Decided 2026-11-01, last revised 2026-11-11.", "in the future"),
        ("Status: superseded by [X](99-x.md). Decided 2026-11-01, last revised 2026-11-02.", "99-x.md does not exist"),
    ],
)
def test_mistakes_are_found(line: str, mistake: str) -> None:
    """Each kind of mistake in a status line is found, if today is 10 November 2026."""
    assert mistake in " ".join(mistakes(f"# Title\n\n{line}\n", date(2026, 11, 10)))


@pytest.mark.parametrize("status", ["accepted", "superseded by [Errors](02-errors.md)"])
def test_correct_lines_pass(status: str) -> None:
    """Both kinds of status are accepted, and so is a record that was decided and revised today."""
    text = f"# Title\n\nStatus: {status}. Decided 2026-11-10, last revised 2026-11-10.\n"
    assert mistakes(text, date(2026, 11, 10)) == []
