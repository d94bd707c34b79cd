"""The permissions that a call needs: actions on resources, under conditions, by AWS's reference and documentation.

It knows how AWS names things, but neither the callers nor the policies.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from tests.infra.permissions import names, reference
from tests.infra.permissions.calls import Call
from tests.infra.permissions.reference import PLACEHOLDER

STAND_IN = "unknown"
"""The placeholder for what a request does not name, such as the id of what it creates."""
SESSION = "AROAEXAMPLE:somebody"
"""The user id of an assumed role. Its holder's sessions carry it as a tag, and are named after its second half."""


@dataclass(frozen=True)
class Need:
    """An action that must be allowed on a resource."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...]
    because: str
    """The action that was called."""

    def under(self, context: dict[str, str]) -> "Need":
        """Return the same need with more condition keys."""
        return replace(self, context=tuple(sorted((dict(self.context) | context).items())))


@dataclass(frozen=True)
class Account:
    """The facts about an account that requests do not contain, and its number."""

    environment: str
    number: str
    region: str
    paths: dict[str, str] = field(default_factory=dict)
    """ARNs of roles, profiles and policies by their kind and short name, since requests omit their path."""
    launched_role: str = ""
    """The role that a launch template names."""
    encrypted: dict[str, str] = field(default_factory=dict)
    """The encryption keys of buckets, by the bucket's name."""
    sessions_key: str = ""
    """The key that sessions are encrypted with."""
    boundaries: dict[str, str] = field(default_factory=dict)
    """ARNs of boundaries, by the ARN of their role."""
    automations: dict[str, str] = field(default_factory=dict)
    """ARNs of the roles that Automation assumes, by the name of the document."""

    def needs(self, call: Call) -> Iterator[Need]:
        """Yield everything that must be allowed for `call`."""
        called = action_of(call)
        resources = list(self._resources(called, call))
        for _, resource in resources:
            yield self._need(called, resource, call, called)
        types = {kind for kind, resource in resources if STAND_IN not in resource}
        for action in (*reference.dependent(called, types), *names.ALSO.get(called, ())):
            yield from self._dependent(action, call, called)
        if called in ("s3:GetObject", "s3:PutObject") and (key := self._key(call)):
            action = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}[called]
            yield self._need(action, key, call, called)

    def _dependent(self, action: str, call: Call, called: str) -> Iterator[Need]:
        if action == "iam:PassRole":
            for role in self._passed(call):
                yield self._need(action, role, call, called)
        elif action == "iam:CreateServiceLinkedRole":
            role = (
                f"arn:aws:iam::{self.number}:role/aws-service-role/{called.partition(':')[0]}.amazonaws.com/{STAND_IN}"
            )
            yield self._need(action, role, call, called)
        elif called == "ssm:StartSession" and action.startswith("kms:"):
            yield self._need(action, self.sessions_key, call, called)
        else:
            for _, resource in self._resources(action, call):
                yield self._need(action, resource, call, called)

    def _key(self, call: Call) -> str | None:
        return next((self.encrypted[name] for name in call.named("Bucket") if name in self.encrypted), None)

    def _passed(self, call: Call) -> set[str]:
        """Return the roles that a request passes: by ARN, by name, or by a launch template."""
        pattern = re.compile(rf"arn:aws:iam::{self.number}:role/[\w+=,.@/-]+")
        named = {found for _, value in call.values for found in pattern.findall(value)}
        named |= {self.automations[name] for name in call.named("DocumentName") if name in self.automations}
        if call.service == "iam":
            named = {self._known("role", name) for name in call.named("RoleName")}
        return named or ({self.launched_role} if call.service == "autoscaling" else set())

    def _need(self, action: str, resource: str, call: Call, called: str) -> Need:
        region = "us-east-1" if action.partition(":")[0] in names.GLOBAL else call.region
        context = {
            "aws:PrincipalAccount": self.number,
            "aws:RequestedRegion": region,
            "aws:SecureTransport": "true",
            "aws:userid": SESSION,
        } | self._conditions(action, resource, called)
        return Need(action, resource, tuple(sorted(context.items())), called)

    def _conditions(self, action: str, resource: str, called: str) -> dict[str, str]:
        """Return the condition keys of this action or resource that a statement may test."""
        service = called.partition(":")[0]
        if action == "iam:PassRole":
            (passed_to,) = [told for pattern, told in names.PASSED_TO.items() if fnmatchcase(called, pattern)]
            return {"iam:PassedToService": passed_to}
        if action == "iam:CreateServiceLinkedRole":
            return {"iam:AWSServiceName": f"{service}.amazonaws.com"}
        if action.startswith("iam:") and (boundary := self.boundaries.get(resource)):
            return {"iam:PermissionsBoundary": boundary}
        if action == "cloudwatch:PutMetricData":
            return {"cloudwatch:namespace": "HelloBirthday"}
        if ":session/" in resource:
            return {"ssm:resourceTag/aws:ssmmessages:session-id": SESSION}
        tags = {"Application": "hello-birthday", "Environment": self.environment}
        return {f"aws:ResourceTag/{key}": value for key, value in tags.items()} if ":instance/" in resource else {}

    def _resources(self, action: str, call: Call) -> Iterator[tuple[str, str]]:
        """Yield kind and ARN of all resources of a call; * where an action has none."""
        told = call.named(names.KIND[action]) if action in names.KIND else []
        kinds = [kind for kind in reference.resource_types(action) if kind.name not in names.NOT_OURS]
        kinds = [kind for kind in kinds if not told or kind.name in told]
        found = [(kind.name, arn) for kind in kinds for arn in self._arns(kind, action, call)]
        yield from found or [("", "*")]

    def _arns(self, kind: reference.ResourceType, action: str, call: Call) -> Iterable[str]:
        template = self._localised(kind.arn, call)
        pattern = re.compile("[^*:]+".join(re.escape(part) for part in PLACEHOLDER.split(template)[::2]))
        direct = {value for _, value in call.values if pattern.fullmatch(value)}
        if direct and not action.startswith("s3:"):
            return sorted(direct)
        if action.startswith("iam:"):
            return [self._known(kind.name, name) for name in self._iam_names(template, call) or [STAND_IN]]
        filled = [template]
        for placeholder in PLACEHOLDER.findall(template):
            values = call.named(*names.PARAMETERS.get(placeholder, (placeholder,))) or [STAND_IN] * kind.required
            filled = [each.replace(f"${{{placeholder}}}", value) for each in filled for value in values]
        # From the guide of CloudWatch Logs: policies name a log group with :* appended, except for tagging.
        rest = ":*" if kind.name == "log-group" and "Tag" not in action else ""
        return [each + rest for each in filled if "arn:" not in each[4:]]

    @staticmethod
    def _iam_names(template: str, call: Call) -> list[str]:
        return [
            name
            for placeholder in PLACEHOLDER.findall(template)
            for name in call.named(*names.PARAMETERS.get(placeholder, ()))
        ]

    def _known(self, kind: str, name: str) -> str:
        return self.paths.get(f"{kind}/{name}", f"arn:aws:iam::{self.number}:{kind}/{name}")

    def _localised(self, template: str, call: Call) -> str:
        for name, value in (("Partition", "aws"), ("Region", call.region), ("Account", self.number)):
            template = template.replace(f"${{{name}}}", value)
        return template


def action_of(call: Call) -> str:
    """Return the action that AWS checks for `call`."""
    named = f"{names.PREFIXES.get(call.service, call.service)}:{call.operation}"
    action = names.NAMES.get(named, named)
    assert reference.exists(action), f"{action} is no action: if AWS calls it otherwise, name it in {__name__}"
    return action
