"""The dates of birth in DynamoDB, and how concurrent requests share calls to it."""
