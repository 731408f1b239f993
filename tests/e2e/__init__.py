"""Foreign tools against a running server: `make e2e`. They come from the package registries when they are needed."""
