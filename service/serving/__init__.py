"""The process and its connections: listening, HTTP/1, load shedding, the service manager."""
