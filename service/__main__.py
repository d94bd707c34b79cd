"""The entry point: installs the signal handlers before everything else, even before the imports.

Everything that follows is in `serving/command.py`.
"""

import signal
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the service; return the exit status: 0 after a clean stop, also while starting, 2 if it cannot start."""
    try:
        # A shell that starts a process in the background may make it ignore SIGINT.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        from service.serving.command import run  # noqa: PLC0415 - takes most of a second, in which a signal may come

        return run(arguments)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
