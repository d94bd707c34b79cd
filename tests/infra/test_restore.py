"""docs/runbooks/restore-table.md, rehearsed with its own commands: the lost table, and damaged items."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import aiohttp
import boto3
import pytest

from service.storage.dynamodb import create_table
from terraform.restore.damage import damaged, put_back
from tests.infra.aws_commands import call
from tests.infra.snippets import ROOT, commands, scripts
from tests.support.process import running_service
from tests.support.stack import Stack, variables

Client: TypeAlias = Any
"""A client of boto3's."""
Clients: TypeAlias = Callable[[str], Client]
"""Gives the client of a service."""

PAGE = (ROOT / "docs" / "runbooks" / "restore-table.md").read_text(encoding="utf-8")
TABLE = "module.service.aws_dynamodb_table.birthdays"
STORED = {"Ada": "1815-12-10", "Grace": "1906-12-09", "Alan": "1912-06-23"}


def step(marker: str) -> str:
    """Return the one script of the page that has `marker` in it."""
    (script,) = [script for script in scripts(PAGE) if marker in script and "\n" in script]
    return script


def one(script: str, beginning: str) -> list[str]:
    """Return the words of the one command in a script that begins with `beginning`."""
    found = [words for words in commands(script, "aws") if " ".join(words).startswith(beginning)]
    (words,) = found
    return words


def item(name: str, date: str) -> dict[str, dict[str, str]]:
    """Return a user's item."""
    return {"username": {"S": name}, "dateOfBirth": {"S": date}}


def stored(dynamodb: Client, table: str = "birthdays") -> dict[str, str]:
    """Return all dates in a table."""
    items = dynamodb.scan(TableName=table)["Items"]
    return {entry["username"]["S"]: entry["dateOfBirth"]["S"] for entry in items}


def delete(dynamodb: Client) -> None:
    """Delete the table; of its last moment AWS makes a backup by itself, which the emulator has to be told."""
    dynamodb.create_backup(TableName="birthdays", BackupName="birthdays$DeletedTableBackup")
    dynamodb.delete_table(TableName="birthdays")


def restore_deleted(client: Clients) -> None:
    """Do step 2 of the table that is gone."""
    script = step("restore-table-from-backup")
    backup = call(one(script, "aws dynamodb list-backups"), client)
    words = [backup if word == "$backup" else word for word in one(script, "aws dynamodb restore-table")]
    call(words, client)
    call(one(script, "aws dynamodb wait"), client)


@pytest.fixture
def client(dynamodb: str) -> Iterator[Clients]:
    """Give what makes clients, with the stored dates in a table `birthdays`; there is none afterwards."""
    clients = {"dynamodb": boto3.client("dynamodb", region_name="eu-central-1", endpoint_url=dynamodb)}
    asyncio.run(create_table("birthdays"))
    for name, date in STORED.items():
        clients["dynamodb"].put_item(TableName="birthdays", Item=item(name, date))
    yield clients.__getitem__
    for table in ("birthdays", "birthdays-before", "birthdays-after"):
        if table in clients["dynamodb"].list_tables()["TableNames"]:
            clients["dynamodb"].delete_table(TableName=table)


def copy(client: Clients, name: str) -> None:
    """Restore the present to a copy, as step 3 of damaged items does it for a time of the past."""
    script = step("restore-table-to-point-in-time")
    for words in commands(script, "aws"):
        if name in words:
            call(words, client)


def mend(*options: str) -> str:
    """Run the page's program with its own words and return what it prints."""
    (words,) = commands(step("terraform.restore"), ".venv/bin/python")
    done = subprocess.run([sys.executable, *words[1:], *options], cwd=ROOT, text=True, capture_output=True, check=True)
    return done.stdout


@pytest.fixture
def damage(client: Clients) -> Client:
    """Copy, damage two items, delete one, let a new user come, copy again; then one of them writes. Give the client."""
    dynamodb = client("dynamodb")
    copy(client, "birthdays-before")
    for name in ("Ada", "Grace"):
        dynamodb.put_item(TableName="birthdays", Item=item(name, "1999-01-01"))
    dynamodb.delete_item(TableName="birthdays", Key={"username": {"S": "Alan"}})
    dynamodb.put_item(TableName="birthdays", Item=item("Barbara", "1928-11-07"))
    copy(client, "birthdays-after")
    dynamodb.put_item(TableName="birthdays", Item=item("Grace", "1906-12-10"))
    return dynamodb


