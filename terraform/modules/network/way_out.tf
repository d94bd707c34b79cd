# Optional: HTTPS to the internet, for hosts without a VPC endpoint. One NAT gateway serves all zones.

resource "aws_eip" "way_out" {
  count = var.way_out ? 1 : 0

  domain = "vpc"
  tags   = { Name = "${var.name}-way-out" }
}

resource "aws_nat_gateway" "way_out" {
  count = var.way_out ? 1 : 0

  allocation_id = aws_eip.way_out[0].id
  subnet_id     = values(aws_subnet.public)[0].id
  tags          = { Name = "${var.name}-way-out" }

  depends_on = [aws_route.internet]
}

resource "aws_route" "way_out" {
  count = var.way_out ? 1 : 0

  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.way_out[0].id
}

resource "aws_vpc_security_group_egress_rule" "way_out" {
  count = var.way_out ? 1 : 0

  security_group_id = aws_security_group.instances.id
  description       = "HTTPS to the internet"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
