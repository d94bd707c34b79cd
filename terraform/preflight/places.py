"""Checks that an environment's values are filled in, and are the same in every file. Knows nothing of AWS."""

import re
from collections.abc import Iterator

from terraform.preflight.finding import Finding, missing, ok
from terraform.preflight.values import Values

_PLACEHOLDER = re.compile(
    r"\b(?:111111111111|222222222222|1000001|2000002|(?:[\w-]+\.)*example\.com)\b|github\.com/example\b|\"example\""
)
_ACCOUNT = re.compile(r"\b\d{12}\b")
_REGION = re.compile(r"\b[a-z]{2}(?:-[a-z]+)+-\d\b")
_COMMENT = re.compile(r"#.*$", re.MULTILINE)


def check(values: Values) -> Iterator[Finding]:
    """Check for placeholders, and for account ids and regions that differ between files."""
    wrong = [*_placeholders(values), *_differences(values)]
    if wrong:
        yield missing("values", f"{'; '.join(wrong)}. See docs/first-deployment.md, Values")
    else:
        yield ok("values", f"of {values.environment} are filled in, and the same in every file")


def _files(values: Values) -> dict[str, str]:
    """Return the text of each file that people fill in, without comments, by its path."""
    name = values.environment
    texts = {
        f"terraform/environments/{name}.tfvars": values.given,
        f"terraform/environments/{name}.s3.tfbackend": values.backend,
        f"terraform/bootstrap/{name}.tfvars": values.prepared,
    }
    return {file: _COMMENT.sub("", text) for file, text in texts.items()}


def _placeholders(values: Values) -> Iterator[str]:
    for file, text in _files(values).items():
        if found := sorted(set(_PLACEHOLDER.findall(text))):
            yield f"{file} still has {', '.join(found)}"


def _differences(values: Values) -> Iterator[str]:
    first, *others = _files(values).items()
    for file, text in others:
        for what, pattern, wanted in (
            ("account", _ACCOUNT, values.account_id),
            ("region", _REGION, values.region),
        ):
            if other := set(pattern.findall(text)) - {wanted}:
                yield f"{file} names the {what} {', '.join(sorted(other))}, but {first[0]} {wanted}"
