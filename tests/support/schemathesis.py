"""schemathesis against a running service: what our OpenAPI document allows and what it forbids, all checks on."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

HOOKS = Path(__file__).parents[1] / "api" / "schemathesis_hooks.py"


async def run(url: str, folder: Path, *options: str) -> tuple[int, str]:
    """Run it in `folder` and return its exit status, 0 if it found nothing wrong, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{url}/openapi.yaml",
        "--checks=all",
        "--suppress-health-check=all",
        "--no-color",
        *options,
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()
