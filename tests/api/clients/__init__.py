"""Third-party clients of the API: programs that use generated code, and a gateway between them and the service."""
