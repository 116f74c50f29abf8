"""Pixels as arrays: enhancing, resampling, filling and tracing outlines, and what can be told from them."""
