"""The tests: a folder for each package, and some that look across all of them."""
