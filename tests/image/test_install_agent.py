"""The script that installs Amazon's agents, with the real curl and gpg, and an apt that only records its arguments."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image import template
from tests.image.layout import REPOSITORY
from tests.support.outside import Outside, outside

pytestmark = pytest.mark.image

FILES = REPOSITORY / "ansible/roles/aws_agents/files"
# Finds the package lists locked twice; "installs" curl by a link to it.
_APT = """#!/bin/sh
echo "$*" >>{asked}
case $* in
  *update) test "$(grep -c update {asked})" -gt 2 ;;
  *curl*) ln -s {curl} {programs}/curl ;;
esac
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Serve signed stand-ins."""
    with outside("127.0.0.1", tmp_path_factory.mktemp("world") / "outside") as served:
        yield served


@dataclass
class Builder:
    """The programs on a machine that has just booted: no curl, and a fake apt."""

    programs: Path

    @property
    def asked(self) -> list[str]:
        """The arguments that apt was called with."""
        noted = self.programs.with_name("asked")
        return noted.read_text().splitlines() if noted.exists() else []

    def run(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a script as cloud-init would."""
        environ = {"PATH": str(self.programs)}
        return subprocess.run(
            ["/bin/sh", "-c", script, "script", *arguments], env=environ, capture_output=True, text=True, check=False
        )

    def install(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run install-agent."""
        return self.run((FILES / "install-agent").read_text(), *arguments)


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """Make a machine."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("chmod", "gpg", "grep", "ln", "mktemp", "rm"):
        (programs / name).symlink_to(str(shutil.which(name)))
    apt = _APT.format(asked=tmp_path / "asked", curl=shutil.which("curl"), programs=programs)
    for name, text in {"apt-get": apt, "sleep": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return Builder(programs)


def test_user_data_installs_a_package_signed_by_the_key_in_it(builder: Builder, world: Outside, tmp_path: Path) -> None:
    """The user data waits for apt's locks, and installs a package that the key in it has signed."""
    template.copy(tmp_path / "copy")
    done = builder.run(template.user_data(tmp_path / "copy", world))
    assert done.returncode == 0, done.stderr
    waiting = "--quiet=2 --yes -o DPkg::Lock::Timeout=300"
    assert builder.asked[:3] == [f"{waiting} update"] * 3
    assert builder.asked[3] == f"{waiting} install --no-install-recommends ca-certificates curl gpg"
    assert [Path(asked.split()[-1]).name for asked in builder.asked[4:]] == ["agent.deb"]
    assert builder.asked[4].startswith(waiting)


def test_fetched_key_is_trusted_by_its_fingerprint_only(builder: Builder, world: Outside) -> None:
    """A key from a URL needs its fingerprint: with the right one the package is installed, with another it is not."""
    package, key = f"{world.url}/amazon-ssm-agent.deb", f"{world.url}/assets/amazon-cloudwatch-agent.gpg"
    assert builder.install(package, key, world.fingerprint).returncode == 0
    installed = len(builder.asked)
    other = world.fingerprint.translate(str.maketrans("0123456789", "1234567890"))
    assert f"is signed by another key than {other}" in builder.install(package, key, other).stderr
    assert "needs the fingerprint by which it is trusted" in builder.install(package, key).stderr
    assert len(builder.asked) == installed


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ((FILES / "amazon-ssm-agent.asc").read_text(), "not by the key that is trusted, so it was not installed"),
        ("key := `-----BEGIN PGP PUBLIC KEY BLOCK-----`", "gpg finds no key in what was given as one"),
    ],
    ids=["Amazon's", "none"],
)
def test_package_that_somebody_else_signed_is_refused(builder: Builder, world: Outside, key: str, says: str) -> None:
    """A stand-in is refused with Amazon's own key, and everything is refused with an invalid key."""
    done = builder.install(f"{world.url}/amazon-ssm-agent.deb", key)
    assert done.returncode == 1
    assert says in done.stderr
    assert [asked for asked in builder.asked if "agent.deb" in asked] == []


def test_package_that_was_changed_is_refused(builder: Builder, world: Outside) -> None:
    """A package with one changed byte is not installed."""
    package = world.key.parents[1] / "amazon-ssm-agent.deb"
    changed = package.with_name("changed.deb")
    changed.write_bytes(package.read_bytes() + b"!")
    shutil.copy(f"{package}.sig", f"{changed}.sig")
    done = builder.install(f"{world.url}/changed.deb", world.key.read_text())
    assert done.returncode == 1
    assert "BADSIG" in done.stderr
    assert [asked for asked in builder.asked if "agent.deb" in asked] == []


def test_missing_signature_is_said(builder: Builder, world: Outside) -> None:
    """A missing file stops the bake, and the error names its address."""
    shutil.copy(world.key.parents[1] / "amazon-ssm-agent.deb", world.key.parents[1] / "unsigned.deb")
    done = builder.install(f"{world.url}/unsigned.deb", world.key.read_text())
    assert done.returncode == 1
    assert f"cannot fetch {world.url}/unsigned.deb.sig" in done.stderr