def test_damaged_items_are_put_back(damage: Client) -> None:
    """Changed and deleted items are restored; what users wrote since, and new users, stay."""
    told = mend("--write")
    assert stored(damage) == STORED | {"Grace": "1906-12-10", "Barbara": "1928-11-07"}
    assert "2 restored, 1 skipped" in told


def test_counting_changes_nothing(damage: Client) -> None:
    """Without --write the program counts, and names nobody."""
    before = stored(damage)
    told = mend()
    assert stored(damage) == before
    assert "3 users before, 3 after; 3 changed or deleted in between" in told
    assert not [name for name in [*STORED, "Barbara"] if name in told]


def test_putting_back_twice_is_harmless(damage: Client) -> None:
    """A second run, after users wrote again, takes nothing from them."""
    mend("--write")
    damage.put_item(TableName="birthdays", Item=item("Ada", "1815-12-11"))
    assert "0 restored, 3 skipped" in mend("--write")
    assert stored(damage)["Ada"] == "1815-12-11"


def test_items_without_a_date_are_put_back(client: Clients) -> None:
    """An item without a date, or with one of another type, counts as damaged."""
    dynamodb = client("dynamodb")
    dynamodb.put_item(TableName="birthdays", Item={"username": {"S": "Ada"}})
    dynamodb.put_item(TableName="birthdays", Item={"username": {"S": "Alan"}, "dateOfBirth": {"N": "1"}})
    before = {name: {"S": date} for name, date in STORED.items()}
    found = damaged(before, before | {"Ada": None, "Alan": {"N": "1"}})
    assert put_back(dynamodb, "birthdays", found) == 2
    assert stored(dynamodb) == STORED


async def test_service_outlives_its_table(client: Clients) -> None:
    """The running service answers 503 without its table, and with the old dates once it is restored under its name."""
    async with running_service(HELLO_TABLE_NAME="birthdays") as service, aiohttp.ClientSession(service.url) as session:

        async def status() -> int:
            async with session.get("/hello/Ada") as answer:
                return answer.status

        assert await status() == 200
        delete(client("dynamodb"))
        assert await status() == 503
        restore_deleted(client)
        assert await status() == 200


@pytest.mark.terraform
def test_terraform_adopts_the_restored_table(stacks: dict[str, Stack]) -> None:
    """Terraform adopts a table that was restored under its name, and gives it its settings back."""
    stack = stacks["prod"]
    dynamodb = stack.account.client("dynamodb")
    dynamodb.put_item(TableName="birthdays", Item=item("Ada", STORED["Ada"]))
    dynamodb.update_table(TableName="birthdays", DeletionProtectionEnabled=False)
    delete(dynamodb)
    assert _actions(stack)[TABLE] == ["create"]
    restore_deleted(stack.account.client)
    actions = _actions(stack)
    assert actions[TABLE] == ["update"]
    assert not [address for address, action in actions.items() if {"create", "delete"} & set(action)]
    stack.terraform.run("apply", stack.terraform.saved)
    assert _actions(stack)[TABLE] == ["no-op"]
    assert stored(dynamodb) == {"Ada": STORED["Ada"]}
    _assert_protected(dynamodb)


@pytest.mark.terraform
def test_another_name_would_replace_the_table(stacks: dict[str, Stack]) -> None:
    """Changing table_name would delete the table, which its protection refuses."""
    stack = stacks["prod"]
    assert _actions(stack, table_name="birthdays-before")[TABLE] == ["delete", "create"]
    target = [f"-target={TABLE}", *variables("prod", table_name="birthdays-before")]
    done = stack.terraform.run("apply", "-auto-approve", *target, check=False)
    assert done.returncode != 0
    assert "DeletionProtectionEnabled" in done.stderr
    assert stack.account.client("dynamodb").list_tables()["TableNames"] == ["birthdays"]


def _actions(stack: Stack, **values: str) -> dict[str, list[str]]:
    """Return what a plan would do, by address."""
    changes = stack.terraform.plan(*variables(stack.environment, **values))["resource_changes"]
    return {change["address"]: change["change"]["actions"] for change in changes}


def _assert_protected(dynamodb: Client) -> None:
    table = dynamodb.describe_table(TableName="birthdays")["Table"]
    backups = dynamodb.describe_continuous_backups(TableName="birthdays")["ContinuousBackupsDescription"]
    assert table["DeletionProtectionEnabled"]
    assert table["SSEDescription"]["SSEType"] == "KMS"
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_page_deletes_every_copy() -> None:
    """Both copies, full of personal data, are deleted in the end."""
    tables = [words[words.index("--table-name") + 1] for words in commands(step("delete-table"), "aws")]
    assert tables == ["birthdays-before", "birthdays-after"]
