# What an instance may do: serve from one table, ship its own logs and metrics, be operated through Systems Manager.

resource "aws_iam_role" "instance" {
  name = "${var.name}-instance"
  path = "/hello-birthday/"

  permissions_boundary = local.boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_instance_profile" "instance" {
  name = aws_iam_role.instance.name
  path = "/hello-birthday/"
  role = aws_iam_role.instance.name
}

resource "aws_iam_role_policy" "serve" {
  name = "serve"
  role = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "OneTable"
      Effect = "Allow"
      Action = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
      ]
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

resource "aws_iam_role_policy" "observe" {
  name = "observe"
  role = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "ShipOurLogs"
      Effect = "Allow"
      Action = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = [for group in [
        aws_cloudwatch_log_group.this["service"],
        aws_cloudwatch_log_group.this["system"],
        aws_cloudwatch_log_group.this["metrics"],
      ] : "${group.arn}:*"]
      }, {
      Sid       = "ShipOurMetrics"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*" # the action supports no resources; the condition limits it
      Condition = { StringEquals = { "cloudwatch:namespace" = "HelloBirthday" } }
    }]
  })
}
