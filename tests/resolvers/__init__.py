"""Tests of resolvers, on both databases."""
