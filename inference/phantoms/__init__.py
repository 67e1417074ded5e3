"""Phantoms: synthetic breast MRI and mammograms with known truth, for demonstration, tests and first training."""

from __future__ import annotations

# Stamped into every phantom and its DICOM files; raise it when the same seed gives other pixels.
GENERATOR_VERSION = "4"
