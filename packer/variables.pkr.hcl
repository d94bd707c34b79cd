# what

variable "version" {
  type        = string
  description = "Version of the service; a tag of the image."
}

variable "commit" {
  type        = string
  description = "Git commit that is baked: 40 hexadecimal digits. One image for each; /version shows it."

  validation {
    condition     = length(var.commit) == 40
    error_message = "The commit must be the 40 hexadecimal digits that git rev-parse HEAD prints."
  }
}

variable "built" {
  type        = string
  description = "When, as YYYYMMDDThhmmssZ in UTC; a tag of the image and part of its name."
}

variable "expires" {
  type        = string
  description = "From when on the image is deprecated, as YYYY-MM-DDThh:mm:ssZ; ansible/expire.yml then removes it if nobody needs it."
}

variable "architecture" {
  type        = string
  description = "arm64 or amd64, as Debian calls them."
  default     = "arm64"

  validation {
    condition     = contains(["amd64", "arm64"], var.architecture)
    error_message = "The architecture must be arm64 or amd64."
  }
}

# where

variable "region" {
  type        = string
  description = "Where the image is made; make bake passes AWS_REGION."
  default     = "eu-central-1"
}

variable "subnet_id" {
  type        = string
  description = "Subnet with a way out, through which the builder reaches Debian's mirrors, Systems Manager and Amazon's buckets; it decides whether the builder gets a public address. terraform/bootstrap can make one."

  validation {
    condition     = length(split("subnet-", var.subnet_id)) == 2
    error_message = "A subnet is named like subnet-0123456789abcdef0; terraform/bootstrap/README.md says where to get one."
  }
}

variable "instance_profile" {
  type        = string
  description = "What lets the builder be reached through Systems Manager; terraform/bootstrap makes it."
  default     = "hello-birthday-builder"
}

variable "kms_key_id" {
  type        = string
  description = "Key that encrypts the image's disk; empty is the account's own key for EBS."
  default     = ""
}

variable "share_with" {
  type        = list(string)
  description = "Accounts that may run the image, besides this one: prod's, where dev bakes. Without a kms_key_id that they may use, a shared image is not encrypted."
  default     = []
}

# agents

variable "ssm_agent" {
  type        = object({ package = string, key = string })
  description = "Where the agent of Systems Manager and its signature are (.sig), and the file with the key that signs it; empty is Amazon's bucket of the region and ansible/roles/aws_agents/files/amazon-ssm-agent.asc."
  default     = { package = "", key = "" }
}

# rehearsal

variable "rehearsal" {
  type        = object({ host = string, key = string, settings = map(string) })
  description = "A machine that is no instance: its address, the file with the key to log in, and Ansible variables for it."
  default     = { host = "", key = "", settings = {} }
}
