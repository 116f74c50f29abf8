"""Tables: one row an object, or a patient."""
