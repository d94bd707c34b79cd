"""The stacks of both environments, applied side by side from one checkout, and updated and destroyed at the end."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.infra.permissions.held import keep
from tests.support.emulator import account
from tests.support.stack import ENVIRONMENTS, Stack, apply, bootstrap, destroy, new_folder, update
from tests.support.terraform import copy

RESULTS = Path("build/terraform").resolve()


@pytest.fixture(scope="session")
def stacks() -> Iterator[dict[str, Stack]]:
    """Apply both environments, each to an account of its own, and check that destroying them leaves nothing behind."""
    folders = [new_folder(RESULTS / name) for name in ENVIRONMENTS]
    copy(checkout := new_folder(RESULTS / "checkout") / "terraform")
    with ExitStack() as running, ThreadPoolExecutor() as pool:
        accounts = [
            running.enter_context(account(account_id, folder))
            for account_id, folder in zip(ENVIRONMENTS.values(), folders, strict=True)
        ]
        for name, prepared in zip(ENVIRONMENTS, accounts, strict=True):
            bootstrap(name, prepared, checkout)
        stacks = dict(zip(ENVIRONMENTS, pool.map(apply, ENVIRONMENTS, accounts, [checkout] * 2), strict=True))
        created = {name: len(stack.terraform.state()) for name, stack in stacks.items()}
        yield stacks
        list(pool.map(update, stacks.values()))
        for name, stack in stacks.items():
            keep(stack.account, RESULTS / f"{name}-held.json")
        left = dict(zip(stacks, pool.map(destroy, stacks.values()), strict=True))
        for name, stack in stacks.items():
            report = {"resources": created[name], "left": left[name], "seconds": stack.terraform.seconds}
            (RESULTS / f"{name}.json").write_text(json.dumps(report, default=sorted))
        assert {name: kinds for name, kinds in left.items() if kinds} == {}, "destroying left something behind"
        waits = [waiting_days(folder) for folder in folders]
        assert waits == [{7}, {7}], "a key is to go as soon as AWS allows, which is after seven days"


def waiting_days(folder: Path) -> set[int]:
    """Return how many days the keys wait whose deletion a destruction scheduled, as recorded in `folder`."""
    lines = map(json.loads, (folder / "requests.jsonl").read_text(encoding="utf-8").splitlines())
    given_up = [line for line in lines if line["target"].endswith(".ScheduleKeyDeletion")]
    return {json.loads(line["body"])["PendingWindowInDays"] for line in given_up if line["stage"] == "destruction"}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.terraform) for name in ENVIRONMENTS])
def stack(request: pytest.FixtureRequest, stacks: dict[str, Stack]) -> Stack:
    """Return each environment's stack in turn."""
    return stacks[request.param]
