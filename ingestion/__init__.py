"""The batch edge."""
