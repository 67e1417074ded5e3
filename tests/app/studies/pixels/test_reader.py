"""Pixel values against independent decoders: SimpleITK/GDCM, pydicom, and arrays encoded here."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom.data
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import apply_color_lut, pixel_array

from app.studies.errors import DecoderMissingError, StudyError
from app.studies.files.dicom_file import open_dicom, read_header
from app.studies.pixels import decode_pool, reader, syntaxes
from app.studies.pixels.reader import read_frames
from app.studies.study import Frame
from inference.progress import Cancelled, Progress

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG = "1.2.840.10008.1.2.4."
UNKNOWN_TO_PYDICOM = (JPEG + "110", JPEG + "999")
RNG = np.random.default_rng(5)
GREY8 = RNG.integers(0, 256, (34, 52), dtype=np.uint8)
GREY12 = RNG.integers(0, 4096, (34, 52), dtype=np.uint16)
RGB = RNG.integers(0, 256, (34, 52, 3), dtype=np.uint8)


def write(path: Path, syntax: str, content: bytes, shape: tuple[int, ...], **values: object) -> Path:
    """Write a file of one image module; ``content`` is the whole pixel data element."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4"
    dataset.Rows, dataset.Columns = shape[:2]
    dataset.SamplesPerPixel = 3 if len(shape) == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    if len(shape) == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.PixelRepresentation = 0
    for name, value in values.items():
        setattr(dataset, name, value)
    dataset.HighBit = values.get("HighBit", dataset.BitsStored - 1)
    dataset.PixelData = content
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    dataset["PixelData"].is_undefined_length = syntax.startswith((JPEG, "1.2.840.10008.1.2.5"))
    unknown = syntax in UNKNOWN_TO_PYDICOM  # written under a UID of the same length, then renamed
    dataset.file_meta.TransferSyntaxUID = JPEG + "201" if unknown else syntax
    dataset.save_as(path, enforce_file_format=True)
    if unknown:
        path.write_bytes(path.read_bytes().replace((JPEG + "201").encode(), syntax.encode()))
    return path


def read(path: Path, *frames: int) -> np.ndarray:
    return read_frames([Frame(path, index, "") for index in frames or (0,)])


BITS12 = {"BitsAllocated": 16, "BitsStored": 12}
CASES: dict[str, tuple[str, Callable[[], bytes], np.ndarray, dict[str, object]]] = {
    "jpeg lossless": (JPEG + "70", lambda: imagecodecs.ljpeg_encode(GREY12, bitspersample=12), GREY12, BITS12),
    "jpeg-ls": (JPEG + "80", lambda: imagecodecs.jpegls_encode(GREY12), GREY12, BITS12),
    "jpeg-ls rgb": (JPEG + "80", lambda: imagecodecs.jpegls_encode(RGB), RGB, {}),
    "jpeg 2000": (JPEG + "90", lambda: _j2k(GREY12, bitspersample=12), GREY12, BITS12),
    "jpeg 2000 rgb": (JPEG + "90", lambda: _j2k(RGB, mct=True), RGB, {"PhotometricInterpretation": "YBR_RCT"}),
    "jpeg 2000 plain rgb": (JPEG + "90", lambda: _j2k(RGB, mct=False), RGB, {}),
    "htj2k": (JPEG + "201", lambda: imagecodecs.htj2k_encode(GREY12, reversible=True), GREY12, BITS12),
    "htj2k rpcl": (JPEG + "202", lambda: imagecodecs.htj2k_encode(GREY12, reversible=True), GREY12, BITS12),
    "htj2k general": (JPEG + "203", lambda: imagecodecs.htj2k_encode(RGB, reversible=True), RGB, {}),
    "jpeg xl": (JPEG + "110", lambda: imagecodecs.jpegxl_encode(GREY8, lossless=True), GREY8, {}),
    "jpeg rgb lossless quality": (JPEG + "57", lambda: imagecodecs.ljpeg_encode(GREY8), GREY8, {}),
}


def _j2k(image: np.ndarray, **options: object) -> bytes:
    return imagecodecs.jpeg2k_encode(image, level=0, reversible=True, codecformat="j2k", **options)


@pytest.mark.parametrize("name", CASES)
def test_lossless_syntaxes_give_back_what_was_encoded(tmp_path: Path, name: str) -> None:
    syntax, encode, image, values = CASES[name]
    path = write(tmp_path / "image.dcm", syntax, encapsulate([encode()]), image.shape, **values)
    np.testing.assert_array_equal(read(path)[0], image)


