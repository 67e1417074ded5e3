"""Training of the model families, headless."""
