"""The rows of the route table, a module per group."""
