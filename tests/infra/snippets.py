"""The commands that readers paste from a document's code blocks and code spans.

    python -m tests.infra.snippets | shellcheck -

prints all code blocks, each under the name of its document.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("terraform/**/*.md"))]

_BLOCK = re.compile(r"^( *)```([a-z]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^ *\$ (.*(?:\\\n.*)*)", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)|(?<!`)``([^\n]+?)``(?!`)")


def languages(document: str) -> set[str]:
    """Return the languages of the code blocks of a document; empty for a block that names none."""
    return {language for _, language, _ in _BLOCK.findall(document)}


def blocks(document: str, wanted: str) -> list[str]:
    """Return the code blocks of a document that are in the language `wanted`."""
    return [code for _, language, code in _BLOCK.findall(document) if language == wanted]


def scripts(document: str) -> list[str]:
    """Return the shell code of a document: `sh` blocks, the text after `$` in `console` blocks, and code spans."""
    typed = [match[1] for code in blocks(document, "console") for match in _TYPED.finditer(code)]
    spans = [" ".join((one or two).split()) for one, two in _SPAN.findall(_BLOCK.sub("", document))]
    return [*blocks(document, "sh"), *typed, *spans]


def commands(script: str, program: str) -> Iterator[list[str]]:
    """Yield the words of each call of `program` in a script; each `$(...)` becomes an X."""
    code = _COMMENT.sub("", script)
    for match in re.finditer(rf"(?:^|(?<=[\s(;|&])){re.escape(program)} ", code):
        text = _up_to_its_end(code[match.start() :])
        try:
            yield shlex.split(text)
        except ValueError as error:
            raise AssertionError(f"no shell would take this: {text}") from error


def _up_to_its_end(text: str) -> str:
    """Cut a command at its first unquoted end, and replace its command substitutions."""
    kept, quote, at = "", "", 0
    while at < len(text):
        character = text[at]
        if text.startswith("$(", at) and quote != "'":
            kept, at = kept + "X", at + _length_of_substitution(text[at:])
            continue
        if text.startswith("\\\n", at):
            kept, at = kept + " ", at + 2
            continue
        if not quote and character in "\n|;&()<>":
            break
        if character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        kept, at = kept + character, at + 1
    return kept


def _length_of_substitution(text: str) -> int:
    """Return the length of the `$(...)` at the start of `text`."""
    depth = 0
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and character == ")":
            return at + 1
    raise AssertionError(f"never closed: {text}")


if __name__ == "__main__":
    for path in DOCUMENTS:
        whole = [script for script in scripts(path.read_text(encoding="utf-8")) if "\n" in script]
        sys.stdout.writelines(f"# {path.relative_to(ROOT)}\n{script}\n" for script in whole)
