data "aws_ami" "image" {
  owners             = var.ami_owners
  include_deprecated = true # a rollback may need a deprecated image

  filter {
    name   = "image-id"
    values = [var.ami_id]
  }
}

data "aws_ec2_instance_type" "this" {
  instance_type = var.instance_type
}

resource "aws_launch_template" "this" {
  name                   = var.name
  update_default_version = true

  # image and settings
  image_id      = var.ami_id
  instance_type = var.instance_type
  user_data     = base64encode(local.instance_settings)

  # identity and network
  vpc_security_group_ids = [var.security_group_ids.instances]
  iam_instance_profile {
    arn = aws_iam_instance_profile.instance.arn
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required" # IMDSv2 only
    http_put_response_hop_limit = 1          # only the machine itself, no container on it
    instance_metadata_tags      = "enabled"
  }

  # monitoring and disk
  ebs_optimized = true
  monitoring {
    enabled = true # metrics every minute
  }
  block_device_mappings {
    device_name = data.aws_ami.image.root_device_name
    ebs {
      volume_type           = "gp3"
      volume_size           = 8 # GiB
      encrypted             = true
      kms_key_id            = aws_kms_key.this["disks"].arn
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]
    content {
      resource_type = tag_specifications.value
      tags          = merge(local.instance_tags, { Name = var.name })
    }
  }

  lifecycle {
    precondition {
      condition     = contains(data.aws_ec2_instance_type.this.supported_architectures, data.aws_ami.image.architecture)
      error_message = "Image ${var.ami_id} is ${data.aws_ami.image.architecture}, which ${var.instance_type} (${join(", ", data.aws_ec2_instance_type.this.supported_architectures)}) cannot run. Use the image of the other architecture, or another instance_type."
    }
  }
}

locals {
  instance_tags = { Application = "hello-birthday", Environment = var.environment }

  # Read at first boot. Only what differs between environments, and no secrets.
  instance_settings = join("", [for name, value in merge(
    { for part in ["metrics", "service", "system"] : "LOG_GROUP_${upper(part)}" => aws_cloudwatch_log_group.this[part].name },
    { HELLO_TABLE_NAME = aws_dynamodb_table.birthdays.name },
    var.self_test ? {} : { HELLO_SELF_TEST = "off" },
    var.authentication ? { HELLO_AUTH_ISSUER = local.authentication.issuer, HELLO_AUTH_AUDIENCE = local.authentication.client_id } : {},
  ) : "${name}=${value}\n"])
}
