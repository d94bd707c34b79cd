"""The elements of pictures, and their positions: frames, icons with a label, arrows.

Points are complex numbers, x to the right and y downwards. Knows nothing of how they look.
"""

from typing import NamedTuple

from diagrams import Node


class Frame(NamedTuple):
    """A rectangle with a title, drawn around parts and other frames."""

    title: str
    colour: str
    fill: str
    top_left: complex
    bottom_right: complex
    shows: str = ""

    @property
    def middle(self) -> complex:
        """The point that arrows aim at."""
        return (self.top_left + self.bottom_right) / 2


class Part(NamedTuple):
    """An icon with a label beneath it."""

    icon: type[Node]
    label: str
    middle: complex
    shows: str = ""

    @property
    def top_left(self) -> complex:
        """The corner above the icon, with a small margin."""
        return self.middle - 28 - 28j

    @property
    def bottom_right(self) -> complex:
        """The corner below the label, with a small margin."""
        return self.middle + complex(28, 31 + 14 * len(self.label.splitlines()))


class Arrow(NamedTuple):
    """Source, target and purpose of an arrow, and the corners on its way."""

    source: str
    target: str
    purpose: str
    label: str = ""
    corners: tuple[complex, ...] = ()


class Picture(NamedTuple):
    """Everything that is drawn, by name; of frames, outer ones before inner ones."""

    frames: dict[str, Frame]
    parts: dict[str, Part]
    arrows: tuple[Arrow, ...]


def home(point: complex, frames: dict[str, Frame]) -> str:
    """Return the name of the innermost frame around a point."""
    around = [name for name, frame in frames.items() if nearest(frame, point) == point]
    return around[-1] if around else ""


def nearest(thing: Frame | Part, point: complex) -> complex:
    """Return the point of a thing that is nearest to another point."""
    low, high = thing.top_left, thing.bottom_right
    return complex(min(max(point.real, low.real), high.real), min(max(point.imag, low.imag), high.imag))
