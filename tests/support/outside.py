"""The network that a builder reaches: Debian's mirror through a proxy, and a bucket with stand-ins for Amazon's agents.

The stand-ins are Debian packages with the agents' names, signed by a key made for each run. They install the files, the
user and the unit that the image relies on, and log to the journal that they are stand-ins. Needs dpkg-deb and gpg.
"""

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

STAND_INS = {"amazon-cloudwatch-agent": "/opt/aws/amazon-cloudwatch-agent/bin", "amazon-ssm-agent": "/usr/bin"}
_SIGNER = "stand-in@example.com"
# As Amazon's does: a machine with a copy of these files is taken for the instance that wrote them.
_REGISTERS = {
    "amazon-ssm-agent": (
        "vault=/var/lib/amazon/ssm/Vault\nmkdir -p $vault/Store /var/log/amazon/ssm\n"
        "test -e $vault/Manifest || {\n"
        """echo '{"privateKey":"drawn here","keyType":"ECDSA"}' >$vault/Store/EC2RegistrationKey\n"""
        "echo '{}' >$vault/Manifest\necho registered >/var/log/amazon/ssm/amazon-ssm-agent.log\n}\n"
    )
}


_STARTS = {
    "amazon-ssm-agent": (
        "test -d /run/systemd/system || exit 0\nsystemctl daemon-reload\nsystemctl enable --now amazon-ssm-agent\n"
    )
}
_KEY = Path("assets/amazon-cloudwatch-agent.gpg")


@dataclass(frozen=True)
class Outside:
    """Where a builder finds what it downloads."""

    url: str
    """Proxy for Debian's packages, and the bucket."""
    key: Path
    """The key that signed the stand-ins, in the bucket as /assets/amazon-cloudwatch-agent.gpg."""
    fingerprint: str
    """That key's fingerprint."""


@contextmanager
def outside(address: str, folder: Path) -> Iterator[Outside]:
    """Serve proxy and bucket at `address` until the block ends; `folder` is emptied for them."""
    shutil.rmtree(folder, ignore_errors=True)
    bucket = folder / "bucket"
    fingerprint = _fill(bucket, folder / "gnupg")
    server = ThreadingHTTPServer((address, 0), partial(_Handler, directory=str(bucket)))
    Thread(target=server.serve_forever).start()
    try:
        yield Outside(f"http://{address}:{server.server_port}", bucket / _KEY, fingerprint)
    finally:
        server.shutdown()
        server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """Serves the bucket's files, and acts as a proxy for requests with a full URL."""

    def do_GET(self) -> None:
        """Answer a path from the bucket, and a URL from its own server."""
        if not self.path.startswith("http://"):
            super().do_GET()
            return
        try:
            with urllib.request.urlopen(self.path, timeout=60) as answer:
                self.send_response(answer.status)
                self.send_header("Content-Length", answer.headers["Content-Length"])
                self.end_headers()
                shutil.copyfileobj(answer, self.wfile)
        except urllib.error.HTTPError as error:
            self.send_error(error.code)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


def _fill(bucket: Path, keyring: Path) -> str:
    """Put signed stand-ins and the key into `bucket`, and return the key's fingerprint."""
    keyring.mkdir(parents=True, mode=0o700)
    gpg = ["gpg", "--homedir", str(keyring), "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
    subprocess.run([*gpg, "--quick-gen-key", _SIGNER, "ed25519", "sign"], check=True)
    listed = subprocess.check_output([*gpg, "--with-colons", "--list-keys"], text=True)
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    for name, programs in STAND_INS.items():
        package = bucket / f"{name}.deb"
        _package(bucket.parent / name, name, programs, package)
        subprocess.run([*gpg, "--detach-sign", "--output", f"{package}.sig", str(package)], check=True)
    for architecture in ("amd64", "arm64"):
        folder = bucket / "debian" / architecture / "latest"
        folder.mkdir(parents=True)
        for file in bucket.glob("amazon-cloudwatch-agent.deb*"):
            shutil.copy(file, folder)
    (bucket / _KEY).parent.mkdir()
    subprocess.run([*gpg, "--armor", "--output", str(bucket / _KEY), "--export"], check=True)
    subprocess.run(["gpgconf", "--homedir", str(keyring), "--kill", "gpg-agent"], check=True)
    return fingerprint


def _package(folder: Path, name: str, programs: str, target: Path) -> None:
    """Build the package of one stand-in."""
    files = {
        "DEBIAN/control": (
            f"Package: {name}\nVersion: 0~stand-in\nArchitecture: all\nMaintainer: nobody <{_SIGNER}>\n"
            f"Description: stand-in for {name}, which only AWS has\n"
        ),
        "DEBIAN/postinst": "#!/bin/sh\nset -e\nid cwagent >/dev/null 2>&1 || useradd --system cwagent\n"
        + _STARTS.get(name, ""),
        f"{programs}/{name}": (
            f'#!/bin/sh\n{_REGISTERS.get(name, "")}echo "this is a stand-in, not {name}"\nexec sleep infinity\n'
        ),
        f"/usr/lib/systemd/system/{name}.service": (
            f"[Unit]\nDescription=Stand-in for {name}\n[Service]\nExecStart={programs}/{name}\n"
            "[Install]\nWantedBy=multi-user.target\n"
        ),
    }
    for path, content in files.items():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(0o755 if content.startswith("#!") else 0o644)
    if "opt" in programs:
        (folder / "opt/aws/amazon-cloudwatch-agent/etc").mkdir()
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder, target], check=True, stdout=subprocess.DEVNULL)
