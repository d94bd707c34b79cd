"""Draws frames, icons and arrows with graphviz, for the pictures of this folder.

Owns how they look and how they are written to files; knows nothing of what is drawn. Every position is given, so
graphviz only paints, and does so alike on all machines.
"""

import re
from base64 import b64encode
from itertools import pairwise
from pathlib import Path

from diagrams import Cluster, Diagram, Node, setdiagram
from diagrams import __file__ as library

from docs.shapes import Arrow, Frame, Part, Picture, home, nearest

PURPOSES = {
    "request": {"color": "#232F3E", "penwidth": "1.8"},
    "delivery": {"color": "#7A3EE8", "penwidth": "1.2"},
    "operation": {"color": "#0073BB", "penwidth": "1.2"},
    "side": {"color": "#6B7A90"},
    "option": {"color": "#6B7A90", "style": "dashed"},
    "lost": {"color": "#C7131F", "style": "dashed", "penwidth": "1.5"},
    "repair": {"color": "#2E7D32", "penwidth": "1.8"},
}
FONT = {"fontname": "Helvetica,Arial,sans-serif", "fontsize": "12", "fontcolor": "#232F3E"}


def drawn(picture: Picture, name: str) -> Diagram:
    """Draw a picture, to be written to files called `name`."""
    nodes = FONT | {"width": f"{48 / 72:.3f}", "imagepos": "tc", "margin": "0.1,0"}
    diagram = Diagram("", name, graph_attr={"pad": "0.15"}, node_attr=nodes, edge_attr={"arrowsize": "0.7"})
    setdiagram(diagram)
    draw_inside("", picture)
    for arrow in picture.arrows:
        draw_arrow(diagram, arrow, picture.frames | picture.parts)
    setdiagram(None)
    return diagram


def written(*points: complex) -> str:
    """Format points for graphviz, whose y axis points upwards."""
    return " ".join(f"{point.real:g},{-point.imag:g}" for point in points)


def draw_inside(outer: str, picture: Picture) -> None:
    """Draw the frames and the parts that are directly inside a frame."""
    for name, frame in picture.frames.items():
        if home(frame.top_left - 1 - 1j, picture.frames) == outer:
            draw_frame(name, frame, picture)
    for name, part in picture.parts.items():
        if home(part.middle, picture.frames) == outer:
            draw_part(name, part)


def draw_frame(name: str, frame: Frame, picture: Picture) -> None:
    """Draw a frame and everything in it; the title is a node, so that it can be placed exactly at the left."""
    size = frame.bottom_right - frame.top_left
    corners = written(frame.top_left + complex(0, size.imag), frame.top_left + size.real)
    look = {"label": "", "bb": corners.replace(" ", ","), "pencolor": frame.colour, "bgcolor": frame.fill}
    with Cluster(frame.title, graph_attr=look):
        lines = frame.title.splitlines()
        middle = frame.top_left + complex(size.real / 2, 2 + 10 * len(lines))
        place = {"pos": written(middle), "width": f"{size.real / 72:.3f}"}
        Node(
            "".join(rf"{line}\l" for line in lines),
            nodeid=name,
            fontcolor=frame.colour,
            shape="none",
            height="0.25",
            **place,
        )
        draw_inside(name, picture)


def draw_part(name: str, part: Part) -> None:
    """Draw an icon and its label."""
    size = part.bottom_right - part.top_left
    part.icon(part.label, nodeid=name, pos=written(part.top_left + size / 2), height=f"{(size.imag - 8) / 72:.3f}")


def draw_arrow(diagram: Diagram, arrow: Arrow, things: dict[str, Frame | Part]) -> None:
    """Draw an arrow from border to border, with its label beside the longest segment."""
    source, target = things[arrow.source], things[arrow.target]
    way = [source.middle, *arrow.corners, target.middle]
    way[0], tip = nearest(source, way[1]), nearest(target, way[-2])
    way[-1] = toward(tip, way[-2], 7)
    look = FONT | PURPOSES[arrow.purpose] | {"fontsize": "10", "fontcolor": PURPOSES[arrow.purpose]["color"]}
    place = {"pos": f"e,{written(tip, *rounded(way))}", "lp": written(beside(way, arrow.label))}
    diagram.dot.edge(arrow.source, arrow.target, arrow.label, **place, **look)


def toward(start: complex, end: complex, distance: float) -> complex:
    """Return the point at a distance from `start` toward `end`."""
    return start + (end - start) / abs(end - start) * distance


def rounded(way: list[complex]) -> list[complex]:
    """Turn a path into Bézier curves with round corners: a start, and three points for each curve."""
    curves = [way[0]]
    for before, corner, after in zip(way, way[1:], way[2:], strict=False):
        into, out = toward(corner, before, 9), toward(corner, after, 9)
        curves += [curves[-1], into, into, corner, corner, out]
    return [*curves, curves[-1], way[-1], way[-1]]


def beside(way: list[complex], label: str) -> complex:
    """Return the place for a label: above a horizontal segment, right of a vertical one."""
    start, end = max(pairwise(way), key=lambda piece: abs(piece[1] - piece[0]))
    return (start + end) / 2 + (-8j if start.imag == end.imag else 6 + 2.4 * len(label))


def dot_source(diagram: Diagram) -> str:
    """Return what was drawn in graphviz's language, with icons by their paths in the library."""
    return str(diagram).replace(f"{Path(library).parents[1]}/", "")


def embedded(icon: re.Match[str]) -> str:
    """Replace the path of an icon by the icon itself, as a data URL."""
    return f'xlink:href="data:image/png;base64,{b64encode(Path(icon[1]).read_bytes()).decode()}"'


def write(picture: Picture, program: Path) -> None:
    """Write a picture's three files next to the program that describes it."""
    diagram = drawn(picture, program.stem)
    paint = {"engine": "neato", "neato_no_op": 2, "quiet": True}  # labels are meant to be wider than icons
    program.with_suffix(".dot").write_text(dot_source(diagram), encoding="utf-8")
    svg = diagram.dot.pipe("svg", **paint).decode()
    program.with_suffix(".svg").write_text(re.sub(r'xlink:href="([^"]+)"', embedded, svg), encoding="utf-8")
    diagram.dot.graph_attr["dpi"] = "144"
    program.with_suffix(".png").write_bytes(diagram.dot.pipe("png", **paint))
