locals {
  # Titles name the unit. In CloudWatch's notation for metrics, . and ... repeat the values of the metric before.
  graphs = concat([
    {
      title = "Requests per minute"
      stat  = "Sum"
      metrics = [
        ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", aws_lb.this.arn_suffix],
      ]
    },
    {
      title = "Errors per minute"
      stat  = "Sum"
      metrics = [
        ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", aws_lb.this.arn_suffix],
        [".", "HTTPCode_ELB_5XX_Count", ".", "."],
        [".", "HTTPCode_Target_4XX_Count", ".", "."],
        ["AWS/WAFV2", "BlockedRequests", "WebACL", var.name, "Region", local.region, "Rule", "ALL"],
      ]
    },
    {
      title = "Latency of the instances, seconds"
      stat  = "p50"
      metrics = [
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", aws_lb.this.arn_suffix, { stat = "p50", label = "p50" }],
        ["...", { stat = "p99", label = "p99" }],
      ]
    },
    {
      title = "Hosts"
      stat  = "Minimum"
      metrics = [
        ["AWS/ApplicationELB", "HealthyHostCount", "TargetGroup", aws_lb_target_group.this.arn_suffix, "LoadBalancer", aws_lb.this.arn_suffix],
        [".", "UnHealthyHostCount", ".", ".", ".", ".", { stat = "Maximum" }],
      ]
    },
    {
      title = "Group: what a refresh or scaling is doing"
      stat  = "Maximum"
      metrics = [for state in ["Desired", "InService", "Pending", "Terminating"] :
        ["AWS/AutoScaling", state == "Desired" ? "GroupDesiredCapacity" : "Group${state}Instances", "AutoScalingGroupName", var.name]
      ]
    },
    {
      title = "CPU, percent"
      stat  = "Average"
      metrics = [
        ["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", var.name],
        ["...", { stat = "Maximum" }],
      ]
    },
    {
      title = "DynamoDB: throttles and errors per minute"
      stat  = "Sum"
      metrics = concat(
        [for kind in ["Read", "Write"] : ["AWS/DynamoDB", "${kind}ThrottleEvents", "TableName", var.table_name]],
        [for operation in local.table_operations :
        ["AWS/DynamoDB", "SystemErrors", "TableName", var.table_name, "Operation", operation, { label = "errors in ${operation}" }]],
      )
    },
    {
      title = "DynamoDB: latency, milliseconds"
      stat  = "Average"
      metrics = [for operation in local.table_operations :
        ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", var.table_name, "Operation", operation, { label = operation }]
      ]
    },
  ], local.own_graphs)

  events_query = <<-EOT
    SOURCE '${aws_cloudwatch_log_group.this["events"].name}'
    | fields @timestamp, `detail-type`, detail.InstanceRefreshId, detail.StatusMessage, detail.statusMessage
    | sort @timestamp desc
    | limit 20
  EOT
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type       = "alarm", x = 0, y = 0, width = 24, height = 3
        properties = { title = "Alarms", alarms = concat(values(aws_cloudwatch_metric_alarm.this)[*].arn, values(aws_cloudwatch_composite_alarm.slo)[*].arn, var.alarms_outside) }
      }],
      [for i, graph in local.graphs : {
        type       = "metric", x = 12 * (i % 2), y = 3 + 6 * floor(i / 2), width = 12, height = 6
        properties = merge(graph, { region = local.region, period = 60, view = "timeSeries" })
      }],
      [{
        type       = "log", x = 0, y = 3 + 6 * ceil(length(local.graphs) / 2), width = 24, height = 6
        properties = { title = "Instance refreshes, and launches and backups that failed", region = local.region, query = local.events_query, view = "table" }
      }],
    )
  })
}
