# What has to exist before the first `terraform init` of an environment: a place for its state and roles for its
# pipelines. Applied once per account, by a person; see README.md here.

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = {
      Application = "hello-birthday"
      Environment = var.environment
      ManagedBy   = "terraform/bootstrap"
    }
  }
}

locals {
  name = "hello-birthday-${var.environment}"
}
