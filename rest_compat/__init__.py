"""The REST v1 edge: two path families over one route table, and the envelope on every answer."""
