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
          response_code            = 429
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
            for_each = group.value.only_counted
            content {
              name = rule_action_override.value
              action_to_use {
                count {}
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

  custom_response_body {
    key          = "too_many_requests"
    content_type = "APPLICATION_JSON"
    content = jsonencode({
      type   = "urn:problem-type:hello-birthday:too-many-requests"
      title  = "Too many requests"
      status = 429
      detail = "This address sent more than ${var.requests_per_address} requests in five minutes; slow down and try again later."
      code   = "too_many_requests"
    })
  }

  visibility_config {
    metric_name                = var.name
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
  }
}

locals {
  managed_rule_groups = {
    AWSManagedRulesAmazonIpReputationList = { priority = 1, only_counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 2, only_counted = [] }
    # A client without a User-Agent is a client.
    AWSManagedRulesCommonRuleSet = { priority = 3, only_counted = ["NoUserAgent_HEADER"] }
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}
