"""Checks what a first deployment needs: prints a line for each thing, and what to do if it is missing.

    python -m terraform.preflight ENVIRONMENT [--before bootstrap|bake|deploy|destroy] [--dns ADDRESS]

`make preflight ENVIRONMENT=prod [DNS=ADDRESS]` does it. Exit status: 0 nothing is missing, 2 something is.
"""

import argparse
import sys
from collections.abc import Iterable

import boto3
from botocore.exceptions import BotoCoreError

from terraform.preflight.checks import before_bake, before_bootstrap, before_deploy, whole
from terraform.preflight.delegation import resolver
from terraform.preflight.finding import Finding, State
from terraform.preflight.identity import unknown
from terraform.preflight.values import environments

_QUICK = {"bake": before_bake, "bootstrap": before_bootstrap, "deploy": before_deploy, "destroy": before_deploy}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m terraform.preflight", description=__doc__)
    parser.add_argument("environment", help="dev or prod")
    parser.add_argument("--before", choices=sorted(_QUICK), help="check only what this command needs, in one line")
    parser.add_argument(
        "--dns", metavar="ADDRESS", type=resolver, help="DNS server to ask for the zone (default: this machine's)"
    )
    return parser.parse_args()


def tell(found: Iterable[Finding]) -> int:
    """Print each finding on its own line as soon as it is known; return the exit status, 2 if anything is missing."""
    status = 0
    for finding in found:
        print(finding, flush=True)
        status = 2 if finding.state is State.MISSING else status
    return status


def tell_in_one_line(before: str, found: Iterable[Finding]) -> int:
    """Print the first missing thing, or else all findings in one line; return the exit status, 2 if one is missing."""
    told = []
    for finding in found:
        if finding.state is State.MISSING:
            print(f"make {before}: {finding.what}: {finding.says}", file=sys.stderr)
            return 2
        told.append(f"{finding.what} {finding.says}")
    print(", ".join(told), flush=True)
    return 0


def main() -> int:
    """Check, print the findings, and return the exit status."""
    given, known = arguments(), environments()
    if given.environment not in known:
        print(f"There is no environment {given.environment}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    values = known[given.environment]
    try:
        session = boto3.Session(region_name=values.region)
    except BotoCoreError as error:
        return tell([unknown(error)])
    if given.before:
        return tell_in_one_line(given.before, _QUICK[given.before](session, given.environment, known))
    return tell(whole(session, values, given.dns))


if __name__ == "__main__":
    sys.exit(main())
