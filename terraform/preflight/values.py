"""The values of an environment, read from Terraform's files. Knows nothing of AWS."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_VALUE = r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\S+"


@dataclass(frozen=True)
class Values:
    """One environment's values."""

    environment: str
    given: str
    """Text of the environment's file."""
    prepared: str = ""
    """Text of bootstrap's file for it."""
    backend: str = ""
    """Text of its `backend_file`."""

    @property
    def account_id(self) -> str:
        """Account that the environment is in."""
        return self.text("account_id")

    @property
    def region(self) -> str:
        """Region that the environment is in."""
        return self.text("region")

    @property
    def bakes(self) -> bool:
        """Whether the images that run here are baked in this account."""
        owners = self._raw("ami_owners")
        return f'"{self.account_id}"' in owners or '"self"' in owners

    @property
    def shares_provider(self) -> bool:
        """Whether bootstrap is told to use an OpenID Connect provider that somebody else made."""
        return bool(re.search("^github_provider_exists *= *true", self.prepared, re.MULTILINE))

    @property
    def most_instances(self) -> int:
        """Number of instances while the largest fleet is being replaced."""
        (largest,) = re.findall(r"max *= *(\d+)", self._raw("capacity"))
        group = (ROOT / "modules/service/group.tf").read_text(encoding="utf-8")
        percent = max(map(int, re.findall(r"max_healthy_percentage += (\d+)", group)))
        return math.ceil(int(largest) * percent / 100)

    def text(self, name: str) -> str:
        """Return the value of a variable that is a string."""
        return self._raw(name).strip('"')

    def _raw(self, name: str) -> str:
        """Return a value as it is written in the environment's file, or else as the variable's default."""
        if found := re.search(rf"^{name} *= *({_VALUE})", self.given, re.MULTILINE):
            return found[1]
        variables = "".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("variables*.tf")))
        (declared,) = re.findall(rf'^variable "{name}" {{\n(.*?)^}}', variables, re.MULTILINE | re.DOTALL)
        (default,) = re.findall(rf"^  default *= *({_VALUE})", declared, re.MULTILINE)
        return str(default)


def environments() -> dict[str, Values]:
    """Return the values of every environment by its name."""
    files = sorted((ROOT / "environments").glob("*.tfvars"))
    return {
        file.stem: Values(file.stem, _text(file), _text(ROOT / "bootstrap" / file.name), _text(backend_file(file.stem)))
        for file in files
    }


def backend_file(environment: str) -> Path:
    """Return the file that says where the state of an environment is."""
    return ROOT / "environments" / f"{environment}.s3.tfbackend"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
