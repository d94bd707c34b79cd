"""Checks, before anything is deployed, whether it could work: tools, identity, account, and what exists there already.

Knows the environments' values, AWS's APIs, and GitHub's required reviewers. Changes nothing, and knows nothing of plans
and deployments.
"""
