"""The glass: shows volumes, heat maps, masks and boxes, and reports gestures. Opens no file, knows no model."""
