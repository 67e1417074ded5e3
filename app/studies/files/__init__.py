"""What a file is, whether it is safe, and what its header says."""
