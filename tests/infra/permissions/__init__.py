"""Permissions, simulated: what was recorded, and what nothing records, against the policies that roles hold."""
