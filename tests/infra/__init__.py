"""Tests that hold the project's files to what the project says of itself."""
