"""Training of system 000's network, supervised attention on one slice: ``breastlens train 000``."""
