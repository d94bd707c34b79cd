"""Made-up numbers for the picture of the dashboard: two hours with a deployment, and ten minutes of a slow database.

Nothing here was measured. It knows metrics by their names, and nothing of how they are drawn.
"""

from collections.abc import Callable
from math import pi, sin

MINUTES = range(121)
FIRST_HOUR = 10
SLOW = range(85, 95)
REPLACED = (30, 41, 47)
"""When the deployment launches each of its instances."""
OLD, NEW = ("i-0a1", "i-0a2", "i-0a3"), ("i-0b1", "i-0b2", "i-0b3")
IMAGES = ("ami-0old", "ami-0new")
EVENTS = (
    ("10:52", "EC2 Auto Scaling Instance Refresh Succeeded", "08b91cf7-8fa6"),
    ("10:33", "EC2 Auto Scaling Instance Refresh Checkpoint Reached", "08b91cf7-8fa6"),
    ("10:30", "EC2 Auto Scaling Instance Refresh Started", "08b91cf7-8fa6"),
)
Value = float | None


def rough(minute: int, index: int, middle: float, spread: float = 0.06) -> float:
    """Return a value that varies a little from minute to minute, but is the same in every picture."""
    noise = (minute * 7919 + index * 5381 + minute * minute * 31) % 97 / 97 - 0.5
    return round(middle * (1 + spread * (noise + sin(2 * pi * minute / 120 + index))), 3)


def while_slow(usual: float, slow: float, spread: float = 0.2) -> Callable[[int, int], Value]:
    """Return a function whose value differs while the database is slow."""
    return lambda minute, index: rough(minute, index, slow if minute in SLOW else usual, spread)


def around(middle: float, spread: float = 0.06) -> Callable[[int, int], Value]:
    """Return a function whose value stays about the same."""
    return lambda minute, index: rough(minute, index, middle, spread)


def launched(minute: int, since: int, until: int) -> int:
    """Count the instances that were launched at least `since` and less than `until` minutes before."""
    return sum(since <= minute - start < until for start in REPLACED)


def alive(minute: int, index: int) -> bool:
    """Return whether an instance is in service; indexes count old ones first."""
    if index < len(OLD):
        return minute < REPLACED[index] + 4
    return minute >= REPLACED[index - len(OLD)] + 2


def of_instance(value: Callable[[int, int], Value]) -> Callable[[int, int], Value]:
    """Return a function for an instance, without a value before and after its life."""
    return lambda minute, index: value(minute, index) if alive(minute, index) else None


def of_image(minute: int, index: int) -> int:
    """Count the instances of the old and of the new image."""
    ages = range(len(OLD)) if index == 0 else range(len(OLD), len(OLD) + len(NEW))
    return sum(alive(minute, instance) for instance in ages)


VALUES: dict[str, Callable[[int, int], Value]] = {
    "RequestCount": around(210_000),
    "HTTPCode_Target_5XX_Count": while_slow(0, 150),
    "HTTPCode_ELB_5XX_Count": around(0),
    "HTTPCode_Target_4XX_Count": around(420, 0.2),
    "BlockedRequests": around(60, 0.4),
    "TargetResponseTime": lambda minute, index: while_slow((0.005, 0.014)[index], (0.03, 0.42)[index])(minute, 0),
    "HealthyHostCount": lambda minute, _: 3 + launched(minute, 2, 4),
    "UnHealthyHostCount": around(0),
    "GroupDesiredCapacity": around(3, 0),
    "GroupInServiceInstances": lambda minute, _: 3 + launched(minute, 2, 4),
    "GroupPendingInstances": lambda minute, _: launched(minute, 0, 2),
    "GroupTerminatingInstances": lambda minute, _: launched(minute, 4, 6),
    "CPUUtilization": lambda minute, index: rough(minute, index, (42, 49)[index] + 9 * index * launched(minute, 2, 4)),
    "ReadThrottleEvents": while_slow(0, 22),
    "WriteThrottleEvents": while_slow(0, 6),
    "SystemErrors": lambda minute, index: while_slow(0, (4, 2, 1, 1)[index - 2])(minute, index),
    "SuccessfulRequestLatency": lambda minute, index: while_slow((4, 6, 3, 5)[index], (61, 80, 45, 70)[index])(
        minute, index
    ),
    "http_server_active_requests": of_instance(while_slow(9, 310)),
    "hello_event_loop_lag_seconds": of_instance(while_slow(0.012, 0.06, 0.5)),
    "hello_requests_shed_total": around(0),
    "hello_connections_refused_total": around(0),
    "hello_log_lines_lost_total": around(0),
    "hello_storage_budget_exhausted_total": while_slow(0, 150),
    "hello_storage_retries_total": while_slow(0, 90),
    "hello_build_info": of_image,
    "hello_draining": lambda minute, _: launched(minute, 4, 5),
    "mem_used_percent": of_instance(around(31, 0.02)),
    "disk_used_percent": of_instance(around(44, 0.01)),
}
