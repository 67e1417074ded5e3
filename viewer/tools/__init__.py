"""Mouse tools of a pane: navigate, window/level, draw and edit boxes, magnify."""
