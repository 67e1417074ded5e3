"""Parts of ``breastlens analyse``: what is read, what was read before, and what is written."""
