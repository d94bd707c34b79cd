"""How much is sent, in full and in short."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Cases of Hypothesis, examples of schemathesis for each operation and phase, raw requests, which part of the runs.

    schemathesis decides itself how many cases it makes of its examples: in all there must be `least`.
    """

    cases: int
    examples: int
    raw: int
    least: int
    part: int = 1


FULL = Plan(cases=8_000, examples=400, raw=5_000, least=10_000)
SHORT = Plan(cases=700, examples=40, raw=300, least=1_000, part=10)
