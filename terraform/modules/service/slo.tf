# The objective: 99.9 % of a month's requests are answered without a 5xx. An alarm rings when the error budget burns
# much too fast over a long window (it matters) and a short one (it still goes on); see Google's SRE Workbook, chapter 5.

locals {
  error_budget = 0.001

  burn_rates = {
    fast = { rate = 14.4, minutes = { long = 60, short = 5 }, meaning = "2 % of the month's error budget was used in an hour." }
    slow = { rate = 6, minutes = { long = 360, short = 30 }, meaning = "5 % of the month's error budget was used in six hours." }
  }

  burn_windows = merge([for speed, burn in local.burn_rates : {
    for window, minutes in burn.minutes : "${speed}-${window}" => { rate = burn.rate, minutes = minutes }
  }]...)
}

resource "aws_cloudwatch_metric_alarm" "burn" {
  for_each = local.burn_windows

  alarm_name          = "${var.name}-slo-${each.key}"
  alarm_description   = "Part of the SLO alarm; notifies nobody by itself. ${var.runbooks_url}/slo-burn-rate.md"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.rate * local.error_budget
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "value"
    label       = "errors per request over ${each.value.minutes} minutes"
    expression  = "(FILL(target, 0) + FILL(balancer, 0)) / (FILL(requests, 0) + FILL(balancer, 0))" # requests counts only those that reached a target
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      requests = "RequestCount"
      target   = "HTTPCode_Target_5XX_Count"
      balancer = "HTTPCode_ELB_5XX_Count"
    }
    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        stat        = "Sum"
        dimensions  = local.load_balancer
        period      = 60 * each.value.minutes
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "slo" {
  for_each = local.burn_rates

  alarm_name        = "${var.name}-slo-${each.key}-burn"
  alarm_description = "${each.value.meaning} ${var.runbooks_url}/slo-burn-rate.md"
  alarm_actions     = [aws_sns_topic.alerts.arn]
  ok_actions        = [aws_sns_topic.alerts.arn]

  alarm_rule = join(" AND ", [
    for window in keys(each.value.minutes) : "ALARM(\"${aws_cloudwatch_metric_alarm.burn["${each.key}-${window}"].alarm_name}\")"
  ])
}
