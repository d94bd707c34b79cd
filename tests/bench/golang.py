"""The peer in Go, built once from Debian 13's packages of Go and of the AWS SDK, which are unpacked, not installed.

Debian's packages contain the sources of all libraries, so only this machine's own Debian mirror is needed.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.bench.layout import BENCH, BUILD
from tests.bench.processes import BenchError
from tests.image.cloud_image import mirror

PROGRAM = BUILD / "go" / "hello"

_SOURCE = BENCH / "peers" / "go" / "app.go"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PACKAGES = (
    "golang-1.24-go",
    "golang-1.24-src",
    "golang-github-aws-aws-sdk-go-v2-dev",
    "golang-github-aws-smithy-go-dev",
    "golang-github-jmespath-go-jmespath-dev",
    "golang-golang-x-net-dev",
)
_APT = """\
Dir::State "{home}/state";
Dir::State::status "{home}/status";
Dir::Cache "{home}/cache";
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "";
"""
_LEFT_OUT = "Go with the AWS SDK was left out"


def install() -> str | None:
    """Build the peer unless it is up to date; return one sentence if it cannot be built on this machine."""
    wanted = _SOURCE.read_text() + " ".join(_PACKAGES)
    done = PROGRAM.with_name("built-from")
    if PROGRAM.exists() and done.exists() and done.read_text() == wanted:
        return None
    lacking = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if lacking or not _KEYS.exists():
        return f"{_LEFT_OUT}: that takes {', '.join(lacking) or f'the keys of Debian, {_KEYS}'}"
    shutil.rmtree(PROGRAM.parent, ignore_errors=True)
    work = PROGRAM.parent / "work"
    for folder in ("state/lists/partial", "cache/archives/partial", "root"):
        (work / folder).mkdir(parents=True)
    failed = _fetch(work)
    if failed is None:
        _build(work)
        done.write_text(wanted)
    shutil.rmtree(work)
    return failed


def _fetch(work: Path) -> str | None:
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={_KEYS}] {mirror()} trixie main\n")
    (work / "apt.conf").write_text(_APT.format(home=work))
    for arguments in (("update",), ("download", *_PACKAGES)):
        # `apt-get update` only warns if it cannot fetch an index; then the download of the packages fails.
        done = _ran(["apt-get", "--quiet", *arguments], work, APT_CONFIG=str(work / "apt.conf"))
        if done.returncode != 0:
            return f"{_LEFT_OUT}: apt-get says {(done.stderr.strip().splitlines() or ['nothing'])[-1]}"
    return None


def _build(work: Path) -> None:
    root, program = work / "root", str(PROGRAM)
    for package in sorted(work.glob("*.deb")):
        _must(_ran(["dpkg-deb", "--extract", package.name, str(root)], work))
    go = root / "usr/lib/go-1.24"
    variables = {
        "GOROOT": str(go),
        "GOPATH": str(root / "usr/share/gocode"),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOCACHE": str(work / "built"),
        "CGO_ENABLED": "0",
    }
    _must(_ran([str(go / "bin/go"), "build", "-o", program, str(_SOURCE)], work, **variables))


def _ran(command: Sequence[str], work: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"LC_ALL": "C"} | variables
    return subprocess.run(command, cwd=work, env=environ, capture_output=True, text=True, check=False)


def _must(done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode != 0:
        raise BenchError(f"{' '.join(done.args)} failed:\n{done.stderr[-2000:]}")
