"""What the panels of X-Ray AI share on Slicer's side; a folder of its own, as Slicer takes files beside a module for modules."""
