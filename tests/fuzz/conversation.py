"""One connection: send bytes, read until the service has answered everything, and judge the answers."""

import asyncio
import contextlib
from http import HTTPStatus

from yarl import URL

from tests.fuzz.answers import Fault, Hang, check
from tests.fuzz.malformed import Malformed
from tests.support.raw import RawResponse, read_response

# Far longer than an answer takes: a service that is silent for so long waits for the rest of a request.
QUIET_SECONDS = 0.2
HANG_SECONDS = 10
# The problems of what is not a valid request: the service must close the connection, whatever else it has received.
_REFUSALS = [f'"code": "{code}"'.encode() for code in ("bad_request", "uri_too_long", "headers_too_large")]
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_IMPLEMENTED)


async def exchange(url: str, sent: Malformed) -> list[RawResponse]:
    """Return the answers to `sent`; raise `Fault` if the service hangs, or if an answer is wrong."""
    try:
        async with asyncio.timeout(HANG_SECONDS):
            answers = await _split(await _hear(url, sent))
    except TimeoutError:
        raise Hang(f"the connection is still open after {HANG_SECONDS} s, ended by the client or by a 400") from None
    except OSError as error:
        raise Fault(f"the service cannot be reached: {error}") from error
    for answer in answers:
        check(answer)
    _check_sequence(sent, answers)
    return answers


async def _hear(url: str, sent: Malformed) -> bytes:
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    heard = bytearray()
    # A reset also closes the connection.
    with contextlib.suppress(ConnectionError), contextlib.closing(writer):
        writer.write(sent.data)
        if not sent.hasty:
            with contextlib.suppress(TimeoutError):
                await _listen(reader, heard, QUIET_SECONDS)
        if not any(code in heard for code in _REFUSALS):
            writer.write_eof()
        await _listen(reader, heard, None)
    return bytes(heard)


async def _listen(reader: asyncio.StreamReader, heard: bytearray, patience: float | None) -> None:
    """Add what is received to `heard`, until the service closes or, with `patience`, has sent nothing for so long."""
    while not reader.at_eof():
        async with asyncio.timeout(patience):
            heard += await reader.read(2**16)


async def _split(stream: bytes) -> list[RawResponse]:
    reader = asyncio.StreamReader()
    reader.feed_data(stream)
    reader.feed_eof()
    answers = []
    try:
        while not reader.at_eof():
            answers.append(await read_response(reader))
    except (asyncio.IncompleteReadError, ValueError):
        raise Fault(f"the answers are no HTTP: {stream!r}") from None
    return [answer for answer in answers if answer.status >= HTTPStatus.OK]


def _check_sequence(sent: Malformed, answers: list[RawResponse]) -> None:
    """Find smuggled requests: answers without a request, or after something that is not HTTP."""
    refused = [any(code in answer.body for code in _REFUSALS) for answer in answers]
    if any(refused[:-1]):
        raise Fault("there is an answer after one to a request that is no HTTP")
    if len(answers) - sum(refused) > sent.data.count(b"HTTP/1."):
        raise Fault("there are more answers than requests")
    if sent.ambiguous and any(answer.status not in _REFUSED for answer in answers):
        raise Fault("a request whose end is ambiguous was answered")
    if sent.ambiguous and len(answers) > 1:
        raise Fault("a request whose end is ambiguous was taken for two")
