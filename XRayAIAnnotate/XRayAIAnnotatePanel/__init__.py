"""The view side of X-Ray AI Annotate, in a folder of its own, as Slicer takes files beside a module for modules."""
