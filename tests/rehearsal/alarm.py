"""The alarm that stops a refresh: target-5xx, computed from what clients see, with the values of the plan."""

from collections import deque

from tests.rehearsal.values import Values

DELAY_SECONDS = 120.0
"""How long after the end of a period CloudWatch knows of it; AWS promises nothing, one to two minutes are usual."""
_AT_LEAST = 5  # errors in a period, as the alarm's expression has it; not scaled, since rates are not


def latest_seconds(period: float, bad: int, scale: float = 1.0) -> float:
    """Return how long after errors begin an alarm rings at the latest: their first period may hold too few of them."""
    return period * (bad + 1) + DELAY_SECONDS * scale


class Alarm:
    """Counts answers by period and rings as CloudWatch would, which learns of a period some time after its end."""

    def __init__(self, values: Values) -> None:
        """Start quiet."""
        self._values = values
        self._periods: deque[tuple[int, int]] = deque(maxlen=values.alarm_of)
        self._on_the_way: deque[tuple[float, tuple[int, int]]] = deque()
        self._ends = values.alarm_period
        self._errors = self._requests = 0

    def count(self, second: float, statuses: dict[str, int]) -> None:
        """Add what was seen until `second` of the load."""
        self._requests += sum(statuses.values())
        self._errors += sum(count for status, count in statuses.items() if status.startswith("5"))
        if second >= self._ends:
            known = self._ends + DELAY_SECONDS * self._values.scale
            self._on_the_way.append((known, (self._errors, self._requests)))
            self._errors = self._requests = 0
            self._ends += self._values.alarm_period
        while self._on_the_way and self._on_the_way[0][0] <= second:
            self._periods.append(self._on_the_way.popleft()[1])

    def reason(self) -> str | None:
        """Return why it rings, or None."""
        bad = [
            errors
            for errors, requests in self._periods
            if errors > _AT_LEAST and 100 * errors / requests > self._values.alarm_percent
        ]
        if len(bad) < self._values.alarm_bad:
            return None
        return f"alarm target-5xx: more than {self._values.alarm_percent} % of the answers were 5xx"
