variable "environment" {
  description = "Environment of this account, and the workspace that holds its state."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "There is no environment \"${var.environment}\"; there are dev and prod."
  }
  validation {
    condition     = var.environment == terraform.workspace
    error_message = "These are the values of ${var.environment}, but the workspace is ${terraform.workspace}. Run: terraform workspace select -or-create ${var.environment}"
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

variable "repository" {
  description = "GitHub repository, with the numbers that stay when names change: gh api repos/OWNER/NAME --jq '.owner.id, .id'; null without GitHub"
  type        = object({ owner = string, owner_id = number, name = string, id = number })
}

variable "github_provider_exists" {
  description = "Whether the account has GitHub's OpenID Connect provider already. An account can have only one."
  type        = bool
  default     = false
}

variable "builder_network" {
  description = "Make a network for Packer's builders: a public subnet that nothing can reach. An account that bakes and has a subnet with a way out needs none."
  type        = bool
  default     = false
}
