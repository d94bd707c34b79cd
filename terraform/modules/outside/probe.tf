# The service as somebody far away finds it: name, TLS, firewall, load balancer, an instance, the table; not whether the
# certificate is valid, which Route 53 does not ask. It keeps its metrics in us-east-1, so an alarm on them is there, and
# the topic of an alarm is where the alarm is: all of this module is in that region.

resource "aws_route53_health_check" "this" {
  type              = "HTTPS"
  fqdn              = var.domain_name
  port              = 443
  resource_path     = "/readyz" # asks the table, too; its answer is cached, so that asking often costs nothing
  request_interval  = 30        # seconds, for each of those who ask
  failure_threshold = 3
  regions           = ["ap-southeast-1", "eu-west-1", "us-east-1"] # three are the least
  tags              = { Name = var.name }
}

resource "aws_cloudwatch_metric_alarm" "unreachable" {
  alarm_name          = "${var.name}-unreachable"
  alarm_description   = "From outside, https://${var.domain_name} does not answer as it should. ${var.runbooks_url}/unreachable.md"
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  dimensions          = { HealthCheckId = aws_route53_health_check.this.id }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1  # healthy
  period              = 60 # seconds
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # a health check always tells
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}
