"""Findings: what every model says of the image on show, and how each number came about."""

from __future__ import annotations

from app.ui.findings.panel import FindingsPanel

__all__ = ["FindingsPanel"]
