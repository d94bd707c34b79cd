"""Prepares an account for an environment: shows the plan, asks for a confirmation, applies, keeps its own state.

Knows this folder's Terraform code and the state bucket that it makes, nothing of the stack.
"""
