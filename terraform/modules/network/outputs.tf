output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets of the load balancer, one per zone."
  value       = values(aws_subnet.public)[*].id
  depends_on  = [aws_route.internet]
}

output "private_subnet_ids" {
  description = "Subnets of the instances, one per zone. An instance needs the endpoints, and the NAT gateway if there is one, from its start."
  value       = values(aws_subnet.private)[*].id
  depends_on = [
    aws_route.way_out,
    aws_route_table_association.private,
    aws_vpc_endpoint.dynamodb,
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.instances_to_endpoints,
    aws_vpc_security_group_egress_rule.instances_to_gateways,
    aws_vpc_security_group_egress_rule.way_out,
    aws_vpc_security_group_ingress_rule.endpoints_from_instances,
  ]
}

output "security_group_ids" {
  description = "Security groups by their members."
  value = {
    load_balancer = aws_security_group.load_balancer.id
    instances     = aws_security_group.instances.id
  }
}
