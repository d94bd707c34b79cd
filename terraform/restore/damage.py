"""Finds damaged items and restores them without touching what users wrote since. Knows nothing of command lines."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

_AT_ONCE = 8  # writes; fewer than a new on-demand table takes, since the service needs some of its capacity

Client: TypeAlias = Any
"""A boto3 client of DynamoDB."""

Date: TypeAlias = Mapping[str, Any]
"""A date of birth in DynamoDB's format, such as {"S": "1990-12-10"}; damaged ones may be of any type."""


@dataclass(frozen=True)
class Damage:
    """What happened to one user's item between the two copies."""

    before: Date
    after: Date | None
    """None: the item was deleted, or has no date any more."""


def dates(dynamodb: Client, table: str) -> dict[str, Date | None]:
    """Return the date of every user in `table`."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    return {item["username"]["S"]: item.get("dateOfBirth") for page in pages for item in page["Items"]}


def damaged(before: Mapping[str, Date | None], after: Mapping[str, Date | None]) -> dict[str, Damage]:
    """Return what was changed or deleted between the copies; users that are new in the later one are left out."""
    return {
        name: Damage(date, after.get(name))
        for name, date in before.items()
        if date is not None and after.get(name) != date
    }


def put_back(dynamodb: Client, table: str, found: Mapping[str, Damage]) -> int:
    """Restore the earlier dates, except where the item has changed since the later copy; return how many were."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = pool.map(lambda entry: _put(dynamodb, table, *entry), found.items())
        return sum(done)


def _put(dynamodb: Client, table: str, name: str, damage: Damage) -> bool:
    """Restore one date; return False if it has changed since the later copy."""
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(dateOfBirth)"}
    if damage.after is not None:
        values = {":after": damage.after}
        condition = {"ConditionExpression": "dateOfBirth = :after", "ExpressionAttributeValues": values}
    item = {"username": {"S": name}, "dateOfBirth": damage.before}
    try:
        dynamodb.put_item(TableName=table, Item=item, **condition)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
