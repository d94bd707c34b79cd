locals {
  # How instances are replaced, named as in StartInstanceRefresh, because the deployment starts refreshes, too.
  refresh_preferences = {
    MinHealthyPercentage      = 100
    MaxHealthyPercentage      = 150
    SkipMatching              = true
    ScaleInProtectedInstances = "Refresh"
    StandbyInstances          = "Terminate"
    # Pause after the first instance, whatever the size of the group, for longer than any of the alarms needs to ring.
    CheckpointPercentages = [1, 100]
    CheckpointDelay       = 360 # seconds
    # A refresh that makes any of these ring is stopped.
    AlarmSpecification = {
      Alarms = [for name in ["load-balancer-5xx", "target-5xx", "latency-p99"] : aws_cloudwatch_metric_alarm.this[name].alarm_name]
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name                = var.name
  vpc_zone_identifier = var.private_subnet_ids
  target_group_arns   = [aws_lb_target_group.this.arn]

  # size
  min_size         = var.capacity.min
  desired_capacity = var.capacity.desired
  max_size         = var.capacity.max

  # health: the load balancer's, which is shallow
  health_check_type         = "ELB"
  health_check_grace_period = 300 # seconds: blocks of a volume are loaded and decrypted when they are first read
  default_instance_warmup   = 60  # seconds
  min_elb_capacity          = var.capacity.min
  wait_for_capacity_timeout = "10m"

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version # a number, so that a refresh knows which instances to skip
  }

  # replacement: launch first, then terminate, whatever the reason
  instance_maintenance_policy {
    min_healthy_percentage = 100
    max_healthy_percentage = 150
  }
  termination_policies = ["OldestLaunchTemplate", "OldestInstance"]

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage       = local.refresh_preferences.MinHealthyPercentage
      max_healthy_percentage       = local.refresh_preferences.MaxHealthyPercentage
      skip_matching                = local.refresh_preferences.SkipMatching
      scale_in_protected_instances = local.refresh_preferences.ScaleInProtectedInstances
      standby_instances            = local.refresh_preferences.StandbyInstances
      checkpoint_percentages       = local.refresh_preferences.CheckpointPercentages
      checkpoint_delay             = local.refresh_preferences.CheckpointDelay
      # It would return to the group's newest launch template, which is the bad one; the deployment rolls back instead.
      auto_rollback = false

      alarm_specification {
        alarms = local.refresh_preferences.AlarmSpecification.Alarms
      }
    }
  }

  # metrics
  metrics_granularity = "1Minute"
  enabled_metrics = [
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
  ]

  dynamic "tag" {
    for_each = merge(local.instance_tags, { Name = var.name })
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template tags instances
    }
  }

  lifecycle {
    ignore_changes = [desired_capacity] # scaling decides
  }

  # An instance needs its permissions from its start, and a target group without a listener has no health.
  depends_on = [
    aws_iam_role_policy.be_operated,
    aws_iam_role_policy.observe,
    aws_iam_role_policy.serve,
    aws_lb_listener.https,
  ]
}

resource "aws_autoscaling_policy" "requests" {
  name                   = "requests"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 120000 # per minute and instance: 2,000 a second, well below what one core can serve

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${aws_lb.this.arn_suffix}/${aws_lb_target_group.this.arn_suffix}"
    }
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 70 # percent, about the use at 2,000 requests a second: idle CPU is used for early calls, see docs/scale.md

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}
