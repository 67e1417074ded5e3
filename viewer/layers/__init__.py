"""Layers that a pane draws: image, heat map, mask, box."""
