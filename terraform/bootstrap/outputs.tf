output "state_bucket" {
  description = "Bucket named in environments/*.s3.tfbackend."
  value       = aws_s3_bucket.state.id
}

output "role_arns" {
  description = "Roles for the pipelines, plan and apply."
  value       = { for purpose, role in aws_iam_role.github : purpose => role.arn }
}

output "builder_subnet" {
  description = "Subnet for make bake, if there is a builder_network."
  value       = one(aws_subnet.builder[*].id)
}
