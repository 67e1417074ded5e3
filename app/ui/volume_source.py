"""Volume source: which images of a study the volume view can show, and how bright. Qt-free."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.studies.derived import Derived, DerivedKind, base_uid, parse
from app.studies.study import Dynamic, SeriesKind, Study
from app.ui.phases import preferred
from app.ui.wording import series_title
from viewer.presentation import Window
from viewer.windowing import window_of

if TYPE_CHECKING:
    from app.studies.load import LoadedStack

FOLLOW = "follow"
LEAST_SLICES = 3
Corrected = Callable[[str, str], bool]


def choices(study: Study | None, active: str | None) -> list[tuple[str, str]]:
    """Return what can be chosen as (key, title): what the active pane is about, each subtraction, each phase."""
    if study is None or active is None or not _has(study, active):
        return [(FOLLOW, "Image of the active pane")]
    place = study.phase_of(active)
    if place is None:
        return [(FOLLOW, "Image of the active pane")]
    dynamic, _ = place
    pre = _pre(dynamic)
    subtractions = [
        (Derived(DerivedKind.SUBTRACTION, phase.stack_uid, pre).uid, f"Subtraction {phase.label} − pre")
        for phase in dynamic.phases
        if phase.stack_uid != pre
    ]
    phases = [(phase.stack_uid, phase.label.capitalize()) for phase in dynamic.phases]
    return [(FOLLOW, "Subtraction on show"), *subtractions, *phases]


def chosen_uid(study: Study | None, active: str | None, key: str, corrected: Corrected) -> str | None:
    """Return the image to show: the choice, or for :data:`FOLLOW` the subtraction of the phase in the active pane."""
    if study is None or active is None or not _has(study, active):
        return None
    if key != FOLLOW and _has(study, key):
        return preferred(key, corrected)
    place = study.phase_of(active)
    if place is None:
        return active
    dynamic, _ = place
    pre, of = _pre(dynamic), base_uid(active)
    if of == pre:
        posts = [phase.stack_uid for phase in dynamic.phases if phase.stack_uid != pre]
        if not posts:
            return active
        of = posts[0]
    return preferred(Derived(DerivedKind.SUBTRACTION, of, pre).uid, corrected)


def refusal(study: Study, uid: str) -> str:
    """Return why an image cannot be shown as a volume, "" where it can."""
    series, stack = study.series_of(uid)
    if series.kind is SeriesKind.MAMMOGRAM or len(stack.frames) < LEAST_SLICES:
        return "A volume view needs a stack of slices.\nShow an MRI or a tomosynthesis in the active pane."
    if stack.spacing_mm is None:
        return "The distances between pixels and slices are not known, so that a volume would be distorted."
    return ""


def title_of(study: Study, loaded: LoadedStack) -> str:
    """Return what is shown, in words."""
    series, _ = study.series_of(loaded.stack.uid)
    return loaded.stack.title if parse(loaded.stack.uid) is not None else series_title(series)


def window_of_volume(loaded: LoadedStack) -> tuple[float, float]:
    """Return the values shown black and white: of a subtraction from 0 on, else the window of the slices."""
    voi = loaded.presentation.voi
    window = voi if isinstance(voi, Window) else window_of(loaded.volume.array)
    high = window.center + window.width / 2
    derived = parse(loaded.stack.uid)
    if derived is not None and derived.kind is DerivedKind.SUBTRACTION and high > 0:
        return 0.0, high
    return window.center - window.width / 2, high


def _pre(dynamic: Dynamic) -> str:
    return dynamic.phases[dynamic.pre_index or 0].stack_uid


def _has(study: Study, uid: str) -> bool:
    try:
        study.series_of(uid)
    except KeyError:
        return False
    return True
