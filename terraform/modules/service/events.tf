# AWS's events about the group and the backups, kept in a log group, and an alarm for each kind of failure.

locals {
  refresh_event = "EC2 Auto Scaling Instance Refresh"
  launch_event  = "EC2 Instance Launch Unsuccessful"
  backup_event  = "Backup Job State Change"

  refresh_steps = ["Started", "Checkpoint Reached", "Succeeded", "Failed", "Cancelled", "Rollback Started", "Rollback Succeeded", "Rollback Failed"]

  events = {
    refreshes = {
      source      = ["aws.autoscaling"]
      detail-type = [for step in local.refresh_steps : "${local.refresh_event} ${step}"]
      detail      = { AutoScalingGroupName = [var.name] }
    }
    launches = {
      source      = ["aws.autoscaling"]
      detail-type = [local.launch_event]
      detail      = { AutoScalingGroupName = [var.name] }
    }
    backups = {
      source      = ["aws.backup"]
      detail-type = [local.backup_event]
      detail      = { backupVaultName = [aws_backup_vault.this.name], state = ["ABORTED", "EXPIRED", "FAILED"] }
    }
  }

  # Each rings when its event is logged.
  event_alarms = {
    refresh-failed = {
      meaning = "An instance refresh failed: some instances may run the new version, others the old one."
      event   = "${local.refresh_event} Failed"
    }
    launch-failed = {
      meaning = "The group could not launch an instance."
      event   = local.launch_event
    }
    backup-failed = {
      meaning = "A backup of the table failed, was stopped, or did not start in time."
      event   = local.backup_event
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.events

  name          = "${var.name}-${each.key}"
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "log" {
  for_each = aws_cloudwatch_event_rule.this

  rule = each.value.name
  arn  = aws_cloudwatch_log_group.this["events"].arn

  depends_on = [aws_cloudwatch_log_resource_policy.delivery]
}

resource "aws_cloudwatch_log_metric_filter" "event" {
  for_each = local.event_alarms

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.this["events"].name
  pattern        = "{ $.detail-type = \"${each.value.event}\" }"

  metric_transformation {
    namespace = "HelloBirthday"
    name      = "${var.name}-${each.key}"
    value     = "1"
  }
}
