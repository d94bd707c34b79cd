"""The playbooks that inspect instances and remove old images, run for real."""

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from terraform.deploy.releases import Release, Releases
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
    """Return a function that runs operate.yml on the shared machine, entered directly instead of by Systems Manager."""
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
    """Version, health and readiness of a healthy instance are shown, and nothing fails."""
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


# When the emulated account's images were baked; each name is the reason to keep or remove it, each id ends in the day.
FATES = {
    "runs": "2020-01-01",
    "is what a launch template launches by default": "2020-01-02",
    "is the latest version of a launch template": "2020-01-03",
    "was an earlier version of a launch template": "2020-01-04",
    "is what a deployment would go back to": "2020-01-05",
    "was released long ago": "2020-01-06",
    "is not ours": "2020-01-07",
    "was never deployed": "2020-01-08",
    "may run in another account": "2020-01-09",
    "is younger than others": "2024-01-10",
    "is the newest": "2024-01-11",
}
IMAGES = {fate: f"ami-000000000000000{day[-2:]}" for fate, day in FATES.items()}
BAKED = {IMAGES[fate]: f"{day}T00:00:00.000Z" for fate, day in FATES.items()}
GO = {"was an earlier version of a launch template", "was released long ago", "was never deployed"}
GO_LATER = {"is younger than others", "may run in another account"}


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
    """The inventory has our running instances in groups named like environments, and not the builder of an image."""
    image = "ami-0000000000000000a"
    prod = run_instance(emulated, image, Application="hello-birthday", Environment="prod")
    run_instance(emulated, image, Application="another", Environment="prod")
    builder = run_instance(emulated, image, Application="hello-birthday", Name="hello-birthday-builder")
    stopped = run_instance(emulated, image, Application="hello-birthday", Environment="dev")
    emulated.client("ec2").terminate_instances(InstanceIds=[stopped])
    listed = ansible("ansible-inventory", "--list", **emulated.environ)
    inventory = json.loads(listed.stdout)
    assert inventory["prod"]["hosts"] == [prod]
    assert inventory["_meta"]["hostvars"].keys() == {prod}, builder


def test_inventory_goes_through_systems_manager(emulated: Account) -> None:
    """Ansible reaches instances by their environment's session document, and passes files through its bucket."""
    dev = run_instance(emulated, "ami-0000000000000000a", Application="hello-birthday", Environment="dev")
    listed = ansible("ansible-inventory", "--host", dev, **emulated.environ)
    told = {name: value for name, value in json.loads(listed.stdout).items() if name.startswith("ansible_")}
    assert told == {
        "ansible_connection": "amazon.aws.aws_ssm",
        "ansible_aws_ssm_region": "eu-central-1",
        "ansible_aws_ssm_document": "hello-birthday-dev-ansible",
        "ansible_aws_ssm_bucket_name": "hello-birthday-dev-transfers-111111111111",
    }


@pytest.fixture
def expire(emulated: Account) -> Callable[..., set[str]]:
    """Return a function that runs expire.yml, keeping one image and one release, and returns which images remain."""
    keep = ["--extra-vars", "expire_keep=1 expire_keep_releases=1"]

    def expire(*arguments: str) -> set[str]:
        done = ansible("ansible-playbook", "expire.yml", *keep, *arguments, **emulated.environ)
        assert done.returncode == 0, done.stdout
        left = {image["ImageId"] for image in emulated.client("ec2").describe_images(Owners=["self"])["Images"]}
        return {fate for fate, image in IMAGES.items() if image in left}

    return expire


def release(emulated: Account, *images: str) -> None:
    """Record images as released, newest last, as the deploy command does; the bucket of prod has no list yet."""
    s3 = emulated.client("s3")
    for environment in ("dev", "prod"):
        bucket = f"hello-birthday-{environment}-state-111111111111"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for image in images:
        Releases(s3, "hello-birthday-dev-state-111111111111").add(Release(image, "1.0.0", "0" * 40, "2020-02-01"))


def launch(emulated: Account, name: str, *images: str | None) -> None:
    """Make a launch template with a version for each image, the first of which is the default."""
    ec2 = emulated.client("ec2")
    first, *others = ({"ImageId": image} if image else {"InstanceType": "t4g.small"} for image in images)
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=first)
    for other in others:
        ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=other)


def test_only_old_images_that_nobody_needs_expire(emulated: Account, expire: Callable[..., set[str]]) -> None:
    """An old image is removed, a shared one later, unless it runs, would be launched, or may be rolled back to."""
    ec2 = emulated.client("ec2")
    ours = [image for fate, image in IMAGES.items() if fate != "is not ours"]
    ec2.create_tags(Resources=ours, Tags=[{"Key": "Application", "Value": "hello-birthday"}])
    run_instance(emulated, IMAGES["runs"])
    versions = ("launches by default", "was an earlier version", "is the latest version")
    launch(emulated, "fleet", *(IMAGES[next(fate for fate in FATES if version in fate)] for version in versions))
    launch(emulated, "somebody-else", None)
    release(emulated, IMAGES["was released long ago"], IMAGES["is what a deployment would go back to"])
    shared = IMAGES["may run in another account"]
    ec2.modify_image_attribute(ImageId=shared, LaunchPermission={"Add": [{"UserId": "222222222222"}]})

    everything = FATES.keys()
    assert expire("--check") == everything
    days = (datetime.now(UTC) - datetime(2022, 1, 1, tzinfo=UTC)).days
    ages = f"expire_after_days={days} expire_shared_after_days={days * 10}"
    assert expire("--extra-vars", ages) == everything - GO
    assert expire() == everything - GO - GO_LATER
