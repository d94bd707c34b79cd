"""Tests that compare the project's files with what its documentation says."""
