"""Pixels as arrays: resampling, filling and tracing outlines."""
