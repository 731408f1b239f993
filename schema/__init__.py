"""The GraphQL edge: it translates documents into use cases, and never decides."""
