"""The sections of the panel and what they share; in a folder, as Slicer makes a module of each file beside one."""
