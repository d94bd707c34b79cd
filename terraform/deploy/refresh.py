"""An instance refresh, as AWS tells of it."""

from dataclasses import dataclass
from typing import Any

# All others are on the way: Pending, InProgress, Baking, Cancelling, RollbackInProgress, and what AWS may add.
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
ENDS = ("Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")


@dataclass(frozen=True)
class Refresh:
    """An instance refresh as AWS tells it."""

    refresh_id: str
    status: str
    reason: str
    percent: int
    left: int
    """Instances that are still to be replaced."""

    @property
    def active(self) -> bool:
        """Say whether it goes on."""
        return self.status not in ENDS

    @property
    def successful(self) -> bool:
        """Say whether it replaced every instance."""
        return self.status == "Successful"

    def __str__(self) -> str:
        """Tell how far it is."""
        reason = f": {self.reason}" if self.reason else ""
        return f"instance refresh {self.status}, {self.percent} %, {self.left} instances to go{reason}"


def read(told: dict[str, Any]) -> Refresh:
    """Read what DescribeInstanceRefreshes tells of one."""
    return Refresh(
        told["InstanceRefreshId"],
        told["Status"],
        told.get("StatusReason", ""),
        int(told.get("PercentageComplete", 0)),
        int(told.get("InstancesToUpdate", 0)),
    )
