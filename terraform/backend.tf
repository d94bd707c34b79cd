# Each environment has a state bucket of its own, in its own account, and its own data folder for Terraform:
#   export TF_DATA_DIR=.terraform/dev
#   terraform init -reconfigure -backend-config=environments/dev.s3.tfbackend
#   terraform workspace select dev
terraform {
  backend "s3" {}
}
