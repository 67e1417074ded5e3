"""Lines of the table that ``breastlens train 001`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inference.training.mammo.validation import PAPER

_RATES = {"sensitivity": "sens", "specificity": "spec", "ppv": "PPV", "npv": "NPV", "accuracy": "acc"}


def rows_of(module: str, metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row a level (patch, image), then one a grade, of a module.

    Parameters
    ----------
    metrics
        Of :meth:`inference.training.mammo.validation.Validation.metrics`; its cut-offs are of what is bundled.
    """
    for level, name, paper in zip(("window", "image"), ("patch", "image"), PAPER[module], strict=True):
        trained, difference = metrics["trained"][level], metrics["trained_minus_baseline"][level]
        if trained is not None and difference is not None:
            yield {
                "module": module,
                "level": name,
                "AUC": trained["auc"],
                "95 %": _interval(trained),
                "baseline": metrics["baseline"][level]["auc"],
                "difference": f"{difference['difference']:+.3f} ({_interval(difference)})",
                "paper": paper,
                "cases": trained["n_positive"],
                "controls": trained["n_negative"],
            }
    for row in metrics["cut_offs"]:
        rates = {short: f"{row[name]['value']:.3f}" for name, short in _RATES.items() if row[name]["value"] is not None}
        yield {"module": module, "level": f"grade {row['grade']}", **rates}


def notes_of(module: str, metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences on calibration and time of a module."""
    for level, found in metrics["calibration"].items():
        if found is not None:
            before, after = (found[name]["expected_calibration_error"] for name in ("before", "after"))
            yield (
                f"{module}, {level}s: temperature {found['temperature']:.2f}; expected calibration error {before:.3f}, "
                f"after scaling {after:.3f}."
            )
    yield f"{module}: seconds of each fold {_listed(metrics['seconds_per_fold'])}{_speed(metrics)}."


def _speed(metrics: Mapping[str, Any]) -> str:
    speeds = metrics["windows_per_second"]
    if not speeds:
        return ""
    images = metrics["images_per_second"]
    scored = f" and {_listed(images)} images scored" if images else ""
    return f"; each second {_listed(speeds)} windows learned from{scored} (cached features)"


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.0f}" if value >= 10 else f"{value:.1f}" for value in values)


def _interval(found: Mapping[str, Any]) -> str:
    low, high = found["interval_95"]
    return f"{low:.3f} to {high:.3f}"
