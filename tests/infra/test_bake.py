"""What make does before Packer or Terraform runs: it refuses what cannot work, and passes on where to bake."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What decides, or is make's own, and must not come from whoever runs the tests.
_TOLD = {"ARCH", "AWS_REGION", "ENVIRONMENT", "MAKEFLAGS", "MAKELEVEL", "SHARE_IMAGES_WITH", "SUBNET"}
_READ = ("Makefile", "pyproject.toml", "uv.lock", "service/__init__.py", "terraform/variables_fleet.tf")


def make(*words: str, folder: Path = ROOT, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run make with nothing told but what is given."""
    kept = {name: value for name, value in os.environ.items() if name not in _TOLD}
    return subprocess.run(["make", *words], cwd=folder, env=kept | environ, capture_output=True, text=True, check=False)


def told(*words: str, folder: Path = ROOT, **environ: str) -> dict[str, str]:
    """Return the variables that `make bake` would give to Packer."""
    done = make("--dry-run", "bake", *words, folder=folder, **environ)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"-var (\w+)=(\S*)", done.stdout))


@pytest.mark.parametrize("subnet", ["", "vpc-0123456789abcdef0"])
def test_bake_without_a_subnet_is_refused_before_anything_is_built(subnet: str) -> None:
    """A missing or invalid subnet is refused in one line that says how to get one, before the artifact is built."""
    done = make("bake", SUBNET=subnet)
    assert done.returncode != 0
    sentence, _, makes_own = done.stderr.partition("\n")
    assert sentence.startswith("make bake needs a subnet for the builder: make bake SUBNET=subnet-...; see")
    assert makes_own.startswith("make: ***")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("target", "follows"),
    [("bake", "uv build"), *((name, f"-m terraform.{name} dev") for name in ("bootstrap", "deploy", "destroy"))],
    ids=["bake", "bootstrap", "deploy", "destroy"],
)
def test_identity_account_and_tools_come_first(target: str, follows: str) -> None:
    """Before anything else, a line says which identity acts in which account, or why nothing is done."""
    done = make("--dry-run", target, ENVIRONMENT="dev", SUBNET="subnet-1")
    commands = done.stdout
    assert 0 < commands.find(f"-m terraform.preflight dev --before {target}") < commands.find(follows), done.stderr


@pytest.mark.parametrize("target", ["bootstrap", "destroy", "preflight"])
def test_environment_is_needed(target: str) -> None:
    """Without an environment, one line says how to name one."""
    done = make("--old-file=.venv/.ready", target)  # whose making would pull this Python away
    assert (done.returncode, f"make {target} ENVIRONMENT=dev" in done.stderr) == (2, True)


@pytest.mark.parametrize("target", ["bootstrap", "destroy"])
def test_confirmation_reaches_the_command_in_one_piece(target: str) -> None:
    """The answer has a space in it, and is one argument; without an answer the command asks."""
    done = make("--dry-run", target, "ENVIRONMENT=dev", "CONFIRM=dev 111111111111")
    assert '--confirm "dev 111111111111"' in done.stdout
    assert "--confirm" not in make("--dry-run", target, "ENVIRONMENT=dev").stdout


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [
        ("c7g.medium", "arm64"),
        ("im4gn.large", "arm64"),
        ("a1.large", "arm64"),
        ("g4dn.xlarge", "amd64"),
        ("m7i-flex.large", "amd64"),
    ],
)
def test_architecture_is_that_of_the_environments_instances(
    tmp_path: Path, instance_type: str, architecture: str
) -> None:
    """The architecture follows from the environment's values, whatever machine bakes."""
    values = "terraform/environments/dev.tfvars"
    for name in (*_READ, values):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / values).open("a") as file:
        file.write(f'instance_type = "{instance_type}"\n')
    assert told(folder=tmp_path)["architecture"] == architecture
    for told_by_hand, meant in {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.items():
        assert told(f"ARCH={told_by_hand}", folder=tmp_path)["architecture"] == meant


def test_architecture_that_no_instance_has_is_refused() -> None:
    """An unknown architecture is refused in one line, and nothing is built."""
    done = make("artifact", "ARCH=armv7")
    assert done.returncode != 0
    assert done.stderr.startswith("no instance has the architecture armv7: say ARCH=x86_64 or ARCH=aarch64\nmake: ***")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_default_architecture_is_that_of_the_default_type(environment: str) -> None:
    """Without an instance type of its own, an environment runs on Graviton."""
    assert told(f"ENVIRONMENT={environment}")["architecture"] == "arm64"


def test_pipelines_values_reach_packer() -> None:
    """Region, subnet and accounts to share with are passed on; empty values are left to the template."""
    given = told(AWS_REGION="eu-west-1", SUBNET="subnet-1", SHARE_IMAGES_WITH='["222222222222"]')
    assert (given["region"], given["subnet_id"], given["share_with"]) == (
        "eu-west-1",
        "subnet-1",
        "'[\"222222222222\"]'",
    )
    assert {"region", "share_with"} & told(AWS_REGION="", SHARE_IMAGES_WITH="").keys() == set()
