"""Which images are worth labelling next: those that a model is unsure of, and that are unlike those it has learnt from.

:mod:`.uncertainty` measures the first, :mod:`.features` describes an image for the second, :mod:`.picking` chooses, and
:mod:`.run` does it for a project.
"""
