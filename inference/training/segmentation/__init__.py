"""Training of system 004's network: ``python -m inference.training.segmentation --exams FOLDER --out FOLDER``."""
