"""Sample pictures of a training: what it learns from, and what it finds so far."""
