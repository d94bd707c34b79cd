"""Which versions of the AWS provider Terraform may take."""

import re

from tests.support.terraform import ROOT

TERRAFORM = ROOT / "terraform"
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(TERRAFORM.rglob("*.tf"))}
VERSIONS = {path: text for path, text in SOURCES.items() if path.name == "versions.tf"}


def test_both_major_versions_are_allowed() -> None:
    """Version 6 of the provider is allowed, later ones are not."""
    allowed = {re.findall(r'hashicorp/aws"\n +version = "(.*)"', text)[0] for text in VERSIONS.values()}
    assert allowed == {">= 5.100, < 7"}


def test_region_is_named_as_both_versions_name_it() -> None:
    """Version 6 deprecates the name of a region, and version 5 has no `region`; both have the id."""
    assert [str(path) for path, text in SOURCES.items() if re.search(r"data\.aws_region\.\w+\.(?!id\b)", text)] == []
