variable "ami_id" {
  description = "Image to run, as baked; changing it starts an instance refresh."
  type        = string

  validation {
    condition     = can(regex("^ami-([0-9a-f]{8}|[0-9a-f]{17})$", var.ami_id))
    error_message = "ami_id must be the id of an image, such as ami-0123456789abcdef0; \"${var.ami_id}\" is none."
  }
}

variable "ami_owners" {
  description = "Accounts whose images may run here; \"self\" is the account of this environment."
  type        = list(string)
  default     = ["self"]
}

variable "instance_type" {
  description = "Instance type; one process on one vCPU, so more small instances rather than fewer large ones."
  type        = string
  default     = "c7g.medium"
}

variable "capacity" {
  description = "Size of the Auto Scaling Group, in instances. desired counts at creation only; later, scaling decides."
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
  description = "Let instances prove themselves before they serve. In an emergency false, if the test is wrong and not the image; changing it starts an instance refresh."
  type        = bool
  default     = true
}

# door

variable "domain_name" {
  description = "Name that clients use; must lie in the hosted zone."
  type        = string

  validation {
    condition     = var.domain_name == var.hosted_zone_name || endswith(var.domain_name, ".${var.hosted_zone_name}")
    error_message = "domain_name (${var.domain_name}) must lie in hosted_zone_name (${var.hosted_zone_name})."
  }
}

variable "hosted_zone_name" {
  description = "Public Route 53 hosted zone, which must exist."
  type        = string
}

variable "requests_per_address" {
  description = "Requests one client address may send in five minutes before the firewall answers 429."
  type        = number
  default     = 30000

  validation {
    condition     = var.requests_per_address >= 10 && var.requests_per_address <= 2000000000
    error_message = "requests_per_address must be 10 to 2,000,000,000, the bounds of AWS WAF."
  }
}

variable "authentication" {
  description = "Answer only with a token: create a Cognito user pool that issues them for the scopes hello/read and hello/write, and a way out for instances to get its keys."
  type        = bool
  default     = false
}
