"""Training again with what was labelled and corrected since a model was made.

:mod:`.since` finds what that is, :mod:`.gentle` makes the configuration, :mod:`.verdict` decides whether the new model
takes the old one's place, and :mod:`.worker` does it all as a job.
"""
