"""Asks a running service whether it is well: pytest tests/smoke --base-url https://hello.example.com."""
