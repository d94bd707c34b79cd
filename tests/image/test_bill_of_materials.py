"""The bills of materials: valid CycloneDX, complete, and under licences that we may use."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.image.layout import REPOSITORY, ROOT

pytestmark = pytest.mark.image

WHEELS = REPOSITORY / f"build/hello-birthday-{os.uname().machine}"
# Permissive ones, and MPL-2.0, which requires nothing for unchanged use.
MAY_BE_USED = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}


def write(target: str, *status: Path) -> dict[str, Any]:
    """Write a bill of materials to build/ and return it."""
    path = REPOSITORY / "build" / target
    subprocess.run(
        [".venv/bin/python", "packer/bill_of_materials.py", WHEELS, path, *status], check=True, cwd=REPOSITORY
    )
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - takes seconds, which all other tests need not wait
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - as above

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text()) is None
    bill: dict[str, Any] = json.loads(path.read_text())
    return bill


@pytest.fixture(scope="module")
def of_the_service() -> dict[str, Any]:
    """Write the bill of the wheel and its dependencies."""
    return write("bom.service.json")


@pytest.fixture(scope="module")
def of_the_image() -> dict[str, Any]:
    """Write the bill of the image, from the package status that the bake saved."""
    return write("bom.image.json", REPOSITORY / "build/dpkg-status")


def test_service_bill_has_every_locked_dependency_with_its_digest(of_the_service: dict[str, Any]) -> None:
    """Each requirement of the artifact is a component of the same version, with one of the locked digests."""
    text = (WHEELS / "requirements.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    components = {component["name"]: component for component in of_the_service["components"]}
    assert {name: component["version"] for name, component in components.items()} == locked
    assert [name for name, component in components.items() if component["hashes"][0]["content"] not in text] == []
    (wheel,) = WHEELS.glob("hello_birthday-*.whl")
    digest = of_the_service["metadata"]["component"]["hashes"][0]["content"]
    assert digest == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_licences_may_be_used(of_the_service: dict[str, Any]) -> None:
    """Every Python dependency states its licence, and offers one that we may use."""
    unusable = {}
    for component in of_the_service["components"]:
        said = [lic.get("expression") or lic["license"].get("id") for lic in component.get("licenses", [])]
        names = {name for text in said for name in re.findall(r"[\w.-]+", text or "none") if name not in {"AND", "OR"}}
        if not names or not names <= MAY_BE_USED:
            unusable[component["name"]] = names
    assert unusable == {}


def test_image_bill_has_every_package(of_the_image: dict[str, Any]) -> None:
    """Each Debian package that is installed in the image is a component, and so is each Python dependency."""
    query = ["dpkg-query", f"--root={ROOT}", "--show", "--showformat=${db:Status-Status} ${Package} ${Version}\n"]
    listed = [line.split() for line in subprocess.check_output(query, text=True).splitlines()]
    installed = {(name, version) for status, name, version in listed if status == "installed"}
    purls = {component["purl"] for component in of_the_image["components"]}
    in_bill = {(c["name"], c["version"]) for c in of_the_image["components"] if c["purl"].startswith("pkg:deb/")}
    assert in_bill >= installed
    assert {name for name, _ in in_bill - installed} <= {"openssh-server", "openssh-sftp-server"}  # for the bake
    assert [purl for purl in purls if purl.startswith("pkg:pypi/aiohttp@")]
