"""The results of `make terraform-test`, as a table and in build/terraform.json."""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table

RESULTS = Path("build/terraform")
MUST_BE_ZERO = {
    "actions denied, unexplained",
    "checkov's checks failed",
    "differences of the second plan, unexplained",
    "resources left after destroying",
    "tests of the applied stacks not passed",
}


def environment(name: str) -> dict[str, int]:
    """Return the figures of one environment."""
    report = json.loads((RESULTS / f"{name}.json").read_text())
    plan = json.loads((RESULTS / f"{name}-plan.json").read_text())
    asked = json.loads((RESULTS / f"{name}-permissions.json").read_text())
    return {
        "resources created": report["resources"],
        "differences of the second plan, known gaps of the emulator": len(plan["known"]),
        "differences of the second plan, unexplained": len(plan["unexplained"]),
        "resources left after destroying": sum(len(names) for names in report["left"].values()),
        "seconds to apply": round(plan["seconds"]),
        "requests recorded": asked["requests"],
        "actions needed, with those they depend on": asked["actions"],
        "questions to the simulator: who, action, resource": asked["questions"],
        "actions denied, unexplained": asked["denied"],
        "answers waived, for a reason": asked["waived"],
        "changing actions that the apply role may take": asked["may"],
        "of which are needed": asked["used"],
    }


def checks() -> dict[str, int]:
    """Return how many tests and checks passed, and how many failed."""
    suites = [ET.parse(RESULTS / name).getroot()[0] for name in ("tests.xml", "permissions.xml")]  # noqa: S314 - pytest wrote them
    mutations = json.loads((RESULTS / "mutations.json").read_text())
    rules = sum(json.loads(path.read_text())["passed"] for path in RESULTS.glob("rules-*.json"))
    checkov: dict[str, Any] = json.loads((RESULTS / "checkov.json").read_text())["summary"]
    bad = sum(int(suite.get(kind, 0)) for suite in suites for kind in ("failures", "errors", "skipped"))
    return {
        "tests of the applied stacks passed": sum(int(suite.get("tests", 0)) for suite in suites) - bad,
        "tests of the applied stacks not passed": bad,
        "rules passed (terraform test)": rules,
        "mutations of policies noticed": mutations["noticed"],
        "checkov's checks passed": checkov["passed"],
        "checkov's checks failed": checkov["failed"],
        "checkov's checks skipped, each with its reason": checkov["skipped"],
    }


def main() -> int:
    """Print and write the summary; return 1 if anything is wrong."""
    environments, checked = {name: environment(name) for name in ("dev", "prod")}, checks()
    table = Table("", *environments, title="Terraform, applied to an emulated account")
    for line in environments["dev"]:
        table.add_row(line, *(str(values[line]) for values in environments.values()))
    console = Console()
    console.print(table)
    for line, count in checked.items():
        console.print(f"{line}: {count}", highlight=False)
    Path("build/terraform.json").write_text(json.dumps({"environments": environments, "checks": checked}, indent=1))
    everything = [checked, *environments.values()]
    return 1 if any(counts[line] for counts in everything for line in MUST_BE_ZERO & counts.keys()) else 0


if __name__ == "__main__":
    sys.exit(main())
