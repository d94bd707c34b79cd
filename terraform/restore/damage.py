"""What was damaged, and putting it back without touching what users wrote since. Knows nothing of command lines."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

_AT_ONCE = 8  # writes; below what a new on-demand table takes, and the service needs some of it

Client: TypeAlias = Any
"""A DynamoDB client of boto3's."""

Date: TypeAlias = Mapping[str, Any]
"""A date of birth as DynamoDB has it, such as {"S": "1990-12-10"}; damaged ones may be of any type."""


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
    """Return what was changed or deleted from one copy to the other; users that are new in the later one stay."""
    return {
        name: Damage(date, after.get(name))
        for name, date in before.items()
        if date is not None and after.get(name) != date
    }


def put_back(dynamodb: Client, table: str, found: Mapping[str, Damage]) -> int:
    """Put the earlier dates back, except where the item changed since the later copy; return how many were put."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = pool.map(lambda entry: _put(dynamodb, table, *entry), found.items())
        return sum(done)


def _put(dynamodb: Client, table: str, name: str, damage: Damage) -> bool:
    """Put one date back; return False if somebody wrote meanwhile."""
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
