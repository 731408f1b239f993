"""Tests of the portal: its pages over the application, without a browser (`tests/e2e` has one)."""
