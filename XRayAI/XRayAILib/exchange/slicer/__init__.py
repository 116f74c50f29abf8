"""3D Slicer's own files: .seg.nrrd and .mrk.json."""
