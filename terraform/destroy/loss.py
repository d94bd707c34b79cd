"""What a destruction deletes for good, according to its plan, and what AWS would refuse to delete."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from terraform.deploy.exit_status import Refused
from terraform.deploy.plan import Plan

_LOST = {
    "aws_dynamodb_table": "the table {name}, with all data and point-in-time recovery",
    "aws_backup_vault": "the backup vault {name}, with every recovery point",
    "aws_s3_bucket": "the bucket {bucket}, with every object",
    "aws_cloudwatch_log_group": "the log group {name}",
    "aws_cognito_user_pool": "the user pool {name}, with every client and secret",
    "aws_kms_key": 'the key "{description}", and whatever it encrypts',
}


def lost(plan: Plan) -> list[str]:
    """Return a line for each resource that holds data or cannot be recreated."""
    return [_LOST[kind].format_map(before) for kind, before in _destroyed(plan) if kind in _LOST]


def refuse_if_locked(plan: Plan, backup: Any) -> None:  # noqa: ANN401 - a client of boto3's
    """Raise Refused if the lock of a backup vault can no longer be removed, since Terraform would fail on it."""
    for kind, before in _destroyed(plan):
        if kind != "aws_backup_vault_lock_configuration":
            continue
        vault = backup.describe_backup_vault(BackupVaultName=before["backup_vault_name"])
        since = vault.get("LockDate")
        if since is not None and since <= datetime.now(UTC):
            raise Refused(
                f"The backup vault {vault['BackupVaultName']} is locked for good since {since:%Y-%m-%d}: nobody "
                "deletes its recovery points before their time. See docs/first-deployment.md, What stops a destruction."
            )


def _destroyed(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in plan.told.get("resource_changes", []):
        if "delete" in resource["change"]["actions"]:
            yield resource["type"], resource["change"]["before"]
