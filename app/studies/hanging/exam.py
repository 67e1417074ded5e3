"""Exam: the images of a mammography study sorted by side and view, and which of several shows a view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.studies.series.views import MAMMOGRAPHIC, side_and_view, view_label_of
from app.studies.study import Series, SeriesKind, Stack, Study

Key = tuple[str, str]
STANDARD_VIEWS = ("CC", "MLO")
# Right breast on the left, as if facing the patient; CC over MLO.
FOUR_VIEWS: tuple[Key, ...] = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
#: Kinds of image that may stand for their view, the best first.
_STANDS_FOR_VIEW = ("", "low energy", "synthetic 2D")
#: Category of another exposure of a standard view, see :func:`category`.
REPEATED = 2
# PS3.16 CID 4014, in the order of a work-up.
_FURTHER_ORDER = ("CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM", "FB", "SIO", "ISO", "SPECIMEN")


@dataclass(frozen=True)
class Image:
    """One image of an exam."""

    series: Series
    stack: Stack

    @property
    def key(self) -> Key:
        """Side and view, ``""`` where not stated."""
        return side_and_view(self.series)

    @property
    def is_volume(self) -> bool:
        """Whether it is a tomosynthesis volume."""
        several = self.series.kind is SeriesKind.TOMOSYNTHESIS and len(self.stack.frames) > 1
        return several and self.stack.technique not in ("projections", "synthetic 2D")

    @property
    def is_stated(self) -> bool:
        """Whether side and view are known."""
        return self.key[0] in ("R", "L") and bool(self.key[1])

    @property
    def is_standard(self) -> bool:
        """Whether it is a CC or MLO view without modifier (spot, magnification, implant displaced …)."""
        plain = not self.series.view_modifiers and self.stack.technique in _STANDS_FOR_VIEW
        return self.is_stated and self.key[1] in STANDARD_VIEWS and plain

    @property
    def title(self) -> str:
        """What its pane is called."""
        if self.key == ("", ""):
            return "View not stated"
        label = view_label_of(self.series, self.stack)
        return f"{label} tomo" if self.is_volume else label


@dataclass(frozen=True)
class Exam:
    """A mammography study by views.

    Attributes
    ----------
    views
        The image that stands for each standard view: processed before raw, 2D before tomosynthesis, a digital image
        before a synthetic one, of repeats the last acquired.
    volumes
        The tomosynthesis of each standard view.
    synthetic
        The synthetic 2D image of each standard view that has an acquired one as well.
    further
        Every other image: views from the side, exaggerated, spot, magnification, implant displaced, repeats, contrast
        images, images whose view is not stated.
    raw
        For Processing where the same view is there For Presentation.
    """

    views: dict[Key, Image] = field(default_factory=dict)
    volumes: dict[Key, Image] = field(default_factory=dict)
    synthetic: dict[Key, Image] = field(default_factory=dict)
    further: tuple[Image, ...] = ()
    raw: tuple[Image, ...] = ()

    @property
    def images(self) -> tuple[Image, ...]:
        """Every image once."""
        volumes = [one for key, one in self.volumes.items() if self.views.get(key) is not one]
        return (*self.views.values(), *volumes, *self.synthetic.values(), *self.further, *self.raw)


def mammograms_of(study: Study) -> list[Series]:
    """Return the series of a study that are hung as mammograms."""
    mammograms = [s for s in study.series if s.kind in MAMMOGRAPHIC and s.stacks]
    if mammograms or study.dynamics:
        return mammograms
    named = [s for s in study.series if s.stacks and side_and_view(s) != ("", "")]
    return named if len(named) > 1 else []


def exam_of(study: Study) -> Exam:
    """Return the images of a study sorted by views."""
    images = [Image(series, stack) for series in mammograms_of(study) for stack in series.stacks]
    images.sort(key=_preferred)
    raw = [image for image in images if image.stack.raw and _is_processed_too(image, images)]
    rest = [image for image in images if not any(image is one for one in raw)]
    views, volumes, synthetic = _first_of(rest, False), _first_of(rest, True), {}
    for image in rest:
        if image.is_standard and image.stack.technique == "synthetic 2D" and views.get(image.key) is not image:
            synthetic.setdefault(image.key, image)
    taken = [*views.values(), *volumes.values(), *synthetic.values()]
    further = [image for image in rest if not any(image is one for one in taken)]
    views = {key: views.get(key) or volumes[key] for key in FOUR_VIEWS if key in views or key in volumes}
    further, raw = sorted(further, key=_further_order), sorted(raw, key=_further_order)
    return Exam(views, volumes, synthetic, tuple(further), tuple(raw))


def _first_of(images: Iterable[Image], volume: bool) -> dict[Key, Image]:
    found: dict[Key, Image] = {}
    for image in images:
        if image.is_standard and image.is_volume == volume:
            found.setdefault(image.key, image)
    return found


def _preferred(image: Image) -> tuple[bool, int, float, int, int]:
    """Put processed before raw, acquired before synthetic, and the last acquired first."""
    stack, number = image.stack, image.series.number
    technique = _STANDS_FOR_VIEW.index(stack.technique) if stack.technique in _STANDS_FOR_VIEW else 9
    instance = stack.frames[0].instance_number if stack.frames else None
    return stack.raw, technique, -(stack.acquired_s or 0.0), -(number or 0), -(instance or 0)


def _is_processed_too(raw: Image, images: Iterable[Image]) -> bool:
    same = (raw.key, raw.series.view_modifiers, raw.is_volume)
    return any(
        not one.stack.raw and (one.key, one.series.view_modifiers, one.is_volume) == same for one in images
    ) and bool(raw.key[1])


def _further_order(image: Image) -> tuple[int, int, str, str, float]:
    side, view = image.key
    place = _FURTHER_ORDER.index(view) if view in _FURTHER_ORDER else len(_FURTHER_ORDER)
    # "R" before "L" in a row, whatever the alphabet says.
    return (
        category(image),
        place,
        "-".join(image.series.view_modifiers),
        {"R": "0", "L": "1"}.get(side, "2"),
        (image.stack.acquired_s or 0.0),
    )


def category(image: Image) -> int:
    """Return the row a further image belongs to: 0 other views, 1 spot and other modifiers, 2 repeats, 3 not stated."""
    if not image.is_stated:
        return 3
    if image.series.view_modifiers:
        return 1
    return REPEATED if image.key[1] in STANDARD_VIEWS else 0
