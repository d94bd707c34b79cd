# The apply role changes what terraform/ describes and bakes images, in one region. The roles that it makes are bounded,
# and what only a destruction needs is denied: that is a person's work.

resource "aws_iam_role_policy" "apply" {
  for_each = { for purpose, role in aws_iam_role.github : purpose => role if purpose == "apply" }

  name = "apply"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheServicesOfTheStack"
      Effect    = "Allow"
      Action    = local.families
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      }, {
      Sid      = "TheNameOfTheService"
      Effect   = "Allow"
      Action   = ["route53:ChangeResourceRecordSets"]
      Resource = "arn:aws:route53:::hostedzone/*"
      }, {
      Sid    = "TheAlarmOfTheLookFromOutside"
      Effect = "Allow"
      Action = [
        "cloudwatch:DeleteAlarms",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:SetSubscriptionAttributes",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
        "sns:TagResource",
        "sns:Unsubscribe",
        "sns:UntagResource",
      ]
      Resource = [ # Route 53 keeps its metrics there
        "arn:aws:cloudwatch:us-east-1:${var.account_id}:alarm:${local.name}-*",
        "arn:aws:sns:us-east-1:${var.account_id}:${local.name}-*",
      ]
      }, {
      Sid      = "TheLookFromOutside"
      Effect   = "Allow"
      Action   = ["route53:ChangeTagsForResource", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck"]
      Resource = "arn:aws:route53:::healthcheck/*"
      }, {
      Sid      = "ANewLookFromOutside"
      Effect   = "Allow"
      Action   = "route53:CreateHealthCheck"
      Resource = "*" # it has no id before it exists
      }, {
      Sid      = "ThePrivateNamesOfEndpoints"
      Effect   = "Allow"
      Action   = "route53:AssociateVPCWithHostedZone"
      Resource = "*" # the zone is AWS's own
      }, {
      Sid    = "TheBucketsOfTheStack"
      Effect = "Allow"
      Action = "s3:*"
      Resource = flatten([for kind in ["access-logs", "transfers"] :
        ["arn:aws:s3:::${local.name}-${kind}-*", "arn:aws:s3:::${local.name}-${kind}-*/*"]
      ])
      }, {
      Sid    = "TheRolesOfTheStack"
      Effect = "Allow"
      Action = [
        "iam:*InstanceProfile*",
        "iam:*PolicyVersion*",
        "iam:CreatePolicy",
        "iam:DeletePolicy",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PassRole",
        "iam:TagPolicy",
        "iam:TagRole",
        "iam:UntagPolicy",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ]
      Resource = [
        for kind in ["instance-profile", "policy", "role"] : "arn:aws:iam::${var.account_id}:${kind}/hello-birthday/*"
      ]
      }, {
      Sid       = "WithinTheirBoundary"
      Effect    = "Allow"
      Action    = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = "arn:aws:iam::${var.account_id}:role/hello-birthday/*"
      Condition = { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn } }
      }, {
      Sid       = "ForTheseServicesOnly"
      Effect    = "Deny"
      Action    = "iam:PassRole"
      Resource  = "*"
      Condition = { StringNotEquals = { "iam:PassedToService" = local.passed_to } }
      }, {
      Sid       = "TheirServiceLinkedRoles"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = "arn:aws:iam::${var.account_id}:role/aws-service-role/*"
      Condition = { StringEquals = { "iam:AWSServiceName" = local.service_linked } }
      }, {
      Sid      = "WhatNoUpdateNeeds"
      Effect   = "Deny"
      Action   = local.destructive
      Resource = "*"
    }]
  })
}

locals {
  # By subject, so that new versions of the provider are allowed what they call. Reading is covered by ReadOnlyAccess.
  families = [
    "acm:*Certificate*",
    "autoscaling:*",
    "backup-storage:*",
    "backup:*BackupPlan*",
    "backup:*BackupSelection*",
    "backup:*BackupVault*",
    "backup:*agResource",
    "cloudwatch:*Alarm*",
    "cloudwatch:*Dashboard*",
    "cloudwatch:*agResource",
    "cognito-idp:*ResourceServer*",
    "cognito-idp:*UserPool*",
    "cognito-idp:*WebACL",
    "cognito-idp:*agResource",
    "dynamodb:*ContinuousBackups",
    "dynamodb:*Table*",
    "dynamodb:*TimeToLive",
    "dynamodb:*agResource",
    "ec2:*Address*",
    "ec2:*FlowLogs",
    "ec2:*Image*",
    "ec2:*Instance*",
    "ec2:*InternetGateway",
    "ec2:*KeyPair",
    "ec2:*LaunchTemplate*",
    "ec2:*NatGateway*",
    "ec2:*NetworkInterface*",
    "ec2:*Route",
    "ec2:*RouteTable",
    "ec2:*SecurityGroup*",
    "ec2:*Snapshot*",
    "ec2:*Subnet*",
    "ec2:*Tags",
    "ec2:*Volume*",
    "ec2:*Vpc",
    "ec2:*VpcAttribute",
    "ec2:*VpcEndpoint*",
    "elasticloadbalancing:*",
    "events:*Rule",
    "events:*Targets",
    "events:*agResource",
    "kms:*",
    "logs:*KmsKey",
    "logs:*LogDelivery",
    "logs:*LogGroup",
    "logs:*MetricFilter",
    "logs:*ResourcePolicy",
    "logs:*RetentionPolicy",
    "logs:*agResource",
    "sns:*Subscri*",
    "sns:*Topic*",
    "sns:*agResource",
    "ssm:*Document*",
    "ssm:*Session",
    "ssm:*Tags*Resource",
    "ssmmessages:OpenDataChannel", # the tunnel to a builder
    "wafv2:*",
  ]
  passed_to = ["backup.amazonaws.com", "ec2.amazonaws.com", "ssm.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
  destructive = [
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
    "dynamodb:DeleteBackup",
    "dynamodb:DeleteTable",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "s3:DeleteBucket",
    "s3:DeleteObjectVersion",
  ]
  service_linked = [
    "autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "wafv2.amazonaws.com",
  ]
}
