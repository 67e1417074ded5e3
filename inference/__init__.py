"""The engine: arrays with geometry in, results out. Never imports Qt, the viewer or the application."""
