"""How long a deployment may take, and what it checks meanwhile. Pipelines' credentials and jobs must outlast it."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """How long a deployment may take, and how long it watches the alarms at the end."""

    minutes: float = 100.0
    """For the whole command: half for the deployment, and whatever that leaves for a rollback."""
    watch_minutes: float = 7.0
    """At the end; longer than any alarm that stops a refresh takes to fire."""
    ignore_alarms: bool = False
    base_url: str | None = None
    settle_minutes: float = 5.0
    """For outgoing instances to be deregistered, and new ones to be registered."""
    refresh_minutes: float = 30.0
    """For one instance refresh; with an image that cannot start, AWS would go on trying for an hour."""
    blocked_minutes: float = 0.1
    """How long to retry while a firewall refuses this machine."""
    began: float = field(default_factory=time.monotonic)

    @property
    def turn(self) -> float:
        """When to roll back unless the new version serves everywhere, in seconds of the monotonic clock."""
        return self.began + 30 * self.minutes

    @property
    def end(self) -> float:
        """When a person must act unless the last release serves everywhere again."""
        return self.began + 60 * self.minutes
