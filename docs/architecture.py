"""The picture of what terraform/ deploys; `python -m docs.architecture` writes architecture.dot, .svg and .png.

Owns the layout and the resource types that it shows; knows nothing of their settings.
"""

from pathlib import Path

from diagrams.aws.compute import AMI, EC2AutoScaling, EC2Instance
from diagrams.aws.database import Dynamodb
from diagrams.aws.general import User, Users
from diagrams.aws.integration import SNS, Eventbridge
from diagrams.aws.management import SSM, Cloudwatch, CloudwatchAlarm, CloudwatchLogs
from diagrams.aws.network import ALB, Endpoint, Route53, VPCFlowLogs
from diagrams.aws.security import ACM, KMS, WAF, Cognito, IAMRole
from diagrams.aws.storage import S3, Backup
from diagrams.onprem.ci import GithubActions
from diagrams.onprem.iac import Ansible, Terraform

from docs.drawing import write
from docs.shapes import Arrow, Frame, Part, Picture

# Outer frames before inner ones. What a frame or a part shows is given as types of Terraform resources.
FRAMES = {
    "delivery": Frame("Delivery", "#6B7A90", "#FAFBFC", 116 + 5j, 906 + 106j),
    "account": Frame("AWS, one region", "#232F3E", "white", 116 + 142j, 906 + 852j),
    "network": Frame("VPC", "#7A3EE8", "#FCFAFF", 308 + 260j, 726 + 672j, "aws_vpc"),
    "public": Frame("Public subnets", "#5E7D10", "#F4F8EA", 319 + 286j, 409 + 570j, "aws_subnet"),
    "private": Frame("Private subnets", "#007E80", "#EAF6F6", 484 + 286j, 616 + 663j, "aws_subnet"),
    "group": Frame(
        "Auto Scaling group", "#C45D00", "white", 492 + 310j, 608 + 564j, "aws_autoscaling_group aws_autoscaling_policy"
    ),
    "data": Frame("Data", "#6B7A90", "#FAFBFC", 762 + 260j, 892 + 601j),
    "cloudwatch": Frame("CloudWatch", "#6B7A90", "#FAFBFC", 484 + 708j, 726 + 806j),
}
ALARMS = "aws_cloudwatch_metric_alarm aws_cloudwatch_composite_alarm aws_cloudwatch_log_metric_filter"
PARTS = {
    "pipeline": Part(GithubActions, "GitHub Actions", 260 + 55j),
    "bake": Part(Ansible, "Packer + Ansible", 463 + 55j),
    "terraform": Part(Terraform, "Terraform", 666 + 55j),
    "roles": Part(IAMRole, "Plan and apply roles", 260 + 195j, "aws_iam_openid_connect_provider aws_iam_role"),
    "image": Part(AMI, "AMI", 463 + 195j),
    "template": Part(EC2AutoScaling, "Launch template", 666 + 195j, "aws_launch_template"),
    "state": Part(S3, "Terraform state", 827 + 195j, "aws_s3_bucket"),
    "clients": Part(Users, "Clients", 50 + 437j),
    "name": Part(Route53, "Route 53,\nhealth check", 170 + 337j, "aws_route53_record aws_route53_health_check"),
    "certificate": Part(ACM, "ACM\ncertificate", 260 + 337j, "aws_acm_certificate"),
    "firewall": Part(WAF, "WAF", 260 + 437j, "aws_wafv2_web_acl"),
    "tokens": Part(Cognito, "Cognito\n(optional)", 170 + 537j, "aws_cognito_user_pool"),
    "access_logs": Part(S3, "Access logs", 260 + 537j, "aws_s3_bucket"),
    "load_balancer": Part(ALB, "Application\nload balancer", 364 + 437j, "aws_lb aws_lb_listener aws_lb_target_group"),
    "zone_a": Part(EC2Instance, "Zone a", 550 + 355j),
    "zone_b": Part(EC2Instance, "Zone b", 550 + 435j),
    "zone_c": Part(EC2Instance, "Zone c", 550 + 515j),
    "gateway": Part(Endpoint, "Gateway\nendpoints", 666 + 437j, "aws_vpc_endpoint"),
    "interface": Part(Endpoint, "Interface\nendpoints", 550 + 604j, "aws_vpc_endpoint"),
    "flow_logs": Part(VPCFlowLogs, "Flow logs", 666 + 604j, "aws_flow_log"),
    "keys": Part(KMS, "KMS keys", 827 + 318j, "aws_kms_key"),
    "table": Part(Dynamodb, "DynamoDB table,\npoint-in-time recovery", 827 + 437j, "aws_dynamodb_table"),
    "backups": Part(Backup, "Backup vault", 827 + 549j, "aws_backup_vault aws_backup_plan"),
    "events": Part(Eventbridge, "EventBridge", 827 + 644j, "aws_cloudwatch_event_rule aws_cloudwatch_event_target"),
    "alerts": Part(SNS, "SNS topic", 827 + 755j, "aws_sns_topic aws_sns_topic_subscription"),
    "logs": Part(CloudwatchLogs, "Logs", 530 + 755j, "aws_cloudwatch_log_group"),
    "dashboard": Part(Cloudwatch, "Dashboard", 605 + 755j, "aws_cloudwatch_dashboard"),
    "alarms": Part(CloudwatchAlarm, "Alarms", 682 + 755j, ALARMS),
    "manager": Part(SSM, "Systems Manager,\ndocuments", 260 + 755j, "aws_ssm_document"),
    "operators": Part(User, "Operators", 50 + 755j),
}
ARROWS = (
    Arrow("pipeline", "bake", "delivery"),
    Arrow("pipeline", "roles", "delivery", "OIDC"),
    Arrow("bake", "image", "delivery", "bakes"),
    Arrow("bake", "terraform", "delivery", "image id"),
    Arrow("terraform", "template", "delivery", "applies"),
    Arrow("terraform", "state", "side", "", (827 + 55j,)),
    Arrow("image", "template", "delivery"),
    Arrow("template", "group", "delivery", "refresh", (666 + 350j,)),
    Arrow("clients", "name", "request", "DNS", (50 + 337j,)),
    Arrow("clients", "firewall", "request", "HTTPS 443"),
    Arrow("clients", "tokens", "option", "token", (50 + 537j,)),
    Arrow("group", "tokens", "option", "keys, through NAT", (510 + 589j,)),
    Arrow("name", "certificate", "side"),
    Arrow("certificate", "load_balancer", "side", "", (364 + 337j,)),
    Arrow("firewall", "load_balancer", "request"),
    Arrow("load_balancer", "access_logs", "side", "", (364 + 537j,)),
    Arrow("load_balancer", "group", "request", "HTTP 8080"),
    Arrow("group", "gateway", "request"),
    Arrow("gateway", "table", "request"),
    Arrow("keys", "table", "side"),
    Arrow("table", "backups", "side", "daily"),
    Arrow("group", "events", "operation", "refresh events", (746 + 548j, 746 + 644j)),
    Arrow("events", "cloudwatch", "operation", "", (827 + 711j,)),
    Arrow("group", "interface", "operation"),
    Arrow("interface", "cloudwatch", "operation", "logs, metrics", (550 + 699j,)),
    Arrow("flow_logs", "cloudwatch", "operation", "", (666 + 698j,)),
    Arrow("interface", "manager", "operation", "", (260 + 604j,)),
    Arrow("operators", "manager", "operation", "sessions"),
    Arrow("alarms", "alerts", "operation"),
    Arrow("alerts", "operators", "operation", "e-mail", (827 + 829j, 50 + 829j)),
)
NOT_DRAWN = {  # by reason
    "a way that its arrow takes": (
        "aws_eip aws_internet_gateway aws_nat_gateway aws_route aws_route_table aws_route_table_association"
    ),
    "lets its arrow through, and nothing else": (
        "aws_default_security_group aws_security_group"
        " aws_vpc_security_group_egress_rule aws_vpc_security_group_ingress_rule"
    ),
    "permission to do what its arrow says": (
        "aws_cloudwatch_log_resource_policy aws_iam_instance_profile aws_iam_policy aws_iam_role_policy"
        " aws_iam_role_policy_attachment aws_s3_bucket_policy aws_sns_topic_policy"
    ),
    "ties two parts together, as its arrow does": (
        "aws_acm_certificate_validation aws_backup_selection aws_wafv2_web_acl_association"
    ),
    "a setting of its bucket": (
        "aws_s3_bucket_lifecycle_configuration aws_s3_bucket_ownership_controls aws_s3_bucket_public_access_block"
        " aws_s3_bucket_server_side_encryption_configuration aws_s3_bucket_versioning"
    ),
    "a detail of its part": (
        "aws_backup_vault_lock_configuration aws_cognito_resource_server aws_cognito_user_pool_client"
        " aws_cognito_user_pool_domain aws_kms_alias aws_wafv2_web_acl_logging_configuration"
    ),
}
THINGS = FRAMES | PARTS


def picture() -> Picture:
    """Return everything that is drawn."""
    return Picture(FRAMES, PARTS, ARROWS)


if __name__ == "__main__":
    write(picture(), Path(__file__))
