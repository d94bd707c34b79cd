# Three keys, so that access to the data, to the disks and to the logs is granted separately. Every key policy delegates
# to IAM in this account, and names the AWS services that use the key on their own behalf.

locals {
  key_administration = {
    Sid       = "IamDecides"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${local.account_id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }
  key_use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]

  autoscaling_role_arn = "arn:aws:iam::${local.account_id}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

  key_statements = {
    # The table and its backups. Their services use the caller's permissions.
    data = []

    # Volumes. Auto Scaling's service-linked role launches the instances. AWS creates it with an account's first group,
    # and refuses key policies that name a role that does not exist yet, so a condition names it.
    disks = [{
      Sid       = "AutoScalingUsesTheKey"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = local.key_use
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalArn" = local.autoscaling_role_arn } }
      }, {
      Sid       = "AutoScalingGrantsItToVolumes"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "kms:CreateGrant"
      Resource  = "*"
      Condition = {
        StringEquals = { "aws:PrincipalArn" = local.autoscaling_role_arn }
        Bool         = { "kms:GrantIsForAWSResource" = "true" }
      }
    }]

    # Logs, alarms that are sent to SNS, sessions.
    operations = [{
      Sid       = "LogsEncryptOurGroups"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = local.key_use
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${local.region}:${local.account_id}:*" } }
      }, {
      Sid       = "AlarmsPublish"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = local.own_account
    }]
  }
}

resource "aws_kms_key" "this" {
  for_each = local.key_statements

  description             = "${var.name}: ${each.key}"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_protection ? 30 : 7

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.key_administration], each.value)
  })
}

resource "aws_kms_alias" "this" {
  for_each = aws_kms_key.this

  name          = "alias/${var.name}-${each.key}"
  target_key_id = each.value.key_id
}
