"""The examples of the OpenAPI document are true: each is what the running service answers, all but its request id."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import aiohttp
import pytest
from types_boto3_dynamodb.service_resource import Table

from service.config import Config
from tests.api.provocations import PROVOCATIONS, Scene
from tests.conftest import Clock
from tests.support.inprocess import listening
from tests.support.issuer import Issuer
from tests.support.openapi import DOCUMENT

EXAMPLES: dict[str, Any] = DOCUMENT["components"]["examples"]


@pytest.fixture
def scene(config: Config, dynamodb: str, table: Table, url: str, guarded: tuple[str, Issuer]) -> Scene:
    """Give the services that can be asked."""
    return Scene(config, dynamodb, table, url, *guarded)


def responses_with(example: str) -> list[dict[str, Any]]:
    """Return the responses that show an example."""
    return [
        response
        for response in DOCUMENT["components"]["responses"].values()
        for content in response["content"].values()
        if example in content["examples"]
    ]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the id and the responses of each operation."""
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            if "responses" in operation:
                yield operation["operationId"], operation["responses"]


def success(path: str) -> dict[str, Any]:
    """Return the examples of what a GET of `path` answers when all is well."""
    examples: dict[str, Any] = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"][
        "examples"
    ]
    return {name: example["value"] for name, example in examples.items()}


def test_every_example_is_compared() -> None:
    """No example of an error stands in the document that the next test does not compare."""
    unproved = EXAMPLES.keys() ^ PROVOCATIONS.keys()
    assert not unproved, f"provoke these in tests/api/provocations.py, and show them in openapi.yaml: {unproved}"


@pytest.mark.parametrize("name", PROVOCATIONS)
async def test_example_of_an_error_is_the_answer(scene: Scene, name: str) -> None:
    """Status, body, type and header fields of the answer are those that the document shows."""
    answer = await PROVOCATIONS[name](scene)
    expected = EXAMPLES[name]["value"]
    own = {"requestId": answer.headers["x-request-id"]} if "requestId" in expected else {}
    assert answer.json() == expected | own, f"write the answer into components.examples.{name} of openapi.yaml"
    assert answer.status == expected["status"]
    for response in responses_with(name):
        assert answer.headers["content-type"] in response["content"]
        if len(response["content"]) == 1 or "requestId" in expected:  # a shared 403 has the service's header fields
            assert {field.lower() for field in response["headers"]} <= answer.headers.keys()


def test_examples_show_their_own_status() -> None:
    """Under each status of each operation stand only examples of that status, and at least one."""
    wrong = []
    for operation, responses in operations():
        for status, response in responses.items():
            shown = DOCUMENT["components"]["responses"].get(response.get("$ref", "").rpartition("/")[2], response)
            named = [name for content in shown.get("content", {}).values() for name in content["examples"]]
            statuses = {EXAMPLES[name]["value"]["status"] if name in EXAMPLES else 200 for name in named}
            if statuses != ({int(status)} if status != "204" else set()):
                wrong.append(f"{operation} {status}")
    assert wrong == [], "give each of these responses an example of its status in openapi.yaml"


async def test_greeting_examples(client: aiohttp.ClientSession, clock: Clock) -> None:
    """Whoever stores the date that the document shows is greeted as it shows: 17 days before, and on the day."""
    body = DOCUMENT["paths"]["/hello/{username}"]["put"]["requestBody"]["content"]["application/json"]["example"]
    async with client.put("/hello/Ada", data=json.dumps(body)) as response:
        assert response.status == 204
    for name, today in (("another_day", date(2025, 11, 23)), ("birthday", date(2025, 12, 10))):
        clock.today = today
        async with client.get("/hello/Ada") as response:
            assert await response.json() == success("/hello/{username}")[name]


@pytest.mark.parametrize(("path", "name"), [("/healthz", "healthy"), ("/readyz", "ready")])
async def test_status_examples(client: aiohttp.ClientSession, path: str, name: str) -> None:
    """An instance that is well answers as the document shows."""
    async with client.get(path) as response:
        assert await response.json() == success(path)[name]


async def test_version_example(config: Config) -> None:
    """The version that the document shows is ours, and is told together with commit and image."""
    shown = success("/version")["version"]
    baked = replace(config, git_commit=shown["commit"], image_id=shown["image"])
    async with listening(baked) as (url, _), aiohttp.ClientSession(url) as client, client.get("/version") as response:
        assert await response.json() == shown
