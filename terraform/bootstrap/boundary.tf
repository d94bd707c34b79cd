# The most that a role of the stack can be allowed, whoever writes its policies: no changes to identities, networks or
# machines, except an instance's health, and of the account's data only tables and backups.

resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_287:a boundary allows nothing by itself
  #checkov:skip=CKV_AWS_288:a boundary allows nothing by itself
  #checkov:skip=CKV_AWS_289:a boundary allows nothing by itself
  #checkov:skip=CKV_AWS_290:a boundary allows nothing by itself
  #checkov:skip=CKV_AWS_355:a boundary allows nothing by itself
  name        = "${local.name}-boundary"
  path        = "/hello-birthday-delivery/" # which the apply role cannot change
  description = "Bounds the roles of ${local.name}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "AtMost"
      Effect = "Allow"
      Action = [
        "autoscaling:Describe*",
        "autoscaling:SetInstanceHealth",
        "backup:*",
        "cloudwatch:PutMetricData",
        "dynamodb:*",
        "ec2:Describe*",
        "ec2messages:*",
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
        "logs:CreateLogStream",
        "logs:Describe*",
        "logs:PutLogEvents",
        "ssm:DescribeDocument",
        "ssm:GetDocument",
        "ssm:List*",
        "ssm:UpdateInstanceAssociationStatus",
        "ssm:UpdateInstanceInformation",
        "ssmmessages:*",
        "tag:GetResources",
      ]
      Resource = "*"
    }]
  })
}
