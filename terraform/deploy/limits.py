"""How long things may take, and what is looked at meanwhile. Pipelines' credentials and jobs must outlast it."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """How long a deployment may take, and how long it watches in the end."""

    minutes: float = 100.0
    """For the whole command: half for the way there, and whatever that leaves for the way back."""
    watch_minutes: float = 7.0
    """At the end, longer than any of the alarms that stop a refresh needs to ring."""
    ignore_alarms: bool = False
    base_url: str | None = None
    settle_minutes: float = 5.0
    """Those that leave are deregistered meanwhile, and new ones registered."""
    refresh_minutes: float = 30.0
    """For one instance refresh; AWS would try for an hour, with an image that cannot start."""
    blocked_minutes: float = 0.1
    """A firewall that refuses this machine is asked again meanwhile."""
    began: float = field(default_factory=time.monotonic)

    @property
    def turn(self) -> float:
        """When to go back unless the new version is everywhere, in seconds of the monotonic clock."""
        return self.began + 30 * self.minutes

    @property
    def end(self) -> float:
        """When a person must act unless the last release is everywhere again."""
        return self.began + 60 * self.minutes
