data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region     = data.aws_region.current.id
  account_id = data.aws_caller_identity.current.account_id

  # Created by bootstrap. The apply role can create no role without this boundary.
  boundary = "arn:aws:iam::${local.account_id}:policy/hello-birthday-delivery/${var.name}-boundary"

  own_account = { StringEquals = { "aws:SourceAccount" = local.account_id } }
}