def test_jpeg_ls_near_lossless_stays_within_its_bound(tmp_path: Path) -> None:
    content = encapsulate([imagecodecs.jpegls_encode(GREY8, level=3)])
    values = read(write(tmp_path / "near.dcm", JPEG + "81", content, GREY8.shape))[0]
    assert 0 < np.abs(values.astype(int) - GREY8).max() <= 3


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL_422"])
def test_jpeg_colour_is_rgb_whatever_the_coding(tmp_path: Path, photometric: str) -> None:
    """A red and a blue half: a transform applied twice or not at all turns them into other colours."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :16, 0] = image[:, 16:, 2] = 250
    space = "RGB" if photometric == "RGB" else "YCBCR"
    content = encapsulate([imagecodecs.jpeg8_encode(image, level=98, colorspace="RGB", outcolorspace=space)])
    path = write(tmp_path / "us.dcm", JPEG + "50", content, image.shape, PhotometricInterpretation=photometric)
    np.testing.assert_allclose(read(path)[0][:, [4, 28]].astype(int), image[:, [4, 28]].astype(int), atol=6)


def test_rle_16_bit_and_rgb_against_pydicom(tmp_path: Path) -> None:
    for image, values in ((GREY12, BITS12), (RGB, {})):
        path = write(tmp_path / "plain.dcm", EXPLICIT, image.tobytes(), image.shape, **values)
        dataset = pydicom.dcmread(path)
        dataset.compress("1.2.840.10008.1.2.5", encoding_plugin="pydicom")
        dataset.save_as(tmp_path / "rle.dcm")
        np.testing.assert_array_equal(read(tmp_path / "rle.dcm")[0], image)


def test_bits_above_and_below_the_stored_ones_are_dropped(tmp_path: Path) -> None:
    junk = GREY12 | (RNG.integers(0, 16, GREY12.shape, dtype=np.uint16) << 12)
    path = write(tmp_path / "overlay.dcm", EXPLICIT, junk.tobytes(), junk.shape, **BITS12)
    np.testing.assert_array_equal(read(path)[0], GREY12)
    shifted = (GREY12 << 4) | 9
    path = write(tmp_path / "high.dcm", EXPLICIT, shifted.tobytes(), junk.shape, **BITS12, HighBit=15)
    np.testing.assert_array_equal(read(path)[0], GREY12)


def test_sign_is_extended_from_the_stored_bits(tmp_path: Path) -> None:
    signed = GREY12.astype(np.int16) - 2048
    stored = (signed & 0xFFF).astype(np.uint16)
    values = {**BITS12, "PixelRepresentation": 1}
    path = write(tmp_path / "signed.dcm", EXPLICIT, stored.tobytes(), stored.shape, **values)
    assert read(path).dtype == np.int16
    np.testing.assert_array_equal(read(path)[0], signed)
    for syntax, content in (
        (JPEG + "80", imagecodecs.jpegls_encode(stored)),
        (JPEG + "90", _j2k(stored, bitspersample=12)),
    ):
        path = write(tmp_path / "packed.dcm", syntax, encapsulate([content]), stored.shape, **values)
        np.testing.assert_array_equal(read(path)[0], signed)


def test_jpeg_2000_signed_code_stream(tmp_path: Path) -> None:
    signed = GREY12.astype(np.int16) - 2048
    values = {"BitsAllocated": 16, "BitsStored": 16, "PixelRepresentation": 1}
    path = write(tmp_path / "s.dcm", JPEG + "90", encapsulate([_j2k(signed)]), signed.shape, **values)
    np.testing.assert_array_equal(read(path)[0], signed)


def test_planar_configuration_and_uncompressed_ybr(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1))
    path = write(tmp_path / "planar.dcm", EXPLICIT, planes.tobytes(), RGB.shape, PlanarConfiguration=1)
    np.testing.assert_array_equal(read(path)[0], RGB)
    for photometric in ("YBR_FULL", "YBR_FULL_422"):
        content = RGB if photometric == "YBR_FULL" else RGB[..., :2]
        path = write(
            tmp_path / "ybr.dcm", EXPLICIT, content.tobytes(), RGB.shape, PhotometricInterpretation=photometric
        )
        want = pixel_array(path)
        assert np.abs(read(path)[0].astype(int) - want).max() <= 1


def test_big_endian_8_bit_words(tmp_path: Path) -> None:
    image = GREY8[:5, :7]
    words = np.frombuffer(image.tobytes() + b"\0", ">u2").astype("<u2").tobytes()
    for name, content, vr in (("ow", words, "OW"), ("ob", image.tobytes() + b"\0", "OB")):
        path = write(tmp_path / f"{name}.dcm", EXPLICIT, content, image.shape)
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
        dataset["PixelData"].VR = vr
        pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
        np.testing.assert_array_equal(read(path)[0], image)


def test_palette_colour(tmp_path: Path) -> None:
    table = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    values: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for index, colour in enumerate(("Red", "Green", "Blue")):
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        values[f"{colour}PaletteColorLookupTableData"] = (table[:, index].astype("<u2") << 8).tobytes()
    plain = write(tmp_path / "p.dcm", EXPLICIT, GREY8.tobytes(), GREY8.shape, **values)
    packed = write(
        tmp_path / "q.dcm", JPEG + "80", encapsulate([imagecodecs.jpegls_encode(GREY8)]), GREY8.shape, **values
    )
    for path in (plain, packed):
        np.testing.assert_array_equal(read(path)[0], table[GREY8])


def test_one_bit_frames_that_do_not_begin_at_a_byte(tmp_path: Path) -> None:
    bits = RNG.integers(0, 2, (3, 5, 7), dtype=np.uint8)
    content = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    values = {"BitsAllocated": 1, "BitsStored": 1, "NumberOfFrames": 3}
    path = write(tmp_path / "seg.dcm", EXPLICIT, content, (5, 7), **values)
    np.testing.assert_array_equal(read(path, 2, 0, 1), bits[[2, 0, 1]])


def _streams(count: int) -> tuple[list[bytes], np.ndarray]:
    images = RNG.integers(0, 4096, (count, 34, 52), dtype=np.uint16)
    return [imagecodecs.jpegls_encode(image) for image in images], images


@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("table", [True, False])
def test_multi_frame_with_and_without_offset_table(tmp_path: Path, fragments: int, table: bool) -> None:
    streams, images = _streams(4)
    content = encapsulate(streams, fragments_per_frame=fragments, has_bot=table)
    path = write(tmp_path / "multi.dcm", JPEG + "80", content, (34, 52), **BITS12, NumberOfFrames=4)
    np.testing.assert_array_equal(read(path, 3, 1, 0, 2), images[[3, 1, 0, 2]])


def test_extended_offset_table_and_odd_fragments(tmp_path: Path) -> None:
    streams, images = _streams(3)
    content, offsets, lengths = encapsulate_extended(streams)
    more = {**BITS12, "NumberOfFrames": 3, "ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    path = write(tmp_path / "extended.dcm", JPEG + "80", content, (34, 52), **more)
    np.testing.assert_array_equal(read(path, 0, 1, 2), images)
    raw = b"\xfe\xff\x00\xe0\0\0\0\0"
    for stream in streams:
        odd = stream if len(stream) % 2 else stream + b"\0"
        raw += b"\xfe\xff\x00\xe0" + len(odd).to_bytes(4, "little") + odd
    path = write(tmp_path / "odd.dcm", JPEG + "80", raw, (34, 52), **BITS12, NumberOfFrames=3)
    np.testing.assert_array_equal(read(path, 0, 1, 2), images)


def test_frames_of_several_files_are_opened_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams, images = _streams(4)
    paths = []
    for number in range(2):
        content = encapsulate(streams[2 * number : 2 * number + 2])
        paths.append(write(tmp_path / f"{number}.dcm", JPEG + "80", content, (34, 52), **BITS12, NumberOfFrames=2))
    opened = []
    monkeypatch.setattr(reader, "open_dicom", lambda path, tags: opened.append(path) or open_dicom(path, tags))
    reports: list[float] = []
    frames = [Frame(paths[index % 2], index // 2, "") for index in range(4)]
    values = read_frames(frames, Progress(lambda fraction, _text: reports.append(fraction)))
    np.testing.assert_array_equal(values, images[[0, 2, 1, 3]])
    assert opened == paths
    assert reports[-1] == 1.0


def test_files_of_different_sign_get_a_type_for_both(tmp_path: Path) -> None:
    first = write(tmp_path / "u.dcm", EXPLICIT, GREY12.tobytes(), GREY12.shape, **BITS12)
    signed = GREY12.astype(np.int16) - 2048
    more = {"BitsAllocated": 16, "BitsStored": 16, "PixelRepresentation": 1}
    second = write(tmp_path / "s.dcm", EXPLICIT, signed.tobytes(), signed.shape, **more)
    values = read_frames([Frame(first, 0, ""), Frame(second, 0, "")])
    np.testing.assert_array_equal(values, [GREY12.astype(int), signed.astype(int)])


def test_files_of_different_size_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a.dcm", EXPLICIT, GREY8.tobytes(), GREY8.shape)
    second = write(tmp_path / "b.dcm", EXPLICIT, GREY8[:8].tobytes(), (8, 52))
    with pytest.raises(StudyError, match="differ in size"):
        read_frames([Frame(first, 0, ""), Frame(second, 0, "")])
    with pytest.raises(StudyError, match="frame 3"):
        read(first, 2)


@pytest.mark.parametrize("syntax", ["102", "94", "999"])
def test_missing_decoder_is_named(tmp_path: Path, syntax: str) -> None:
    path = write(tmp_path / "video.dcm", JPEG + syntax, encapsulate([b"\0" * 64]), (8, 8))
    with pytest.raises(DecoderMissingError, match=JPEG + syntax):
        read(path)


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntaxes, "_version", lambda _package: None)
    path = write(tmp_path / "a.dcm", JPEG + "80", encapsulate([imagecodecs.jpegls_encode(GREY8)]), GREY8.shape)
    with pytest.raises(DecoderMissingError, match=r"JPEG-LS Lossless.*imagecodecs"):
        read(path)


def test_damaged_streams_give_a_sentence_and_the_next_image_still_opens(tmp_path: Path) -> None:
    stream = bytearray(_j2k(GREY12, bitspersample=12))
    for number, damaged in enumerate(
        (stream[:60], b"\xff\xd8\xff" + bytes(90), b"nonsense" * 9, stream[:40] + bytes(300))
    ):
        path = write(tmp_path / f"{number}.dcm", JPEG + "90", encapsulate([bytes(damaged)]), GREY12.shape, **BITS12)
        with pytest.raises(StudyError):
            read(path)
    good = write(tmp_path / "good.dcm", JPEG + "90", encapsulate([bytes(stream)]), GREY12.shape, **BITS12)
    np.testing.assert_array_equal(read(good)[0], GREY12)


def test_a_code_stream_larger_than_its_header_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.dcm", JPEG + "90", encapsulate([_j2k(np.zeros((512, 512), np.uint16))]), (8, 8), **BITS12
    )
    with pytest.raises(StudyError, match="512 × 512"):
        read(path)


def test_a_killed_decoder_gives_a_sentence_and_is_replaced(tmp_path: Path) -> None:
    content = encapsulate([imagecodecs.jpegls_encode(GREY12)])
    path = write(tmp_path / "a.dcm", JPEG + "80", content, GREY12.shape, **BITS12)
    read(path)
    for decoder in list(decode_pool.POOL._all):
        os.kill(decoder.process.pid, signal.SIGKILL)
        decoder.process.wait()
    np.testing.assert_array_equal(read(path)[0], GREY12)


def test_a_decoder_that_dies_over_an_image_is_said_and_replaced() -> None:
    pool = decode_pool.DecoderPool(0)  # one process: the place kept for the foreground
    try:
        pool.warm_up()
        (decoder,) = pool._all
        decoder._await_ready(Progress())
        os.kill(decoder.process.pid, signal.SIGSTOP)
        killer = threading.Timer(0.2, os.kill, (decoder.process.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(StudyError, match="SIGKILL"):
            pool.run({"frames": [], "frame_bytes": 0}, (), Progress())
        killer.join()
        pool.run({"frames": [], "frame_bytes": 0}, (), Progress())
    finally:
        pool.close()


def test_cancelling_ends_a_decoder_that_does_not_answer() -> None:
    pool = decode_pool.DecoderPool(0)  # one process: the place kept for the foreground
    try:
        pool.warm_up()
        (decoder,) = pool._all
        decoder._await_ready(Progress())
        os.kill(decoder.process.pid, signal.SIGSTOP)
        progress = Progress()
        timer = threading.Timer(0.2, progress.cancel)
        timer.start()
        with pytest.raises(Cancelled):
            pool.run({"frames": [], "frame_bytes": 0}, (), progress)
        timer.join()
        assert decoder.process.poll() is not None
    finally:
        pool.close()


def test_a_decoder_over_its_memory_cap_gives_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap follows from the frame's size; a request that understates it runs into the cap."""
    image = np.zeros((3000, 3000), np.uint16)
    path = write(tmp_path / "big.dcm", JPEG + "90", encapsulate([_j2k(image)]), image.shape, **BITS12)
    batches = reader._batches

    def understated(*arguments: object) -> object:
        for batch in batches(*arguments):  # type: ignore[arg-type]
            yield {**batch, "frame_bytes": -40 << 20}

    monkeypatch.setattr(reader, "_batches", understated)
    with pytest.raises(StudyError, match=r"memory|damaged|decoder"):
        read(path)


