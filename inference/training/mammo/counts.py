"""Counts of films, women, lesions and windows behind a model of system 001, for its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.prepare.mammogram import MammogramPreprocessing
from inference.training.mammo.dataset import NODULE, ROWS, SPACING_MM, Film
from inference.training.mammo.labels import CASE, can_be_case
from inference.training.mammo.recipe import Recipe
from inference.training.mammo.tables import WindowTable
from inference.training.split_sets import Splits


def data_of(
    chosen: Sequence[Film], splits: Splits, tables: Mapping[str, WindowTable], recipe: Recipe
) -> dict[str, Any]:
    """Return how many films, women, lesions and windows the model was trained on, and the hashes of the splits."""
    return {
        "mini-mias": {
            "films": len(chosen),
            "women": len({film.patient for film in chosen}),
            "control_images": sum(film.is_control for film in chosen),
            "split": splits.method,
            "folds": [list(split.test) for split in splits.splits],
            **{module: counts(table, recipe) for module, table in tables.items()},
        }
    }


def counts(table: WindowTable, recipe: Recipe) -> dict[str, Any]:
    """Return how many films, lesions and windows a module was trained on."""
    module, chosen, keys = table.module, table.films, MammogramPreprocessing()
    side_px = keys.nodule_side if module == NODULE else keys.calcification_side
    own = [
        (film, lesion)
        for film in chosen
        for lesion in film.lesions
        if lesion.is_malignant and lesion.belongs_to(module) and lesion.is_placed
    ]
    side_mm = side_px * ROWS * SPACING_MM / keys.height
    never = [film.path.stem for film, lesion in own if not can_be_case(module, lesion, side_mm, recipe.labels)]
    without = [film.path.stem for film in chosen if film.is_case(module) and not film.is_placed]
    learned, natural = table.is_learned, table.natural
    case = table.labels == CASE
    return {
        "case_images": sum(film.is_case(module) for film in chosen),
        "malignant_lesions_placed": len(own),
        "lesions_no_window_can_hold": never,
        "lesions_without_position": sorted(without),
        "windows_read": int(table.is_scored.sum()),
        "case_windows_read": int((learned & natural & case).sum()),
        "control_windows_read": int((learned & natural & ~case).sum()),
        "case_windows_added": int((learned & ~natural & case).sum()),
        "control_windows_added": int((learned & ~natural & ~case).sum()),
    }
