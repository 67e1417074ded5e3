"""Commands of reading: analysis, findings, boxes and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.tables import pane_key
from app.ui.boxes_panel import choose_label, groups, next_label
from app.ui.steps import step_box

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def ai_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “AI”."""
    return (*_questions(window), *_answers(window), *_checks(window), *_devices(window))


def _questions(window: MainWindow) -> Sequence[Command]:
    """Return the commands that ask models."""
    asking = window.asking
    return (
        Command(
            "ai.analyse",
            "Analyse image",
            "AI",
            asking.image,
            "E",
            "brain",
            "Ask the models that fit about the image on show, or the exam it belongs to",
            lambda: window.display.can_analyse,
        ),
        Command(
            "ai.study",
            "Analyse whole study",
            "AI",
            asking.study,
            "Ctrl+E",
            "brain",
            "Ask the models about everything they can read in the study",
            lambda: window.session.study is not None,
        ),
        Command(
            "ai.lesion",
            "Classify lesion at the cross",
            "AI",
            asking.lesion,
            "Ctrl+Shift+E",
            "crosshair",
            "Ask about the lesion under the cross, with boxes and findings",
            lambda: asking.can_ask_lesion,
        ),
    )


def _answers(window: MainWindow) -> Sequence[Command]:
    """Return the commands that go to what models found, or take it over."""
    marks = window.display.marks
    return (
        Command(
            "ai.maximum",
            "Jump to AI maximum",
            "AI",
            marks.jump_to_maximum,
            "Shift+J",
            "arrow-bend-down-right",
            "Go to the strongest finding, or the maximum of the map on show",
            lambda: marks.has_maximum,
        ),
        Command(
            "ai.accept",
            "Make box from finding",
            "AI",
            window.findings.accept_selected,
            "K",
            "selection-plus",
            "The selected finding, or the strongest, becomes a box of yours",
            lambda: bool(marks.open_findings()),
        ),
    )


def _devices(window: MainWindow) -> Sequence[Command]:
    """Return the choice of a device."""
    readings = window.session.readings
    return [
        Command(
            f"ai.device_{name}",
            title,
            "AI",
            lambda n=name: window.set_device(n),
            checked=lambda n=name: readings.device == n,
        )
        for name, title in (("auto", "Device: automatic"), ("cpu", "Device: CPU"), ("cuda", "Device: CUDA GPU"))
    ]


def _checks(window: MainWindow) -> Sequence[Command]:
    """Return the commands that test the maps rather than the image."""
    findings, readings = window.findings, window.session.readings
    return (
        Command(
            "ai.slice_rule",
            "Tumour mask of this slice",
            "AI",
            findings.toggle_slice_rule,
            "",
            "",
            "Mask from a share of the slice's largest probability, by the model's rule",
            lambda: findings.slice_rule.stored is not None,
            checked=lambda: findings.slice_rule.on,
        ),
        Command(
            "ai.card",
            "Model card",
            "AI",
            findings.open_card,
            "",
            "",
            "How the chosen model was trained and measured, and what is known to fail",
            lambda: bool(readings.cards),
        ),
        Command(
            "ai.check",
            "Check maps against boxes",
            "AI",
            findings.open_check,
            "",
            "",
            "Pointing game and energy of each map in your boxes, and what chance would give",
            lambda: bool(readings.stored),
        ),
        Command(
            "ai.check_weights",
            "Check a map by shuffled weights",
            "AI",
            findings.check_weights,
            "",
            "",
            "Run the model with shuffled weights; a map that stays the same shows the image, not the model",
            lambda: bool(readings.stored),
        ),
    )


def boxes_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Boxes”."""
    labels = [
        Command(
            f"boxes.label_{n}",
            f"Label group {n}",
            "Boxes",
            _label(window, n),
            f"F{n + 1}",
            "",
            "Arm the group's first label; again for the next",
            lambda n=n: n <= len(groups(window.session.annotations.taxonomy)),
        )
        for n in range(1, 9)
    ]
    return (
        Command("boxes.label_none", "No label", "Boxes", lambda: choose_label(window.display, ""), "Shift+F2", "tag"),
        *labels,
        Command(
            "boxes.delete",
            "Delete selected box",
            "Boxes",
            window.delete_box,
            "",
            "trash",
            "",
            lambda: bool(window.display.marks.selected),
            pane_key=pane_key("delete_box"),
        ),
        Command(
            "boxes.next",
            "Next box",
            "Boxes",
            lambda: step_box(window.display, 1),
            "]",
            "",
            "Jump to the next box of the study",
            lambda: bool(window.session.annotations.boxes),
            also=("Alt+PgDown",),
        ),
        Command(
            "boxes.previous",
            "Previous box",
            "Boxes",
            lambda: step_box(window.display, -1),
            "[",
            "",
            "",
            lambda: bool(window.session.annotations.boxes),
            also=("Alt+PgUp",),
        ),
    )


def _label(window: MainWindow, number: int) -> Callable[[], None]:
    def arm() -> None:
        choose_label(
            window.display, next_label(window.session.annotations.taxonomy, number, window.session.annotations.label)
        )

    return arm
