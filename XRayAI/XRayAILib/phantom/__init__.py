"""Radiographs of a computed thorax, with the exact truth."""
