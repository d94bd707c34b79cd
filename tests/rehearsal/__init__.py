"""A rehearsed fleet: what the Auto Scaling group and the load balancer do in production, on one machine, under load."""
