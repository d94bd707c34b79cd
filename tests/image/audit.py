"""Checks the service's dependencies for known vulnerabilities, and writes the result to build/audit.json.

    python -m tests.image.audit REQUIREMENTS

It fails if there are vulnerabilities. Dependencies without data, for lack of a connection to PyPI, are counted.
"""

import json
import subprocess
import sys
from pathlib import Path

REPORT = Path("build/audit.json")


def main(requirements: str) -> None:
    """Run pip-audit and summarise its answer."""
    tool = [".venv/bin/uv", "tool", "run", "--quiet", "--from", "pip-audit==2.10.1", "pip-audit"]
    arguments = ["--requirement", requirements, "--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json"]
    done = subprocess.run([*tool, *arguments], capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"pip-audit did not answer:\n{done.stderr}")
    answers = json.loads(done.stdout)["dependencies"]
    unknown = [answer["name"] for answer in answers if "skip_reason" in answer]
    vulnerable = {answer["name"]: [v["id"] for v in answer["vulns"]] for answer in answers if answer.get("vulns")}
    report = {"audited": len(answers) - len(unknown), "unknown": unknown, "vulnerable": vulnerable}
    REPORT.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"{report['audited']} dependencies audited, {len(vulnerable)} of them vulnerable; no data on {len(unknown)}")
    if unknown:
        print("There is no data without a connection to PyPI's advisories; run this where it can be reached.")
    if vulnerable:
        raise SystemExit(f"Raise these in uv.lock: {vulnerable}")


if __name__ == "__main__":
    main(sys.argv[1])
