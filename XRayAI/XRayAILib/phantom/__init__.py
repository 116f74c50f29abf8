"""Radiographs of a computed thorax, with the exact truth: the data that X-Ray AI brings along.

>>> from XRayAILib.phantom.collection import make_phantoms, read_truth
>>> phantoms = make_phantoms(Path("phantoms"), count=160, seed=1)       # phantoms/images/*.dcm, phantoms/truth/*.npz
>>> phantoms[0].findings.labels()
['right_lung', 'left_lung', 'heart', 'right_apex', ...]
>>> read_truth(Path("phantoms"))[phantoms[0].uid] == phantoms[0].findings
True

The way of an image: a ``thorax`` is drawn for the patient; a pose, a condition and an exposure for the day
(``acquisition``); ``projection`` sums mu times path length over ``organs``, ``bones``, ``devices`` and what the
condition adds, all of them ``shapes`` with analytic path lengths; ``beam`` exposes a detector; ``truth`` says where
everything is; ``write`` makes the DICOM file; ``collection`` keeps the folder.
"""
