"""The template for AWS: it is valid as far as this machine's Packer can tell; and the results of a bake."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image import template
from tests.image.layout import REPOSITORY

pytestmark = pytest.mark.image

WRITE = [sys.executable, str(REPOSITORY / "packer/write_image_file.py")]
# Settings that Debian's Packer 1.6 does not know yet; all later versions do.
NEWER = {"deprecate_at", "imds_support", "metadata_options"}
IMAGE = (REPOSITORY / "packer/image.pkr.hcl").read_text()
(SOURCE,) = re.findall(r'^source "amazon-ebs" .*?^}', IMAGE, re.MULTILINE | re.DOTALL)
KEY = REPOSITORY / "ansible/roles/aws_agents/files/amazon-ssm-agent.asc"
USER_DATA_BYTES = 16384  # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Copy the template."""
    template.copy(tmp_path / "copy")
    return tmp_path / "copy"


def validate(home: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Have Packer validate the source for AWS and all variables."""
    return template.packer(home, "validate", "-only=amazon-ebs.*", *template.arguments(variables), "packer")


def test_template_has_the_one_format() -> None:
    """`packer fmt` would change nothing."""
    assert template.packer(REPOSITORY, "fmt", "-check", "packer").stdout == ""


def test_source_is_valid_but_for_what_is_newer_than_this_packer(home: Path) -> None:
    """Without the newer settings the source is valid; an old Packer rejects only those."""
    printed = validate(home).stdout
    unknown = set(re.findall(r'(?:argument named|Blocks of type) "(\w+)"', printed))
    assert unknown <= NEWER, printed
    image = home / "packer/image.pkr.hcl"
    text = re.sub(r"^  metadata_options \{.*?^  \}\n", "", image.read_text(), flags=re.MULTILINE | re.DOTALL)
    image.write_text(re.sub(r"^  (?:deprecate_at|imds_support) .*\n", "", text, flags=re.MULTILINE))
    done = validate(home)
    assert done.returncode == 0, done.stdout


def test_options_are_those_that_were_compared_with_the_plugins_documentation() -> None:
    """The decision on the image lists exactly the options of the source that cannot be tried here."""
    page = (REPOSITORY / "docs/decisions/08-image.md").read_text()
    table = page.partition("| option |")[2].partition("\n\n")[0]
    listed = [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    used = re.findall(r"^ +(\w+) *(?:=|\{)", re.sub(r"merge\(.*", "", SOURCE), re.MULTILINE)
    assert sorted(set(listed)) == sorted(set(used))


def test_image_is_encrypted_with_its_disk() -> None:
    """The builder's disk is encrypted from the start, so the image is not copied in order to encrypt it."""
    mapping = SOURCE.partition("launch_block_device_mappings {")[2].partition("}")[0]
    assert set(re.findall(r"^ +(encrypted|kms_key_id) ", mapping, re.MULTILINE)) == {"encrypted", "kms_key_id"}
    assert re.findall(r"encrypt_boot|kms_key_id", SOURCE.replace(mapping, "")) == []


@pytest.mark.parametrize(
    ("variables", "encrypted"),
    [
        ({}, "true"),
        ({"share_with": '["222222222222"]'}, "false"),
        ({"share_with": '["222222222222"]', "kms_key_id": "alias/shared"}, "true"),
    ],
)
def test_shared_image_is_encrypted_with_a_key_that_can_be_shared(
    home: Path, variables: dict[str, str], encrypted: str
) -> None:
    """The account's own key cannot be shared, so shared images are encrypted with another key or not at all."""
    assert template.evaluate(home, "local.encrypt", **variables) == encrypted


def test_builder_has_time_to_be_reached() -> None:
    """Packer waits 15 minutes, the subnet decides about the address, and the plugins can reach a builder."""
    assert re.findall(r'^  ssh_timeout += "(\w+)"', SOURCE, re.MULTILINE) == ["15m"]
    assert "associate_public_ip_address" not in SOURCE
    plugins = (REPOSITORY / "packer/plugins.pkr.hcl").read_text()
    assert re.findall(r'source += "github.com/hashicorp/amazon"\n +version += "(.*?)"', plugins) == ["~> 1.8"]


def test_user_data_trusts_the_key_of_the_repository(home: Path) -> None:
    """A builder gets the whole key as the script's second argument, and the user data fits EC2's limit."""
    told = template.evaluate(home, "local.user_data", region="eu-west-1")
    assert len(told.encode()) < USER_DATA_BYTES
    shebang, given, script = told.split("#!/bin/sh\n")
    assert script.strip() == (KEY.parent / "install-agent").read_text().partition("\n")[2].strip()
    read = ["sh", "-c", f'{given}\nprintf "%s\\n" "$@"']
    package, _, key = subprocess.check_output(read, text=True).partition("\n")
    assert (shebang, key) == ("", KEY.read_text())
    assert package.startswith("https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_arm64/")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("commit", "main", "The commit must be the 40 hexadecimal digits"),
        ("architecture", "riscv64", "The architecture must be arm64 or amd64"),
        ("subnet_id", "", "The subnet_id must be that of a subnet, such as subnet-0123456789abcdef0"),
    ],
)
def test_wrong_variables_are_refused(home: Path, variable: str, value: str, says: str) -> None:
    """An invalid variable ends the bake before it begins, and the message says what is expected."""
    done = validate(home, **{variable: value})
    assert done.returncode != 0
    assert says in done.stdout


def manifest(*artifacts: str) -> str:
    """Return a manifest as Packer writes it: builds of earlier runs, then those of the last."""
    earlier = {"builder_type": "amazon-ebs", "artifact_id": "eu-central-1:ami-01234567", "packer_run_uuid": "1"}
    last = [earlier | {"artifact_id": artifact, "packer_run_uuid": "2"} for artifact in artifacts]
    return json.dumps({"builds": [earlier, *last], "last_run_uuid": "2"})


def test_image_file_names_the_image_that_was_baked_last(tmp_path: Path) -> None:
    """The file that Terraform reads has the id of the last run's image as ami_id."""
    (tmp_path / "manifest.json").write_text(manifest("eu-central-1:ami-0abcdef0123456789"))
    target = tmp_path / "image.tfvars.json"
    subprocess.run([*WRITE, tmp_path / "manifest.json", target], check=True, stdout=subprocess.DEVNULL)
    assert json.loads(target.read_text()) == {"ami_id": "ami-0abcdef0123456789"}


@pytest.mark.parametrize("artifacts", [(), ("eu-central-1:ami-1,eu-west-1:ami-2", "eu-central-1:ami-3"), ("nothing",)])
def test_image_file_is_not_written_from_a_manifest_that_is_not_clear(tmp_path: Path, artifacts: tuple[str]) -> None:
    """If the manifest names no image, several, or something else, the error shows it, and no file is written."""
    (tmp_path / "manifest.json").write_text(manifest(*artifacts))
    target = tmp_path / "image.tfvars.json"
    done = subprocess.run([*WRITE, tmp_path / "manifest.json", target], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "should name one image" in done.stderr
    assert not target.exists()
