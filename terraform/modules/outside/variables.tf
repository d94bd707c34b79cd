variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "domain_name" {
  description = "Name that clients use."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that the alarm is sent to."
  type        = set(string)
}

variable "runbooks_url" {
  description = "Where docs/runbooks can be read."
  type        = string
}
