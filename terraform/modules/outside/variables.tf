variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "domain_name" {
  description = "Host name that clients use."
  type        = string
}

variable "alert_emails" {
  description = "Email addresses that the alarm is sent to."
  type        = set(string)
}

variable "runbooks_url" {
  description = "URL of docs/runbooks."
  type        = string
}
