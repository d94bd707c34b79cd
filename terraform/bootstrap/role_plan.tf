# The plan role reads how things are set up, never what people stored.

resource "aws_iam_role_policy_attachment" "read" {
  role       = aws_iam_role.github["plan"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "no_data" {
  for_each = aws_iam_role.github # neither does the apply role

  name = "no-data"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "NoData"
      Effect = "Deny"
      Action = [
        "cognito-idp:AdminGetUser",
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
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:StartLiveTail",
        "logs:StartQuery",
        "ssm:GetParameter*",
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
