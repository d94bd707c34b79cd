"""The committed pictures are those that their programs draw, and need no other file."""

import html
import re
from pathlib import Path

import pytest

from docs import architecture, zone_lost
from docs.drawing import dot_source, drawn
from docs.shapes import Picture

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = {"architecture": architecture.picture(), "zone_lost": zone_lost.picture()}

pictures = pytest.mark.parametrize(("name", "picture"), PICTURES.items(), ids=PICTURES)


@pictures
def test_committed_source_is_what_the_code_draws(name: str, picture: Picture) -> None:
    """Drawing again gives the committed source, with every frame and every part in it."""
    source = dot_source(drawn(picture, name))
    assert source == (DOCS / f"{name}.dot").read_text(encoding="utf-8"), "run: make picture"
    things = picture.frames | picture.parts
    assert [thing for thing in things if not re.search(rf"^\t+{thing} \[", source, re.MULTILINE)] == []


@pictures
def test_committed_svg_is_up_to_date(name: str, picture: Picture) -> None:
    """The SVG has exactly the texts of the picture, line by line."""
    svg = (DOCS / f"{name}.svg").read_text(encoding="utf-8")
    labels = [frame.title for frame in picture.frames.values()]
    labels += [part.label for part in picture.parts.values()] + [arrow.label for arrow in picture.arrows]
    lines = [line for label in labels for line in label.splitlines()]
    written = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)<", svg)]
    assert sorted(written) == sorted(lines), "run: make picture"


@pytest.mark.parametrize("suffix", [".dot", ".svg"])
@pictures
def test_picture_needs_no_other_file(name: str, picture: Picture, suffix: str) -> None:
    """Neither source nor SVG names a path of the machine that made it; the SVG carries the icon of each part."""
    text = (DOCS / f"{name}{suffix}").read_text(encoding="utf-8")
    references = re.findall(r'(?:image|href)="([^"]*)', text)
    assert len(references) == len(picture.parts)
    assert {reference.split("/")[0] for reference in references} == {"resources" if suffix == ".dot" else "data:image"}
    assert re.findall(r"/(?:home|root|tmp|usr|opt|Users)/|site-packages", re.sub(r'"data:[^"]*"', "", text)) == []
    assert str(DOCS.parent) not in text
