"""Benchmarks: the product beside its floors, in one run on one machine (docs/benchmarks.md)."""
