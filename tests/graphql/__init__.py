"""Tests of the GraphQL edge."""
