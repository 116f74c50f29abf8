"""Evaluation of a model: measured, told and shown."""
