"""Everything that costs money or grants permissions in an account, read from AWS's own APIs."""

from typing import Any

from tests.support.emulator import REGION, Account

# Kind: service, call, its arguments, the list in the answer, the field that names a member.
_QUESTIONS: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "addresses": ("ec2", "describe_addresses", {}, "Addresses", "AllocationId"),
    "alarms": ("cloudwatch", "describe_alarms", {}, "MetricAlarms", "AlarmName"),
    "backup plans": ("backup", "list_backup_plans", {}, "BackupPlansList", "BackupPlanId"),
    "backup vaults": ("backup", "list_backup_vaults", {}, "BackupVaultList", "BackupVaultName"),
    "buckets": ("s3", "list_buckets", {}, "Buckets", "Name"),
    "certificates": ("acm", "list_certificates", {}, "CertificateSummaryList", "CertificateArn"),
    "composite alarms": ("cloudwatch", "describe_alarms", {}, "CompositeAlarms", "AlarmName"),
    "dashboards": ("cloudwatch", "list_dashboards", {}, "DashboardEntries", "DashboardName"),
    "documents": (
        "ssm",
        "list_documents",
        {"Filters": [{"Key": "Owner", "Values": ["Self"]}]},
        "DocumentIdentifiers",
        "Name",
    ),
    "firewalls": ("wafv2", "list_web_acls", {"Scope": "REGIONAL"}, "WebACLs", "Name"),
    "flow logs": ("ec2", "describe_flow_logs", {}, "FlowLogs", "FlowLogId"),
    "groups": ("autoscaling", "describe_auto_scaling_groups", {}, "AutoScalingGroups", "AutoScalingGroupName"),
    "health checks": ("route53", "list_health_checks", {}, "HealthChecks", "Id"),
    "instance profiles": ("iam", "list_instance_profiles", {}, "InstanceProfiles", "Arn"),
    "launch templates": ("ec2", "describe_launch_templates", {}, "LaunchTemplates", "LaunchTemplateName"),
    "load balancers": ("elbv2", "describe_load_balancers", {}, "LoadBalancers", "LoadBalancerArn"),
    "log groups": ("logs", "describe_log_groups", {}, "logGroups", "logGroupName"),
    "policies": ("iam", "list_policies", {"Scope": "Local"}, "Policies", "Arn"),
    "roles": ("iam", "list_roles", {}, "Roles", "Arn"),
    "rules": ("events", "list_rules", {}, "Rules", "Name"),
    "security groups": ("ec2", "describe_security_groups", {}, "SecurityGroups", "GroupId"),
    "subnets": ("ec2", "describe_subnets", {}, "Subnets", "SubnetId"),
    "tables": ("dynamodb", "list_tables", {}, "TableNames", ""),
    "target groups": ("elbv2", "describe_target_groups", {}, "TargetGroups", "TargetGroupArn"),
    "topics": ("sns", "list_topics", {}, "Topics", "TopicArn"),
    "user pools": ("cognito-idp", "list_user_pools", {"MaxResults": 60}, "UserPools", "Name"),
    "vpcs": ("ec2", "describe_vpcs", {}, "Vpcs", "VpcId"),
}
# What the health check from outside needs in another region.
_OUTSIDE = ("alarms", "topics")


def inventory(account: Account) -> dict[str, set[str]]:
    """Return the names of what exists, by kind; what is terminated, deleted or to be deleted does not count."""
    found = {kind: _ask(account, kind) for kind in _QUESTIONS}
    outside = {f"{kind} in us-east-1": _ask(account, kind, "us-east-1") for kind in _OUTSIDE}
    return (
        found
        | outside
        | {
            "endpoints": _endpoints(account),
            "gateways": _gateways(account),
            "instances": _instances(account),
            "keys": _keys(account),
            "records": _records(account),
        }
    )


def _ask(account: Account, kind: str, region: str = REGION) -> set[str]:
    service, call, arguments, members, name = _QUESTIONS[kind]
    answer = getattr(account.client(service, region), call)(**arguments)[members]
    return {member[name] if name else member for member in answer}


def _endpoints(account: Account) -> set[str]:
    endpoints = account.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    return {endpoint["VpcEndpointId"] for endpoint in endpoints if endpoint["State"] != "deleted"}


def _gateways(account: Account) -> set[str]:
    gateways = account.client("ec2").describe_nat_gateways()["NatGateways"]
    return {gateway["NatGatewayId"] for gateway in gateways if gateway["State"] != "deleted"}


def _instances(account: Account) -> set[str]:
    reservations = account.client("ec2").describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    return {instance["InstanceId"] for instance in instances if instance["State"]["Name"] != "terminated"}


def _keys(account: Account) -> set[str]:
    keys = account.client("kms")
    aliases = keys.list_aliases()["Aliases"]
    of_aws = {alias.get("TargetKeyId") for alias in aliases if alias["AliasName"].startswith("alias/aws/")}
    found = [keys.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in keys.list_keys()["Keys"]]
    return {key["KeyId"] for key in found if key["KeyState"] != "PendingDeletion"} - of_aws


def _records(account: Account) -> set[str]:
    names = account.client("route53")
    zones = [zone["Id"] for zone in names.list_hosted_zones()["HostedZones"]]
    answers = [names.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] for zone in zones]
    return {f"{record['Name']} {record['Type']}" for records in answers for record in records}
