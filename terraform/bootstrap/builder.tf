# What Packer's builders may do: be reached through Systems Manager. They need no key, no open port and nothing else.

resource "aws_iam_role" "builder" {
  name = "hello-birthday-builder"
  path = "/hello-birthday/"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "builder" {
  #checkov:skip=CKV_AWS_290:the agent's calls cannot be limited to resources
  #checkov:skip=CKV_AWS_355:the agent's calls cannot be limited to resources
  name = "be-reached"
  role = aws_iam_role.builder.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      Resource = "*" # the agent's calls cannot be limited to resources
    }]
  })
}

resource "aws_iam_instance_profile" "builder" {
  name = aws_iam_role.builder.name
  path = "/hello-birthday/"
  role = aws_iam_role.builder.name
}
