# Erasing one person by name: docs/runbooks/erase-a-person.md. Whoever starts it needs no permission to read or write
# the table.

resource "aws_iam_role" "erasure" {
  name                 = "${var.name}-erasure"
  path                 = "/hello-birthday/"
  permissions_boundary = local.boundary

  assume_role_policy = aws_iam_role.automation.assume_role_policy # Automation, in this account
}

resource "aws_iam_role_policy" "erasure" {
  name = "erase"
  role = aws_iam_role.erasure.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "OneTable"
      Effect   = "Allow"
      Action   = "dynamodb:DeleteItem"
      Resource = aws_dynamodb_table.birthdays.arn
      }, {
      Sid       = "ItsKeyThroughDynamoDBOnly"
      Effect    = "Allow"
      Action    = local.key_use
      Resource  = aws_kms_key.this["data"].arn
      Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
    }]
  })
}
