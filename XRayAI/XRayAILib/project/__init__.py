"""The collection on disk: images, findings with their whole history, splits, audit."""
