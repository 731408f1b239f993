"""JSON Schemas of what operations answer in `ReturnObject`, a module per group."""
