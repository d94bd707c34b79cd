"""The process and its connections: listening, the protocol, load shedding, the service manager."""
