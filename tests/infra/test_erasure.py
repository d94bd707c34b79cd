"""A person is erased by name, by somebody who can neither read nor write the table: docs/runbooks/erase-a-person.md.

The emulator runs no Automation. So the document's one step is sent as Automation would send it: its inputs, with the
parameter filled in, to the service and the operation that it names.
"""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml
from botocore import xform_name

from service.storage.dynamodb import create_table
from tests.infra.snippets import ROOT, commands, scripts
from tests.infra.test_stack_security import actions, document, operators
from tests.support.stack import Stack

MODULE = ROOT / "terraform/modules/service"
TEXT = (MODULE / "documents/erase-person.yaml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/runbooks/erase-a-person.md").read_text(encoding="utf-8")
NAMES = {"Ada", "ada", "Adam"}


def erase(content: str, name: str, client: Any) -> None:  # noqa: ANN401 - one of boto3's
    """Send what the document's step sends for `name`."""
    told = yaml.safe_load(content)
    assert re.fullmatch(told["parameters"]["Username"]["allowedPattern"], name)
    (step,) = told["mainSteps"]
    assert step["action"] == "aws:executeAwsApi"
    inputs = _filled(step["inputs"], name)
    assert inputs.pop("Service") == client.meta.service_model.service_name
    answer = getattr(client, xform_name(inputs.pop("Api")))(**inputs)
    assert "Attributes" not in answer


def _filled(value: Any, name: str) -> Any:  # noqa: ANN401 - as YAML has it
    if isinstance(value, dict):
        return {key: _filled(inner, name) for key, inner in value.items()}
    return value.replace("{{ Username }}", name)


def stored(client: Any, table: str) -> set[str]:  # noqa: ANN401 - one of boto3's
    """Return all names in a table."""
    return {item["username"]["S"] for item in client.scan(TableName=table)["Items"]}


def fill(client: Any, table: str) -> None:  # noqa: ANN401 - one of boto3's
    """Store a date for every name."""
    for name in NAMES:
        client.put_item(TableName=table, Item={"username": {"S": name}, "dateOfBirth": {"S": "1815-12-10"}})


@pytest.fixture
def client(dynamodb: str) -> Iterator[Any]:
    """Give a client, with all names in a table `people`; there is none afterwards."""
    found = boto3.client("dynamodb", region_name="eu-central-1", endpoint_url=dynamodb)
    asyncio.run(create_table("people"))
    fill(found, "people")
    yield found
    found.delete_table(TableName="people")


def test_exactly_one_person_is_erased(client: Any) -> None:  # noqa: ANN401 - one of boto3's
    """The named item is deleted, similar names stay; repeating it, or erasing nobody, changes and reveals nothing."""
    content = TEXT.replace("${table}", "people")
    for name in ("Ada", "Ada", "Nobody"):
        erase(content, name, client)
        assert stored(client, "people") == NAMES - {"Ada"}


@pytest.mark.parametrize("name", ["", "Ada Lovelace", "Ada\n", "*", "{{ Username }}", "Äda", "A" * 257])
def test_what_is_no_username_is_refused(name: str) -> None:
    """The document accepts exactly what the service accepts as a username."""
    pattern = yaml.safe_load(TEXT)["parameters"]["Username"]["allowedPattern"]
    assert re.fullmatch(pattern, name) is None
    assert re.fullmatch(pattern, "A" * 256)


def test_page_starts_the_document_with_its_parameter() -> None:
    """Each command of the page that erases names the document and its one parameter, and asks for no item."""
    started = [
        words
        for script in scripts(PAGE)
        for words in commands(script, "aws")
        if words[2] == "start-automation-execution"
    ]
    assert len(started) == 2
    for words in started:
        assert words[words.index("--document-name") + 1] == "hello-birthday-prod-erase-person"
        assert words[words.index("--parameters") + 1] == "Username=$name"
    assert "aws dynamodb" not in PAGE


def test_page_tells_how_long_copies_are_kept() -> None:
    """Recovery, backups and logs keep personal data for as long as the page says."""
    days = dict(re.findall(r"^\| (?:the )?(.*?) \| .* \| (\d+) days \|$", PAGE, re.MULTILINE))
    backup = re.findall(r"delete_after = (\d+)", (MODULE / "backup.tf").read_text(encoding="utf-8"))
    (recovery,) = re.findall(r"recovery_period_in_days = (\d+)", (MODULE / "table.tf").read_text(encoding="utf-8"))
    variables = (ROOT / "terraform/variables_data.tf").read_text(encoding="utf-8")
    (logs,) = re.findall(r'"log_retention_days" \{.*?default += (\d+)', variables, re.DOTALL)
    assert days == {
        "table's point-in-time recovery": recovery,
        "nightly backups in the vault": backup[0],
        "monthly backups in the vault": backup[1],
        "load balancer's access logs": logs,
        "firewall's log": logs,
        "recorded sessions": logs,
    }
    assert f"**for {max(days.values(), key=int)} days**" in PAGE


def test_document_erases_from_the_stacks_table(stack: Stack) -> None:
    """The applied document, under its own role, erases from the table that serves."""
    client, ssm = stack.account.client("dynamodb"), stack.account.client("ssm")
    content = ssm.get_document(Name=f"{stack.name}-erase-person")["Content"]
    assert yaml.safe_load(content)["assumeRole"].endswith(f":role/hello-birthday/{stack.name}-erasure")
    fill(client, "birthdays")
    for name in sorted(NAMES):
        erase(content, name, client)
    assert NAMES & stored(client, "birthdays") == set()


def test_role_deletes_items_of_one_table(stack: Stack) -> None:
    """The role that Automation assumes has one action on the one table, and the table's key only through DynamoDB."""
    iam, role, account = stack.account.client("iam"), f"{stack.name}-erasure", stack.account.account_id
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["erase"]
    table, key = document(iam.get_role_policy(RoleName=role, PolicyName="erase")["PolicyDocument"])
    assert (actions(table), table["Resource"]) == (
        {"dynamodb:DeleteItem"},
        f"arn:aws:dynamodb:eu-central-1:{account}:table/birthdays",
    )
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}}
    (trust,) = document(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    assert trust["Principal"] == {"Service": "ssm.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": account}


def test_operators_start_it_and_touch_no_item(stack: Stack) -> None:
    """An operator may start this document with this role, and has no action on items of any table."""
    found = operators(stack)
    statements = {statement["Sid"]: statement for statement in found}
    ssm = f"arn:aws:ssm:eu-central-1:{stack.account.account_id}"
    assert set(statements["EraseAPerson"]["Resource"]) == {
        f"{ssm}:automation-definition/{stack.name}-erase-person:*",
        f"{ssm}:automation-execution/*",
        f"{ssm}:document/{stack.name}-erase-person",
    }
    assert statements["LetTheErasureWork"]["Resource"].endswith(f":role/hello-birthday/{stack.name}-erasure")
    touched = {action for statement in found for action in actions(statement) if action.startswith("dynamodb:")}
    assert touched == {"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"}