def test_cancelled_before_and_during(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", EXPLICIT, np.zeros((20, 8, 8), np.uint8).tobytes(), (8, 8), NumberOfFrames=20)
    progress = Progress(lambda fraction, _text: progress.cancel() if fraction > 0.4 else None)
    with pytest.raises(Cancelled):
        read_frames([Frame(path, index, "") for index in range(20)], progress)


def test_every_syntax_of_the_report_has_a_decoder_here() -> None:
    statuses = syntaxes.report()
    assert len({status.uid for status in statuses}) == len(statuses) >= 18
    assert all(status.available for status in statuses)


REFUSED = ("badVR.dcm", "meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm", "no_meta.dcm", "MR_truncated.dcm")
REFUSED += ("rtplan_truncated.dcm",)


def _installed_files() -> list[Path]:
    folder = Path(pydicom.data.__file__).parent / "test_files"
    return sorted(path for path in folder.glob("*.dcm") if "JPEG2000-embedded" not in path.name)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", _installed_files(), ids=lambda path: path.name)
def test_pydicom_test_files_agree_with_pydicom(path: Path) -> None:
    """Each file either gives the values pydicom's own plug-ins give, or is refused with a sentence."""
    try:
        header = read_header(path)
        with open_dicom(path) as opened:
            layout = opened.pixels
        if layout is None:
            return
        ours = read_frames([Frame(path, index, "") for index in range(layout.frames)])
    except StudyError:
        assert path.name in REFUSED
        return
    dataset = pydicom.dcmread(path, force=True)
    if header.file_meta.get("TransferSyntaxUID") in (JPEG + "51", None):
        return
    try:
        want = pixel_array(dataset)
    except (RuntimeError, AttributeError, ValueError):
        return
    if layout.photometric == "PALETTE COLOR":
        want = apply_color_lut(want, dataset)
        want = want >> (8 if want.dtype.itemsize == 2 else 0)
    tolerance = 2 if layout.photometric.startswith("YBR") else 0
    assert np.abs(want.reshape(ours.shape).astype(float) - ours).max() <= tolerance


SHARED = [
    *(f"transfer-syntaxes/{name}.dcm" for name in ("RG2_J2KR", "RG2_JPLL", "RG3_J2KI", "RG3_J2KR", "RG3_JLSL")),
    *(f"transfer-syntaxes/{name}.dcm" for name in ("RG3_JLSN", "RG3_JPLL", "RG3_RLE")),
    "mammography-dicom/fodicom_GH133_GE_RMLO_jpegll.dcm",
    "mammography-dicom/nema_wg04_MG1_film_LMLO_j2k_lossy.dcm",
    "mammography-dicom/medcognetics_DBT_4frame_j2k_noise.dcm",
    "mammography-dicom/clunie_MG_pixelspacing_testpattern.dcm",
    "mammography-dicom/fodicom_OutOfBoundsOverlay_LCC_spot.dcm",
]


@pytest.mark.real_data
@pytest.mark.parametrize("name", SHARED)
def test_real_files_agree_with_pydicoms_plugins(shared_data: Path, name: str) -> None:
    path = shared_data / name
    count = int(read_header(path).get("NumberOfFrames") or 1)
    want = pixel_array(path)
    np.testing.assert_array_equal(read(path, *range(count)).reshape(want.shape), want)


@pytest.mark.real_data
def test_jpeg_extended_12_bit_shows_the_same_image_as_jpeg_2000(shared_data: Path) -> None:
    """MONOCHROME1 stays as stored: SimpleITK inverts it by itself, so it is no oracle here."""
    folder = shared_data / "transfer-syntaxes"
    lossy, lossless = read(folder / "RG3_JPLY.dcm")[0], read(folder / "RG3_J2KR.dcm")[0]
    assert np.corrcoef(lossy[::7, ::7].ravel(), lossless[::7, ::7].ravel())[0, 1] > 0.999
    assert np.abs(lossy.astype(int) - lossless).mean() < 5
