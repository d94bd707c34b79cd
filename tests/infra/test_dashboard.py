"""The picture of the dashboard shows the dashboard that Terraform makes, and says that its numbers are made up."""

import html
import json
import re

import matplotlib as mpl
import pytest

from docs import dashboard
from docs.graphs import lines
from docs.made_up import VALUES
from tests.infra.conftest import RESULTS
from tests.support.stack import ENVIRONMENTS, Stack

WIDGETS = json.loads(dashboard.DASHBOARD.read_text(encoding="utf-8"))["widgets"]
GRAPHS = [widget for widget in WIDGETS if widget["type"] == "metric"]


def texts() -> list[str]:
    """Return what is written in the picture: matplotlib notes each text before the outlines of its letters."""
    notes = re.findall(r"<!-- (.*?) -->", dashboard.PICTURE.read_text(encoding="utf-8"))
    return [html.unescape(note) for note in notes]


def rendered(stack: Stack) -> str:
    """Return the dashboard as the emulated account keeps it, a widget a line, as prod's and without random parts."""
    body = stack.account.client("cloudwatch").get_dashboard(DashboardName=stack.name)["DashboardBody"]
    body = body.replace(stack.name, "hello-birthday-prod").replace(stack.account.account_id, ENVIRONMENTS["prod"])
    body = re.sub(r"((?:app|targetgroup)/hello-birthday-prod)/[0-9a-f]{16}", r"\1/0123456789abcdef", body)
    return '{"widgets": [\n' + ",\n".join(json.dumps(widget) for widget in json.loads(body)["widgets"]) + "\n]}\n"


def test_committed_dashboard_is_terraforms(stack: Stack) -> None:
    """What the picture is drawn from is what Terraform renders, in both environments."""
    told = RESULTS / "dashboard.json"
    told.write_text(rendered(stack), encoding="utf-8")
    assert told.read_text(encoding="utf-8") == dashboard.DASHBOARD.read_text(encoding="utf-8"), (
        f"the dashboard changed: cp {told} docs/dashboard.json && make picture"
    )


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget["properties"]["title"])
def test_widgets_are_in_the_picture(widget: dict[str, object]) -> None:
    """The committed picture has each widget's title, and what its legend or its tiles say."""
    properties = json.loads(json.dumps(widget["properties"]))
    told = [properties["title"]]
    told += [line.label for line in lines({"properties": properties})] if widget in GRAPHS else []
    told += [arn.partition(":alarm:hello-birthday-prod-")[2] for arn in properties.get("alarms", [])]
    assert set(told) - set(texts()) == set(), "run: make picture"


def test_widgets_stand_where_they_stand() -> None:
    """Each widget has the place and the size that the dashboard gives it, in rows and columns."""
    with mpl.rc_context(dashboard.STYLE):
        figure = dashboard.draw(WIDGETS)
    places = [axes.get_position() for axes in figure.axes]
    wide, tall = figure.get_size_inches()
    drawn = [
        (
            round(place.x0 * wide / dashboard.WIDTH * dashboard.COLUMNS, 0),
            round((tall - dashboard.HEADING - place.y1 * tall) / dashboard.ROW, 0),
            round((place.width * wide + dashboard.MARGIN) / dashboard.WIDTH * dashboard.COLUMNS),
            round((place.height * tall + dashboard.MARGIN) / dashboard.ROW),
        )
        for place in places
    ]
    assert drawn == [tuple(widget[name] for name in ("x", "y", "width", "height")) for widget in WIDGETS]


def test_picture_says_that_its_numbers_are_made_up() -> None:
    """Above everything, and in each graph."""
    assert "All numbers are made up." in " ".join(texts())
    assert texts().count("made-up numbers") == len(GRAPHS)


def test_numbers_are_made_up_for_shown_metrics_only() -> None:
    """No metric has numbers that no graph shows."""
    told = json.dumps(GRAPHS)
    assert {metric for metric in VALUES if metric not in told} == set()
