output "url" {
  description = "URL of the service."
  value       = "https://${var.domain_name}"
}

output "group_name" {
  description = "Auto Scaling Group, whose instance refresh is the deployment."
  value       = module.service.group_name
}

output "target_group_arn" {
  description = "Target group of the load balancer."
  value       = module.service.target_group_arn
}

output "launch_template" {
  description = "Launch template: id and the version that instances should run."
  value       = module.service.launch_template
}

output "ami_id" {
  description = "Id of the image that instances should run."
  value       = var.ami_id
}

output "table_name" {
  description = "DynamoDB table."
  value       = module.service.table_name
}

output "refresh_preferences" {
  description = "Preferences for a refresh that the deployment starts without an apply, including the alarms that stop it."
  value       = module.service.refresh_preferences
}

output "operators_policy_arn" {
  description = "IAM policy for the people who operate the fleet through Systems Manager."
  value       = module.service.operators_policy_arn
}

output "transfers_bucket" {
  description = "Bucket through which Ansible passes files to instances; see ansible/operate.yml."
  value       = module.service.transfers_bucket.name
}

output "authentication" {
  description = "Issuer, token endpoint and client id if authentication is on, otherwise null."
  value       = module.service.authentication
}
