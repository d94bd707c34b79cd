"""Confirmation of what is hard to undo: a person types the environment's name and its account id."""

from terraform.deploy.exit_status import Refused


def confirm(environment: str, account_id: str, given: str | None) -> None:
    """Ask, unless the answer is `given`; raise Refused if it is not the environment's name and account id."""
    wanted = f"{environment} {account_id}"
    if given is None:
        try:
            given = input(f'To go on, type "{wanted}" (without the quotes): ')
        except EOFError:
            given = ""
    if given.split() != wanted.split():
        raise Refused(f'Not confirmed, so nothing was changed. Type "{wanted}" when asked, or add CONFIRM="{wanted}".')
