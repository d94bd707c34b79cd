"""Puts items back into the table that were damaged, from two restored copies of it."""
