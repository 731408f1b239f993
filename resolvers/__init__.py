"""What can be done: one function per use case; every edge calls these and nothing below."""
