# Optional: where Packer's builders run, in the account that bakes. They reach the internet by an address of their own,
# and nothing reaches them, since no security group lets anything in: as closed as behind NAT, without its price.

locals {
  builder_network = var.builder_network ? 1 : 0
}

resource "aws_vpc" "builder" {
  #checkov:skip=CKV2_AWS_11:a builder lives ten minutes, and flow logs would tell no more than its own log
  count = local.builder_network

  cidr_block         = "10.10.0.0/24" # connected to nothing, so it may be the same in every account
  enable_dns_support = true
  tags               = { Name = "hello-birthday-builder" }
}

# Packer creates a group for each builder; this one is for anything that comes without.
resource "aws_default_security_group" "builder" {
  count = local.builder_network

  vpc_id = aws_vpc.builder[0].id
  tags   = { Name = "hello-birthday-builder-closed" }
}

resource "aws_internet_gateway" "builder" {
  count = local.builder_network

  vpc_id = aws_vpc.builder[0].id
  tags   = { Name = "hello-birthday-builder" }
}

resource "aws_default_route_table" "builder" {
  count = local.builder_network

  default_route_table_id = aws_vpc.builder[0].default_route_table_id
  tags                   = { Name = "hello-birthday-builder" }

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.builder[0].id
  }
}

resource "aws_subnet" "builder" {
  #checkov:skip=CKV_AWS_130:builders reach the internet by this address
  count = local.builder_network

  vpc_id                  = aws_vpc.builder[0].id
  cidr_block              = aws_vpc.builder[0].cidr_block
  map_public_ip_on_launch = true
  tags                    = { Name = "hello-birthday-builder" }
}
