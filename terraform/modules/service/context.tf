data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region     = data.aws_region.current.id
  account_id = data.aws_caller_identity.current.account_id

  own_account = { StringEquals = { "aws:SourceAccount" = local.account_id } }
}
