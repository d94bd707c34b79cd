"""Writes a software bill of materials in CycloneDX 1.6, as JSON.

    bill_of_materials.py WHEELS TARGET [DPKG-STATUS]

WHEELS is the folder that `make artifact` fills: the service's wheel and all it needs. DPKG-STATUS is
/var/lib/dpkg/status of an image; without it, the bill covers the service alone.
"""

import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from hashlib import sha256
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

_SERVICE = "hello-birthday"
# SPDX's identifiers, for packages that state their licence only by a classifier.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}


def wheels(folder: Path) -> Iterator[Component]:
    """Read the metadata of wheels."""
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            told = Parser().parsestr(wheel.read(name).decode())
        licence = told["License-Expression"] or _of_classifier(told.get_all("Classifier", [])) or told["License"]
        name, version = told["Name"].lower().replace("_", "-"), told["Version"]
        yield Component(
            type=ComponentType.APPLICATION if name == _SERVICE else ComponentType.LIBRARY,
            name=name,
            version=version,
            licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256(path.read_bytes()).hexdigest())],
            purl=PackageURL("pypi", None, name, version),
            bom_ref=f"pypi:{name}",
        )


def _of_classifier(classifiers: list[str]) -> str | None:
    known = [_CLASSIFIERS[last] for text in classifiers if (last := text.rpartition(" :: ")[2]) in _CLASSIFIERS]
    return known[0] if known else None


def debian(status: Path) -> Iterator[Component]:
    """Read which Debian packages are installed."""
    for paragraph in status.read_text(encoding="utf-8").strip().split("\n\n"):
        told = Parser().parsestr(paragraph)
        if told["Status"] == "install ok installed":
            name, version = told["Package"], told["Version"]
            yield Component(
                type=ComponentType.LIBRARY,
                name=name,
                version=version,
                purl=PackageURL("deb", "debian", name, version, {"arch": told["Architecture"], "distro": "trixie"}),
                bom_ref=f"deb:{name}:{told['Architecture']}",
            )


def main(folder: str, target: str, status: str | None = None) -> None:
    """Write the bill and print the number of its components."""
    components = list(wheels(Path(folder)))
    service = next(component for component in components if component.name == _SERVICE)
    bom = Bom(components=[component for component in components if component is not service])
    bom.metadata.component = service
    if status:
        bom.components.update(debian(Path(status)))
    bom.register_dependency(service, bom.components)
    Path(target).write_text(JsonV1Dot6(bom).output_as_string(indent=1), encoding="utf-8")
    print(f"{target}: {service.name} {service.version} and {len(bom.components)} components")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
