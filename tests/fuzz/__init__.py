"""Fuzzing: unexpected requests, and the rules for every answer to them; run by `make fuzz`."""
