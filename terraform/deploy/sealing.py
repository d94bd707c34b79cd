"""Encrypts a saved plan, because it holds parts of the state, and what pipelines keep is read by more people than that.

    python -m terraform.deploy.sealing seal|unseal ENVIRONMENT PLAN

The key comes from KMS, once for each plan, under the key of the state; the sealed plan is PLAN.sealed.
"""

import json
import re
import sys
from base64 import b64decode, b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import boto3
from cryptography.fernet import Fernet

from terraform.deploy.state import ROOT


def seal(kms: Any, environment: str, plan: Path) -> Path:  # noqa: ANN401 - a client of boto3's
    """Encrypt `plan`, and return where it is now."""
    key = kms.generate_data_key(
        KeyId=f"alias/hello-birthday-{environment}-state", KeySpec="AES_256", EncryptionContext=_context(environment)
    )
    content = _cipher(key["Plaintext"]).encrypt(plan.read_bytes()).decode()
    told = {"key": b64encode(key["CiphertextBlob"]).decode(), "content": content}
    sealed = _sealed(plan)
    sealed.write_text(json.dumps(told), encoding="utf-8")
    return sealed


def unseal(kms: Any, environment: str, plan: Path) -> Path:  # noqa: ANN401 - as above
    """Decrypt PLAN.sealed to `plan`."""
    told = json.loads(_sealed(plan).read_text(encoding="utf-8"))
    key = kms.decrypt(CiphertextBlob=b64decode(told["key"]), EncryptionContext=_context(environment))
    plan.write_bytes(_cipher(key["Plaintext"]).decrypt(told["content"]))
    return plan


def _sealed(plan: Path) -> Path:
    return plan.with_name(f"{plan.name}.sealed")


def _context(environment: str) -> dict[str, str]:
    return {"purpose": "plan", "environment": environment}


def _cipher(key: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(key))


def main(action: str, environment: str, plan: str) -> None:
    """Do what the command line says."""
    backend = (ROOT / "environments" / f"{environment}.s3.tfbackend").read_text(encoding="utf-8")
    (region,) = re.findall(r'^region += "(.*)"$', backend, re.MULTILINE)
    written = {"seal": seal, "unseal": unseal}[action](boto3.client("kms", region_name=region), environment, Path(plan))
    print(f"{written} is written")


if __name__ == "__main__":
    main(*sys.argv[1:])
