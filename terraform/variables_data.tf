variable "table_name" {
  description = "DynamoDB table."
  type        = string
  default     = "birthdays"
}

variable "deletion_protection" {
  description = "Refuse to delete the table, the load balancer and buckets with objects. To destroy, apply once with false."
  type        = bool
  default     = true
}

variable "vault_lock" {
  description = "Lock the backup vault: nobody deletes a recovery point before its time. After grace_days not even the lock can be removed."
  type        = object({ enabled = bool, grace_days = optional(number, 14) })
  default     = { enabled = false }
}

# observability

variable "alert_emails" {
  description = "Addresses that alarms are sent to; each has to confirm once."
  type        = set(string)
  default     = []
}

variable "log_retention_days" {
  description = "Days to keep logs, access logs included."
  type        = number
  default     = 30
}

variable "runbooks_url" {
  description = "Where docs/runbooks can be read; alarms link to it."
  type        = string
}
