"""Fuzzing: requests that nobody thought of, and what every answer to them must be; make fuzz."""
