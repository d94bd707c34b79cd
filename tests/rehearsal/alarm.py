"""The alarm that stops a refresh: target-5xx, computed from the clients' results, with the values of the plan."""

from collections import deque

from tests.rehearsal.values import Values

DELAY_SECONDS = 120.0
"""How long after the end of a period CloudWatch has its data; AWS promises nothing, one to two minutes are usual."""
_AT_LEAST = 5  # errors in a period, as in the alarm's expression; not scaled, since rates are not


def latest_seconds(period: float, bad: int, scale: float = 1.0) -> float:
    """Return how long after the first error the alarm fires at the latest: the first period may have too few errors."""
    return period * (bad + 1) + DELAY_SECONDS * scale


class Alarm:
    """Counts answers by period and fires as CloudWatch would, which gets a period's data some time after its end."""

    def __init__(self, values: Values) -> None:
        """Start in the state OK."""
        self._values = values
        self._periods: deque[tuple[int, int]] = deque(maxlen=values.alarm_of)
        self._on_the_way: deque[tuple[float, tuple[int, int]]] = deque()
        self._ends = values.alarm_period
        self._errors = self._requests = 0

    def count(self, second: float, statuses: dict[str, int]) -> None:
        """Add the answers received until `second` of the load."""
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
        """Return why it fires, or None."""
        bad = [
            errors
            for errors, requests in self._periods
            if errors > _AT_LEAST and 100 * errors / requests > self._values.alarm_percent
        ]
        if len(bad) < self._values.alarm_bad:
            return None
        return f"alarm target-5xx: more than {self._values.alarm_percent} % of the answers were 5xx"
