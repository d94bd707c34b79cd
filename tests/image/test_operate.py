"""Day two: the playbooks that look at instances and remove old images, run for real."""

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.image.layout import REPOSITORY, ROOT, environ
from tests.support.emulator import Account, account
from tests.support.machine import Machine

pytestmark = pytest.mark.image

ANSIBLE = REPOSITORY / "ansible"
Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


def ansible(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of Ansible's in ansible/."""
    return subprocess.run(command, cwd=ANSIBLE, env=environ() | variables, capture_output=True, text=True, check=False)


@pytest.fixture
def operate(machine: Machine, tmp_path: Path) -> Playbook:
    """Return what runs operate.yml on the shared machine, entered from here instead of through Systems Manager."""
    enter = tmp_path / "enter"
    enter.write_text(f'#!/bin/sh\nshift\nexec {shlex.join(machine.enter)} "$@"\n')
    enter.chmod(0o755)
    inventory = tmp_path / "hosts.json"
    connection = {"ansible_connection": "community.general.chroot", "ansible_chroot_exe": str(enter)}
    host = connection | {"ansible_host": str(ROOT)}
    inventory.write_text(json.dumps({"aws_ec2": {"hosts": {"i-0123456789abcdef0": host}}}))
    return lambda *arguments: ansible("ansible-playbook", f"--inventory={inventory}", "operate.yml", *arguments)


def test_nothing_is_changed_by_accident(operate: Playbook) -> None:
    """Without --check the playbook refuses to run, and says how to."""
    done = operate()
    assert done.returncode != 0
    assert "Run it with --check --diff" in done.stdout


def test_well_instance_is_shown(operate: Playbook) -> None:
    """Version, health and readiness of a well instance are shown, and nothing fails."""
    done = operate("--check", "--diff", "--tags", "health")
    assert done.returncode == 0, done.stdout
    assert "ami-0000000000000000a" in done.stdout


def test_instance_that_is_not_well_fails(operate: Playbook, machine: Machine) -> None:
    """A failed unit makes the playbook fail for that instance and shows the unit."""
    machine.run("systemd-run", "--unit=broken", "--property=RemainAfterExit=no", "--wait", "false", check=False)
    done = operate("--check", "--diff", "--tags", "health")
    machine.run("systemctl", "reset-failed", "broken")
    assert done.returncode != 0
    assert "broken.service" in done.stdout
    assert "a unit failed" in done.stdout


def test_drift_is_reported_and_not_repaired(operate: Playbook, machine: Machine) -> None:
    """An unchanged instance has no drift; a changed file is shown as a diff and left as it is."""
    before = operate("--check", "--diff", "--tags", "drift")
    assert "changed=0" in before.stdout, before.stdout
    limits = "/etc/systemd/journald.conf.d/hello-birthday.conf"
    machine.run("sed", "--in-place", "s/SystemMaxUse=.*/SystemMaxUse=2T/", limits)
    after = operate("--check", "--diff", "--tags", "drift")
    assert "-SystemMaxUse=2T" in after.stdout
    assert "changed=1" in after.stdout
    assert "SystemMaxUse=2T" in machine.run("cat", limits).stdout
    machine.run("sed", "--in-place", "s/SystemMaxUse=.*/SystemMaxUse=200M/", limits)


BAKED = {
    "ami-000000000000000f1": "2020-01-01T00:00:00.000Z",  # runs
    "ami-000000000000000f2": "2020-01-02T00:00:00.000Z",  # is named by a launch template
    "ami-000000000000000f3": "2020-01-03T00:00:00.000Z",  # is not ours
    "ami-000000000000000f4": "2020-01-04T00:00:00.000Z",  # nobody needs it
    "ami-000000000000000f5": "2020-01-05T00:00:00.000Z",  # nobody needs it, either
    "ami-000000000000000f6": "2020-01-06T00:00:00.000Z",  # another account may run it
    "ami-000000000000000f7": "2020-01-07T00:00:00.000Z",  # nobody needs it, but it is the newest
}


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Run an emulated account for one module."""
    with account("111111111111", tmp_path_factory.mktemp("emulator"), BAKED) as emulated:
        yield emulated


def run_instance(emulated: Account, image: str, **tags: str) -> str:
    """Start an instance of an image and return its id."""
    specification = [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}]
    started = emulated.client("ec2").run_instances(
        ImageId=image, MinCount=1, MaxCount=1, InstanceType="t4g.small", TagSpecifications=specification if tags else []
    )
    instance_id: str = started["Instances"][0]["InstanceId"]
    return instance_id


def test_inventory_finds_our_instances_by_environment(emulated: Account) -> None:
    """The inventory has our running instances in groups named like environments, reached through Systems Manager."""
    image = "ami-0000000000000000a"
    prod = run_instance(emulated, image, Application="hello-birthday", Environment="prod")
    run_instance(emulated, image, Application="another", Environment="prod")
    stopped = run_instance(emulated, image, Application="hello-birthday", Environment="dev")
    emulated.client("ec2").terminate_instances(InstanceIds=[stopped])
    listed = ansible("ansible-inventory", "--list", **emulated.environ)
    inventory = json.loads(listed.stdout)
    assert inventory["prod"]["hosts"] == [prod]
    assert "dev" not in inventory
    variables = inventory["_meta"]["hostvars"][prod]
    told = [variables[name]["__ansible_unsafe"] for name in ("ansible_connection", "ansible_aws_ssm_bucket_name")]
    assert told == ["amazon.aws.aws_ssm", "hello-birthday-prod-transfers-111111111111"]


def test_only_old_images_that_nobody_needs_expire(emulated: Account) -> None:
    """Of our images go those too old, shared ones later, unless among the newest, run, or named by a template."""
    ec2 = emulated.client("ec2")
    running, named, foreign, unneeded, unneeded_too, shared, newest = BAKED
    ours = [image for image in BAKED if image != foreign]
    ec2.create_tags(Resources=ours, Tags=[{"Key": "Application", "Value": "hello-birthday"}])
    run_instance(emulated, running)
    ec2.create_launch_template(LaunchTemplateName="fleet", LaunchTemplateData={"ImageId": named})
    ec2.modify_image_attribute(ImageId=shared, LaunchPermission={"Add": [{"UserId": "222222222222"}]})

    def expire(*arguments: str) -> set[str]:
        done = ansible(
            "ansible-playbook", "expire.yml", "--extra-vars", "expire_keep=1", *arguments, **emulated.environ
        )
        assert done.returncode == 0, done.stdout
        return {image["ImageId"] for image in ec2.describe_images(Owners=["self"])["Images"]} & BAKED.keys()

    assert expire("--check") == BAKED.keys()
    assert expire("--extra-vars", "expire_after_days=36500 expire_shared_after_days=36500") == BAKED.keys()
    kept = expire("--extra-vars", "expire_shared_after_days=36500")
    assert kept == BAKED.keys() - {unneeded, unneeded_too}
    assert expire() == kept - {shared}
    assert newest in expire()
