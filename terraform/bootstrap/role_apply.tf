# The apply role changes what terraform/ describes and bakes images, in one region. It makes the roles of the stack, and
# so could make a mightier one: whoever may run the protected environment's pipeline is an administrator of this account.

resource "aws_iam_role_policy_attachment" "read_to_apply" {
  role       = aws_iam_role.github["apply"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "apply" {
  name = "apply"
  role = aws_iam_role.github["apply"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "TheServicesOfTheStack"
      Effect = "Allow"
      Action = [
        "acm:*",
        "autoscaling:*",
        "backup:*",
        "backup-storage:*",
        "cloudwatch:*",
        "cognito-idp:*",
        "dynamodb:*",
        "ec2:*",
        "elasticloadbalancing:*",
        "events:*",
        "kms:*",
        "logs:*",
        "sns:*",
        "ssm:*",
        "wafv2:*",
      ]
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
      Resource = "*" # it has no name before it is there
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
        "iam:*Policy",
        "iam:*PolicyVersion*",
        "iam:*Role",
        "iam:*RolePolicy",
        "iam:TagPolicy",
        "iam:UpdateAssumeRolePolicy",
      ]
      Resource = [
        for kind in ["instance-profile", "policy", "role"] : "arn:aws:iam::${var.account_id}:${kind}/hello-birthday/*"
      ]
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
    }]
  })
}

locals {
  passed_to = ["backup.amazonaws.com", "ec2.amazonaws.com", "ssm.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
  service_linked = [
    "autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "wafv2.amazonaws.com",
  ]
}
