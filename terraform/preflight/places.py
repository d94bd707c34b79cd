"""Checks that an environment's values are filled in, and are the same in every file. Knows nothing of AWS.

Account and region are supplied once, in the environment's own file; the file that says where its state is repeats
them, since Terraform allows no variables there, and `make bootstrap` writes them to it.
"""

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


def backend(values: Values) -> str:
    """Return the text of the file that says where the state is, with this account and region in every place."""
    return _REGION.sub(values.region, _ACCOUNT.sub(values.account_id, values.backend))


def check_backend(values: Values) -> Iterator[Finding]:
    """Check that the state is in this account and region, and say nothing if it is."""
    if backend(values) != values.backend:
        name = values.environment
        yield missing(
            "values",
            f"terraform/environments/{name}.s3.tfbackend names another account or region than {name}.tfvars. "
            f"To write them to it: make bootstrap ENVIRONMENT={name}",
        )


def _files(values: Values) -> dict[str, str]:
    """Return the text of each file that people fill in, without comments, by its path."""
    name = values.environment
    texts = {
        f"terraform/environments/{name}.tfvars": values.given,
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
