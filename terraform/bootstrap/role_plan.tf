# The plan role reads how things are set up, never what people have stored.

resource "aws_iam_role_policy_attachment" "read" {
  for_each = aws_iam_role.github # the apply role reads, too

  role       = each.value.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

# AWS's dependent action for reading which firewall stands before a load balancer; ReadOnlyAccess lacks it.
resource "aws_iam_role_policy" "read_more" {
  for_each = { for purpose, role in aws_iam_role.github : purpose => role if purpose == "plan" }

  name = "read-more"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "elasticloadbalancing:GetLoadBalancerWebACL"
      Resource = "arn:aws:elasticloadbalancing:${var.region}:${var.account_id}:loadbalancer/*"
    }]
  })
}

resource "aws_iam_role_policy" "no_data" {
  for_each = aws_iam_role.github # for the apply role, too

  name = "no-data"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "NoData"
      Effect = "Deny"
      Action = [
        "cognito-idp:AdminGetUser",
        "cognito-idp:ListUserPoolClientSecrets",
        "cognito-idp:ListUsers",
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:GetRecords",
        "dynamodb:PartiQL*",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "ec2:GetConsole*",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:GetLogObject",
        "logs:GetLogRecord",
        "logs:GetQueryResults",
        "logs:StartLiveTail",
        "logs:StartQuery",
        "ssm:GetCommandInvocation",
        "ssm:GetParameter*",
        "ssm:ListCommandInvocations",
        "secretsmanager:GetSecretValue",
      ]
      Resource = "*"
      }, {
      Sid         = "NoObjectsButTheState"
      Effect      = "Deny"
      Action      = ["s3:GetObject", "s3:GetObjectVersion"]
      NotResource = "${aws_s3_bucket.state.arn}/*"
    }]
  })
}
