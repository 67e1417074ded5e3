"""What a pane draws around the pixels: corner texts, letters, scale bar, colour bar."""
