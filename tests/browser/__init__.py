"""Tests of the documentation's page in headless Chromium; `make browser-test` runs them."""
