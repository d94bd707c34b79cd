"""The template for AWS: valid as far as the Packer of this machine knows, and what leaves a bake."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.layout import REPOSITORY, environ

pytestmark = pytest.mark.image

WRITE = [sys.executable, str(REPOSITORY / "packer/write_image_file.py")]
# What Packer 1.6, which Debian has, does not know yet; later versions have all of it.
NEWER = {"deprecate_at", "imds_support", "metadata_options"}
VARIABLES = {"version": "1.0.0", "commit": "0" * 40, "built": "20260101T000000Z", "expires": "2026-04-01T00:00:00Z"}


def packer(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run Packer beside a copy of the template."""
    quiet = {"CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    command = ["packer", *arguments]
    return subprocess.run(command, cwd=folder, env=environ() | quiet, capture_output=True, text=True, check=False)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Copy the template without plugins.pkr.hcl."""
    shutil.copytree(REPOSITORY / "packer", tmp_path / "packer", ignore=shutil.ignore_patterns("plugins.pkr.hcl"))
    (tmp_path / "ansible").symlink_to(REPOSITORY / "ansible")
    return tmp_path


def validate(template: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Let Packer check the source for AWS and all variables."""
    arguments = [f"-var={name}={value}" for name, value in (VARIABLES | variables).items()]
    return packer("validate", "-only=amazon-ebs.*", *arguments, "packer", folder=template)


def test_template_has_the_one_format(template: Path) -> None:
    """`packer fmt` would change nothing."""
    assert packer("fmt", "-check", "packer", folder=template).stdout == ""


def test_source_is_valid_but_for_what_is_newer_than_this_packer(template: Path) -> None:
    """Without the newer settings, the source is valid; they are all that an old Packer does not understand."""
    printed = validate(template).stdout
    unknown = set(re.findall(r'(?:argument named|Blocks of type) "(\w+)"', printed))
    assert unknown <= NEWER, printed
    image = template / "packer/image.pkr.hcl"
    text = re.sub(r"^  metadata_options \{.*?^  \}\n", "", image.read_text(), flags=re.MULTILINE | re.DOTALL)
    image.write_text(re.sub(r"^  (?:deprecate_at|imds_support) .*\n", "", text, flags=re.MULTILINE))
    done = validate(template)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("commit", "main", "The commit must be the 40 hexadecimal digits"),
        ("architecture", "riscv64", "The architecture must be arm64 or amd64"),
    ],
)
def test_wrong_variables_are_refused(template: Path, variable: str, value: str, says: str) -> None:
    """A variable that cannot be right ends the bake before it begins, and the message says what to give."""
    done = validate(template, **{variable: value})
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
    """No image, several, or something else: an error that shows what the manifest names, and no file."""
    (tmp_path / "manifest.json").write_text(manifest(*artifacts))
    target = tmp_path / "image.tfvars.json"
    done = subprocess.run([*WRITE, tmp_path / "manifest.json", target], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "should name one image" in done.stderr
    assert not target.exists()
