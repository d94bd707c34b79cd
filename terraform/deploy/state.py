"""Terraform's command line: plans, applies, and what the state tells."""

import json
import os
import re
import sys
import time
from pathlib import Path
from signal import SIG_SETMASK, SIGINT, pthread_sigmask
from subprocess import PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import Any

from terraform.deploy.exit_status import Failed, Refused
from terraform.deploy.plan import Plan
from terraform.deploy.signals import uninterrupted

ROOT = Path(__file__).parents[1]
BUILD = ROOT.parent / "build"
LOCK_SECONDS = 300
"""How long to wait for a lock. One that somebody holds goes; one that was left stays, and should be told of soon."""
_WAIT = f"-lock-timeout={LOCK_SECONDS}s"


class Terraform:
    """The root module, for one environment."""

    def __init__(self, environment: str) -> None:
        """Read where the state of `environment` is; raise Failed if there is no such environment."""
        files = {file.name.partition(".")[0]: file for file in sorted(ROOT.glob("environments/*.s3.tfbackend"))}
        if environment not in files:
            raise Failed(f"there is no environment {environment}; there are {', '.join(files)}.")
        self._environment = environment
        # Terraform remembers there which backend and which workspace were chosen, so each environment has its own.
        self._environ = os.environ | {"TF_DATA_DIR": f".terraform/{environment}"}
        told = files[environment].read_text(encoding="utf-8")
        self.backend = dict(re.findall(r'^(\w+) += "(.*)"$', told, re.MULTILINE))
        """Where the state is: bucket, region and so on."""

    def init(self, *, create: bool = True) -> None:
        """Choose the backend and the workspace, as every other method needs it; raise Failed if that fails.

        Raise Refused if there is no workspace, and none is to be created: that writes a state.
        """
        environment = self._environment
        backend = f"-backend-config=environments/{environment}.s3.tfbackend"
        self._run("init", "-input=false", "-reconfigure", backend)
        if not create and environment not in self._run("workspace", "list").replace("*", "").split():
            raise Refused(
                f"{environment} has no state yet, and a dry run creates none: an administrator runs the first "
                f"deployment from a workstation: make deploy ENVIRONMENT={environment}. See docs/runbooks/deploy.md."
            )
        self._run("workspace", "select", "-or-create", environment)

    def plan(self, image: str, *, lock: bool = True) -> Plan:
        """Plan for `image`, and save the plan, and what people read of it, to build/; raise Failed if that fails.

        Without a `lock` it writes nothing to the backend; if the state changes meanwhile, the plan is stale.
        """
        BUILD.mkdir(exist_ok=True)
        path = BUILD / f"{self._environment}.tfplan"
        values = [f"-var-file=environments/{self._environment}.tfvars", f"-var=ami_id={image}"]
        self._run("plan", "-input=false", _WAIT if lock else "-lock=false", f"-out={path}", *values)
        plan = Plan(path, self._environment, image, json.loads(self._run("show", "-json", str(path))))
        plan.text.write_text(self._run("show", "-no-color", str(path)), encoding="utf-8")
        return plan

    def apply(self, plan: Plan, deadline: float) -> None:
        """Apply exactly `plan`, telling what happens; raise Failed if Terraform does not come to the end by `deadline`.

        Raise Refused if the plan is stale, or the state stays locked.
        """
        done = self._finish("apply", "-input=false", "-auto-approve", _WAIT, str(plan.path), deadline=deadline)
        sys.stderr.write(done.stderr)
        if "plan is stale" in done.stderr:
            raise Refused("Somebody else has changed the state since this plan was made. Run this again.")
        if "Error acquiring the state lock" in done.stderr:
            raise Refused("Somebody else has locked the state. If nothing is running, see docs/runbooks/deploy.md.")
        if done.returncode != 0:
            raise Failed("terraform apply failed; see its message above.")

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the last apply, none before the first."""
        return {name: output["value"] for name, output in json.loads(self._run("output", "-json")).items()}

    def _run(self, *arguments: str) -> str:
        done = self._finish(*arguments, quiet=True)
        if done.returncode != 0:
            raise Failed(f"terraform {arguments[0]} failed:\n{done.stdout}{done.stderr}".rstrip())
        return done.stdout

    def _finish(self, *arguments: str, quiet: bool = False, deadline: float | None = None) -> CompletedProcess[str]:
        """Run it to its end, and return what it said; unless `quiet`, it is printed.

        If interrupted, or at `deadline`, in seconds of the monotonic clock, let it end what it is at, as Ctrl-C in a
        terminal does. Raise Failed at `deadline`, or if it is not there.
        """
        process = None
        try:
            with uninterrupted() as before:  # until it is known: nobody could interrupt it, and it would run for ever
                process = Popen(
                    ["terraform", *arguments],
                    cwd=ROOT,
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
