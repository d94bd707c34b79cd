"""The picture of the architecture is true: it shows what terraform/ describes."""

import re
from pathlib import Path

from docs import architecture

ROOT = Path(__file__).parents[2]


def described(folder: str) -> set[str]:
    """Give the types of resources that the Terraform code below a folder describes."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "terraform" / folder).rglob("*.tf")]
    return set(re.findall(r'^resource "(aws_\w+)"', "\n".join(texts), re.MULTILINE))


def drawn() -> set[str]:
    """Give the types that a frame or a part of the picture shows."""
    return {kind for thing in architecture.THINGS.values() for kind in thing.shows.split()}


def not_drawn() -> set[str]:
    """Give the types that are left out with a reason."""
    return {kind for kinds in architecture.NOT_DRAWN.values() for kind in kinds.split()}


def test_every_resource_is_drawn_or_left_out_on_purpose() -> None:
    """Each type of resource of the stack is in exactly one of the two tables."""
    assert described("modules") - drawn() - not_drawn() == set()
    assert drawn() & not_drawn() == set()


def test_picture_names_no_resource_of_the_past() -> None:
    """Neither table has a type that terraform/ no longer describes."""
    assert drawn() | not_drawn() <= described(".")
