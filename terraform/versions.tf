terraform {
  required_version = ">= 1.11.0, < 2.0.0" # 1.11 can lock the state in S3 itself, without a DynamoDB table

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
