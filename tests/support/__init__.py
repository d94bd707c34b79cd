"""What the tests run against: DynamoDB-compatible servers, a faulty network, the service itself."""
