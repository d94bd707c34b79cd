"""Allowed connections and permissions in the stack as it was created."""

import json
from typing import Any

import pytest

from service.auth.tokens import READ_SCOPE, WRITE_SCOPE
from tests.support.stack import Stack

TABLE_ACTIONS = {
    f"dynamodb:{name}" for name in ("BatchGetItem", "BatchWriteItem", "DescribeTable", "GetItem", "PutItem")
}


def document(policy: str | dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a policy document, whether boto3 has read it or not."""
    parsed = json.loads(policy) if isinstance(policy, str) else policy
    statements: list[dict[str, Any]] = parsed["Statement"]
    return statements


def actions(statement: dict[str, Any]) -> set[str]:
    """Return a statement's actions, one or many."""
    given = statement["Action"]
    return {given} if isinstance(given, str) else set(given)


def instance_policies(stack: Stack) -> dict[str, list[dict[str, Any]]]:
    """Return the statements of each inline policy of the instance role."""
    iam, role = stack.account.client("iam"), f"{stack.name}-instance"
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {name: document(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names}


def security_groups(stack: Stack) -> dict[str, str]:
    """Return the ids of the stack's security groups by their short names."""
    groups = stack.account.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [f"{stack.name}-*"]}]
    )["SecurityGroups"]
    return {group["GroupName"].removeprefix(f"{stack.name}-"): group["GroupId"] for group in groups}


def rules(stack: Stack, *, egress: bool) -> set[tuple[str, str, int, int]]:
    """Return (whose, with whom, first port, last port) of every rule in one direction."""
    ids = security_groups(stack)
    names = {group_id: name for name, group_id in ids.items()}
    found = stack.account.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": list(ids.values())}]
    )["SecurityGroupRules"]
    return {
        (names[rule["GroupId"]], _peer(rule, names), rule["FromPort"], rule["ToPort"])
        for rule in found
        if rule["IsEgress"] is egress
    }


def _peer(rule: dict[str, Any], names: dict[str, str]) -> str:
    if "ReferencedGroupInfo" in rule:
        return names[rule["ReferencedGroupInfo"]["GroupId"]]
    peer: str = rule.get("CidrIpv4") or rule.get("PrefixListId", "?")
    return peer


def test_only_the_load_balancer_meets_the_internet(stack: Stack) -> None:
    """The internet reaches only the load balancer, that only the instances, and these only the endpoints."""
    assert rules(stack, egress=False) == {
        ("load-balancer", "0.0.0.0/0", 443, 443),
        ("load-balancer", "0.0.0.0/0", 80, 80),
        ("instances", "load-balancer", 8080, 8080),
        ("endpoints", "instances", 443, 443),
    }


def test_instances_reach_nothing_but_endpoints(stack: Stack) -> None:
    """No rule lets an instance open a connection to an address, except through NAT; endpoints open none."""
    lists = stack.account.client("ec2").describe_prefix_lists()["PrefixLists"]
    ids = {entry["PrefixListName"].rpartition(".")[2]: entry["PrefixListId"] for entry in lists}
    assert rules(stack, egress=True) == {
        ("load-balancer", "instances", 8080, 8080),
        ("instances", "endpoints", 443, 443),
        ("instances", ids["dynamodb"], 443, 443),
        ("instances", ids["s3"], 443, 443),
        *([("instances", "0.0.0.0/0", 443, 443)] if stack.authentication else []),
    }


def test_default_security_group_is_closed(stack: Stack) -> None:
    """A resource without a security group of its own can reach nothing."""
    (group,) = stack.account.client("ec2").describe_security_groups(
        Filters=[{"Name": "tag:Name", "Values": [f"{stack.name}-closed"]}]
    )["SecurityGroups"]
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


def test_private_subnets_have_no_route_out(stack: Stack) -> None:
    """The instances' route table has only the VPC and gateway endpoints; with authentication a NAT gateway, too."""
    (table,) = stack.account.client("ec2").describe_route_tables(
        Filters=[{"Name": "tag:Name", "Values": [f"{stack.name}-private"]}]
    )["RouteTables"]
    targets = {route.get("NatGatewayId") or route.get("GatewayId", "?") for route in table["Routes"]}
    others = {target.partition("-")[0] for target in targets} - {"local", "vpce"}
    assert others == ({"nat"} if stack.authentication else set())
    assert len(table["Associations"]) == (3 if stack.environment == "prod" else 2)


def test_instances_may_serve_from_one_table_and_nothing_more(stack: Stack) -> None:
    """DynamoDB: five actions on one table; its key through DynamoDB only."""
    table, key = instance_policies(stack)["serve"]
    assert (actions(table), table["Resource"]) == (
        TABLE_ACTIONS,
        f"arn:aws:dynamodb:eu-central-1:{stack.account.account_id}:table/birthdays",
    )
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}}


