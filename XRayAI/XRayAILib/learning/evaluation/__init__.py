"""How good a model is, for whom it is worse, and what its figures cannot say."""
