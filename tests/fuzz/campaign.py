"""The stages: cases by Hypothesis, cases by schemathesis, bytes that are not HTTP, and long runs of characters."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import aiohttp
from hypothesis.errors import FlakyFailure

from tests.fuzz.answers import Fault, Hang
from tests.fuzz.conversation import HANG_SECONDS, exchange
from tests.fuzz.corpus import BORN, NAME
from tests.fuzz.generated import Dialogue, converse
from tests.fuzz.malformed import Malformed, malformed
from tests.fuzz.runs import LIMIT_SECONDS, long_runs, processor_seconds
from tests.support import schemathesis
from tests.support.process import ServiceProcess

# Names shorter than this may be in the log by chance, and so may words of our code, which Hypothesis likes to try.
_TELLING_LETTERS = 6
_OURS = {word for path in Path("service").glob("*.py") for word in re.findall("[A-Za-z]+", path.read_text())}
_CONNECTIONS = 16
_TRIES = 5


@dataclass
class Stage:
    """The requests, the answers that the client counted, the faults, and the personal data that must not be logged."""

    name: str
    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    hangs: int = 0
    personal: set[str] = field(default_factory=set)

    def blame(self, fault: Exception, what: str) -> None:
        """Note a fault, and how to reproduce it."""
        self.faults.append(f"{fault}\n{what}")
        self.hangs += isinstance(fault, Hang)


async def hypothesis_cases(url: str, seed: int, count: int) -> Stage:
    """Let Hypothesis make `count` requests, and check that acknowledged writes are kept."""
    stage, dialogue = Stage("Hypothesis"), Dialogue(url)
    try:
        await asyncio.to_thread(converse, dialogue, seed, count)
    except (Fault, FlakyFailure) as fault:
        stage.blame(fault, "\n".join(fault.__notes__))
    stage.sent = dialogue.statuses.total()
    stage.answers.update({str(status): count for status, count in dialogue.statuses.items()})
    stage.personal = {name for name in dialogue.acknowledged if len(name) >= _TELLING_LETTERS} - _OURS
    stage.personal |= {str(born) for born in dialogue.acknowledged.values()}
    return stage


async def schemathesis_cases(url: str, seed: int, most: int, folder: Path) -> Stage:
    """Let schemathesis make up to `most` requests of one kind for each operation, in all its phases."""
    report = folder / "schemathesis.json"
    report.unlink(missing_ok=True)
    options = (f"--max-examples={most}", f"--seed={seed}", "--generation-database=none", "--request-timeout=10")
    status, output = await schemathesis.run(url, folder, *options, "--report=json", f"--report-json-path={report}")
    cases = json.loads(report.read_text())["test_cases"]["generated"] if report.exists() else 0
    return Stage("schemathesis", cases, faults=[output] if status else [])


async def raw_requests(url: str, seed: int, count: int) -> Stage:
    """Send bytes that are barely HTTP or not at all; after each, the service must still be healthy."""
    stage = Stage("raw", personal={NAME, BORN})
    waiting = malformed(seed, count)
    timeout = aiohttp.ClientTimeout(total=HANG_SECONDS)
    async with aiohttp.ClientSession(url, timeout=timeout) as client:
        await asyncio.gather(*(_send(url, waiting, stage, client) for _ in range(_CONNECTIONS)))
    return stage


async def _send(url: str, waiting: Iterable[Malformed], stage: Stage, client: aiohttp.ClientSession) -> None:
    for request in waiting:
        stage.sent += 1
        try:
            answers = await exchange(url, request)
            stage.answers.update([str(answer.status) for answer in answers] or ["closed"])
            await _check_health(client)
        except Fault as fault:
            stage.blame(fault, repr(request))


async def repeated_characters(service: ServiceProcess, token: str, part: int) -> Stage:
    """Send every `part`th request with a long run of characters; none may hold up the service for long."""
    stage = Stage("runs")
    for what, request in islice(long_runs(token), 0, None, part):
        stage.sent += 1
        try:
            await _check_cost(service, request)
        except Fault as fault:
            stage.blame(fault, what)
    return stage


async def _check_cost(service: ServiceProcess, request: Malformed) -> None:
    """Raise `Fault` if a request takes too much processor time in each of several attempts."""
    costs: list[float] = []
    while len(costs) < _TRIES and min(costs, default=1) > LIMIT_SECONDS:
        before = processor_seconds(service.process.pid)
        await exchange(service.url, request)
        costs.append(processor_seconds(service.process.pid) - before)
    if min(costs) > LIMIT_SECONDS:
        raise Fault(f"one request takes {min(costs) * 1000:.0f} ms, more than {LIMIT_SECONDS * 1000:.0f}")


async def _check_health(client: aiohttp.ClientSession) -> None:
    try:
        async with client.get("/healthz") as response:
            response.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Fault(f"afterwards /healthz fails: {error!r}") from error
