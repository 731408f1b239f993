"""Files that partners fetch: what stands in their columns, and how they come into view."""
