terraform {
  required_version = ">= 1.11.0, < 2.0.0" # 1.11: state locked in S3 itself, without a table for it

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
