"""Asks, before anything is deployed, whether it could work: tools, identity, account, and what AWS has there already.

Knows the environments' values, AWS's APIs, and whom GitHub asks to approve. Changes nothing, and knows nothing of plans
and deployments.
"""
