"""Every command that documents tell readers to paste exists: programs, operations, options, files and names."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.aws_commands import mistakes
from tests.infra.snippets import DOCUMENTS, ROOT, commands, languages, scripts
from tests.infra.tool_commands import ansible_mistakes, make_mistakes, python_mistakes, terraform_mistakes

CHECKS = {
    "aws": mistakes,
    "make": make_mistakes,
    "ansible-playbook": ansible_mistakes,
    "terraform": terraform_mistakes,
    ".venv/bin/python": python_mistakes,
}
_PASTED = re.compile(r"(aws|curl|dig|insights|make|tell|terraform) ")
_GNU_ONLY = re.compile(r"\bdate (?:-\w+ )*(?:-d\b|--date)|\bsha256sum\b|\btar .*--sort|\bshred\b|\breadlink -f\b")
OPERATORS = [
    ROOT / "docs/slo.md",
    ROOT / "docs/disaster-recovery.md",
    ROOT / "docs/on-call.md",
    *sorted((ROOT / "docs/runbooks").glob("*.md")),
]
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
    """A page that uses a helper, or a value that the helpers find, tells where to get it."""
    text = document.read_text(encoding="utf-8")
    uses = set(re.findall(r"(?:^|`)(targets`|insights [0-9]|tell i-)|\$\((setting) ", text, re.MULTILINE))
    values = set(re.findall(r"\$(domain|account)\b", text)) - set(re.findall(r"\b(domain|account)=", text))
    assert not uses | values or "README.md#helpers" in text or "## Helpers" in text


@documents
def test_commands_run_on_every_system(document: Path) -> None:
    """A command that only GNU's tools know, and macOS does not, stands on a line that says so."""
    lines = document.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if _GNU_ONLY.search(line) and "GNU" not in line] == [], "do without, or say GNU"


@pytest.mark.parametrize(
    "line", ["date -u -d '+90 days'", "date --date yesterday", "sha256sum x", "tar -c --sort=name"]
)
def test_commands_of_gnu_are_found(line: str) -> None:
    """The test above can fail."""
    assert _GNU_ONLY.search(line)


def test_plain_commands_are_not_taken_for_gnus() -> None:
    """What every system knows passes."""
    assert not _GNU_ONLY.search("date -u +%Y; date +%s; tar -xzf x; curl -d x")


@pytest.mark.parametrize("document", OPERATORS, ids=lambda path: path.name)
def test_operators_pages_take_values_from_the_checkout(document: Path) -> None:
    """Account, domain and region stand in terraform/environments alone; pages for operators have no copy of them."""
    text = document.read_text(encoding="utf-8")
    values = ROOT.joinpath("terraform/environments/prod.tfvars").read_text(encoding="utf-8")
    own = re.findall(r'^(?:account_id|domain_name|hosted_zone_name) += "(.*)"', values, re.MULTILINE)
    assert [value for value in [*own, "AWS_REGION=eu-"] if value in text] == [], "use the helpers' variables"


@pytest.mark.parametrize("document", OPERATORS, ids=lambda path: path.name)
def test_operators_pages_tell_terraform_its_folder(document: Path) -> None:
    """Terraform is run from the root of a checkout, where everything else is run."""
    given = [
        words for script in scripts(document.read_text(encoding="utf-8")) for words in commands(script, "terraform")
    ]
    assert [" ".join(words) for words in given if words[1] != "-chdir=terraform"] == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_helpers_find_the_values_of_the_environment(environment: str) -> None:
    """What the helpers set are the values that the checkout has, for dev if they are pasted with its name."""
    helpers = (ROOT / "docs/runbooks/README.md").read_text(encoding="utf-8").split("## Helpers")[1]
    script = scripts(helpers)[0].replace("prod", environment) + '\necho "$AWS_REGION $account $domain"'
    printed = subprocess.run(["bash", "-eu", "-c", script], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    folder = ROOT / "terraform/environments"
    texts = [(folder / f"{environment}.{kind}").read_text(encoding="utf-8") for kind in ("s3.tfbackend", "tfvars")]
    names = ("region", "account_id", "domain_name")
    wanted = [re.findall(rf'^{name} += "(.*)"', "".join(texts), re.MULTILINE)[0] for name in names]
    assert printed.split() == wanted


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
    checked = {
        "sh",
        "console",
        "mermaid",
        "text",
        *({"python", "javascript", "json"} if document.name == "api.md" else ()),
    }
    unknown = sorted(languages(document.read_text(encoding="utf-8")) - checked)
    assert unknown == [], f"give each code block one of {sorted(checked)}, and see that a test checks it; not {unknown}"
