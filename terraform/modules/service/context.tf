data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region     = data.aws_region.current.name
  account_id = data.aws_caller_identity.current.account_id

  own_account = { StringEquals = { "aws:SourceAccount" = local.account_id } }
}
