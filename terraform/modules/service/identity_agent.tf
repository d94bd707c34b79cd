resource "aws_iam_role_policy" "be_operated" {
  #checkov:skip=CKV_AWS_290:the agent's actions support no resources
  #checkov:skip=CKV_AWS_355:the agent's actions support no resources
  name = "be-operated"
  role = aws_iam_role.instance.id

  # AmazonSSMManagedInstanceCore without the permission to read every parameter of the account.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "TheAgentsOwnCalls"
      Effect = "Allow"
      Action = [
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
        "ssm:ListAssociations",
        "ssm:ListInstanceAssociations",
        "ssm:UpdateInstanceAssociationStatus",
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      Resource = "*" # most of these support no resources
      }, {
      Sid      = "ReadTheDocumentsItRuns"
      Effect   = "Allow"
      Action   = ["ssm:DescribeDocument", "ssm:GetDocument"]
      Resource = "arn:aws:ssm:${local.region}:*:document/*"
      }, {
      Sid      = "DecryptSessions"
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = aws_kms_key.this["operations"].arn
      }, {
      Sid      = "FindTheSessionLog"
      Effect   = "Allow"
      Action   = "logs:DescribeLogGroups"
      Resource = "*" # the agent lists the account's log groups to find its own
      }, {
      Sid      = "RecordSessions"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this["sessions"].arn}:*"
    }]
  })
}
