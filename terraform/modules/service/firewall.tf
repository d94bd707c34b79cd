resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_192:AWSManagedRulesKnownBadInputsRuleSet is there, in a dynamic block that checkov does not follow
  name  = var.name
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  # Cheapest first: an address that floods is stopped before anything is inspected.
  rule {
    name     = "rate-per-address"
    priority = 0

    statement {
      rate_based_statement {
        limit                 = var.requests_per_address
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }
    action {
      block {
        custom_response {
          response_code            = local.firewall_problems.too_many_requests.status
          custom_response_body_key = "too_many_requests"

          response_header {
            name  = "Retry-After"
            value = "300"
          }
        }
      }
    }
    visibility_config {
      metric_name                = "rate-per-address"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false # samples show paths, and paths name users
    }
  }

  dynamic "rule" {
    for_each = local.managed_rule_groups
    iterator = group
    content {
      name     = group.key
      priority = group.value.priority

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = group.key

          dynamic "rule_action_override" {
            for_each = group.value.counted
            content {
              name = rule_action_override.value
              action_to_use {
                count {}
              }
            }
          }
          dynamic "rule_action_override" {
            for_each = group.value.blocked
            content {
              name = rule_action_override.value
              action_to_use {
                block {
                  custom_response {
                    response_code            = local.firewall_problems.blocked_by_firewall.status
                    custom_response_body_key = "blocked_by_firewall"
                  }
                }
              }
            }
          }
        }
      }
      override_action {
        none {}
      }
      visibility_config {
        metric_name                = group.key
        cloudwatch_metrics_enabled = true
        sampled_requests_enabled   = false
      }
    }
  }

  dynamic "custom_response_body" {
    for_each = local.firewall_problems
    iterator = problem
    content {
      key          = problem.key
      content_type = "APPLICATION_JSON" # AWS WAF knows no application/problem+json
      content = jsonencode(merge(problem.value, {
        type = "urn:problem-type:hello-birthday:${replace(problem.key, "_", "-")}"
        code = problem.key
      }))
    }
  }

  visibility_config {
    metric_name                = var.name
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}
