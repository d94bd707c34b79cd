"""Asks, before anything is deployed, whether it could work: tools, identity, account, and what AWS has there already.

Knows the environments' values and AWS's APIs. Changes nothing, and knows nothing of plans and deployments.
"""
