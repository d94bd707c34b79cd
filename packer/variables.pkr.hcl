# content

variable "version" {
  type        = string
  description = "Version of the service; a tag of the image."
}

variable "commit" {
  type        = string
  description = "Git commit that is baked: 40 hexadecimal digits. One image per commit; /version shows it."

  validation {
    condition     = length(var.commit) == 40
    error_message = "The commit must be the 40 hexadecimal digits that git rev-parse HEAD prints."
  }
}

variable "built" {
  type        = string
  description = "Time of the bake, as YYYYMMDDThhmmssZ in UTC; a tag of the image and part of its name."
}

variable "expires" {
  type        = string
  description = "Time when the image becomes deprecated, as YYYY-MM-DDThh:mm:ssZ; ansible/expire.yml then removes it if nothing needs it."
}

variable "architecture" {
  type        = string
  description = "Architecture, arm64 or amd64, as Debian calls them."
  default     = "arm64"

  validation {
    condition     = contains(["amd64", "arm64"], var.architecture)
    error_message = "The architecture must be arm64 or amd64."
  }
}

# place

variable "region" {
  type        = string
  description = "Region of the image; make bake passes AWS_REGION."
  default     = "eu-central-1"
}

variable "subnet_id" {
  type        = string
  description = "Subnet with a route to the internet, so that the builder reaches Debian's mirrors, Systems Manager and Amazon's buckets. The subnet decides whether the builder gets a public address. terraform/bootstrap can create one."

  validation {
    condition     = length(split("subnet-", var.subnet_id)) == 2
    error_message = "The subnet_id must be that of a subnet, such as subnet-0123456789abcdef0; terraform/bootstrap/README.md says how to get one."
  }
}

variable "instance_profile" {
  type        = string
  description = "Name of the instance profile that lets the builder register with Systems Manager; terraform/bootstrap creates it."
  default     = "hello-birthday-builder"
}

variable "kms_key_id" {
  type        = string
  description = "KMS key that encrypts the image's disk; empty means the account's own key for EBS."
  default     = ""
}

variable "share_with" {
  type        = list(string)
  description = "Other accounts that may run the image, such as prod's if dev bakes. Without a kms_key_id that they may use, a shared image is not encrypted."
  default     = []
}

# agents

variable "ssm_agent" {
  type        = object({ package = string, key = string })
  description = "URL of the Systems Manager agent (its signature is beside it, with .sig), and the file with the key that signs it. Empty means Amazon's bucket of the region and ansible/roles/aws_agents/files/amazon-ssm-agent.asc."
  default     = { package = "", key = "" }
}

# rehearsal

variable "rehearsal" {
  type        = object({ host = string, key = string, settings = map(string) })
  description = "Machine of the rehearsal, instead of an instance: its address, the file with the key to log in, and Ansible variables for it."
  default     = { host = "", key = "", settings = {} }
}
