# Checks the service from outside: name, TLS, firewall, load balancer, an instance, the table. Route 53 does not check
# whether the certificate is valid. It keeps its metrics in us-east-1. The alarm must be where its metrics are, and the
# topic where the alarm is, so this whole module is in that region.

resource "aws_route53_health_check" "this" {
  type              = "HTTPS"
  fqdn              = var.domain_name
  port              = 443
  resource_path     = "/readyz" # reads the table, too; its answer is cached, so frequent requests cost nothing
  request_interval  = 30        # seconds, for each checker
  failure_threshold = 3
  regions           = ["ap-southeast-1", "eu-west-1", "us-east-1"] # three are the minimum
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
  treat_missing_data  = "breaching" # a health check always reports
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}
