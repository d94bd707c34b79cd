"""A rehearsed fleet: the Auto Scaling group and the load balancer of production, modelled on one machine under load."""
