"""Training of system 002's network: ``breastlens train 002``."""
