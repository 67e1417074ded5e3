"""Training of system 003's network: ``breastlens train 003``."""
