data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region     = data.aws_region.current.id
  account_id = data.aws_caller_identity.current.account_id

  # Created by bootstrap. The apply role can create no role without this boundary.
  boundary = "arn:aws:iam::${local.account_id}:policy/hello-birthday-delivery/${var.name}-boundary"

  own_principals = { StringEquals = { "aws:PrincipalAccount" = local.account_id } }

  # What the agents on an instance call.
  interface_services = ["ssm", "ssmmessages", "ec2messages", "logs", "monitoring", "kms"]
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  tags              = { Name = "${var.name}-dynamodb" }

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOurTable"
      Effect    = "Allow"
      Principal = "*"
      Action = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
      ]
      Resource  = var.table_arn
      Condition = local.own_principals
    }]
  })
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  tags              = { Name = "${var.name}-s3" }

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyWhatTheAgentsRead"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource = [for bucket in [
        "amazon-ssm-${local.region}",
        "amazon-ssm-packages-${local.region}",
        "amazoncloudwatch-agent-${local.region}",
        "aws-ssm-document-attachments-${local.region}",
        "aws-ssm-${local.region}",
        "${local.region}-birdwatcher-prod",
      ] : "arn:aws:s3:::${bucket}/*"]
      }, {
      Sid       = "WhatOperatorsHandOver"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:PutObject"]
      Resource  = "${var.transfers_arn}/*"
      Condition = local.own_principals
    }]
  })
}

resource "aws_vpc_endpoint" "interface" {
  for_each = toset(local.interface_services)

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = values(aws_subnet.private)[*].id
  security_group_ids  = [aws_security_group.endpoints.id]
  tags                = { Name = "${var.name}-${each.key}" }

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOurAccount"
      Effect    = "Allow"
      Principal = "*"
      Action    = "*"
      Resource  = "*"
      Condition = local.own_principals
    }]
  })
}
