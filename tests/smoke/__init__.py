"""Tests that a running service works: pytest tests/smoke --base-url https://hello.example.com."""
