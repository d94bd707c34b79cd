# Each environment has a state bucket of its own, in its own account:
#   terraform init -backend-config=environments/dev.s3.tfbackend
terraform {
  backend "s3" {}
}
