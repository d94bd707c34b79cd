"""Clients of the API that are not ours: programs for generated code, and what stands between them and the service."""
