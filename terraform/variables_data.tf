variable "table_name" {
  description = "Name of the DynamoDB table."
  type        = string
  default     = "birthdays"
}

variable "deletion_protection" {
  description = "Whether to refuse the deletion of the table, the load balancer and buckets with objects. Before you destroy the environment, apply once with false."
  type        = bool
  default     = true
}

variable "vault_lock" {
  description = "Lock of the backup vault: nobody can delete a recovery point before it expires. After grace_days, the lock itself cannot be removed any more."
  type        = object({ enabled = bool, grace_days = optional(number, 14) })
  default     = { enabled = false }
}

# observability

variable "alert_emails" {
  description = "Email addresses that alarms are sent to; each has to confirm once."
  type        = set(string)
  default     = []
}

variable "log_retention_days" {
  description = "Number of days to keep logs, including access logs."
  type        = number
  default     = 30
}

variable "runbooks_url" {
  description = "URL of docs/runbooks; alarms link to its pages."
  type        = string
}
