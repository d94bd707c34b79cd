"""The production stack is as Terraform describes it: applied, planned again, and read through AWS's own APIs."""

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests.infra.conftest import RESULTS
from tests.support.stack import ENVIRONMENTS, Stack, variables
from tests.support.terraform import TerraformFailed

# What the emulator forgets, so that a second plan wants to set it again: resource type and attribute, and why.
KNOWN_GAPS = {
    ("aws_autoscaling_group", "capacity_reservation_specification"): "answered empty instead of absent",
    ("aws_autoscaling_group", "default_instance_warmup"): "not stored",
    ("aws_autoscaling_group", "instance_maintenance_policy"): "not stored",
    ("aws_autoscaling_policy", "enabled"): "not stored",
    ("aws_autoscaling_policy", "predictive_scaling_configuration"): "answered empty instead of absent",
    ("aws_backup_plan", "tags_all"): "not answered",
    ("aws_backup_vault", "tags_all"): "not answered",
    ("aws_vpc_security_group_egress_rule", "description"): "stored for address ranges only",
    ("aws_vpc_security_group_ingress_rule", "description"): "stored for address ranges only",
}


def differences(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """Return resource type and attribute of everything that a plan would change."""
    changes = [(change["type"], change["change"]) for change in plan["resource_changes"]]
    return {
        (kind, attribute)
        for kind, change in changes
        if set(change["actions"]) - {"no-op", "read"}
        for attribute in _changed(change)
    }


def _changed(change: dict[str, Any]) -> set[str]:
    before, after = change["before"] or {}, change["after"] or {}
    if not before or not after:
        return {"the whole resource"}
    unknown = {name for name, is_unknown in change["after_unknown"].items() if is_unknown is True}
    return unknown | {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_second_plan_changes_nothing(stack: Stack) -> None:
    """Right after an apply a plan is empty, except for what the emulator is known to forget."""
    found = differences(stack.second_plan)
    known, unexplained = sorted(found & set(KNOWN_GAPS)), sorted(found - set(KNOWN_GAPS))
    report = {"known": known, "unexplained": unexplained, "seconds": stack.apply_seconds}
    (RESULTS / f"{stack.environment}-plan.json").write_text(json.dumps(report))
    assert unexplained == []


def test_known_gaps_still_exist(stack: Stack) -> None:
    """A gap that the emulator has closed must be removed from the list."""
    assert set(KNOWN_GAPS) - differences(stack.second_plan) == set()


def test_state_lies_in_the_environments_own_bucket(stack: Stack) -> None:
    """The state is in bootstrap's bucket, beside bootstrap's own, and the lock is gone."""
    bucket = f"{stack.name}-state-{stack.account.account_id}"
    objects = stack.account.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    keys = ["bootstrap/state.json", f"env:/{stack.environment}/hello-birthday.tfstate"]
    assert [item["Key"] for item in objects] == keys


def test_preparing_the_other_account_left_this_one_known(stack: Stack) -> None:
    """Both accounts were prepared from one folder, which still has the state of each."""
    state = stack.terraform.folder / f"bootstrap/terraform.tfstate.d/{stack.environment}/terraform.tfstate"
    resources = json.loads(state.read_text())["resources"]
    (bucket,) = [found["instances"] for found in resources if found["type"] == "aws_s3_bucket"]
    assert bucket[0]["attributes"]["bucket"] == f"{stack.name}-state-{stack.account.account_id}"


def test_state_is_encrypted_with_the_key_that_bootstrap_made(stack: Stack) -> None:
    """The state is encrypted with our key, because what Terraform asks for overrides the bucket's default."""
    bucket, key = f"{stack.name}-state-{stack.account.account_id}", f"env:/{stack.environment}/hello-birthday.tfstate"
    state = stack.account.client("s3").head_object(Bucket=bucket, Key=key)
    assert state["ServerSideEncryption"] == "aws:kms"
    keys = stack.account.client("kms")
    used, made = (keys.describe_key(KeyId=key_id) for key_id in (state["SSEKMSKeyId"], f"alias/{stack.name}-state"))
    assert used["KeyMetadata"]["Arn"] == made["KeyMetadata"]["Arn"]


def test_values_of_the_other_environment_are_refused(stack: Stack) -> None:
    """In a workspace, the other environment's values are refused with a sentence that says what to do."""
    (other,) = set(ENVIRONMENTS) - {stack.environment}
    with pytest.raises(TerraformFailed) as caught:
        stack.terraform.run("plan", "-lock=false", "-refresh=false", *variables(other))
    message = " ".join(str(caught.value).replace("│", " ").split())
    assert f"but the workspace is {stack.environment}. Run: export TF_DATA_DIR=.terraform/{other} && " in message


def test_credentials_of_the_other_account_are_refused(stack: Stack) -> None:
    """An account id other than that of the credentials stops everything before anything is changed."""
    with pytest.raises(TerraformFailed, match="AWS account ID not allowed"):
        stack.terraform.run(
            "plan", "-lock=false", "-refresh=false", *variables(stack.environment, account_id="999999999999")
        )


def test_image_that_does_not_exist_is_refused(stack: Stack) -> None:
    """An image that does not exist stops the plan."""
    with pytest.raises(TerraformFailed, match="Your query returned no results"):
        stack.terraform.run(
            "plan", "-lock=false", "-refresh=false", *variables(stack.environment, ami_id="ami-00000000000000fff")
        )


def test_image_of_another_architecture_is_refused(stack: Stack) -> None:
    """An image that the instance type cannot run stops the plan, with a sentence."""
    with pytest.raises(TerraformFailed) as caught:
        stack.terraform.run(
            "plan", "-lock=false", "-refresh=false", *variables(stack.environment, ami_id="ami-0000000000000000c")
        )
    message = " ".join(str(caught.value).replace("│", " ").split())
    assert "Image ami-0000000000000000c is x86_64, which c7g.medium (arm64) cannot run." in message


def test_new_image_changes_the_launch_template_and_the_group_in_place(stack: Stack) -> None:
    """Another image means a new version of the launch template and a refresh; Terraform replaces no resource."""
    plan = stack.terraform.plan("-lock=false", *variables(stack.environment, ami_id="ami-0000000000000000b"))
    changes = {change["address"]: change["change"] for change in plan["resource_changes"]}
    template = changes["module.service.aws_launch_template.this"]
    group = changes["module.service.aws_autoscaling_group.this"]
    assert template["actions"] == group["actions"] == ["update"]
    assert template["after"]["image_id"] == "ami-0000000000000000b"
    assert group["after_unknown"]["launch_template"] == [{"version": True}]
    assert not [change for change in changes.values() if "delete" in change["actions"]]


@pytest.mark.parametrize("name", ["collect-logs", "show-health"])
def test_commands_of_documents_are_shell(stack: Stack, name: str) -> None:
    """The shell accepts the script of each command document."""
    content = stack.account.client("ssm").get_document(Name=f"{stack.name}-{name}", DocumentFormat="YAML")["Content"]
    (step,) = yaml.safe_load(content)["mainSteps"]
    script = "\n".join(step["inputs"]["runCommand"])
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_draining_goes_through_the_group(stack: Stack) -> None:
    """The automation checks that the instance is in the group, then calls only SetInstanceHealth."""
    content = stack.account.client("ssm").get_document(Name=f"{stack.name}-replace-instance")["Content"]
    steps = yaml.safe_load(content)["mainSteps"]
    calls = [step["inputs"]["Api"] for step in steps if step["action"] == "aws:executeAwsApi"]
    assert calls == ["DescribeAutoScalingInstances", "SetInstanceHealth"]
    assert [step["name"] for step in steps] == ["belongs", "check", "refuse", "drain", "gone"]
