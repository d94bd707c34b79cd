variable "environment" {
  description = "Environment, dev or prod; also the name of its workspace."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "There is no environment \"${var.environment}\": use dev or prod."
  }
  validation {
    condition     = var.environment == terraform.workspace
    error_message = "These are the values of ${var.environment}, but the workspace is ${terraform.workspace}. Run: export TF_DATA_DIR=.terraform/${var.environment} && terraform init -reconfigure -backend-config=environments/${var.environment}.s3.tfbackend && terraform workspace select ${var.environment}"
  }
}

variable "account_id" {
  description = "AWS account of this environment; credentials of any other account are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account, in quotes."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-central-1"
}

# network

variable "vpc_cidr" {
  description = "IPv4 range of the VPC. It is split into eight subnets, of which two per zone are used."
  type        = string

  validation {
    condition = try(
      cidrhost(var.vpc_cidr, 0) == split("/", var.vpc_cidr)[0]
      && tonumber(split("/", var.vpc_cidr)[1]) >= 16
      && tonumber(split("/", var.vpc_cidr)[1]) <= 24,
    false)
    error_message = "vpc_cidr must be a network address with a prefix from /16 to /24, such as 10.20.0.0/20: in anything smaller the load balancer and the endpoints run out of addresses."
  }
}

variable "zone_count" {
  description = "Number of availability zones to use; prod needs three."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zone_count)
    error_message = "zone_count must be 2 or 3: a load balancer needs two, and the address plan has room for three."
  }
  validation {
    condition     = var.environment != "prod" || var.zone_count == 3
    error_message = "prod must span three zones: it is sized to lose one."
  }
}
