"""The image: baked, then booted and looked at."""
