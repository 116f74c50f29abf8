"""How far readers agree: the comparison, its figures, the report."""
