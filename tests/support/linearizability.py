"""Decides whether a concurrent history of one register is linearizable (Wing and Gong, 1993).

Every operation must seem to happen at one moment between its call and its return. An operation that
failed may have happened at any moment after its call, or never.
"""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Operation:
    """A read that returned `value`, or a write of `value`; times are positions in one sequence of events."""

    kind: Literal["read", "write"]
    value: object
    called: float
    returned: float = math.inf


def is_linearizable(history: list[Operation], initial: object = None) -> bool:
    """Search for an order of all operations that agrees with their times and with a single register.

    A write that failed and that nobody has read may count as one that never happened, which saves most of the search.
    """
    read = {operation.value for operation in history if operation.kind == "read"}
    history = [operation for operation in history if operation.returned < math.inf or operation.value in read]
    certain = frozenset(n for n, operation in enumerate(history) if operation.returned < math.inf)
    seen: set[tuple[frozenset[int], object]] = set()
    pending = [(frozenset[int](), initial)]
    while pending:
        done, value = state = pending.pop()
        if certain <= done:
            return True
        if state in seen:
            continue
        seen.add(state)
        pending += _steps(history, done, value)
    return False


def _steps(history: list[Operation], done: frozenset[int], value: object) -> list[tuple[frozenset[int], object]]:
    left = [n for n in range(len(history)) if n not in done]
    # An operation that was called only after another had returned cannot come before it.
    soonest_return = min(history[n].returned for n in left)
    steps = []
    for n in left:
        operation = history[n]
        if operation.called > soonest_return:
            continue
        if operation.kind == "write":
            steps.append((done | {n}, operation.value))
        elif operation.value == value:
            steps.append((done | {n}, value))
    return steps
