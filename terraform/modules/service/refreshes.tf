# What instance refreshes did: every event in a log group, failures to the people.

locals {
  refresh_event = "EC2 Auto Scaling Instance Refresh"
}

resource "aws_cloudwatch_event_rule" "refresh" {
  name        = "${var.name}-refresh"
  description = "Every step of an instance refresh"

  event_pattern = jsonencode({
    source      = ["aws.autoscaling"]
    detail-type = [for step in ["Checkpoint Reached", "Started", "Succeeded", "Failed", "Cancelled"] : "${local.refresh_event} ${step}"]
    detail      = { AutoScalingGroupName = [var.name] }
  })
}

resource "aws_cloudwatch_event_target" "refresh" {
  rule = aws_cloudwatch_event_rule.refresh.name
  arn  = aws_cloudwatch_log_group.this["refreshes"].arn

  depends_on = [aws_cloudwatch_log_resource_policy.delivery]
}

resource "aws_cloudwatch_event_rule" "refresh_failed" {
  name        = "${var.name}-refresh-failed"
  description = "An instance refresh failed: ${var.runbooks_url}/refresh-failed.md"

  event_pattern = jsonencode({
    source      = ["aws.autoscaling"]
    detail-type = ["${local.refresh_event} Failed"]
    detail      = { AutoScalingGroupName = [var.name] }
  })
}

resource "aws_cloudwatch_event_target" "refresh_failed" {
  rule = aws_cloudwatch_event_rule.refresh_failed.name
  arn  = aws_sns_topic.alerts.arn
}
