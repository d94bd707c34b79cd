# Three keys, so that who may read the data, the disks and the logs are three decisions.
# Every key policy hands the key to IAM in this account and names the AWS services that use it by themselves.

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
    # The table and its backups. Their services come with the caller's own permissions.
    data = []

    # Volumes. The Auto Scaling service role launches the instances; AWS makes that role with the first group of an
    # account, and a key policy that names a role that does not exist yet is refused. So a condition names it.
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

    # Logs, alarms on their way to SNS, sessions.
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
