"""Fuzzing: unexpected requests, and what every answer to them must be; make fuzz."""
