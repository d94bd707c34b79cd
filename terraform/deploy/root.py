"""Runs Terraform's command line in a root module: saves plans, applies them, and lets it finish when interrupted."""

import json
import os
import sys
import time
from pathlib import Path
from signal import SIG_SETMASK, SIGINT, pthread_sigmask
from subprocess import PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import Any

from terraform.deploy.exit_status import Failed, Refused
from terraform.deploy.plan import Plan
from terraform.deploy.signals import uninterrupted

LOCK_SECONDS = 300
"""How long to wait for a lock. One in use is released; one left behind stays, and should be reported soon."""
WAIT = f"-lock-timeout={LOCK_SECONDS}s"


class Root:
    """A root module, and the environment that it is used for."""

    def __init__(self, folder: Path, environment: str) -> None:
        """Use the root module in `folder` for `environment`."""
        self.folder, self.environment = folder, environment
        # Terraform stores the chosen backend and workspace there, so each environment has its own.
        self._environ = os.environ | {"TF_DATA_DIR": f".terraform/{environment}"}

    def save_plan(self, path: Path, image: str, *arguments: str) -> Plan:
        """Save a plan to `path`, and a text for people beside it; raise Failed if that fails."""
        path.parent.mkdir(exist_ok=True)
        self.run("plan", "-input=false", f"-out={path}", *arguments)
        plan = Plan(path, self.environment, image, json.loads(self.run("show", "-json", str(path))))
        plan.text.write_text(self.run("show", "-no-color", str(path)), encoding="utf-8")
        return plan

    def apply(self, plan: Plan, deadline: float | None = None) -> None:
        """Apply exactly `plan`, printing what happens; raise Failed if that fails or does not end by `deadline`.

        Raise Refused if the plan is stale, or the state stays locked.
        """
        done = self._finish("apply", "-input=false", "-auto-approve", WAIT, str(plan.path), deadline=deadline)
        sys.stderr.write(done.stderr)
        if "plan is stale" in done.stderr:
            raise Refused("Somebody else has changed the state since this plan was made. Run this again.")
        if "Error acquiring the state lock" in done.stderr:
            raise Refused("Somebody else has locked the state. If nothing is running, see docs/runbooks/deploy.md.")
        if done.returncode != 0:
            raise Failed("terraform apply failed; see its message above.")

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the last apply; there are none before the first."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def run(self, *arguments: str) -> str:
        """Run a command quietly and return its output; raise Failed with that output if it fails."""
        done = self._finish(*arguments, quiet=True)
        if done.returncode != 0:
            raise Failed(f"terraform {arguments[0]} failed:\n{done.stdout}{done.stderr}".rstrip())
        return done.stdout

    def _finish(self, *arguments: str, quiet: bool = False, deadline: float | None = None) -> CompletedProcess[str]:
        """Run a command until it ends; return its output, or let it be printed unless `quiet`.

        If interrupted, or at `deadline`, in seconds of the monotonic clock, interrupt Terraform as Ctrl-C in a terminal
        does, so that it finishes what it is doing. Raise Failed at `deadline`, or if Terraform is not installed.
        """
        process = None
        try:
            with uninterrupted() as before:  # else an interrupt before `process` is set would leave it running
                process = Popen(
                    ["terraform", *arguments],
                    cwd=self.folder,
                    env=self._environ,
                    stdout=PIPE if quiet else None,
                    stderr=PIPE,
                    text=True,
                    start_new_session=True,
                    preexec_fn=lambda: pthread_sigmask(SIG_SETMASK, before),  # noqa: PLW1509 - takes no lock of the lease's thread
                )
            out, err = process.communicate(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except FileNotFoundError as error:
            raise Failed("terraform is not installed, or not on the PATH.") from error
        except BaseException as error:
            if process is None:
                raise
            with uninterrupted():
                if process.poll() is None:
                    os.killpg(process.pid, SIGINT)
                process.communicate()
            if isinstance(error, TimeoutExpired):
                raise Failed(f"time is up, and terraform {arguments[0]} was interrupted.") from error
            raise
        return CompletedProcess(arguments, process.returncode, out, err)
