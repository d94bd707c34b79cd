variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "cidr" {
  description = "IPv4 range of the VPC, /16 to /24."
  type        = string
}

variable "zone_count" {
  description = "Number of availability zones to use, 2 or 3."
  type        = number
}

variable "port" {
  description = "TCP port the service listens on."
  type        = number
}

variable "way_out" {
  description = "Whether instances may use HTTPS to the internet, through a NAT gateway."
  type        = bool
}

variable "table_arn" {
  description = "The only DynamoDB table that instances can reach."
  type        = string
}

variable "transfers_arn" {
  description = "The only bucket of ours that instances can reach."
  type        = string
}

variable "log_key_arn" {
  description = "KMS key that encrypts the flow logs."
  type        = string
}

variable "log_retention_days" {
  description = "Number of days to keep flow logs."
  type        = number
}
