"""Authentication and authorization: bearer tokens and the keys of their issuer."""
