variable "ami_id" {
  description = "Id of the image to run, from make bake; changing it starts an instance refresh."
  type        = string

  validation {
    condition     = can(regex("^ami-([0-9a-f]{8}|[0-9a-f]{17})$", var.ami_id))
    error_message = "ami_id must be the id of an image, such as ami-0123456789abcdef0; \"${var.ami_id}\" is not."
  }
}

variable "ami_owners" {
  description = "Accounts whose images may be launched; \"self\" is the account of this environment."
  type        = list(string)
  default     = ["self"]
}

variable "instance_type" {
  description = "Instance type. The service is one process on one vCPU, so prefer more small instances to fewer large ones."
  type        = string
  default     = "c7g.medium"
}

variable "capacity" {
  description = "Size of the Auto Scaling Group, in instances. desired only applies at creation; later, scaling decides."
  type        = object({ min = number, desired = number, max = number })

  validation {
    condition     = var.capacity.min >= 1 && var.capacity.min <= var.capacity.desired && var.capacity.desired <= var.capacity.max
    error_message = "capacity must be 1 <= min <= desired <= max; it is min ${var.capacity.min}, desired ${var.capacity.desired}, max ${var.capacity.max}."
  }
  validation {
    condition     = var.environment != "prod" || var.capacity.min >= 3
    error_message = "prod needs at least one instance in each of its three zones: capacity.min must be 3 or more."
  }
}

variable "self_test" {
  description = "Whether instances test themselves before they serve. Set it to false only in an emergency, if the test is wrong and not the image. Changing it starts an instance refresh."
  type        = bool
  default     = true
}

# clients

variable "domain_name" {
  description = "Host name that clients use; must be in the hosted zone."
  type        = string

  validation {
    condition     = var.domain_name == var.hosted_zone_name || endswith(var.domain_name, ".${var.hosted_zone_name}")
    error_message = "domain_name (${var.domain_name}) must be in hosted_zone_name (${var.hosted_zone_name})."
  }
}

variable "hosted_zone_name" {
  description = "Name of the public Route 53 hosted zone, which must exist."
  type        = string
}

variable "requests_per_address" {
  description = "Number of requests that one client address may send in five minutes before the firewall answers 429."
  type        = number
  default     = 30000

  validation {
    condition     = var.requests_per_address >= 10 && var.requests_per_address <= 2000000000
    error_message = "requests_per_address must be 10 to 2,000,000,000, the bounds of AWS WAF."
  }
}

variable "authentication" {
  description = "Whether requests need a token. If so, a Cognito user pool issues tokens for the scopes hello/read and hello/write, and a NAT gateway lets instances fetch its signing keys."
  type        = bool
  default     = false
}