def test_only_what_has_no_resources_is_granted_on_all(stack: Stack) -> None:
    """A star as resource is used only for actions that support no resources and read no secrets."""
    broad = {
        action
        for statements in instance_policies(stack).values()
        for statement in statements
        if statement["Resource"] == "*"
        for action in actions(statement)
    }
    prefixes = {action.partition(":")[0] for action in broad}
    assert prefixes == {"cloudwatch", "ec2messages", "logs", "ssm", "ssmmessages"}
    assert not {action for action in broad if "Parameter" in action or "*" in action}


@pytest.mark.parametrize(
    "service", ["dynamodb", "s3", "ssm", "ssmmessages", "ec2messages", "logs", "monitoring", "kms"]
)
def test_each_endpoint_exists_and_has_a_policy(stack: Stack, service: str) -> None:
    """Every service that an instance needs is inside the VPC, behind a policy that is not the default one."""
    (endpoint,) = stack.account.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "service-name", "Values": [f"com.amazonaws.eu-central-1.{service}"]}]
    )["VpcEndpoints"]
    statement, *_ = document(endpoint["PolicyDocument"])
    expected = {
        "dynamodb": (TABLE_ACTIONS, f"arn:aws:dynamodb:eu-central-1:{stack.account.account_id}:table/birthdays"),
        "s3": ({"s3:GetObject"}, statement["Resource"]),
    }.get(service, ({"*"}, "*"))
    assert (actions(statement), statement["Resource"]) == expected
    own = {"StringEquals": {"aws:PrincipalAccount": stack.account.account_id}}
    assert service == "s3" or statement["Condition"] == own


def test_s3_endpoint_leads_to_buckets_of_the_agents_and_one_of_ours_only(stack: Stack) -> None:
    """Nothing can be copied from the VPC into another account's bucket."""
    (endpoint,) = stack.account.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "service-name", "Values": ["com.amazonaws.eu-central-1.s3"]}]
    )["VpcEndpoints"]
    of_the_agents, ours = document(endpoint["PolicyDocument"])
    assert actions(of_the_agents) == {"s3:GetObject"}
    assert all("eu-central-1" in bucket and bucket.endswith("/*") for bucket in of_the_agents["Resource"])
    account_id = stack.account.account_id
    assert ours["Resource"] == f"arn:aws:s3:::{stack.name}-transfers-{account_id}/*"
    assert ours["Condition"] == {"StringEquals": {"aws:PrincipalAccount": account_id}}


def test_table_is_recoverable_and_protected(stack: Stack) -> None:
    """The table is on demand, encrypted with our key, recoverable to any second; prod's cannot be deleted."""
    tables = stack.account.client("dynamodb")
    table = tables.describe_table(TableName="birthdays")["Table"]
    recovery = tables.describe_continuous_backups(TableName="birthdays")["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSEDescription"]["SSEType"] == "KMS"
    assert table["DeletionProtectionEnabled"] is (stack.environment == "prod")


def test_disks_key_is_for_the_auto_scaling_role(stack: Stack) -> None:
    """Auto Scaling can start instances with encrypted volumes, even if its role did not exist before."""
    keys = stack.account.client("kms")
    key_id = keys.describe_key(KeyId=f"alias/{stack.name}-disks")["KeyMetadata"]["KeyId"]
    policy = keys.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    users = [statement for statement in document(policy) if statement["Sid"].startswith("AutoScaling")]
    role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    arn = f"arn:aws:iam::{stack.account.account_id}:{role}"
    assert [statement["Condition"]["StringEquals"]["aws:PrincipalArn"] for statement in users] == [arn, arn]


@pytest.mark.parametrize(
    ("role", "subjects", "branches"),
    [
        ("plan", ["repo:example@1000001/hello-birthday@2000002:pull_request",
                  "repo:example@1000001/hello-birthday@2000002:ref:refs/heads/main"], {}),
        ("apply", ["repo:example@1000001/hello-birthday@2000002:environment:{environment}"],
                  {"dev": "refs/heads/dev", "prod": "refs/heads/main"}),
    ],
)  # fmt: skip
def test_pipelines_take_on_their_roles_by_immutable_subjects(
    stack: Stack, role: str, subjects: list[str], branches: dict[str, str]
) -> None:
    """GitHub's tokens are matched by the repository's ids; each role has one purpose, applying only one branch."""
    found = stack.account.client("iam").get_role(RoleName=f"{stack.name}-github-{role}")["Role"]
    (statement,) = document(found["AssumeRolePolicyDocument"])
    expected = [subject.format(environment=stack.environment) for subject in subjects]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": expected,
    } | ({"token.actions.githubusercontent.com:ref": branches[stack.environment]} if branches else {})


