"""The composition root: arguments and environment -> Config -> logs -> application -> run.

Owns what is said to whoever started the process, and the standard descriptors. Knows nothing of signals.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path

import structlog
import uvloop

from service import __version__, config
from service.app import create_app
from service.config import Config
from service.errors import SetupError
from service.serving.process import serve
from service.storage import local
from service.telemetry import logs, tracing

log = structlog.get_logger()

SETUP_FAILED = 2

_STANDARD_ERROR = 2


def run(arguments: list[str] | None = None) -> int:
    """Run the service; return the exit status: 0 after a clean stop, 2 if it cannot start as set up."""
    _occupy_standard_descriptors()
    try:
        return _run(_parse(arguments))
    except SetupError as error:
        _say(f"hello-birthday: {error}")
        return SETUP_FAILED


def _occupy_standard_descriptors() -> None:
    """Open those that are closed: the next socket would get the number, and with it what libraries print."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(opened)


def _say(sentence: str) -> None:
    # Past Python's own buffer, which would meet an error once more when the interpreter ends.
    with contextlib.suppress(OSError):
        os.write(_STANDARD_ERROR, f"{sentence}\n".encode(errors="backslashreplace"))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    if sys.stdout is None:
        raise SetupError("standard output, where the logs go, is closed; redirect it to a file or to /dev/null")
    try:
        return _parser().parse_args(arguments)
    except SystemExit:
        _finish_printing()
        raise


def _finish_printing() -> None:
    """Meet here what the end of the interpreter would meet and tell with a traceback."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SetupError(f"standard output takes nothing ({error.strerror}); redirect it to somewhere else") from None


def _typed(program: str) -> str:
    """Return how the program was called: as a command, or as Python's module, which tells the path of its file."""
    name = Path(program).name
    return "python -m service" if name == "__main__.py" else name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_typed(sys.argv[0]),
        description="Remember birthdays and greet people on time, over HTTP.",
        epilog=f"environment variables:\n{config.describe()}\n\n"
        "AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and the usual credentials are read by the AWS SDK.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="address to listen on; overrides HELLO_HOST")
    parser.add_argument("--port", help="port to listen on; overrides HELLO_PORT")
    parser.add_argument("--local", action="store_true", help="use an embedded store that forgets everything at the end")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _run(options: argparse.Namespace) -> int:
    given = {"HELLO_HOST": options.host, "HELLO_PORT": options.port}
    environ = dict(os.environ) | {name: value for name, value in given.items() if value is not None}
    settings = Config.from_environ(environ)
    with logs.configured(settings.log_level, settings.log_format):
        for name in config.unknown_variables(environ):
            log.warning("config.variable_ignored", name=name)
        tracing.configure(environ)
        if options.local:
            local.start(settings.table_name)
        announce = _invite if options.local else _say_nothing
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(create_app(settings), settings, announce))


def _invite(url: str) -> None:
    user = f"{url}/hello/Ada"
    _say(
        f"Hello Birthday serves on {url} (documentation: {url}/docs). Try:\n"
        f"""  curl -X PUT {user} -d '{{"dateOfBirth":"1990-12-10"}}'\n  curl {user}"""
    )


def _say_nothing(_url: str) -> None:
    """Production has its `server.started` event."""
