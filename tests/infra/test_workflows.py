"""The pipelines run what exists, with minimal permissions and pinned actions."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, *sorted(FOLDER.glob("actions/*/action.yml"))]
_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", _MAKEFILE, re.MULTILINE))
# What else a step may run: tools of the runner.
_TOOLS = ("gh ", "cat build/", "packer init packer")
_PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of a workflow by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return found


def commands(text: str) -> list[str]:
    """Return every command that a workflow or an action runs, matrices filled in."""
    told = yaml.safe_load(text)
    groups = [told["runs"]] if "runs" in told else list(told["jobs"].values())
    found = []
    for group in groups:
        targets = group.get("strategy", {}).get("matrix", {}).get("target", [""])
        runs = [step["run"].partition(" #")[0].strip() for step in group["steps"] if "run" in step]
        found += [run.replace("$TARGET", target) for run in runs for target in targets]
    return found


def unknown(command: str) -> bool:
    """Tell whether a command is neither a target of the Makefile, nor a file here, nor a tool of the runner."""
    bare = command.removeprefix("exec .ci/pass-signals ")
    bare = re.sub(r'^sudo (env PATH="\$PATH" CI=true |--preserve-env=\w+ )?', "", bare)
    if target := re.match(r"make ([a-z-]+)", bare):
        return target[1] not in TARGETS
    if bare.startswith(_TOOLS):
        return False
    return not (ROOT / bare.split()[0]).is_file()


def unpinned(text: str) -> list[str]:
    """Return the lines that use another repository's action without a commit and its version."""
    lines = [line.strip().removeprefix("- ") for line in text.splitlines()]
    return [line for line in lines if line.startswith("uses: ") and "uses: ./" not in line and not _PINNED.match(line)]


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_commands_exist(file: Path) -> None:
    """Whatever a workflow runs is a target of the Makefile, a script of the repository, or a tool of the runner."""
    assert [command for command in commands(file.read_text(encoding="utf-8")) if unknown(command)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_actions_are_pinned(file: Path) -> None:
    """An action is pinned by its commit, and a comment names its version."""
    assert unpinned(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_rights_are_given_job_by_job(workflow: Path) -> None:
    """A workflow has no permissions by itself; each job asks for its own, and may write only what it needs."""
    assert yaml.safe_load(workflow.read_text(encoding="utf-8"))["permissions"] == {}
    assert [name for name, job in jobs(workflow).items() if "contents" not in job["permissions"]] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_secret_is_stored(workflow: Path) -> None:
    """Credentials come by OIDC and last an hour or two; no secrets are stored."""
    assert "secrets." not in workflow.read_text(encoding="utf-8")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_deployments_are_seen_through(environment: str) -> None:
    """The next push cancels no deployment, and each runs in GitHub's environment of the same name."""
    workflow = FOLDER / "workflows" / f"{environment}.yml"
    told, deploy = yaml.safe_load(workflow.read_text(encoding="utf-8")), jobs(workflow)["deploy"]
    limits = [place["concurrency"] for place in (told, deploy) if "concurrency" in place]
    assert [limit for limit in limits if limit["cancel-in-progress"]] == []
    assert deploy["environment"] == environment


def test_waiting_for_an_approval_holds_nothing_up() -> None:
    """A job that waits for its approval has no place in a queue: the push after next would cancel the next."""
    workflow = FOLDER / "workflows" / "prod.yml"
    assert "concurrency" not in yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert "concurrency" not in jobs(workflow)["deploy"]


def test_prod_does_what_was_approved() -> None:
    """Prod applies what the job before planned, with the image that dev released."""
    plan, deploy = jobs(FOLDER / "workflows" / "prod.yml").values()
    assert plan["outputs"] == {name: f"${{{{ steps.plan.outputs.{name} }}}}" for name in ("image", "approved")}
    assert commands_of(plan)[-1] == 'cat build/prod.approval >> "$GITHUB_OUTPUT"'
    (step,) = [step for step in deploy["steps"] if "run" in step]
    assert step["run"].endswith('make deploy ENVIRONMENT=prod IMAGE="$IMAGE" DEPLOY="--approved=$APPROVED"')
    assert step["env"] == {name: f"${{{{ needs.plan.outputs.{name.lower()} }}}}" for name in ("IMAGE", "APPROVED")}


def test_reviewers_are_asked_for_first() -> None:
    """First of all, prod's pipeline checks that an approval is required, and has the permission to check it."""
    plan = jobs(FOLDER / "workflows" / "prod.yml")["plan"]
    checkout, first, *_ = plan["steps"]
    assert checkout["uses"].startswith("actions/checkout@")
    assert first["run"].startswith("make reviewers ENVIRONMENT=prod")
    assert (first["env"], plan["permissions"]["actions"]) == ({"GITHUB_TOKEN": "${{ github.token }}"}, "read")


def test_plans_are_not_kept() -> None:
    """No artifact contains a plan, because a plan contains parts of the state."""
    for workflow in WORKFLOWS:
        steps = [step for job in jobs(workflow).values() for step in job["steps"]]
        kept = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
        assert [path for path in kept if re.search(r"plan|build/?\*?$", path, re.MULTILINE)] == []


def commands_of(job: dict[str, Any]) -> list[str]:
    """Return what a job runs."""
    return [step["run"] for step in job["steps"] if "run" in step]


def test_every_proof_runs_for_a_pull_request() -> None:
    """A pull request runs every target that .ci/run does."""
    steps = re.findall(r"^step make (.+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    proofs = {word for step in steps for word in step.split() if re.fullmatch("[a-z][a-z-]+", word)}
    run = commands((FOLDER / "workflows" / "check.yml").read_text(encoding="utf-8"))
    seen = {found[1] for command in run if (found := re.search(r"make ([a-z-]+)", command))}
    assert len(proofs) > 10
    assert proofs - seen - {"picture"} == set()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_must_end_in_order_gets_signals(workflow: Path) -> None:
    """A cancelled bake or deployment gets the signal, although GitHub signals only a step's first process."""
    run = [command for job in jobs(workflow).values() for command in commands_of(job)]
    changing = [command for command in run if re.search(r"make (bake|deploy)", command) and "--dry-run" not in command]
    assert [command for command in changing if not command.startswith("exec .ci/pass-signals ")] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_plugins_are_fetched_with_a_name(workflow: Path) -> None:
    """Steps that fetch Packer's plugins have the job's token, and pass it on through sudo."""
    steps = [step for job in jobs(workflow).values() for step in job["steps"]]
    fetching = [step for step in steps if re.search(r"packer init|make bake", step.get("run", ""))]
    name = "PACKER_GITHUB_API_TOKEN"
    assert [step["run"] for step in fetching if step.get("env", {}).get(name) != "${{ github.token }}"] == []
    assert [step["run"] for step in fetching if "sudo" in step["run"] and f"-env={name}" not in step["run"]] == []


def test_keys_are_looked_at_every_night() -> None:
    """A key that expires soon is reported, whatever else failed, and stops nothing else."""
    steps = jobs(FOLDER / "workflows" / "nightly.yml")["rehearsal"]["steps"]
    (position,) = [n for n, step in enumerate(steps) if step.get("run") == "make key-age"]
    assert steps[position]["if"] == "success() || failure()"
    assert [step.get("if") for step in steps[position + 1 :]] == ["failure()"]


@pytest.mark.parametrize("command", ["make nothing", "sudo make nothing", ".ci/nothing", "curl https://example.com"])
def test_unknown_commands_are_found(command: str) -> None:
    """A target, a script or a tool that does not exist is found."""
    assert unknown(command)


@pytest.mark.parametrize("used", ["actions/checkout@v5", "actions/checkout@main", f"actions/checkout@{'0' * 40}"])
def test_unpinned_actions_are_found(used: str) -> None:
    """A tag, a branch, and a commit without its version are found."""
    assert unpinned(f"- uses: {used}") != []
