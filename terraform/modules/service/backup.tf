# Point-in-time recovery undoes mistakes; these backups survive even the loss of the table.

resource "aws_backup_vault" "this" {
  name          = var.name
  kms_key_arn   = aws_kms_key.this["data"].arn
  force_destroy = !var.deletion_protection
}

resource "aws_backup_vault_lock_configuration" "this" {
  count = var.vault_lock.enabled ? 1 : 0

  backup_vault_name   = aws_backup_vault.this.name
  changeable_for_days = var.vault_lock.grace_days
  min_retention_days  = 35
  max_retention_days  = 365
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.this.name
    schedule          = "cron(0 2 * * ? *)" # UTC
    start_window      = 60                  # minutes
    completion_window = 240

    lifecycle {
      delete_after = 35 # days
    }
  }
  rule {
    rule_name         = "monthly"
    target_vault_name = aws_backup_vault.this.name
    schedule          = "cron(0 3 1 * ? *)"
    start_window      = 60
    completion_window = 240

    lifecycle {
      delete_after = 365
    }
  }
}

resource "aws_backup_selection" "table" {
  name         = "table"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [aws_dynamodb_table.birthdays.arn]
}

resource "aws_iam_role" "backup" {
  name = "${var.name}-backup"
  path = "/hello-birthday/"

  permissions_boundary = local.boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = local.own_account
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset(["Backup", "Restores"])

  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor${each.key}"
}
