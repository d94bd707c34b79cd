"""The dates of birth in DynamoDB, and how requests share its calls."""
