"""Runbooks and costs are complete and consistent: a page for each alarm, links that lead somewhere, true sums."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from tests.infra.snippets import DOCUMENTS, ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
MODULES = ROOT / "terraform" / "modules"

CENT = Decimal("0.01")
ENVIRONMENTS = ["dev", "prod"]

# Pages for what people set out to do, not for what wakes them.
TASKS = {"deploy", "erase-a-person", "get-a-shell", "lose-a-zone", "read-logs", "restore-table", "roll-back", "rotate"}


def alarms() -> set[str]:
    """Return the names of the pages that alarms link to."""
    text = "".join(path.read_text(encoding="utf-8") for path in MODULES.glob("*/*.tf"))
    described = re.findall(r"^  (?:event_|own_)?alarms = \{\n(.*?)^  \}\n", text, re.MULTILINE | re.DOTALL)
    keys = re.findall(r"^    ([a-z0-9-]+) += \{$", "".join(described), re.MULTILINE)
    return {*keys, *re.findall(r"\$\{var\.runbooks_url\}/([a-z0-9-]+)\.md", text)}


def pages() -> set[str]:
    """Return the names of the runbooks that exist."""
    return {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}


def anchors(document: Path) -> set[str]:
    """Return what a link may have after `#` to lead to a heading of `document`."""
    text = re.sub(r"^ *```.*?^ *```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path, text: str) -> list[str]:
    """Return the relative links in `text` of `document` that lead nowhere."""
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", text):
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            broken.append(link)
    return broken


def costs() -> list[list[str]]:
    """Return the cells of each item of the table of costs, and of its last row, the sum."""
    lines = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8").split("| item |")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def product(counted: str, environment: int) -> Decimal:
    """Return quantities times unit price, rounded to cents; of `a / b`, a counts in dev and b in prod."""
    result = Decimal(1)
    for factor in counted.split(" x "):
        numbers = re.match(r"\$?([0-9.]+)(?: / ([0-9.]+))?", factor)
        assert numbers is not None, f"no number in {factor!r} of {counted!r}"
        result *= Decimal(numbers[environment + 1] or numbers[1])
    return result.quantize(CENT, ROUND_HALF_UP)


def test_alarms_are_found() -> None:
    """The alarms of each of the files are among those that the other tests ask about."""
    assert {"target-5xx", "slo-burn-rate", "requests-shed", "launch-failed", "unreachable"} <= alarms()


def test_every_alarm_has_a_page() -> None:
    """Whoever is woken by an alarm finds a page behind its link."""
    missing = sorted(alarms() - pages())
    assert not missing, f"write a page in docs/runbooks for each of these alarms: {', '.join(missing)}"


def test_every_page_has_an_alarm_or_a_task() -> None:
    """No runbook describes an alarm that is gone; those without an alarm are the tasks."""
    assert pages() - alarms() == TASKS


@pytest.mark.parametrize(("section", "names"), [("Alarms", alarms()), ("Tasks", TASKS)], ids=["alarms", "tasks"])
def test_index_lists_every_page(section: str, names: set[str]) -> None:
    """The runbooks' README has one row for each page, alarms and tasks apart, and no other rows."""
    text = (RUNBOOKS / "README.md").read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \[(.+)\.md\]\(\1\.md\) \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(names)


@pytest.mark.parametrize("name", sorted(pages()))
def test_runbooks_are_a_page(name: str) -> None:
    """Whoever is woken reads a page, not a book."""
    assert len((RUNBOOKS / f"{name}.md").read_text(encoding="utf-8").split()) <= 800


def on_call() -> list[list[str]]:
    """Return the cells of each alarm's row on the page for whoever is on call."""
    lines = (ROOT / "docs" / "on-call.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| [")]


def test_on_call_page_has_every_alarm() -> None:
    """Whoever is on call finds one row for each alarm, which leads to its page: what to look at, and what to do."""
    linked = [re.fullmatch(r"\[(.+)\]\(runbooks/\1\.md\)", cells[0]) for cells in on_call()]
    rows = sorted(link[1] for link in linked if link)
    assert rows == sorted(alarms()), "docs/on-call.md needs exactly one row for each alarm of Terraform"
    assert [cells[0] for cells in on_call() if len(cells) != 4 or not all(cells)] == []


def test_quoted_messages_are_those_of_the_service() -> None:
    """What runbooks quote of a service that cannot start is what it says."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "service").rglob("*.py"))
    pages_text = "".join(path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md"))
    quoted = re.findall(r"`hello-birthday: (\w[^`]+)`", pages_text)
    parts = [part.strip() for message in quoted for part in message.split("...") if part.strip()]
    assert len(parts) >= len(quoted) > 0
    assert [part for part in parts if part not in source] == [], "quote in docs/runbooks what the service says"


def test_on_call_page_is_one_screen() -> None:
    """It stays short enough to be read at once."""
    assert len((ROOT / "docs" / "on-call.md").read_text(encoding="utf-8").splitlines()) <= 45


def test_readme_leads_to_every_page() -> None:
    """README links to each page of docs/, and to the indices of the runbooks and the decisions."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = {str(path.relative_to(ROOT)) for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/README.md")]}
    wanted |= {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
    missing = sorted(path for path in wanted if f"]({path.removesuffix('/README.md')}" not in readme)
    assert missing == [], f"link to these pages in README: {', '.join(missing)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    """Every relative link finds its file, and the heading after `#` in it."""
    broken = broken_links(document, document.read_text(encoding="utf-8"))
    assert not broken, f"{document.relative_to(ROOT)}: no such file or heading, mend these links: {', '.join(broken)}"


def test_broken_links_are_found() -> None:
    """A file or a heading that is not there is noticed, one that is there is not."""
    links = ["README.md#helpers", "README.md#before-you-start", "READ.md", "README.md#one-instance", "#what"]
    text = " ".join(f"[x]({link})" for link in links)
    assert broken_links(RUNBOOKS / "deploy.md", text) == links[2:]


@pytest.mark.parametrize("environment", range(len(ENVIRONMENTS)), ids=ENVIRONMENTS)
def test_costs_are_quantity_times_price(environment: int) -> None:
    """Each row's amount is what its quantities and its unit price make."""
    items = costs()[:-1]
    wrong = {
        item[0]: item[2 + environment] for item in items if item[2 + environment] != f"{product(item[1], environment)}"
    }
    assert wrong == {}


@pytest.mark.parametrize("environment", range(len(ENVIRONMENTS)), ids=ENVIRONMENTS)
def test_costs_add_up(environment: int) -> None:
    """The last row is the sum of the rows above it."""
    *items, total = costs()
    assert Decimal(total[2 + environment]) == sum(Decimal(item[2 + environment]) for item in items)
