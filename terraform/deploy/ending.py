"""Ends a command: turns what it raises into a message for people and an exit status."""

import logging
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.exit_status import Failed, Refused, Status, Stuck
from terraform.deploy.signals import Interrupted, listen

log = logging.getLogger(__name__)


def run(command: Callable[[], Status], page: str) -> int:
    """Run `command`, and return its exit status; `page` is the document for a person who must act."""
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("terraform").setLevel(logging.INFO)
    listen()
    try:
        return command()
    except (Refused, Failed) as refusal:
        log.error("REFUSED: %s", refusal)  # noqa: TRY400 - the message is for people, the trace is not
        return Status.REFUSED
    except (BotoCoreError, ClientError) as error:
        log.error("REFUSED: a call to AWS failed: %s. Check credentials, account and network.", error)  # noqa: TRY400
        return Status.REFUSED
    except Interrupted as interrupted:
        log.error("INTERRUPTED: what AWS has begun goes on. Run the same command again to finish.")  # noqa: TRY400
        return interrupted.code
    except Stuck as stuck:
        log.error("STUCK: %s See %s.", stuck, page)  # noqa: TRY400 - as above
    except Exception:
        log.exception("STUCK: unexpected error. See %s.", page)
    return Status.STUCK
