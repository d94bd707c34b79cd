"""Tests of the storage against a DynamoDB-compatible server."""
