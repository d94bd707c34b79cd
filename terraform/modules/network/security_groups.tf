# Allowed connections: internet -> load balancer -> instances -> endpoints, and to the internet only by way_out.tf.
# Rules name groups, not addresses; the internet is the only address range. DNS, time and instance metadata need no
# rule: AWS does not filter them.

resource "aws_security_group" "load_balancer" {
  #checkov:skip=CKV2_AWS_5:attached in the module service
  name        = "${var.name}-load-balancer"
  description = "The load balancer: HTTPS from everywhere, HTTP only to be redirected"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-load-balancer" }
}

resource "aws_security_group" "instances" {
  #checkov:skip=CKV2_AWS_5:attached in the module service
  name        = "${var.name}-instances"
  description = "The service: reached by the load balancer, reaches the endpoints"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-instances" }
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "Endpoints of AWS APIs: reached by the instances"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-endpoints" }
}

# internet -> load balancer

resource "aws_vpc_security_group_ingress_rule" "internet" {
  #checkov:skip=CKV_AWS_260:port 80 only redirects to HTTPS
  for_each = { https = 443, http = 80 }

  security_group_id = aws_security_group.load_balancer.id
  description       = each.key == "https" ? "Clients" : "Clients to be redirected to HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

# load balancer -> instances

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_instances" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Requests and health checks"
  referenced_security_group_id = aws_security_group.instances.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_ingress_rule" "instances_from_load_balancer" {
  security_group_id            = aws_security_group.instances.id
  description                  = "Requests and health checks"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

# instances -> endpoints

resource "aws_vpc_security_group_egress_rule" "instances_to_endpoints" {
  security_group_id            = aws_security_group.instances.id
  description                  = "Systems Manager, CloudWatch, KMS"
  referenced_security_group_id = aws_security_group.endpoints.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_instances" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "Systems Manager, CloudWatch, KMS"
  referenced_security_group_id = aws_security_group.instances.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "instances_to_gateways" {
  for_each = {
    dynamodb = aws_vpc_endpoint.dynamodb.prefix_list_id
    s3       = aws_vpc_endpoint.s3.prefix_list_id
  }

  security_group_id = aws_security_group.instances.id
  description       = "The gateway endpoint of ${each.key}"
  prefix_list_id    = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
