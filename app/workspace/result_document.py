"""Result document: a result as JSON values and one file of arrays, and back; format 3, and 1 and 2 are read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeVar

from app.workspace.errors import WorkspaceError

if TYPE_CHECKING:
    import numpy as np
    from highdicom import Volume

    from inference.result import Grade, Heatmap, Result, Segmentation

FORMAT = 3
# Voxels from which on a map of floats is stored in 65,535 equal steps from its least to its greatest value: float32 at
# 60 x 448 x 448 takes 48 MB and hardly compresses. (Half precision has steps of 0.0005 near 1, where many voxels of a
# tumour lie: hundreds would share the maximum.)
LARGE = 1_000_000
STEPS, NOT_READ = 65534, 65535
_T = TypeVar("_T")


def document_of(result: Result) -> dict[str, Any]:
    """Return everything but the arrays as JSON values."""
    return {
        "format": FORMAT,
        "status": str(result.status),
        "scores": [asdict(score) for score in result.scores],
        "findings": [asdict(finding) for finding in result.findings],
        "warnings": list(result.warnings),
        "provenance": asdict(result.provenance),
        "heatmaps": [
            {
                "name": heatmap.name,
                "title": heatmap.title,
                "unit": heatmap.unit,
                "value_range": list(heatmap.value_range),
                **_place(heatmap.volume),
                "dtype": heatmap.volume.array.dtype.str,
                "steps_from": _limits(heatmap.volume.array),
            }
            for heatmap in result.heatmaps
        ],
        "masks": [
            {"name": mask.name, "title": mask.title, "rule": mask.rule, **_place(mask.volume)} for mask in result.masks
        ],
        "quantities": [asdict(one) for one in result.quantities],
        "grades": [asdict(one) for one in result.grades],
        "profiles": [asdict(one) for one in result.profiles],
        "facts": [asdict(one) for one in result.facts],
    }


def result_of(document: Mapping[str, Any], content: bytes | None = None) -> Result:
    """Return the result of a document.

    Parameters
    ----------
    document
        Of format 1 (without masks, quantities, grades, profiles and facts), 2 (large maps in half precision) or 3.
    content
        The arrays file; without it, the result has neither maps nor masks.

    Raises
    ------
    KeyError, TypeError, ValueError
        Where it is not such a document, or of a newer format.
    """
    from inference.result import Fact, Finding, Profile, Provenance, Quantity, Result, Score, Status

    if document["format"] > FORMAT:
        raise ValueError(f"its format {document['format']} is newer than {FORMAT}")
    result = Result(
        status=Status(document["status"]),
        scores=tuple(Score(**values) for values in document["scores"]),
        heatmaps=(),
        findings=tuple(_made(Finding, values) for values in document["findings"]),
        warnings=tuple(document["warnings"]),
        provenance=Provenance(**document["provenance"]),
        quantities=tuple(Quantity(**values) for values in document.get("quantities", ())),
        grades=tuple(_grade(values) for values in document.get("grades", ())),
        profiles=tuple(_made(Profile, values) for values in document.get("profiles", ())),
        facts=tuple(Fact(**values) for values in document.get("facts", ())),
    )
    return result if content is None else _with_arrays(result, document, content)


def _place(volume: Volume) -> dict[str, Any]:
    return {
        "coordinate_system": str(volume.coordinate_system.value),
        "frame_of_reference_uid": volume.frame_of_reference_uid,
    }


def _made(kind: type[_T], values: Mapping[str, Any]) -> _T:
    """Return a data class whose sequences are tuples again."""
    return kind(**{key: _tupled(value) for key, value in values.items()})


def _tupled(value: Any) -> Any:
    return tuple(_tupled(one) for one in value) if isinstance(value, list) else value


def _grade(values: Mapping[str, Any]) -> Grade:
    from inference.result import CutOff, Grade

    plain = {key: _tupled(value) for key, value in values.items() if key != "cut_offs"}
    return Grade(**plain, cut_offs=tuple(CutOff(**one) for one in values["cut_offs"]))


# --- arrays ------------------------------------------------------------------------------------------------------


def pack(result: Result) -> bytes | None:
    """Return the maps and masks of a result as a compressed array file, None where it has none.

    Large maps of floats are kept in steps of a 65,534th of their range; everything else bit for bit.

    Raises
    ------
    WorkspaceError
        For a map with channels.
    """
    import numpy as np

    if not result.heatmaps and not result.masks:
        return None
    arrays: dict[str, np.ndarray] = {}
    for index, heatmap in enumerate(result.heatmaps):
        arrays[f"array{index}"] = _stepped(_checked(heatmap))
        arrays[f"affine{index}"] = heatmap.volume.affine
    for index, mask in enumerate(result.masks):
        array = _checked(mask)
        arrays[f"mask{index}"] = np.packbits(array.astype(bool)) if _is_binary(array) else array
        arrays[f"mask{index}shape"] = np.array(array.shape)
        arrays[f"mask{index}affine"] = mask.volume.affine
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def as_stored(result: Result) -> Result:
    """Return a result with the values that its file holds, so that what is shown today is what is shown tomorrow."""
    if not any(_limits(one.volume.array) for one in result.heatmaps):
        return result
    maps = []
    for one in result.heatmaps:
        array = one.volume.array
        kept = _unstepped(_stepped(array), _limits(array), array.dtype.str)
        maps.append(replace(one, volume=one.volume.with_array(kept)))
    return replace(result, heatmaps=tuple(maps))


def _checked(layer: Heatmap | Segmentation) -> np.ndarray:
    if layer.volume.number_of_channel_dimensions:
        raise WorkspaceError(f"The map {layer.name!r} has channels; a map is stored as (slices, rows, columns).")
    return layer.volume.array


def _limits(array: np.ndarray) -> list[float] | None:
    """Return the least and the greatest value of an array that is stored in steps between them, None of any other."""
    import numpy as np

    if array.size < LARGE or array.dtype not in (np.float32, np.float64):
        return None
    low, high = float(np.nanmin(array)), float(np.nanmax(array))
    return [low, high] if np.isfinite(high - low) and high > low else None


def _stepped(array: np.ndarray) -> np.ndarray:
    import numpy as np

    if (limits := _limits(array)) is None:
        return array
    low, high = limits
    steps = np.rint((array - low) * (STEPS / (high - low)))
    return np.where(np.isnan(steps), NOT_READ, steps).astype(np.uint16)


def _unstepped(steps: np.ndarray, limits: list[float] | None, dtype: str) -> np.ndarray:
    import numpy as np

    if limits is None:
        return steps.astype(dtype, copy=False)
    low, high = limits
    values = low + steps * ((high - low) / STEPS)
    values[steps == STEPS] = high  # to the bit
    values[steps == NOT_READ] = np.nan
    return values.astype(dtype)


def _is_binary(array: np.ndarray) -> bool:
    import numpy as np

    return array.dtype == np.uint8 and array.size > 0 and int(array.max()) <= 1


def _with_arrays(result: Result, document: Mapping[str, Any], content: bytes) -> Result:
    import numpy as np

    from inference.result import Heatmap, Segmentation

    maps, masks = [], []
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for index, values in enumerate(document["heatmaps"]):
            array = arrays[f"array{index}"]
            array = _unstepped(array, values.get("steps_from"), values.get("dtype", array.dtype.str))
            volume = _volume(array, arrays[f"affine{index}"], values)
            low, high = values["value_range"]
            maps.append(Heatmap(values["name"], values["title"], volume, values["unit"], (low, high)))
        for index, values in enumerate(document.get("masks", ())):
            array, shape = arrays[f"mask{index}"], tuple(int(n) for n in arrays[f"mask{index}shape"])
            if array.shape != shape:
                array = np.unpackbits(array, count=int(np.prod(shape))).reshape(shape)
            volume = _volume(array, arrays[f"mask{index}affine"], values)
            masks.append(Segmentation(values["name"], values["title"], volume, values["rule"]))
    return replace(result, heatmaps=tuple(maps), masks=tuple(masks))


def _volume(array: np.ndarray, affine: np.ndarray, values: Mapping[str, Any]) -> Volume:
    from highdicom import Volume

    return Volume(
        array,
        affine,
        coordinate_system=values["coordinate_system"],
        frame_of_reference_uid=values["frame_of_reference_uid"],
    )
