"""Digital breast phantoms with known truth."""
