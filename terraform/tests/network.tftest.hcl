mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "hello-birthday-test"
  cidr               = "10.30.0.0/20"
  zone_count         = 3
  port               = 8080
  way_out            = false
  table_arn          = "arn:aws:dynamodb:eu-central-1:111111111111:table/birthdays"
  transfers_arn      = "arn:aws:s3:::hello-birthday-test-transfers"
  log_key_arn        = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  log_retention_days = 30
}

run "three_zones_have_a_public_and_a_private_subnet_each" {
  command = plan
  module {
    source = "./modules/network"
  }

  assert {
    condition = alltrue([
      for subnets in [aws_subnet.public, aws_subnet.private] : toset(values(subnets)[*].availability_zone) == toset(["eu-central-1a", "eu-central-1b", "eu-central-1c"])
    ])
    error_message = "the subnets do not cover the zones"
  }
  assert {
    condition     = length(distinct(concat(values(aws_subnet.public)[*].cidr_block, values(aws_subnet.private)[*].cidr_block))) == 6
    error_message = "subnets overlap"
  }
}

run "the_smallest_range_leaves_room_for_six_instances_and_their_endpoints_in_a_zone" {
  command = plan
  module {
    source = "./modules/network"
  }
  variables {
    cidr = "10.30.0.0/24"
  }

  assert { # AWS keeps five addresses of a subnet
    condition     = alltrue([for subnet in aws_subnet.private : pow(2, 32 - split("/", subnet.cidr_block)[1]) - 5 >= 6 + length(aws_vpc_endpoint.interface)])
    error_message = "the private subnets are too small"
  }
}

run "nothing_gets_a_public_address_by_itself" {
  command = plan
  module {
    source = "./modules/network"
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.map_public_ip_on_launch != true])
    error_message = "instances get public addresses"
  }
}

run "only_the_load_balancer_meets_the_internet" {
  command = plan
  module {
    source = "./modules/network"
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.internet : contains([80, 443], rule.from_port) && rule.from_port == rule.to_port])
    error_message = "more than HTTP and HTTPS is open"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.instances_from_load_balancer.cidr_ipv4 == null && aws_vpc_security_group_ingress_rule.instances_from_load_balancer.from_port == 8080
    error_message = "instances are open to addresses"
  }
}

run "the_endpoint_of_dynamodb_leads_to_one_table_and_five_actions" {
  command = plan
  module {
    source = "./modules/network"
  }

  assert {
    condition = (
      length(jsondecode(aws_vpc_endpoint.dynamodb.policy).Statement) == 1
      && jsondecode(aws_vpc_endpoint.dynamodb.policy).Statement[0].Resource == var.table_arn
      && length(jsondecode(aws_vpc_endpoint.dynamodb.policy).Statement[0].Action) == 5
    )
    error_message = "the endpoint allows more than the service needs"
  }
}

run "there_is_no_way_out_until_asked_for" {
  command = plan
  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_nat_gateway.way_out) + length(aws_route.way_out) + length(aws_vpc_security_group_egress_rule.way_out) == 0
    error_message = "instances have a way out without being asked for"
  }
}

run "the_way_out_is_one_gateway_in_a_public_subnet_and_for_https_only" {
  command = plan
  module {
    source = "./modules/network"
  }
  override_resource {
    target          = aws_subnet.public["eu-central-1a"]
    override_during = plan
    values          = { id = "subnet-public" }
  }
  variables {
    way_out = true
  }

  assert {
    condition     = aws_nat_gateway.way_out[*].subnet_id == ["subnet-public"]
    error_message = "the gateway is not one, or not in a public subnet"
  }
  assert {
    condition     = [for rule in aws_vpc_security_group_egress_rule.way_out : [rule.from_port, rule.to_port, rule.ip_protocol]] == [[443, 443, "tcp"]]
    error_message = "more than HTTPS leads out"
  }
}
