"""The picture of the architecture is true: it shows what terraform/ describes, and is the one its code draws."""

import html
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "architecture.py"


@pytest.fixture(scope="module")
def architecture() -> ModuleType:
    """Load the code of the picture, which is in no package."""
    spec = spec_from_file_location("architecture", PICTURE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def described(folder: str) -> set[str]:
    """Give the types of resources that the Terraform code below a folder describes."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "terraform" / folder).rglob("*.tf")]
    return set(re.findall(r'^resource "(aws_\w+)"', "\n".join(texts), re.MULTILINE))


def drawn(architecture: ModuleType) -> set[str]:
    """Give the types that a frame or a part of the picture shows."""
    return {kind for thing in architecture.THINGS.values() for kind in thing.shows.split()}


def not_drawn(architecture: ModuleType) -> set[str]:
    """Give the types that are left out with a reason."""
    return {kind for kinds in architecture.NOT_DRAWN.values() for kind in kinds.split()}


def test_every_resource_is_drawn_or_left_out_on_purpose(architecture: ModuleType) -> None:
    """Each type of resource of the stack is in exactly one of the two tables."""
    assert described("modules") - drawn(architecture) - not_drawn(architecture) == set()
    assert drawn(architecture) & not_drawn(architecture) == set()


def test_picture_names_no_resource_of_the_past(architecture: ModuleType) -> None:
    """Neither table has a type that terraform/ no longer describes."""
    assert drawn(architecture) | not_drawn(architecture) <= described(".")


def test_committed_source_is_what_the_code_draws(architecture: ModuleType) -> None:
    """Drawing again gives the committed architecture.dot, with everything that shows a resource in it."""
    source = architecture.dot_source(architecture.picture())
    assert source == PICTURE.with_suffix(".dot").read_text(encoding="utf-8"), "run: python docs/architecture.py"
    assert [name for name in architecture.THINGS if not re.search(rf"^\t+{name} \[", source, re.MULTILINE)] == []


def test_committed_svg_is_up_to_date(architecture: ModuleType) -> None:
    """The SVG has exactly the texts of the picture, line by line."""
    svg = PICTURE.with_suffix(".svg").read_text(encoding="utf-8")
    labels = [frame.title for frame in architecture.FRAMES.values()]
    labels += [thing.label for thing in [*architecture.PARTS.values(), *architecture.ARROWS]]
    lines = [line for label in labels for line in label.splitlines()]
    assert sorted(html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)<", svg)) == sorted(lines)


@pytest.mark.parametrize("suffix", [".dot", ".svg"])
def test_picture_needs_no_other_file(suffix: str) -> None:
    """Neither the source nor the SVG names a path of the machine that made it; the SVG carries its icons."""
    text = PICTURE.with_suffix(suffix).read_text(encoding="utf-8")
    references = re.findall(r'(?:image|href)="([^"]*)', text)
    assert references
    assert {reference.split("/")[0] for reference in references} == {"resources" if suffix == ".dot" else "data:image"}
    assert re.findall(r"/(?:home|root|tmp|usr|opt|Users)/|site-packages", re.sub(r'"data:[^"]*"', "", text)) == []
    assert str(ROOT) not in text
