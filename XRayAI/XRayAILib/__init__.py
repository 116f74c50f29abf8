"""X-Ray AI: research with radiographs, in 3D Slicer and without it.

The rooms, from the bottom up (each imports only from rooms below it)::

    dicom     files: scan, Radiograph, decoding
    findings  what a reader says of a radiograph
    pixels    resampling, filling and tracing outlines
    project   the collection on disk
    exchange  findings in and out
    phantom   radiographs of a computed thorax, with the exact truth
    learning  labels -> model
    reading   model -> findings
    scene     radiographs and findings <-> MRML
    workflow  what a person does, step by step
    apps      command line and job process
"""

__version__ = "0.1.0"
