"""How fast studies are listed and mammograms read, next to pydicom doing the same job."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from app.studies.load import load_stack
from app.studies.pixels.reader import warm_up
from app.studies.scan import scan


@pytest.mark.benchmark(group="list 1,000 files")
def test_scan(benchmark: pytest.FixtureRequest, thousand_files: Path) -> None:
    library = benchmark.pedantic(scan, args=(thousand_files,), rounds=5)
    assert sum(len(stack.frames) for s in library.studies[0].series for stack in s.stacks) == 1000


@pytest.mark.benchmark(group="list 1,000 files")
def test_pydicom_headers_only(benchmark: pytest.FixtureRequest, thousand_files: Path) -> None:
    def read() -> int:
        return len([pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in thousand_files.iterdir()])

    assert benchmark.pedantic(read, rounds=5) == 1000


@pytest.mark.parametrize("syntax", ["uncompressed", "JPEG 2000 lossless"])
@pytest.mark.benchmark(group="read a 4096×3328 mammogram")
def test_load_stack(benchmark: pytest.FixtureRequest, mammogram_files: dict[str, Path], syntax: str) -> None:
    (study,) = scan(mammogram_files[syntax]).studies
    warm_up()
    load_stack(study, study.series[0].stacks[0].uid)
    loaded = benchmark.pedantic(load_stack, args=(study, study.series[0].stacks[0].uid), rounds=7)
    assert loaded.volume.spatial_shape == (1, 4096, 3328)


@pytest.mark.parametrize("syntax", ["uncompressed", "JPEG 2000 lossless"])
@pytest.mark.benchmark(group="read a 4096×3328 mammogram")
def test_pydicom_pixel_array(benchmark: pytest.FixtureRequest, mammogram_files: dict[str, Path], syntax: str) -> None:
    pixels = benchmark.pedantic(lambda: pydicom.dcmread(mammogram_files[syntax]).pixel_array, rounds=5)
    assert pixels.shape == (4096, 3328)
