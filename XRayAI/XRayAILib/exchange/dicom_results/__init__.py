"""Findings as DICOM SEG and SR."""
