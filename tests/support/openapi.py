"""The OpenAPI document of the service, as the tests read it."""

from importlib import resources
from typing import Any

import yaml

DOCUMENT: dict[str, Any] = yaml.safe_load(resources.files("service.api").joinpath("openapi.yaml").read_bytes())
