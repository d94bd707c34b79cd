"""Checks whether commands of make, Ansible, Terraform and our own programs exist, by the files that define them."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.infra.snippets import ROOT

_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_SUBCOMMANDS = {"apply", "destroy", "force-unlock", "import", "init", "output", "plan", "show", "state", "workspace"}
_ADDRESS = re.compile(r"(?:module\.[a-z]+\.)*(aws_[a-z_]+)\.([a-z_]+)")


def make_mistakes(words: list[str]) -> list[str]:
    """Return the mistakes in a call of make."""
    targets = [word for word in words[1:] if "=" not in word and re.fullmatch(r"[./]*[a-z][a-z./-]*", word)]
    variables = [word.partition("=")[0] for word in words[1:] if "=" in word]
    missing = [f"no target {name}" for name in targets if not _line(rf"{re.escape(name)}:", _MAKEFILE)]
    return missing + [f"no variable {name}" for name in variables if f"$({name})" not in _MAKEFILE.replace("(or ", "")]


def ansible_mistakes(words: list[str]) -> list[str]:
    """Return the mistakes in a call of ansible-playbook."""
    playbook = ROOT / "ansible" / words[1]
    if not playbook.is_file():
        return [f"no playbook {words[1]}"]
    named = words[words.index("--tags") + 1].split(",") if "--tags" in words else []
    known = re.findall(r"tags: \[(.*)\]", playbook.read_text(encoding="utf-8"))
    return [f"no tag {name}" for name in named if name not in ", ".join(known).split(", ")]


def terraform_mistakes(words: list[str]) -> list[str]:
    """Return the mistakes in a call of Terraform, in the root module or in bootstrap."""
    plain = [word for word in words[1:] if not word.startswith("-")]
    if not plain or plain[0] not in _SUBCOMMANDS:
        return [f"no command {' '.join(plain[:1])}"]
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "terraform").rglob("*.tf")))
    wanted = _wanted(words, plain)
    missing = [f"no {kind} {name}" for kind, name in wanted if not _line(rf'{kind} "{name}" {{', text)]
    addresses = (match for word in words for match in _ADDRESS.finditer(word))
    return [
        *missing,
        *(f"no file {name}" for name in _files(words) if not _is_there(name)),
        *(f"no resource {found[0]}" for found in addresses if f'resource "{found[1]}" "{found[2]}"' not in text),
    ]


def python_mistakes(words: list[str]) -> list[str]:
    """Return the mistakes in a call of one of our own programs."""
    if words[1] != "-m":
        return [] if (ROOT / words[1]).is_file() else [f"no file {words[1]}"]
    module = ROOT / words[2].replace(".", "/")
    source = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
    if not source.is_file():
        return [f"no module {words[2]}"]
    known = source.read_text(encoding="utf-8")
    options = [word.partition("=")[0] for word in words[3:] if word.startswith("--")]
    return [f"no option {name}" for name in options if name != "--help" and f'"{name}"' not in known]


def _wanted(words: list[str], plain: list[str]) -> Iterable[tuple[str, str]]:
    """Yield the variables and outputs that a call of Terraform names."""
    for word, value in zip(words, [*words[1:], ""], strict=True):
        if word == "-var" or word.startswith("-var="):
            yield "variable", (value if word == "-var" else word[5:]).partition("=")[0]
    if plain[0] == "output" and len(plain) > 1:
        yield "output", plain[1]


def _files(words: list[str]) -> list[str]:
    return [
        word.partition("=")[2] for word in words if word.startswith(("-var-file=", "-backend-config=environments/"))
    ]


def _is_there(name: str) -> bool:
    """Return whether a file exists, or is generated, as all of build/ is."""
    folders = (ROOT / "terraform", ROOT / "terraform" / "bootstrap")
    return any((folder / name).is_file() for folder in folders) or Path(name).parent.name == "build"


def _line(start: str, text: str) -> bool:
    return re.search(rf"^{start}", text, re.MULTILINE) is not None
