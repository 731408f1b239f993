"""Tests of store, on both databases."""
