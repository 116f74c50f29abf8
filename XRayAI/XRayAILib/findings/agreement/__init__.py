"""How far readers agree: figures of their own for regions, boxes, points, measurements and answers."""
