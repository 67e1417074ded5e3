"""One file per model family: its input, its network, its interpretation."""
