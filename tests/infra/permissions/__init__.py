"""Simulated permissions: recorded and unrecorded requests, checked against the policies of roles."""
