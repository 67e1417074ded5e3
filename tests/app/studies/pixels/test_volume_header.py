"""NRRD and MetaImage headers written to read another file, or to take all memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.studies.errors import StudyError
from app.studies.pixels import research

NRRD = "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 4 4\nencoding: raw\n"
META = "ObjectType = Image\nNDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a header's voxels, and beside it a secret that no header may reach."""
    (tmp_path / "secret.raw").write_bytes(bytes(range(16)))
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "voxels.raw").write_bytes(bytes(range(16)))
    return inside


def test_detached_voxels_beside_the_header_are_read(folder: Path) -> None:
    (folder / "a.nhdr").write_text(NRRD + "data file: voxels.raw\n")
    (folder / "a.mhd").write_text(META + "ElementDataFile = voxels.raw\n")
    for name in ("a.nhdr", "a.mhd"):
        np.testing.assert_array_equal(research.read(folder / name).reshape(-1), np.arange(16))


@pytest.mark.parametrize(
    "header",
    [
        NRRD + "data file: ../secret.raw\n",
        NRRD + "DataFile: ../secret.raw\n",
        NRRD + "data file: voxels.raw\nDATA FILE: ../secret.raw\n",
        NRRD + "data file: LIST\n../secret.raw\n",
        NRRD + "data file: LIST 2\n../secret.raw\n",
        NRRD + "data file: ../secret%d.raw 1 1 1\n",
        NRRD + "#" * 70_000 + "\ndata file: ../secret.raw\n",
        NRRD + "data file: link.raw\n",
        NRRD + "data file: voxels.raw\r../secret.raw\n",
        META + "ElementDataFile = ../secret.raw\n",
        META + "ElementDataFile: ../secret.raw\n",
        META + "ElementDataFile = LIST 2D\n../secret.raw\n",
        META + "ElementDataFile = list\n../secret.raw\n",
        META + "Comment = " + "x" * 70_000 + "\nElementDataFile = ../secret.raw\n",
        META + "Comment = " + "x" * 600 + "ElementDataFile = ../secret.raw\nElementDataFile = voxels.raw\n",
        META + "elementdatafile = voxels.raw\nElementDataFile = ../secret.raw\n",
        META + "Name = a ElementDataFile = ../secret.raw\nElementDataFile = voxels.raw\n",
        META + "ElementDataFile = ../secret%d.raw 1 1 1\n",
        META + "ElementDataFile = link.raw\n",
    ],
)
def test_no_header_reaches_a_file_outside_its_folder(folder: Path, header: str) -> None:
    (folder / "link.raw").symlink_to("../secret.raw")
    path = folder / ("a.nhdr" if header.startswith("NRRD") else "a.mhd")
    path.write_text(header, newline="")
    with pytest.raises(StudyError):
        research.read(path)


@pytest.mark.parametrize(
    "header",
    [
        NRRD.replace("4 4", "60000 60000") + "\n",
        NRRD.replace("4 4", "60000 60000").replace("raw", "gzip") + "\n",
        NRRD.replace("dimension: 2", "dimension: 400000000") + "\n",
        NRRD.replace("4 4", "4 -4") + "\n",
        NRRD.replace("4 4", "4 99999999999999999999") + "\n",
        NRRD.replace("uint8", "block") + "block size: 1000000000\n\n",
        META.replace("4 4", "60000 60000") + "ElementDataFile = LOCAL\n",
        META.replace("4 4", "60000 60000") + "CompressedData = True\nElementDataFile = LOCAL\n",
        META + "CompressedData = True\nCompressedDataSize = 900000000000\nElementDataFile = LOCAL\n",
        META + "ElementNumberOfChannels = 1000000000\nElementDataFile = LOCAL\n",
        META.replace("NDims = 2", "NDims = 100000000") + "ElementDataFile = LOCAL\n",
        META.replace("MET_UCHAR", "MET_DOUBLE_ARRAY") + "ElementDataFile = LOCAL\n",
    ],
)
def test_headers_that_declare_more_than_the_file_holds(tmp_path: Path, header: str) -> None:
    path = tmp_path / ("a.nrrd" if header.startswith("NRRD") else "a.mha")
    path.write_bytes(header.encode() + bytes(16))
    with pytest.raises(StudyError):
        research.read(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 400), change=st.binary(min_size=1, max_size=6), suffix=st.sampled_from([".nrrd", ".mha"]))
def test_any_damage_gives_a_volume_or_a_study_error(tmp_path: Path, place: int, change: bytes, suffix: str) -> None:
    good = tmp_path / f"good{suffix}"
    if not good.exists():
        image = SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
        SimpleITK.WriteImage(image, str(good), useCompression=False)
    content = bytearray(good.read_bytes())
    content[place : place + len(change)] = change
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    try:
        values = research.read(path)
    except StudyError:
        return
    assert values.size * values.itemsize <= len(content)
