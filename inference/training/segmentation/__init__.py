"""Training of system 004's network: ``breastlens train 004``."""
