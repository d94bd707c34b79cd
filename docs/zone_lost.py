"""The picture of what happens when a zone fails; `python -m docs.zone_lost` writes zone_lost.dot, .svg and .png.

Owns what is lost and what takes over. Seconds and sizes come from Terraform's code, the rehearsed figures from the
table that `make rehearse` fills.
"""

import re
from pathlib import Path

from diagrams.aws.compute import EC2Instance
from diagrams.aws.database import Dynamodb
from diagrams.aws.general import Users
from diagrams.aws.network import ALB, Endpoint, Route53

from docs.drawing import write
from docs.shapes import Arrow, Frame, Part, Picture

ROOT = Path(__file__).parents[1]
LOAD_BALANCER = ROOT / "terraform/modules/service/load_balancer.tf"
PROD = ROOT / "terraform/environments/prod.tfvars"
RED, DARK = "#C7131F", "#232F3E"

FRAMES = {
    "region": Frame("AWS, one region", DARK, "white", 92 + 4j, 672 + 334j),
    "zone_a": Frame("Zone a", "#007E80", "#EAF6F6", 114 + 30j, 540 + 116j),
    "zone_b": Frame("Zone b", "#007E80", "#EAF6F6", 114 + 122j, 540 + 208j),
    "zone_c": Frame("Zone c: lost", RED, "#FDECEC", 114 + 236j, 540 + 322j),
}
PARTS = {
    "name": Part(Route53, "Route 53", 45 + 68j),
    "clients": Part(Users, "Clients", 45 + 160j),
    "node_a": Part(ALB, "Load balancer", 225 + 68j),
    "node_b": Part(ALB, "Load balancer", 225 + 160j),
    "node_c": Part(ALB, "Lost", 225 + 274j),
    "instance_a": Part(EC2Instance, "Instance", 365 + 68j),
    "instance_b": Part(EC2Instance, "Instance", 365 + 160j),
    "instance_c": Part(EC2Instance, "Lost", 365 + 274j),
    "successor": Part(EC2Instance, "New instance", 488 + 68j),
    "gateway": Part(Endpoint, "Gateway endpoint,\nin no zone", 616 + 88j),
    "table": Part(Dynamodb, "DynamoDB,\nin all zones", 616 + 222j),
}
ARROWS = (
    Arrow("clients", "node_c", "lost", "", (45 + 274j,)),
    Arrow("node_b", "instance_c", "lost", "fails until noticed", (295 + 174j, 295 + 274j)),
    Arrow("clients", "name", "request", "DNS"),
    Arrow("clients", "node_a", "request", "", (103 + 160j, 103 + 68j)),
    Arrow("clients", "node_b", "request"),
    Arrow("node_a", "instance_a", "request"),
    Arrow("node_b", "instance_b", "request"),
    Arrow("instance_c", "successor", "repair", "replaced", (488 + 274j,)),
    Arrow("zone_a", "gateway", "request", "", (552 + 78j,)),
    Arrow("zone_b", "gateway", "request", "", (552 + 165j, 552 + 98j)),
    Arrow("gateway", "table", "request"),
)


def setting(path: Path, name: str) -> int:
    """Read a number from Terraform's code."""
    return int(re.findall(rf"\b{name} += (\d+)", path.read_text(encoding="utf-8"))[0])


def rehearsed() -> str:
    """Say what the last rehearsal measured, from the one document that has its table."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))]
    found = [text for text in texts if "\n| zone lost |" in text]
    if len(found) != 1:
        raise LookupError("one document, README.md or docs/*.md, must have the table of make rehearse")
    (text,) = found
    requests, failed, writes, more = re.findall(r"\| zone lost \| (.+) \| (.+) \| (.+) \| (.+) \|", text)[0]
    noticed, replaced = re.findall(r"after ([0-9.]+) s", more)
    (scale,) = re.findall(r"zone lost.*?Every wait was multiplied by ([0-9/]+)\.", text, re.DOTALL)
    return (
        f"On one machine, not on AWS, with every wait times {scale}: noticed after {noticed} s, replaced after\n"
        f"{replaced} s; {failed} of {requests} requests failed, {writes} acknowledged writes were lost."
    )


def steps() -> list[tuple[str, str]]:
    """List what happens, and after how long."""
    checks, interval, healthy = (
        setting(LOAD_BALANCER, name) for name in ("unhealthy_threshold", "interval", "healthy_threshold")
    )
    size = setting(PROD, "desired")
    return [
        ("0 s", f"Zone c fails, and with it one request in {size}. Instances: {size} to {size - 1}."),
        (
            f"about {checks * interval} s",
            f"{checks} health checks, {interval} s apart, have failed: the lost instance gets no more requests.",
        ),
        ("about 60 s", "DNS no longer returns the load balancer's address in c (AWS's TTL; not rehearsed)."),
        ("minutes", f"A new instance in a or b serves after {healthy} good checks. Instances: {size - 1} to {size}."),
        ("no failover", "DynamoDB is in all zones, and its gateway endpoint is a route: neither moves."),
        ("rehearsed", rehearsed()),
    ]


def told() -> dict[str, Frame]:
    """Return a row of two frames for each step."""
    frames, top = {}, 346j
    for number, (when, what) in enumerate(steps()):
        bottom = top + 10j + 14j * len(what.splitlines())
        frames[f"when_{number}"] = Frame(when, DARK, "#F1F3F6", 6 + top, 88 + bottom)
        frames[f"what_{number}"] = Frame(what, DARK, "white", 92 + top, 672 + bottom)
        top = bottom + 4j
    return frames


def picture() -> Picture:
    """Return everything that is drawn."""
    return Picture(FRAMES | told(), PARTS, ARROWS)


if __name__ == "__main__":
    write(picture(), Path(__file__))
