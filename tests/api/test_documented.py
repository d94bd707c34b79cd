"""What the documents show is what happens: their curl commands run, and answer as is written below them."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from service.config import Config
from tests.infra.snippets import blocks
from tests.support.process import running_service

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "operate.md"]

_COMMAND = re.compile(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def shown(document: Path) -> list[tuple[str, str]]:
    """Return the curl commands to this machine in a document, each with what is written below it."""
    consoles = "\n".join(blocks(document.read_text(encoding="utf-8"), "console"))
    return [
        (command, answer.strip()) for command, answer in _COMMAND.findall(consoles) if re.match("curl.*127", command)
    ]


def comparable(answer: str) -> str:
    """Return an answer without what differs from day to day."""
    return re.sub(r"\d+ day\(s\)", "N day(s)", answer).strip()


@pytest_asyncio.fixture
async def ports(config: Config) -> AsyncIterator[dict[str, str]]:
    """Run the service, and give its ports by those that the documents write."""
    async with running_service(HELLO_TABLE_NAME=config.table_name, HELLO_METRICS_PORT="0") as service:
        metrics = next(event["port"] for event in service.events if event["event"] == "metrics.started")
        yield {"8080": service.url.rpartition(":")[2], "8081": str(metrics)}


async def test_commands_answer_as_documented(ports: dict[str, str]) -> None:
    """Each curl command succeeds, and answers what its document shows (headers may follow a shown status line)."""
    commands = [pair for document in DOCUMENTS for pair in shown(document)]
    assert len(commands) >= 3
    for command, expected in commands:
        here = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda match: ports[match[0]], command)
        shell = await asyncio.create_subprocess_exec(
            "bash", "-o", "pipefail", "-c", here, env=os.environ, stdout=asyncio.subprocess.PIPE
        )
        answer = (await shell.communicate())[0].decode()
        assert shell.returncode == 0, f"this documented command fails: {command}"
        assert comparable(answer).startswith(comparable(expected)), f"{command} is documented to answer {expected}"
