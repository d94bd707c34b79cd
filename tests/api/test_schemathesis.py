"""The OpenAPI document is correct: schemathesis sends what it allows and what it forbids, with all checks on."""

from pathlib import Path

from service.config import Config
from tests.support import schemathesis
from tests.support.process import running_service


async def test_schemathesis(config: Config, tmp_path: Path) -> None:
    """No 5xx, no undocumented status or body, no wrong acceptance or refusal; `make fuzz` sends more."""
    async with running_service(HELLO_TABLE_NAME=config.table_name) as service:
        status, output = await schemathesis.run(service.url, tmp_path, "--max-examples=8", "--generation-deterministic")
    assert status == 0, output
    assert "No issues found" in output
