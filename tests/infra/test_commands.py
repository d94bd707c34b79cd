"""Every command that documents tell readers to paste exists: programs, operations, options, files and names."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.aws_commands import mistakes
from tests.infra.snippets import DOCUMENTS, ROOT, commands, scripts
from tests.infra.tool_commands import ansible_mistakes, make_mistakes, python_mistakes, terraform_mistakes

CHECKS = {
    "aws": mistakes,
    "make": make_mistakes,
    "ansible-playbook": ansible_mistakes,
    "terraform": terraform_mistakes,
    ".venv/bin/python": python_mistakes,
}
_PASTED = re.compile(r"(aws|curl|dig|insights|make|tell|terraform) ")
TERRAFORM = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "terraform").rglob("*.tf")))

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def found(text: str) -> list[str]:
    """Return what is wrong with the commands of a document."""
    return [
        f"{' '.join(words)}: {mistake}"
        for script in scripts(text)
        for program, check in CHECKS.items()
        for words in commands(script, program)
        for mistake in check(words)
    ]


def invalid(text: str) -> list[str]:
    """Return the scripts of a document that bash would not read."""
    blocks = [script for script in scripts(text) if "\n" in script or _PASTED.match(script)]
    return [
        script
        for script in blocks
        if subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False).returncode
    ]


@documents
def test_commands_exist(document: Path) -> None:
    """Every command has a program that knows it, with these options, files, targets and names."""
    wrong = found(document.read_text(encoding="utf-8"))
    assert not wrong, f"{document.relative_to(ROOT)} has commands that would fail:\n" + "\n".join(wrong)


@documents
def test_scripts_are_bash(document: Path) -> None:
    """Bash reads every script that is to be pasted."""
    assert invalid(document.read_text(encoding="utf-8")) == []


@documents
def test_names_are_those_of_the_stack(document: Path) -> None:
    """Log groups, documents of Systems Manager and keys that commands name are ours."""
    text = document.read_text(encoding="utf-8")
    named = {
        *re.findall(r"/hello-birthday-prod/([a-z]+)", text),
        *re.findall(r"\btell (?:i-[0-9a-f]+|INSTANCE) ([a-z-]+)", text),
        *re.findall(r"--document-name hello-birthday-prod-([a-z-]+)", text),
        *re.findall(r"alias/hello-birthday-prod-([a-z]+)", text),
    }
    assert {name for name in named if not re.search(rf"^ +{name} += |-{name}\"$", TERRAFORM, re.MULTILINE)} == set()


@documents
def test_helpers_are_to_be_had(document: Path) -> None:
    """A page that uses a helper tells where to get it."""
    text = document.read_text(encoding="utf-8")
    uses = re.search(r"(?:^|`)(?:targets`|insights [0-9]|tell i-)", text, re.MULTILINE)
    assert uses is None or "README.md#helpers" in text or "## Helpers" in text


@pytest.mark.parametrize(
    ("wrong", "mistake"),
    [
        ("`aws autoscalign describe-instance-refreshes`", "no such command"),
        ("`aws autoscaling describe-refreshes`", "no such command"),
        ("`aws ssm wait command-done --command-id x --instance-id i-0`", "no such command"),
        ("`aws dynamodb describe-table --table birthdays`", "no option --table"),
        ("`aws dynamodb describe-table`", "--table-name is missing"),
        ("`aws dynamodb describe-table --table-name birthdays --query Table.State`", "no field State"),
        ("```sh\naws s3 ls \\\n  --deep s3://b\n```", "no option --deep"),
        ("```sh\nx=$(aws sts get-caller-id)\n```", "no such command"),
        ("```console\n$ make berak\n```", "no target berak"),
        ("`make soak HOURS=10`", "no variable HOURS"),
        ("`ansible-playbook repair.yml --check`", "no playbook repair.yml"),
        ("`ansible-playbook operate.yml --tags healht`", "no tag healht"),
        ("`terraform -chdir=terraform applly`", "no command applly"),
        ("`terraform -chdir=terraform apply -var-file=environments/staging.tfvars`", "no file"),
        ("`terraform -chdir=terraform apply -var image_id=ami-0`", "no variable image_id"),
        ("`terraform output -raw image_id`", "no output image_id"),
        ("`terraform apply -replace=module.service.aws_acm_certificate.that`", "no resource"),
        ("`.venv/bin/python -m terraform.restoer`", "no module terraform.restoer"),
        ("`.venv/bin/python -m terraform.restore birthdays --befor x`", "no option --befor"),
    ],
)
def test_wrong_commands_are_found(wrong: str, mistake: str) -> None:
    """The tests above can fail: each kind of mistake is noticed, wherever it stands."""
    assert mistake in " ".join(found(wrong))


def test_wrong_scripts_are_found() -> None:
    """A quote or a bracket too few is noticed."""
    assert len(invalid("```sh\nfor x in a; do\n  echo $x\n```\n`insights 30 'stats count()`")) == 2


def test_right_commands_pass() -> None:
    """What is right is not complained about: quotes, substitutions, comments and placeholders."""
    assert found('```sh\nx=$(aws kms describe-key --key-id "$(aws sts get-caller-identity)") # aws nothing\n```') == []


@documents
def test_blocks_are_of_a_kind_that_is_checked(document: Path) -> None:
    """Each code block names a language that some test runs or reads; one without would go stale unseen."""
    opened = re.findall(r"^ *```([a-z]*)\n.*?^ *```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    checked = {
        "sh",
        "console",
        "mermaid",
        "text",
        *({"python", "javascript", "json"} if document.name == "api.md" else ()),
    }
    unknown = sorted(set(opened) - checked)
    assert unknown == [], f"give each code block one of {sorted(checked)}, and see that a test checks it; not {unknown}"
