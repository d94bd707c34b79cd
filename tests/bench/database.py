"""The DynamoDB stand-in as the benchmark uses it: start it, fill it, set its latency."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from tests.bench import processes
from tests.bench.layout import BENCH, BUILD, CORES, environment
from tests.bench.names import BORN, names

_BATCH = 25


@dataclass(frozen=True)
class Database:
    """A running stand-in."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Return the address for `AWS_ENDPOINT_URL_DYNAMODB`."""
        return f"http://127.0.0.1:{self.port}"

    def set_latency(self, milliseconds: int) -> None:
        """Make every answer take `milliseconds` from now on."""
        self._post(f"/latency/{milliseconds}", "")

    def keys(self) -> int:
        """Return how many keys have been read or written so far, which is what DynamoDB bills."""
        return int(self._post("/keys", ""))

    def fill(self) -> None:
        """Store every user of the benchmark."""
        born = {"S": BORN.isoformat()}
        items = [{"username": {"S": name}, "dateOfBirth": born} for name in names()]
        for start in range(0, len(items), _BATCH):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + _BATCH]]
            self._post("/", json.dumps({"RequestItems": {"birthdays": puts}}))

    def _post(self, path: str, body: str) -> bytes:
        status, answer = processes.request(
            self.port, "POST", path, body, X_Amz_Target="DynamoDB_20120810.BatchWriteItem"
        )
        if status != HTTPStatus.OK:
            raise processes.BenchError(f"the stand-in answered {status}: {answer!r}")
        return answer


@contextmanager
def database() -> Iterator[Database]:
    """Run a stand-in that has every user of the benchmark, on the load generator's core."""
    port = processes.free_port()
    command = ["node", str(BENCH / "standin.js"), str(port), "0"]
    log = BUILD / "standin.log"
    with processes.running(command, core=CORES[1], port=port, environ=environment(), log=log) as process:
        standin = Database(port, process.pid)
        standin.fill()
        yield standin
