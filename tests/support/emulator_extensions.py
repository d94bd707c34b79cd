"""What moto lacks and the stack needs, added to moto; each part names the AWS call it stands for."""

import json
import uuid
from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.backup.responses import BackupResponse
from moto.backup.urls import url_paths as backup_urls
from moto.cloudwatch.responses import CloudWatchResponse
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.responses import ActionResult
from moto.dynamodb.models.table import RestoredTable
from moto.ec2.models import EC2Backend
from moto.iam.access_control import IAMPolicyStatement, PermissionResult

_selections: dict[str, dict[str, Any]] = {}


def install() -> None:
    """Extend moto in this process."""
    setattr(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm)  # noqa: B010 - it has none
    for method in (
        create_backup_selection,
        get_backup_selection,
        delete_backup_selection,
        list_recovery_points_by_backup_vault,
    ):
        setattr(BackupResponse, method.__name__, method)
    setattr(CognitoIdpResponse, delete_resource_server.__name__, delete_resource_server)
    setattr(AutoScalingResponse, start_instance_refresh.__name__, start_instance_refresh)
    backup_urls["{0}/backup-vaults/(?P<name>[^/]+)/recovery-points/?$"] = BackupResponse.dispatch
    _skip_conditional_denials()
    _keep_tags_of_launch_templates_apart()
    _restore_encrypted()


def create_backup_selection(response: BackupResponse) -> str:
    """AWS Backup's CreateBackupSelection."""
    selection_id = str(uuid.uuid4())
    plan_id = _parts(response)["plans"]
    answer = {"SelectionId": selection_id, "BackupPlanId": plan_id}
    _selections[selection_id] = answer | {"BackupSelection": json.loads(response.body)["BackupSelection"]}
    return json.dumps(answer)


def get_backup_selection(response: BackupResponse) -> str:
    """AWS Backup's GetBackupSelection."""
    return json.dumps(_selections[_parts(response)["selections"]])


def delete_backup_selection(response: BackupResponse) -> str:
    """AWS Backup's DeleteBackupSelection."""
    del _selections[_parts(response)["selections"]]
    return ""


def list_recovery_points_by_backup_vault(_response: BackupResponse) -> str:
    """AWS Backup's ListRecoveryPointsByBackupVault; no backup is ever run here."""
    return json.dumps({"RecoveryPoints": []})


def start_instance_refresh(_response: AutoScalingResponse) -> ActionResult:
    """EC2 Auto Scaling's StartInstanceRefresh; no instance is replaced here."""
    return ActionResult({"InstanceRefreshId": str(uuid.uuid4())})


def delete_resource_server(response: CognitoIdpResponse) -> str:
    """Cognito's DeleteResourceServer."""
    asked = json.loads(response.body)
    del response.backend.describe_user_pool(asked["UserPoolId"]).resource_servers[asked["Identifier"]]
    return ""


def _parts(response: BackupResponse) -> dict[str, str]:
    """Read a path such as /backup/plans/<id>/selections/<id> as a mapping."""
    parts = response.path.strip("/").split("/")[1:]
    return dict(zip(parts[::2], parts[1::2], strict=False))


def _skip_conditional_denials() -> None:
    """Skip "deny unless TLS" and the like: moto ignores conditions and would deny every request."""
    decide = IAMPolicyStatement.is_action_permitted

    def decide_unless_conditional(statement: IAMPolicyStatement, *args: Any, **kwargs: Any) -> PermissionResult:  # noqa: ANN401 - passed on
        if "Condition" in statement._statement and statement._statement["Effect"] == "Deny":  # noqa: SLF001 - no other way
            return PermissionResult.NEUTRAL
        return decide(statement, *args, **kwargs)

    IAMPolicyStatement.is_action_permitted = decide_unless_conditional  # type: ignore[method-assign, assignment]


def _keep_tags_of_launch_templates_apart() -> None:
    """Keep a launch template's own tags out of what it launches: moto mixes them, so every plan shows a change."""
    create = EC2Backend.create_launch_template

    def create_apart(backend: EC2Backend, name: str, description: str, data: dict[str, Any], *args: Any) -> Any:  # noqa: ANN401 - passed on
        launched = [tags for tags in data.get("TagSpecifications", []) if tags["ResourceType"] != "launch-template"]
        return create(backend, name, description, data | {"TagSpecifications": launched}, *args)

    EC2Backend.create_launch_template = create_apart  # type: ignore[method-assign, assignment]


def _restore_encrypted() -> None:
    """DynamoDB's RestoreTableFromBackup keeps the key and the billing of the table that was backed up."""
    parameters = RestoredTable._parse_params_from_backup  # noqa: SLF001 - there is no other place

    def with_key(table: RestoredTable, backup: Any) -> dict[str, Any]:  # noqa: ANN401 - moto has no types
        kept = {"sse_specification": backup.table.sse_specification, "billing_mode": backup.table.billing_mode}
        return {**parameters(table, backup), **kept}

    RestoredTable._parse_params_from_backup = with_key  # type: ignore[method-assign, assignment]  # noqa: SLF001 - as above
