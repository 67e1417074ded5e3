"""Preprocessing steps that carry geometry with them."""
