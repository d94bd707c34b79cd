provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

# Route 53 keeps the metrics of its health checks in us-east-1, so an alarm on them must be there, too.
provider "aws" {
  alias               = "us_east_1"
  region              = "us-east-1"
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}

locals {
  tags = {
    Application = "hello-birthday"
    Environment = var.environment
    ManagedBy   = "terraform"
  }

  name = "hello-birthday-${var.environment}"
  port = 8080
}

module "network" {
  source = "./modules/network"

  name               = local.name
  cidr               = var.vpc_cidr
  zone_count         = var.zone_count
  port               = local.port
  way_out            = var.authentication # to fetch the issuer's signing keys
  table_arn          = module.service.table_arn
  transfers_arn      = module.service.transfers_bucket.arn
  log_key_arn        = module.service.operations_key_arn
  log_retention_days = var.log_retention_days
}

module "service" {
  source = "./modules/service"

  name        = local.name
  environment = var.environment

  # network
  vpc_id             = module.network.vpc_id
  public_subnet_ids  = module.network.public_subnet_ids
  private_subnet_ids = module.network.private_subnet_ids
  security_group_ids = module.network.security_group_ids
  port               = local.port

  # fleet
  ami_id        = var.ami_id
  ami_owners    = var.ami_owners
  instance_type = var.instance_type
  capacity      = var.capacity
  self_test     = var.self_test

  # clients
  domain_name          = var.domain_name
  hosted_zone_name     = var.hosted_zone_name
  requests_per_address = var.requests_per_address
  authentication       = var.authentication

  # data
  table_name          = var.table_name
  deletion_protection = var.deletion_protection
  vault_lock          = var.vault_lock

  # observability
  alarms_outside     = [module.outside.alarm_arn]
  alert_emails       = var.alert_emails
  log_retention_days = var.log_retention_days
  runbooks_url       = var.runbooks_url
}

module "outside" {
  source    = "./modules/outside"
  providers = { aws = aws.us_east_1 }

  name         = local.name
  domain_name  = var.domain_name
  alert_emails = var.alert_emails
  runbooks_url = var.runbooks_url
}
