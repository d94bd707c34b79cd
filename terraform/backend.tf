# Each environment has a state bucket of its own, in its own account, and a folder of its own for what Terraform remembers:
#   export TF_DATA_DIR=.terraform/dev
#   terraform init -reconfigure -backend-config=environments/dev.s3.tfbackend
#   terraform workspace select dev
terraform {
  backend "s3" {}
}
