# Instances are operated through Systems Manager only: there is no SSH, no key, no bastion.

# People's sessions: AWS reads the preferences under this name, one per account and region.
resource "aws_ssm_document" "session_preferences" {
  name            = "SSM-SessionManagerRunShell"
  document_type   = "Session"
  document_format = "JSON"

  content = jsonencode(merge(local.session, {
    inputs = merge(local.session.inputs, { shellProfile = { linux = "exec bash --login", windows = "" } })
  }))
}

# Ansible's sessions. Ansible parses what the shell prints, so no login profile may add to it, and the account's
# preferences may change without affecting it.
resource "aws_ssm_document" "ansible" {
  name            = "${var.name}-ansible"
  document_type   = "Session"
  document_format = "JSON"
  content         = jsonencode(local.session)
}

locals {
  session = {
    schemaVersion = "1.0"
    description   = "Shell sessions: encrypted, recorded, ended when idle"
    sessionType   = "Standard_Stream"
    inputs = {
      kmsKeyId                    = aws_kms_key.this["operations"].arn
      cloudWatchLogGroupName      = aws_cloudwatch_log_group.this["sessions"].name
      cloudWatchEncryptionEnabled = true
      cloudWatchStreamingEnabled  = true
      s3BucketName                = ""
      s3KeyPrefix                 = ""
      s3EncryptionEnabled         = true
      idleSessionTimeout          = "20" # minutes
      maxSessionDuration          = "60" # minutes
      runAsEnabled                = false
      runAsDefaultUser            = ""
    }
  }

  documents = {
    collect-logs     = "Command"
    show-health      = "Command"
    replace-instance = "Automation"
    erase-person     = "Automation"
  }
}

resource "aws_ssm_document" "this" {
  for_each = local.documents

  name            = "${var.name}-${each.key}"
  document_type   = each.value
  document_format = "YAML"
  target_type     = each.value == "Command" ? "/AWS::EC2::Instance" : null

  content = templatefile("${path.module}/documents/${each.key}.yaml", {
    group               = var.name
    port                = var.port
    automation_role_arn = aws_iam_role.automation.arn
    erasure_role_arn    = aws_iam_role.erasure.arn
    table               = aws_dynamodb_table.birthdays.name
  })
}

resource "aws_iam_role" "automation" {
  name = "${var.name}-automation"
  path = "/hello-birthday/"

  permissions_boundary = local.boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ssm.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = merge(local.own_account, {
        ArnLike = { "aws:SourceArn" = "arn:aws:ssm:${local.region}:${local.account_id}:automation-execution/*" }
      })
    }]
  })
}

resource "aws_iam_role_policy" "automation" {
  name = "replace-instances"
  role = aws_iam_role.automation.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "autoscaling:SetInstanceHealth"
      Resource = aws_autoscaling_group.this.arn
      }, {
      Effect   = "Allow"
      Action   = ["autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances"]
      Resource = "*" # these actions support no resources
    }]
  })
}
