variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "environment" {
  description = "Environment, told to the instances."
  type        = string
}

# network

variable "vpc_id" {
  description = "VPC of everything here."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Subnets of the instances."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the load balancer and of the instances."
  type        = object({ load_balancer = string, instances = string })
}

variable "port" {
  description = "TCP port the service listens on."
  type        = number
}

# fleet

variable "ami_id" {
  description = "Image to run."
  type        = string
}

variable "ami_owners" {
  description = "Accounts whose images may run."
  type        = list(string)
}

variable "instance_type" {
  description = "Instance type."
  type        = string
}

variable "capacity" {
  description = "Size of the Auto Scaling Group, in instances."
  type        = object({ min = number, desired = number, max = number })
}

variable "self_test" {
  description = "Let instances prove themselves before they serve."
  type        = bool
}

# door

variable "domain_name" {
  description = "Name that clients use."
  type        = string
}

variable "hosted_zone_name" {
  description = "Public Route 53 hosted zone of the name."
  type        = string
}

variable "requests_per_address" {
  description = "Requests one client address may send in five minutes."
  type        = number
}

variable "authentication" {
  description = "Create the Cognito user pool, and tell instances to ask for its tokens."
  type        = bool
}

# data

variable "table_name" {
  description = "DynamoDB table."
  type        = string
}

variable "deletion_protection" {
  description = "Refuse to delete what holds data or traffic."
  type        = bool
}

variable "vault_lock" {
  description = "Lock of the backup vault; grace_days until it is final."
  type        = object({ enabled = bool, grace_days = number })
}

# observability

variable "alarms_outside" {
  description = "Alarms of other modules, by ARN, to be shown on the dashboard."
  type        = list(string)
}

variable "alert_emails" {
  description = "Addresses that alarms are sent to."
  type        = set(string)
}

variable "log_retention_days" {
  description = "Days to keep logs."
  type        = number
}

variable "runbooks_url" {
  description = "Where docs/runbooks can be read."
  type        = string
}
