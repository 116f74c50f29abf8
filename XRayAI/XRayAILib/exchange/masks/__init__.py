"""Masks as pictures, label maps and nnU-Net's raw data set."""
