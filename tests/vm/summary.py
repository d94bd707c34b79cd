"""The results of `make image-vm`, as a table and in build/image-vm.json."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table

from tests.vm.conftest import FIGURES


def main() -> None:
    """Print and write the summary."""
    suite = ET.parse("build/image-vm.xml").getroot()[0]  # noqa: S314 - pytest wrote it
    report = json.loads(FIGURES.read_text()) | {
        "tests_passed": int(suite.get("tests", 0)),
        "tests_seconds": round(float(suite.get("time", 0)), 1),
    }
    table = Table("", "", title="The image as a whole machine", show_header=False)
    for name, value in report.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    Console().print(table)
    Path("build/image-vm.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
