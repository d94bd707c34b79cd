"""Our OpenAPI document is true: schemathesis sends what it allows and what it forbids, all checks on."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from service.config import Config
from tests.support.process import running_service

HOOKS = Path(__file__).parent / "schemathesis_hooks.py"


async def test_schemathesis(config: Config, tmp_path: Path) -> None:
    """No 5xx, no undocumented status or body, nothing bad accepted, nothing good refused."""
    async with running_service(HELLO_TABLE_NAME=config.table_name) as service:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{service.url}/openapi.yaml",
            "--checks=all",
            "--max-examples=60",
            "--generation-deterministic",
            "--suppress-health-check=all",
            "--no-color",
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert "No issues found" in output.decode()
