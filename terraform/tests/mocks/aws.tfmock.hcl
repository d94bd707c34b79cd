# What AWS would answer, as far as the rules depend on it.

mock_data "aws_region" {
  defaults = { id = "eu-central-1" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "111111111111" }
}

mock_data "aws_availability_zones" {
  defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
}

mock_data "aws_ami" {
  defaults = { architecture = "arm64", root_device_name = "/dev/xvda" }
}

mock_data "aws_ec2_instance_type" {
  defaults = { supported_architectures = ["arm64"] }
}
