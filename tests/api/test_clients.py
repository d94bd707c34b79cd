"""Clients that are not ours work: those that generators make of the OpenAPI document, and those of docs/api.md."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.api.clients.gateway import Gateway
from tests.infra.snippets import blocks
from tests.support import firewall
from tests.support.openapi import DOCUMENT
from tests.support.raw import RawResponse

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
OPENAPI = ROOT / "service" / "api" / "openapi.yaml"
PROGRAMS = ROOT / "tests" / "api" / "clients"
NODE_MODULES = ROOT / "build" / "client-tools" / "node_modules"
PYTHON_GENERATOR = "openapi-python-client==0.29.1"

UNAVAILABLE = DOCUMENT["components"]["examples"]["storage_unavailable"]["value"]
PROBLEM = {"content-type": "application/problem+json"}
NOVELTY = UNAVAILABLE | {"status": 404, "code": "invented_tomorrow", "field": "invented, too"}
ANSWERS = [
    [204, None],
    [200, "Hello, Ada! Your birthday is in 178 day(s)"],
    [404, "user_not_found"],
    [400, "invalid_date_of_birth"],
    [429, "too_many_requests", "300"],
    [404, "invented_tomorrow"],
]


def answer(status: int, document: dict[str, Any], **headers: str) -> RawResponse:
    """Return a problem document as an answer."""
    return RawResponse(status, PROBLEM | headers, json.dumps(document).encode())


async def run(*command: str | Path, cwd: Path | None = None) -> tuple[int, str, str]:
    """Run a program to its end and return its exit status, standard output and error."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def done(*command: str | Path, cwd: Path) -> str:
    """Run a program that must succeed and return its standard output."""
    status, output, errors = await run(*command, cwd=cwd)
    assert status == 0, f"{command} failed:\n{output}\n{errors}"
    return output


async def answers(url: str, *command: str | Path, cwd: Path) -> Any:  # noqa: ANN401 - whatever the program prints
    """Return what a program was answered by the service and by a gateway."""
    gateway = Gateway(url, [firewall.answer("too_many_requests"), answer(404, NOVELTY)])
    async with gateway.running() as front:
        return json.loads(await done(*command, url, front, cwd=cwd))


def node_tool(name: str) -> Path:
    """Return the path of a program that the Makefile installs."""
    tool = NODE_MODULES / ".bin" / name
    assert tool.exists(), "the generators are missing; install them and run these tests with: make contract-test"
    return tool


def snippet(language: str, url: str) -> str:
    """Return the program of docs/api.md in this language, made to call `url`."""
    found = blocks((ROOT / "docs" / "api.md").read_text(encoding="utf-8"), language)
    assert len(found) == 1, f"docs/api.md needs exactly one {language} block, the client"
    assert "http://127.0.0.1:8080" in found[0], f"the {language} client of docs/api.md calls http://127.0.0.1:8080"
    return found[0].replace("http://127.0.0.1:8080", url)


def interpreted(language: str, program: str, folder: Path) -> list[str]:
    """Return the command that runs a program, which is written to `folder`."""
    file = folder / f"client.{'mjs' if language == 'javascript' else 'py'}"
    file.write_text(program, encoding="utf-8")
    return ["node" if language == "javascript" else sys.executable, str(file)]


async def test_generated_python_client(url: str, tmp_path: Path) -> None:
    """What openapi-python-client makes of the document stores, greets and tells errors apart, a new one included."""
    # The generator's environment has what its clients need, too.
    tool = (Path(sys.executable).with_name("uv"), "tool", "run", "--quiet", "--from", PYTHON_GENERATOR)
    options = ("--meta", "none", "--output-path", "generated", "--fail-on-warning")
    await done(*tool, "openapi-python-client", "generate", "--path", OPENAPI, *options, cwd=tmp_path)
    (tmp_path / "client.py").write_bytes((PROGRAMS / "client.py").read_bytes())
    assert await answers(url, *tool, "python", "client.py", cwd=tmp_path) == ANSWERS


async def test_generated_typescript_client(url: str, tmp_path: Path) -> None:
    """A program with the types of openapi-typescript compiles, strictly, and gets the same answers."""
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "client.ts").write_bytes((PROGRAMS / "client.ts").read_bytes())
    await done(node_tool("openapi-typescript"), OPENAPI, "--output", "generated.d.ts", cwd=tmp_path)
    await done(node_tool("tsc"), "--strict", "--module", "nodenext", "--target", "es2022", "client.ts", cwd=tmp_path)
    assert await answers(url, "node", "client.js", cwd=tmp_path) == ANSWERS


@pytest.mark.parametrize("language", ["python", "javascript"])
async def test_documented_client_waits_and_tries_again(url: str, tmp_path: Path, language: str) -> None:
    """The client of docs/api.md waits as long as Retry-After says after 503 and 429, and then succeeds."""
    limited = firewall.answer("too_many_requests")
    refusals = [
        answer(503, UNAVAILABLE, **{"retry-after": "1"}),
        replace(limited, headers=limited.headers | {"retry-after": "1"}),  # it says 300
    ]
    gateway = Gateway(url, refusals)
    async with gateway.running() as front:
        command = interpreted(language, snippet(language, front), tmp_path)
        assert (await done(*command, cwd=tmp_path)).strip() == "Hello, Ada! Your birthday is in 178 day(s)"
    first, second, third, *others = gateway.asked
    assert second - first >= 1
    assert third - second >= 1
    assert len(others) == 1


@pytest.mark.parametrize("language", ["python", "javascript"])
async def test_documented_client_gives_up_where_nothing_will_change(url: str, tmp_path: Path, language: str) -> None:
    """The client of docs/api.md sends a request that is wrong once, and shows what the service said."""
    gateway = Gateway(url, [])
    async with gateway.running() as front:
        program = snippet(language, front).replace("1990-12-10", "9999-12-31")
        status, _, errors = await run(*interpreted(language, program, tmp_path))
    assert status == 1
    assert "dateOfBirth is not before today" in errors
    assert len(gateway.asked) == 1
