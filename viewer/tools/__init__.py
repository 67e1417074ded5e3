"""Tools: what the left button does; one small class each, looked up by name."""
