"""Tests of the batch files."""
