"""Destroys an environment: says what will be lost, asks for a confirmation, lifts the protections, destroys.

Knows Terraform's state and plans, nothing of the service.
"""
