"""From a model to findings that a person can judge."""
