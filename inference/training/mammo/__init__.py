"""Training of system 001's provisional model on mini-MIAS: case and control windows, folds by patient, tails, card."""
