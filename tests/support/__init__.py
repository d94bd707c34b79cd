"""Real parts for the tests: DynamoDB-compatible servers, a faulty network, the service itself."""
