"""What is asked and answered over HTTP: handlers, bodies, errors, documentation."""
