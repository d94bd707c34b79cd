variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "environment" {
  description = "Environment, passed to the instances."
  type        = string
}

# network

variable "vpc_id" {
  description = "VPC of all resources of this module."
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
  description = "Accounts whose images may be launched."
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
  description = "Whether instances test themselves before they serve."
  type        = bool
}

# clients

variable "domain_name" {
  description = "Host name that clients use."
  type        = string
}

variable "hosted_zone_name" {
  description = "Public Route 53 hosted zone of the host name."
  type        = string
}

variable "requests_per_address" {
  description = "Number of requests that one client address may send in five minutes."
  type        = number
}

variable "authentication" {
  description = "Whether to create the Cognito user pool, and have instances require its tokens."
  type        = bool
}

# data

variable "table_name" {
  description = "DynamoDB table."
  type        = string
}

variable "deletion_protection" {
  description = "Whether to refuse the deletion of resources that hold data or serve traffic."
  type        = bool
}

variable "vault_lock" {
  description = "Lock of the backup vault; after grace_days it cannot be removed."
  type        = object({ enabled = bool, grace_days = number })
}

# observability

variable "alarms_outside" {
  description = "ARNs of other modules' alarms that the dashboard shows."
  type        = list(string)
}

variable "alert_emails" {
  description = "Email addresses that alarms are sent to."
  type        = set(string)
}

variable "log_retention_days" {
  description = "Number of days to keep logs."
  type        = number
}

variable "runbooks_url" {
  description = "URL of docs/runbooks."
  type        = string
}
