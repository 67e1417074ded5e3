"""Badges of a stack in the browser: what the AI said of it, and whether it has boxes; told by shape, not colour."""

from __future__ import annotations

from app.ai_state import AiState

AI_BADGES = {
    AiState.RUNNING: ("hourglass", "text_quiet"),
    AiState.FINDINGS: ("target", "warn"),
    AiState.NO_FINDING: ("check-circle", "good"),
    AiState.OUT_OF_SCOPE: ("prohibit", "warn"),
    AiState.FAILED: ("warning", "alert"),
}


def badges(state: AiState | None, annotated: bool) -> tuple[tuple[str, str], ...]:
    """Return icon and tone of each badge, outermost first."""
    found = []
    if annotated:
        found.append(("bounding-box", "text"))
    if state is not None and state in AI_BADGES:
        found.append(AI_BADGES[state])
    return tuple(found)


def badge_text(state: AiState | None, annotated: bool) -> str:
    """Return what the badges of a row mean."""
    said = [f"AI: {state}"] if state is not None else []
    return "\n".join([*said, *(["Has boxes"] if annotated else [])])
