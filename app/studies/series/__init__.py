"""From frames to volumes, mammogram views and the phases of a dynamic series."""
