"""Volume view: a stack seen in three dimensions, drawn off-screen by VTK, which is imported on first use."""
