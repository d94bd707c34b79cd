"""The keys that sign Amazon's agents: files of the repository that gpg reads, with the fingerprints AWS publishes."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from packer.key_age import expiring, expiry, told
from tests.image.layout import REPOSITORY

pytestmark = pytest.mark.image

FILES = REPOSITORY / "ansible/roles/aws_agents/files"
# https://docs.aws.amazon.com/systems-manager/latest/userguide/verify-agent-signature.html
FINGERPRINTS = {"amazon-ssm-agent.asc": "1C5B395CBE5E74E2F1CA21592784DBF388D19D46"}


def test_keys_are_those_that_amazon_publishes(tmp_path: Path) -> None:
    """Every key file of the role, imported as a builder does it, is the one key with the published fingerprint."""
    assert {path.name for path in FILES.glob("*.asc")} == FINGERPRINTS.keys()
    for name, fingerprint in FINGERPRINTS.items():
        gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "--quiet", "--no-autostart"]
        subprocess.run([*gpg, "--import", FILES / name], check=True)
        listed = subprocess.check_output([*gpg, "--with-colons", "--list-keys"], text=True).splitlines()
        assert [line.split(":")[9] for line in listed if line.startswith("fpr:")] == [fingerprint]


def test_key_that_expires_soon_is_told() -> None:
    """Only in its last 90 days, a key is reported with its expiry date and with what to do."""
    key = FILES / "amazon-ssm-agent.asc"
    end = expiry(key)
    assert end is not None
    assert end.date().isoformat() == "2027-11-25"
    assert expiring([key], end - timedelta(seconds=1)) == []
    (sentence,) = expiring([key], end + timedelta(seconds=1))
    assert sentence == f"{key} expires on 2027-11-25: replace it with Amazon's new key, see docs/runbooks/rotate.md"


def test_key_without_an_end_never_expires(tmp_path: Path) -> None:
    """A key without an expiry date passes."""
    gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
    subprocess.run([*gpg, "--quick-gen-key", "somebody", "ed25519", "sign", "never"], check=True)
    key = tmp_path / "key.asc"
    subprocess.run([*gpg, "--armor", "--output", key, "--export"], check=True)
    subprocess.run(["gpgconf", "--homedir", tmp_path, "--kill", "gpg-agent"], check=True)
    assert told(key)["uid"][9] == "somebody"
    assert expiring([key], datetime.max.replace(tzinfo=UTC)) == []
