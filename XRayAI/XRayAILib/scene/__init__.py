"""Radiographs and findings to and from a MRML scene."""
