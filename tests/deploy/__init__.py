"""The deployment command: its parts, its order, and its command line."""
