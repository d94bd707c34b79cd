"""The HTTP API: handlers, request bodies, error responses, documentation."""
