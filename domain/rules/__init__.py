"""The pure core of the earning rules."""
