# Policy for people on call: attach it to their role or permission set.
resource "aws_iam_policy" "operators" {
  name        = "${var.name}-operators"
  path        = "/hello-birthday/"
  description = "Operate the fleet of ${var.name} through Systems Manager"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OpenSessionsAndRunOurDocumentsOnOurInstances"
      Effect    = "Allow"
      Action    = ["ssm:SendCommand", "ssm:StartSession"]
      Resource  = "arn:aws:ec2:${local.region}:${local.account_id}:instance/*"
      Condition = { StringEquals = { for key, value in local.instance_tags : "aws:ResourceTag/${key}" => value } }
      }, {
      Sid      = "NoOtherDocuments"
      Effect   = "Allow"
      Action   = ["ssm:SendCommand", "ssm:StartSession"]
      Resource = concat([aws_ssm_document.session_preferences.arn, aws_ssm_document.ansible.arn], [for name, kind in local.documents : aws_ssm_document.this[name].arn if kind == "Command"])
      }, {
      Sid      = "ReplaceAnInstance"
      Effect   = "Allow"
      Action   = "ssm:StartAutomationExecution"
      Resource = local.starting["replace-instance"]
      }, {
      Sid       = "LetTheAutomationWork"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = aws_iam_role.automation.arn
      Condition = { StringEquals = { "iam:PassedToService" = "ssm.amazonaws.com" } }
      }, {
      Sid       = "EndTheirOwnSessions" # by the tag that AWS sets to the user id; names contain only its end
      Effect    = "Allow"
      Action    = ["ssm:ResumeSession", "ssm:TerminateSession"]
      Resource  = "arn:aws:ssm:${local.region}:${local.account_id}:session/*"
      Condition = { StringLike = { "ssm:resourceTag/aws:ssmmessages:session-id" = "$${aws:userid}" } }
      }, {
      Sid      = "TalkInSessions" # the plugin signs its websocket; without a session's own token it opens nothing
      Effect   = "Allow"
      Action   = "ssmmessages:OpenDataChannel"
      Resource = "*" # AWS documents no resources that match the sessions of roles
      }, {
      Sid      = "EraseAPerson"
      Effect   = "Allow"
      Action   = "ssm:StartAutomationExecution"
      Resource = local.starting["erase-person"]
      }, {
      Sid       = "LetTheErasureWork"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = aws_iam_role.erasure.arn
      Condition = { StringEquals = { "iam:PassedToService" = "ssm.amazonaws.com" } }
      }, {
      Sid      = "HandFilesOverWithAnsible"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${aws_s3_bucket.transfers.arn}/*"
      }, {
      Sid      = "FindTheBucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource = aws_s3_bucket.transfers.arn
      }, {
      Sid      = "EncryptSessions"
      Effect   = "Allow"
      Action   = "kms:GenerateDataKey"
      Resource = aws_kms_key.this["operations"].arn
      }, {
      Sid    = "Look"
      Effect = "Allow"
      Action = [
        "acm:DescribeCertificate",
        "acm:ListCertificates",
        "autoscaling:Describe*",
        "cloudwatch:Describe*",
        "cloudwatch:Get*",
        "cloudwatch:List*",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeNatGateways",
        "ec2:GetConsoleOutput",
        "elasticloadbalancing:Describe*",
        "logs:DescribeLogGroups",
        "logs:GetQueryResults",
        "logs:StopLiveTail",
        "logs:StopQuery",
        "ssm:Describe*",
        "ssm:GetAutomationExecution",
        "ssm:GetCommandInvocation",
        "ssm:GetConnectionStatus",
        "ssm:List*",
      ]
      Resource = "*" # these actions support no resources
      }, {
      Sid    = "ReadTheLogs"
      Effect = "Allow"
      Action = ["logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartLiveTail", "logs:StartQuery"]
      Resource = [
        for pattern in ["/${var.name}/*", "/aws/events/${var.name}/*", "aws-waf-logs-${var.name}*"] :
        "arn:aws:logs:${local.region}:${local.account_id}:log-group:${pattern}"
      ]
    }]
  })
}

locals {
  # AWS checks the permission for the definition (which the provider's arn of a document names), for the document behind
  # it, and for the execution that it starts.
  starting = { for name, kind in local.documents : name => [
    for resource in ["automation-definition/${aws_ssm_document.this[name].name}:*", "document/${aws_ssm_document.this[name].name}", "automation-execution/*"] :
    "arn:aws:ssm:${local.region}:${local.account_id}:${resource}"
  ] if kind == "Automation" }
}
