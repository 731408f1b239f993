"""The object types, one module per noun."""
