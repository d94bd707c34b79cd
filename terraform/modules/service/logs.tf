locals {
  log_groups = {
    service  = "/${var.name}/service"  # the service's journal
    system   = "/${var.name}/system"   # the rest of the journal
    metrics  = "/${var.name}/metrics"  # the events that CloudWatch extracts the service's metrics from
    sessions = "/${var.name}/sessions" # what people did in sessions

    # AWS prescribes the prefixes of these two.
    events   = "/aws/events/${var.name}/events"
    firewall = "aws-waf-logs-${var.name}"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.log_groups

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this["operations"].arn
}

resource "aws_cloudwatch_log_resource_policy" "delivery" {
  policy_name = var.name

  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventsAreLogged"
      Effect    = "Allow"
      Principal = { Service = ["delivery.logs.amazonaws.com", "events.amazonaws.com"] }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.this["events"].arn}:*"
      }, {
      Sid       = "TheFirewallWritesItsLog"
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.this["firewall"].arn}:*"
      Condition = local.own_account
    }]
  })
}
