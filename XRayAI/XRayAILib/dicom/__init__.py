"""Radiograph files: finding, reading and decoding them, with the right greys and honest millimetres."""
