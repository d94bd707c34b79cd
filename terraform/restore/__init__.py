"""Restores damaged items of the table from two restored copies of it."""
