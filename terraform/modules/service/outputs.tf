output "table_arn" {
  description = "The DynamoDB table."
  value       = aws_dynamodb_table.birthdays.arn
}

output "table_name" {
  description = "The DynamoDB table's name."
  value       = aws_dynamodb_table.birthdays.name
}

output "operations_key_arn" {
  description = "KMS key for logs, alarms and sessions."
  value       = aws_kms_key.this["operations"].arn
}

output "group_name" {
  description = "The Auto Scaling Group."
  value       = aws_autoscaling_group.this.name
}

output "target_group_arn" {
  description = "The load balancer's target group."
  value       = aws_lb_target_group.this.arn
}

output "launch_template" {
  description = "The launch template and the version that instances should run."
  value       = { id = aws_launch_template.this.id, version = aws_launch_template.this.latest_version }
}

output "refresh_preferences" {
  description = "Preferences of the instance refresh, in the form of StartInstanceRefresh."
  value       = local.refresh_preferences
}

output "operators_policy_arn" {
  description = "IAM policy for operators."
  value       = aws_iam_policy.operators.arn
}

output "transfers_bucket" {
  description = "Bucket through which Ansible passes files to instances."
  value       = { name = aws_s3_bucket.transfers.id, arn = aws_s3_bucket.transfers.arn }
}

output "authentication" {
  description = "Issuer, token endpoint and client of the tokens, or null."
  value       = local.authentication
}
