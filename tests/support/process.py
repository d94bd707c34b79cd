"""The service as its users start it: `python -m service` in a process of its own."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 30
MODULE = shlex.join([sys.executable, "-m", "service"])
# The script that is installed beside Python does the same.
COMMAND = shlex.quote(str(Path(sys.executable).with_name("hello-birthday")))


class ServiceProcess:
    """A running `python -m service` and the events it has logged so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Follow `process`, whose standard output carries JSON lines."""
        self.process = process
        self.events: list[dict[str, Any]] = []
        self.url = ""

    async def event(self, name: str) -> dict[str, Any]:
        """Read the log up to the next event called `name` and return it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while line := await self.process.stdout.readline():
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == name:
                    return self.events[-1]
        assert self.process.stderr is not None
        errors = (await self.process.stderr.read()).decode()
        raise AssertionError(f"The process ended without {name}: {self.events} {errors}")

    async def started(self) -> str:
        """Return the URL from the log."""
        return f"http://127.0.0.1:{(await self.event('server.started'))['port']}"

    async def invitation(self) -> str:
        """Return the URL that `--local` prints on standard error, wherever the log goes."""
        assert self.process.stderr is not None
        async with asyncio.timeout(TIMEOUT_SECONDS):
            said = (await self.process.stderr.readline()).decode()
        assert "serves on " in said, said
        return said.partition("serves on ")[2].partition(" ")[0]

    async def follow(self) -> None:
        """Read the log to its end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.events.append(json.loads(line))

    async def wait(self) -> int:
        """Read the log to its end and return the exit status."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self.follow()
            return await self.process.wait()


async def start(*arguments: str, program: str = MODULE, before: str = "", **environ: str) -> asyncio.subprocess.Process:
    """Start `program` with `arguments` and with `environ` added to the environment.

    `before` is shell code that runs first in the same process: limits, redirections, ignored signals.
    """
    command = ("sh", "-c", f'{before}; exec "$@"', "sh") if before else ()
    return await asyncio.create_subprocess_exec(
        *command,
        *shlex.split(program),
        *arguments,
        env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def running_service(*arguments: str, before: str = "", **environ: str) -> AsyncIterator[ServiceProcess]:
    """Run the service on a free port until the block ends.

    If `before` redirects the log, the arguments must have `--local`, which prints the URL on standard error too.
    """
    process = await start("--port", "0", *arguments, before=before, **environ)
    service = ServiceProcess(process)
    try:
        service.url = await service.invitation() if ">" in before else await service.started()
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run_to_end(*arguments: str, program: str = MODULE, before: str = "", **environ: str) -> tuple[int, str, str]:
    """Run `program` until it ends by itself; return exit status, standard output and error."""
    process = await start(*arguments, program=program, before=before, **environ)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
