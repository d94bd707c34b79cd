output "alarm_arn" {
  description = "The alarm that rings when the service cannot be reached from outside."
  value       = aws_cloudwatch_metric_alarm.unreachable.arn
}
