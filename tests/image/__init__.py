"""The image: baked, then booted and inspected."""
