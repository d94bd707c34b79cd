"""Deploys an image: plan, apply, wait for the instance refresh, verify through the load balancer; roll back on failure.

Knows Terraform's outputs and AWS's APIs, and of the service only /version and the smoke tests.
"""
