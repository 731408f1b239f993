"""From a call to a use case and back to an answer, a module per group."""
