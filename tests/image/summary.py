"""The results of `make image`, as a table and in build/image.json."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table

from tests.image.conftest import FIGURES
from tests.image.layout import REPORT


def main() -> None:
    """Print and write the summary."""
    suite = ET.parse("build/image/tests.xml").getroot()[0]  # noqa: S314 - pytest wrote it
    tests = {"tests_passed": int(suite.get("tests", 0)), "tests_seconds": round(float(suite.get("time", 0)), 1)}
    report: dict[str, Any] = json.loads(REPORT.read_text()) | json.loads(FIGURES.read_text()) | tests
    table = Table("", "", title="The image", show_header=False)
    for name, value in report.items():
        table.add_row(name.replace("_", " "), ", ".join(value) if isinstance(value, list) else f"{value:,}")
    Console().print(table)
    Path("build/image.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
