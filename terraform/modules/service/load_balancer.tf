resource "aws_lb" "this" {
  #checkov:skip=CKV2_AWS_76:see the firewall
  name               = var.name
  load_balancer_type = "application"
  internal           = false
  subnets            = var.public_subnet_ids
  security_groups    = [var.security_group_ids.load_balancer]

  # connections
  idle_timeout      = 60   # seconds; the service keeps its side open longer
  client_keep_alive = 3600 # seconds
  enable_http2      = true

  # request hardening
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive" # strictest refuses legal requests, too; the service refuses ambiguous ones

  # operations
  enable_deletion_protection = var.deletion_protection
  enable_zonal_shift         = true # an operator can take a zone out of service
  access_logs {
    enabled = true
    bucket  = aws_s3_bucket.access_logs.id
  }

  depends_on = [aws_s3_bucket_policy.access_logs]
}

resource "aws_lb_target_group" "this" {
  name                 = var.name
  vpc_id               = var.vpc_id
  target_type          = "instance"
  protocol             = "HTTP"
  port                 = var.port
  deregistration_delay = 45 # seconds

  # Shallow on purpose: if it asked DynamoDB, an outage there would replace the whole fleet.
  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 10 # seconds
    timeout             = 5  # seconds
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" # TLS 1.3, and 1.2 with forward secrecy
  certificate_arn   = aws_acm_certificate_validation.this.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}
