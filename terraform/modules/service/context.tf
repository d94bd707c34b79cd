data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  region     = data.aws_region.current.id
  account_id = data.aws_caller_identity.current.account_id

  # Made by bootstrap: whoever applies can make no role without it.
  boundary = "arn:aws:iam::${local.account_id}:policy/hello-birthday-delivery/${var.name}-boundary"

  own_account = { StringEquals = { "aws:SourceAccount" = local.account_id } }
}