def test_pipelines_never_read_data(stack: Stack) -> None:
    """Both roles are denied every way to read or write items, logs and parameters."""
    iam = stack.account.client("iam")
    for role in ("plan", "apply"):
        policy = iam.get_role_policy(RoleName=f"{stack.name}-github-{role}", PolicyName="no-data")["PolicyDocument"]
        denial = document(policy)[0]
        assert denial["Effect"] == "Deny"
        assert {"dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query", "dynamodb:PartiQL*"} <= actions(denial)
        assert TABLE_ACTIONS - {"dynamodb:DescribeTable"} <= actions(denial)
        results = {
            "logs:GetQueryResults",
            "logs:GetLogRecord",
            "ssm:GetCommandInvocation",
            "ssm:ListCommandInvocations",
        }
        assert results | {"cognito-idp:ListUserPoolClientSecrets"} <= actions(denial)


def test_only_the_pipeline_that_applies_writes_releases_and_leases(stack: Stack) -> None:
    """Planning reads the releases; applying writes them, and holds the lease of a deployment."""
    iam, allowed = stack.account.client("iam"), {}
    for role in ("plan", "apply"):
        policy = iam.get_role_policy(RoleName=f"{stack.name}-github-{role}", PolicyName="state")["PolicyDocument"]
        allowed[role] = {
            (action, str(resource).partition("/")[2])
            for statement in document(policy)
            for action in actions(statement)
            for resource in (
                statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            )
            if "/deploy/" in str(resource)
        }
    assert allowed["plan"] == {("s3:GetObject", "deploy/releases.json")}
    assert allowed["apply"] == allowed["plan"] | {
        ("s3:PutObject", "deploy/releases.json"),
        *((f"s3:{verb}Object", "deploy/lock.json") for verb in ("Get", "Put", "Delete")),
    }


def test_state_bucket_is_versioned_encrypted_and_private(stack: Stack) -> None:
    """The state can be restored, is encrypted with our key, and nobody else can read it."""
    buckets, name = stack.account.client("s3"), f"{stack.name}-state-{stack.account.account_id}"
    assert buckets.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    (rule,) = buckets.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert set(buckets.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}


def operators(stack: Stack) -> list[dict[str, Any]]:
    """Return the statements of the policy for people on call."""
    iam = stack.account.client("iam")
    arn = f"arn:aws:iam::{stack.account.account_id}:policy/hello-birthday/{stack.name}-operators"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return document(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def test_operators_start_our_documents_only(stack: Stack) -> None:
    """People on call open sessions on our instances and run our documents, no others."""
    starts = [statement for statement in operators(stack) if "ssm:SendCommand" in actions(statement)]
    on_instances, with_documents = starts
    assert on_instances["Condition"]["StringEquals"]["aws:ResourceTag/Environment"] == stack.environment
    assert {arn.rpartition("/")[2] for arn in with_documents["Resource"]} == {
        "SSM-SessionManagerRunShell",
        *(f"{stack.name}-{name}" for name in ("ansible", "collect-logs", "show-health")),
    }


@pytest.mark.parametrize("name", ["SSM-SessionManagerRunShell", "{stack}-ansible"])
def test_sessions_are_encrypted_recorded_and_end(stack: Stack, name: str) -> None:
    """A shell session, of a person or of Ansible, is encrypted with our key, recorded, and ended when idle."""
    inputs = session(stack, name)
    assert inputs["kmsKeyId"].startswith("arn:aws:kms:")
    assert inputs["cloudWatchLogGroupName"] == f"/{stack.name}/sessions"
    assert (inputs["cloudWatchEncryptionEnabled"], inputs["idleSessionTimeout"]) == (True, "20")


def test_nothing_of_a_profile_is_between_ansible_and_the_shell(stack: Stack) -> None:
    """Ansible's sessions start the plain shell that Ansible expects, whatever people's sessions start."""
    assert "shellProfile" in session(stack, "SSM-SessionManagerRunShell")
    assert "shellProfile" not in session(stack, "{stack}-ansible")


def session(stack: Stack, name: str) -> dict[str, Any]:
    """Return what a session document asks for."""
    content = stack.account.client("ssm").get_document(Name=name.format(stack=stack.name))["Content"]
    inputs: dict[str, Any] = json.loads(content)["inputs"]
    return inputs


@pytest.mark.terraform
def test_machines_get_tokens_for_two_scopes(stacks: dict[str, Stack]) -> None:
    """With authentication on, a client with a secret may ask for the service's two scopes, and nobody can sign up."""
    pools, dev = stacks["dev"].account.client("cognito-idp"), stacks["dev"].name
    (pool,) = [pool for pool in pools.list_user_pools(MaxResults=60)["UserPools"] if pool["Name"] == dev]
    (listed,) = pools.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
    client = pools.describe_user_pool_client(UserPoolId=pool["Id"], ClientId=listed["ClientId"])["UserPoolClient"]
    assert set(client["AllowedOAuthScopes"]) == {READ_SCOPE, WRITE_SCOPE}
    assert (client["AllowedOAuthFlows"], "ClientSecret" in client) == (["client_credentials"], True)
    described = pools.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    assert described["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
