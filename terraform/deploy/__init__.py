"""Deploys an image: plan, apply, wait for the instance refresh, verify through the load balancer; else go back.

Knows Terraform's outputs and AWS's APIs, nothing of the service but its /version and its smoke tests.
"""
