"""Asking: what the user asks the models about, from what is on show: the image, the study, the lesion at the cross."""

from __future__ import annotations

from collections.abc import Callable

from app.studies.derived import base_uid
from app.studies.errors import StudyError
from app.ui.display import Display

SENTENCES = 3  # of what is not read, in one notice; the rest is in the panel, image by image


class Asking:
    """Asks, and brings the findings forward.

    Parameters
    ----------
    show
        Brings the tab of the findings forward.
    """

    def __init__(self, display: Display, show: Callable[[], object]) -> None:
        self._display, self._session, self._show = display, display.session, show

    def image(self) -> None:
        """Ask about the image on show; of a derived one about that of the phase it was made of."""
        self._show()
        self._display.analyse()

    def study(self) -> None:
        """Ask about everything in the study, and say what no model reads."""
        self._show()
        chosen = self._session.readings.model_id
        said = self._session.readings.analyse_study((chosen,) if chosen else ())
        if said:
            more = f" And {len(said) - SENTENCES} more." if len(said) > SENTENCES else ""
            self._session.notices.info("Not everything is read", " ".join(said[:SENTENCES]) + more, topic="study")

    @property
    def can_ask_lesion(self) -> bool:
        """Whether the cross lies in a dynamic series of the study and a model reads lesions."""
        display = self._display
        study, uid = self._session.study, display.stack_uid
        if study is None or uid is None or not display.can_analyse or display.pane.cursor_mm is None:
            return False
        return study.phase_of(uid) is not None and bool(self.lesion_models)

    @property
    def lesion_models(self) -> tuple[str, ...]:
        """Ids of the models that classify lesions, of the chosen one or of all."""
        readings = self._session.readings
        chosen = readings.model_id
        return tuple(
            card.id for card in readings.cards if chosen in ("", card.id) and card.accepts.get("needs_lesions")
        )

    def lesion(self) -> None:
        """Ask the models that classify lesions about the one under the cross, with the boxes and findings.

        Raises
        ------
        StudyError
            Where no place is chosen.
        """
        display = self._display
        uid, index, point = display.stack_uid, display.slice_index, display.pane.cursor_mm
        if uid is None or index is None or point is None:
            raise StudyError("No lesion is chosen.", "Click on the lesion first.")
        self._show()
        x, y, z = (float(value) for value in point)
        for model_id in self.lesion_models:
            self._session.readings.analyse(base_uid(uid), index, model_id, (x, y, z))
