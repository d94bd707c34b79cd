# One alarm for each problem that a person must look at, including those of events.tf and own_metrics.tf. Each
# description ends with the link to the page that says what to do, docs/runbooks/<name of the alarm>.md. Missing data is
# good for metrics that have none in quiet minutes, and bad for those that are always reported.

locals {
  load_balancer = { LoadBalancer = aws_lb.this.arn_suffix }
  targets       = merge(local.load_balancer, { TargetGroup = aws_lb_target_group.this.arn_suffix })
  table         = { TableName = aws_dynamodb_table.birthdays.name }
  group         = { AutoScalingGroupName = var.name }

  # What the service calls; DynamoDB counts its own errors per operation.
  table_operations = toset(["BatchGetItem", "BatchWriteItem", "GetItem", "PutItem"])

  alarms = {
    load-balancer-5xx = {
      meaning   = "The load balancer itself answers 5xx: no healthy target, or targets that break connections."
      metrics   = { errors = ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", local.load_balancer] }
      value     = "errors"
      threshold = 5 # a minute
      minutes   = { bad = 3, of = 5 }
    }
    target-5xx = {
      meaning = "More than 1 % of the answers are 5xx, and more than five a minute."
      metrics = {
        errors   = ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", local.targets]
        requests = ["AWS/ApplicationELB", "RequestCount", "Sum", local.targets]
      }
      value     = "IF(errors > 5, 100 * errors / requests, 0)"
      threshold = 1 # percent
      minutes   = { bad = 2, of = 5 }
    }
    latency-p99 = {
      meaning   = "One in a hundred requests takes longer than half a second."
      metrics   = { latency = ["AWS/ApplicationELB", "TargetResponseTime", "p99", local.targets] }
      value     = "latency"
      threshold = 0.5 # seconds
      minutes   = { bad = 4, of = 5 }
    }
    unhealthy-hosts = {
      meaning   = "Instances stay unhealthy, for longer than it takes to replace one."
      metrics   = { unhealthy = ["AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", local.targets] }
      value     = "unhealthy"
      threshold = 0
      minutes   = { bad = 10, of = 10 }
    }
    dynamodb-throttling = {
      meaning = "DynamoDB throttles the table."
      metrics = {
        reads  = ["AWS/DynamoDB", "ReadThrottleEvents", "Sum", local.table]
        writes = ["AWS/DynamoDB", "WriteThrottleEvents", "Sum", local.table]
      }
      value     = "FILL(reads, 0) + FILL(writes, 0)"
      threshold = 0
      minutes   = { bad = 3, of = 5 }
    }
    dynamodb-system-errors = {
      meaning = "DynamoDB answers with internal errors."
      metrics = { for operation in local.table_operations :
      lower(operation) => ["AWS/DynamoDB", "SystemErrors", "Sum", merge(local.table, { Operation = operation })] }
      value     = join(" + ", [for operation in local.table_operations : "FILL(${lower(operation)}, 0)"])
      threshold = 0
      minutes   = { bad = 3, of = 5 }
    }
    certificate-expiry = {
      meaning   = "The certificate was not renewed; ACM should have done so 45 days before it expires."
      metrics   = { days = ["AWS/CertificateManager", "DaysToExpiry", "Minimum", { CertificateArn = aws_acm_certificate.this.arn }] }
      value     = "30 - days"
      threshold = 0 # days beyond the thirtieth before it expires
      minutes   = { bad = 1, of = 1, each = 1440 }
    }
    group-at-maximum = {
      meaning = "The group's desired size is its maximum; it cannot grow any more if the load does."
      metrics = {
        desired = ["AWS/AutoScaling", "GroupDesiredCapacity", "Maximum", local.group]
        maximum = ["AWS/AutoScaling", "GroupMaxSize", "Minimum", local.group]
      }
      value     = "desired - maximum + 1"
      threshold = 0
      minutes   = { bad = 10, of = 10 }
    }
    below-desired-capacity = {
      meaning = "Fewer instances are in service than the group should have, for longer than it takes to replace one."
      metrics = {
        desired    = ["AWS/AutoScaling", "GroupDesiredCapacity", "Minimum", local.group]
        in_service = ["AWS/AutoScaling", "GroupInServiceInstances", "Maximum", local.group]
      }
      value     = "desired - in_service"
      threshold = 0
      minutes   = { bad = 15, of = 15 }
      missing   = "breaching" # a group always reports
    }
  }

  of_events = { for name, alarm in local.event_alarms : name => {
    meaning   = alarm.meaning
    metrics   = { events = ["HelloBirthday", aws_cloudwatch_log_metric_filter.event[name].metric_transformation[0].name, "Sum", {}] }
    value     = "events"
    threshold = 0
    minutes   = { bad = 1, of = 1 }
  } }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = merge(local.alarms, local.of_events, local.own_alarms)

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.meaning} ${var.runbooks_url}/${each.key}.md"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  datapoints_to_alarm = each.value.minutes.bad
  evaluation_periods  = each.value.minutes.of
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]

  metric_query {
    id          = "value"
    label       = each.key
    expression  = each.value.value
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics
    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value[0]
        metric_name = metric_query.value[1]
        stat        = metric_query.value[2]
        dimensions  = metric_query.value[3]
        period      = 60 * try(each.value.minutes.each, 1)
      }
    }
  }
}
