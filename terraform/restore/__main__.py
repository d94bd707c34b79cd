"""Restores dates of birth that were changed or deleted by mistake; users' later changes stay.

    python -m terraform.restore TABLE --before COPY --after COPY [--write]

The copies are TABLE restored to just before the damage and to just after it: docs/runbooks/restore-table.md.
"""

import argparse
import os
import sys

import boto3

from terraform.restore.damage import damaged, dates, put_back


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m terraform.restore", description=__doc__)
    parser.add_argument("table", help="the table in use, such as birthdays")
    parser.add_argument("--before", required=True, metavar="COPY", help="the table as it was before the damage")
    parser.add_argument("--after", required=True, metavar="COPY", help="the table as it was right after the damage")
    parser.add_argument("--write", action="store_true", help="restore the items; without it, only count them")
    return parser.parse_args()


def main() -> int:
    """Compare, restore if asked to, and print numbers only: names and dates are personal data."""
    given = arguments()
    dynamodb = boto3.client("dynamodb", region_name=os.environ.get("AWS_REGION"))
    before, after = dates(dynamodb, given.before), dates(dynamodb, given.after)
    found = damaged(before, after)
    print(f"{len(before)} users before, {len(after)} after; {len(found)} changed or deleted in between,")
    print(f"{len(after.keys() - before.keys())} new in between, which are kept")
    if not given.write:
        print("nothing was written; run again with --write to restore them")
        return 0
    put = put_back(dynamodb, given.table, found)
    print(f"{put} restored, {len(found) - put} skipped because they have changed since")
    return 0


if __name__ == "__main__":
    sys.exit(main())
