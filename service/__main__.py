"""The composition root: arguments and environment -> Config -> logs -> application -> run."""

import argparse
import asyncio
import os
import sys

import structlog
import uvloop

from service import __version__, config
from service.app import create_app
from service.config import Config
from service.errors import SetupError
from service.serving.server import serve
from service.storage import local
from service.telemetry import logs, tracing

SETUP_FAILED = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the service; return the exit status: 0 after a clean stop, 2 if it cannot start as set up."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SetupError as error:
        print(f"hello-birthday: {error}", file=sys.stderr)
        return SETUP_FAILED
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service",
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
    logs.configure(settings.log_level, settings.log_format)
    for name in config.unknown_variables(environ):
        structlog.get_logger().warning("config.variable_ignored", name=name)
    tracing.configure(environ)
    if options.local:
        local.start(settings.table_name)
    announce = _invite if options.local else _say_nothing
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(create_app(settings), settings, announce))


def _invite(url: str) -> None:
    user = f"{url}/hello/Ada"
    print(
        f"Hello Birthday serves on {url} (documentation: {url}/docs). Try: curl -X PUT {user}"
        f""" -d '{{"dateOfBirth":"1990-12-10"}}' && curl {user}""",
        file=sys.stderr,
    )


def _say_nothing(_url: str) -> None:
    """Production has its `server.started` event."""


if __name__ == "__main__":
    sys.exit(main())
