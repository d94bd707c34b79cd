"""Hello Birthday: an HTTP service that remembers birthdays and greets people on time."""

__version__ = "1.0.0"
