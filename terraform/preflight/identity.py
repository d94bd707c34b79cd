"""Checks whose credentials these are, and of which account: every other check of AWS depends on it."""

from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from terraform.preflight.finding import Finding, missing, ok


def check(session: boto3.Session, accounts: Mapping[str, str]) -> list[Finding]:
    """Check the credentials, and that they are of one of `accounts`, which maps environments to account ids."""
    try:
        told = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return [unknown(error)]
    return [ok("identity", told["Arn"]), _account(told["Account"], accounts)]


def unknown(error: Exception) -> Finding:
    """Report that there are no credentials that AWS accepts."""
    return missing("identity", f"{error}; log in (aws sso login), or name your credentials (export AWS_PROFILE=...)")


def _account(found: str, accounts: Mapping[str, str]) -> Finding:
    for environment, account_id in accounts.items():
        if found == account_id:
            return ok("account", f"{found}, which is that of {environment}")
    wanted = " or ".join(f"{account_id} ({environment})" for environment, account_id in accounts.items())
    return missing(
        "account",
        f"these are credentials of {found}, not of {wanted}; use others (export AWS_PROFILE=...), "
        "or put your account's id into the files of terraform/environments",
    )
