"""How much a full run and a short run send."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Cases by Hypothesis, schemathesis's examples per operation and phase, raw requests, every how many-th long run.

    schemathesis itself decides how many cases it makes; there must be at least `least` cases in all.
    """

    cases: int
    examples: int
    raw: int
    least: int
    part: int = 1


FULL = Plan(cases=8_000, examples=400, raw=5_000, least=10_000)
SHORT = Plan(cases=700, examples=40, raw=300, least=1_000, part=10)
