# Optional: authentication by tokens, which machines get with the client credentials grant.

locals {
  scopes = { read = "Read birthdays", write = "Store birthdays" }

  # What clients and instances need to know about the issuer, or null.
  authentication = var.authentication ? {
    issuer         = "https://cognito-idp.${local.region}.amazonaws.com/${aws_cognito_user_pool.this[0].id}"
    token_endpoint = "https://${aws_cognito_user_pool_domain.this[0].domain}.auth.${local.region}.amazoncognito.com/oauth2/token"
    client_id      = aws_cognito_user_pool_client.machine[0].id
  } : null
}

resource "aws_cognito_user_pool" "this" {
  count = var.authentication ? 1 : 0

  name                = var.name
  deletion_protection = var.deletion_protection ? "ACTIVE" : "INACTIVE"

  admin_create_user_config {
    allow_admin_create_user_only = true # no sign-up: all clients are machines
  }
}

resource "aws_cognito_user_pool_domain" "this" {
  count = var.authentication ? 1 : 0

  user_pool_id = aws_cognito_user_pool.this[0].id
  domain       = "${var.name}-${local.account_id}"
}

resource "aws_cognito_resource_server" "this" {
  count = var.authentication ? 1 : 0

  user_pool_id = aws_cognito_user_pool.this[0].id
  identifier   = "hello"
  name         = "hello"

  dynamic "scope" {
    for_each = local.scopes
    content {
      scope_name        = scope.key
      scope_description = scope.value
    }
  }
}

resource "aws_cognito_user_pool_client" "machine" {
  count = var.authentication ? 1 : 0

  user_pool_id                         = aws_cognito_user_pool.this[0].id
  name                                 = "machine"
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = aws_cognito_resource_server.this[0].scope_identifiers
  access_token_validity                = 60
  enable_token_revocation              = true

  token_validity_units {
    access_token = "minutes"
  }
}
