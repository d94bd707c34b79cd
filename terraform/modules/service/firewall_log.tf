resource "aws_wafv2_web_acl_logging_configuration" "this" {
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.this["firewall"].arn]

  redacted_fields {
    uri_path {} # it contains the username; the part that a rule matched may still show some of it
  }
  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  # Only requests that were blocked or counted; the access log has the others.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      dynamic "condition" {
        for_each = ["BLOCK", "COUNT"]
        content {
          action_condition {
            action = condition.value
          }
        }
      }
    }
  }

  depends_on = [aws_cloudwatch_log_resource_policy.delivery]
}
