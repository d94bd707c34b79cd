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
  type    = string
  default = "eu-central-1"
}

variable "subnet_id" {
  type        = string
  description = "Private subnet with a way out, through which the builder reaches Debian's mirrors, Systems Manager and Amazon's buckets."
  default     = ""
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

variable "ssm_agent_key" {
  type        = string
  description = "A file with the key that signs the agent. Its fingerprint is what is trusted, not where it comes from."
  default     = "https://raw.githubusercontent.com/aws/amazon-ssm-agent/mainline/agent/setupcli/managers/verificationmanagers/linux_public_key_helper.go"
}

variable "ssm_agent_fingerprint" {
  type        = string
  description = "Fingerprint of that key, as in AWS's page \"Verifying the signature of the SSM Agent\"; Amazon replaces it every two or three years."
  default     = "1C5B395CBE5E74E2F1CA21592784DBF388D19D46"
}

# rehearsal

variable "rehearsal" {
  type        = object({ host = string, key = string, settings = map(string) })
  description = "A machine that is no instance: its address, the file with the key to log in, and Ansible variables for it."
  default     = { host = "", key = "", settings = {} }
}
