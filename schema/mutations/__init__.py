"""The mutations, one module per noun: each takes one input and gives one payload."""
