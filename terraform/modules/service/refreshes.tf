# What instance refreshes did: every event in a log group, and an alarm when one failed.

locals {
  refresh_event = "EC2 Auto Scaling Instance Refresh"
  refresh_steps = ["Started", "Checkpoint Reached", "Succeeded", "Failed", "Cancelled", "Rollback Started", "Rollback Succeeded", "Rollback Failed"]
}

resource "aws_cloudwatch_event_rule" "refresh" {
  name        = "${var.name}-refresh"
  description = "Every step of an instance refresh"

  event_pattern = jsonencode({
    source      = ["aws.autoscaling"]
    detail-type = [for step in local.refresh_steps : "${local.refresh_event} ${step}"]
    detail      = { AutoScalingGroupName = [var.name] }
  })
}

resource "aws_cloudwatch_event_target" "refresh" {
  rule = aws_cloudwatch_event_rule.refresh.name
  arn  = aws_cloudwatch_log_group.this["refreshes"].arn

  depends_on = [aws_cloudwatch_log_resource_policy.delivery]
}

# A failed refresh rings like everything else that rings.
resource "aws_cloudwatch_log_metric_filter" "refresh_failed" {
  name           = "refresh-failed"
  log_group_name = aws_cloudwatch_log_group.this["refreshes"].name
  pattern        = "{ $.detail-type = \"${local.refresh_event} Failed\" }"

  metric_transformation {
    namespace = "HelloBirthday"
    name      = "${var.name}-refreshes-failed"
    value     = "1"
  }
}
