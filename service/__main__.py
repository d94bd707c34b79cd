"""The entry of the process: signals count before anything else happens, the imports included.

Owns nothing else: `serving/command.py` says what happens.
"""

import signal
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the service; return the exit status: 0 after a clean stop, also while starting, 2 if it cannot start."""
    try:
        # Whoever starts processes in the background may leave them a SIGINT that is ignored.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        from service.serving.command import run  # noqa: PLC0415 - takes most of a second

        return run(arguments)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
