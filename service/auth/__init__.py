"""Who may ask: bearer tokens and the keys of their issuer."""
