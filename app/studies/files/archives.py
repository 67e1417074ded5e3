"""Archives: zip files unpacked within bounds, and the files a DICOMDIR refers to."""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.dicom_file import read_header
from app.studies.files.file_meta import PARSE_ERRORS
from app.studies.files.safety import MIB, open_regular
from app.studies.study import Skipped
from inference.progress import Progress

#: Entries of one archive; a large DCE-MRI study has a few thousand.
MAX_ENTRIES = 50_000
#: Bytes unpacked in all, and of one entry.
MAX_TOTAL_BYTES = 32 << 30
MAX_ENTRY_BYTES = 4 << 30
#: Unpacked to packed size of one entry above ``RATIO_FLOOR`` bytes; an empty mammogram reaches about 200.
MAX_RATIO = 1000
RATIO_FLOOR = 16 * MIB
_CHUNK = 1 << 20
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
_RESEARCH_GZIP = ".nii.gz"


def unpack(zip_path: Path, into: Path, progress: Progress | None = None) -> tuple[Path, tuple[Skipped, ...]]:
    """Unpack a zip archive into a folder, entry by entry, within the bounds for untrusted files.

    Returns
    -------
    tuple
        The folder, and each entry that was left out with its reason.

    Raises
    ------
    UnsafeFileError
        When the archive declares or turns out to hold more than the bounds allow.
    StudyError
        When it is no zip archive, damaged, or the disk is full.
    Cancelled
        Within a second of the progress being cancelled.
    """
    progress = progress or Progress()
    skipped: list[Skipped] = []
    try:
        with open_regular(zip_path) as file, zipfile.ZipFile(file) as archive:  # type: ignore[arg-type]
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_bounds(entries)
            into.mkdir(parents=True, exist_ok=True)
            _check_room(entries, into)
            unpacked = 0
            for number, entry in enumerate(entries):
                progress.report(number / len(entries), f"Unpacking file {number + 1} of {len(entries)}")
                reason, target = _judge(entry, into)
                if not reason:
                    try:
                        unpacked += _extract(archive, entry, target, progress, MAX_TOTAL_BYTES - unpacked)
                    except (FileExistsError, NotADirectoryError):
                        reason = "Another file of the archive has the same path; only the first was unpacked."
                    except (
                        zipfile.BadZipFile,
                        zlib.error,
                        EOFError,
                        NotImplementedError,
                        ValueError,
                        RuntimeError,
                    ) as error:
                        target.unlink(missing_ok=True)
                        reason = f"The entry of the archive is damaged: {error}."
                if reason:
                    skipped.append(Skipped(zip_path / entry.filename.replace("\0", "?"), reason))
    except zipfile.BadZipFile as error:
        raise StudyError(
            f"{zip_path.name} is not a zip archive, or a damaged one: {error}.", "Copy it again."
        ) from error
    except (NotImplementedError, ValueError, struct.error) as error:
        raise StudyError(f"{zip_path.name} cannot be unpacked: {error}.") from error
    except OSError as error:
        raise StudyError(
            f"{zip_path.name} cannot be unpacked: {error.strerror or error}.", "Is the disk full?"
        ) from error
    return into, tuple(skipped)


def _check_bounds(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise UnsafeFileError(
            f"The archive has {len(entries):,} files; more than {MAX_ENTRIES:,} are refused as unsafe."
        )
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise UnsafeFileError(f"The archive would unpack to {total / 1e9:.0f} GB; it is refused as unsafe.")
    for entry in entries:
        if entry.file_size > RATIO_FLOOR and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise UnsafeFileError(
                f"{entry.filename!r} would unpack to {entry.file_size // max(entry.compress_size, 1):,} "
                "times its packed size; "
                "the archive is refused as unsafe (a zip bomb)."
            )


def _check_room(entries: list[zipfile.ZipInfo], into: Path) -> None:
    total, free = sum(entry.file_size for entry in entries), shutil.disk_usage(into).free
    if total > free:
        raise StudyError(
            f"The archive needs {total / 1e9:.1f} GB on the disk, {free / 1e9:.1f} GB are free.", "Free some space."
        )


def _judge(entry: zipfile.ZipInfo, into: Path) -> tuple[str, Path]:
    """Return why an entry is left out (empty when it is taken), and where it goes."""
    name = entry.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or ":" in name or "\0" in entry.orig_filename:
        return "Its path leads out of the archive; it was not unpacked.", into
    target = into.joinpath(*parts)
    if not target.resolve().is_relative_to(into.resolve()):
        return "Its path leads out of the archive; it was not unpacked.", into
    mode = entry.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "It is a symbolic link or device; it was not unpacked.", target
    if entry.flag_bits & 0x1:
        return "It is encrypted; unpack the archive with its password first.", target
    if entry.file_size > MAX_ENTRY_BYTES:
        return f"It is larger than {MAX_ENTRY_BYTES >> 30} GB.", target
    if name.lower().endswith(_ARCHIVES) and not name.lower().endswith(_RESEARCH_GZIP):
        return "It is an archive within the archive; unpack it first.", target
    return "", target


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, progress: Progress, left: int) -> int:
    """Write one entry, counting what comes out rather than trusting what was declared; return its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            progress.check()
            written += len(chunk)
            if written > min(entry.file_size, left):
                raise UnsafeFileError(
                    f"{entry.filename!r} unpacks to more than it declares; the archive is refused as unsafe."
                )
            sink.write(chunk)
    return written


def dicomdir_files(path: Path) -> tuple[tuple[Path, ...], tuple[Skipped, ...]]:
    """Return the files that a DICOMDIR refers to, and those that are missing or lead out of its folder.

    Raises
    ------
    StudyError
        When the file is no DICOMDIR.
    """
    header = read_header(path, ["DirectoryRecordSequence"])
    records = header.get("DirectoryRecordSequence")
    if records is None:
        raise StudyError(f"{path.name} is no DICOMDIR: it has no directory records.")
    folder = path.parent
    names = {}
    files: dict[Path, None] = {}
    skipped: list[Skipped] = []
    for record in records:
        parts = _referenced(record)
        if not parts:
            continue
        target = folder.joinpath(*parts)
        shown = "/".join(parts)
        if any(part in ("..", "") or "/" in part or "\\" in part or ":" in part or "\0" in part for part in parts):
            skipped.append(
                Skipped(folder / shown.replace("\0", "?"), "The DICOMDIR refers to a file outside its folder; refused.")
            )
        elif (found := _find(folder, parts, names)) is None:
            skipped.append(Skipped(target, "The DICOMDIR refers to this file, but it is not there."))
        elif not found.resolve().is_relative_to(folder.resolve()):
            skipped.append(Skipped(target, "The DICOMDIR refers to a file outside its folder; refused."))
        else:
            files.setdefault(found)
    return tuple(files), tuple(skipped)


def _referenced(record: object) -> tuple[str, ...]:
    try:
        value = record.get("ReferencedFileID")  # type: ignore[attr-defined]
    except PARSE_ERRORS:
        return ()
    if not value:
        return ()
    if isinstance(value, str):
        return tuple(value.split("\\"))
    return tuple(str(part) for part in value)


def _find(folder: Path, parts: tuple[str, ...], names: dict[Path, dict[str, str]]) -> Path | None:
    """Find a file by its ID; media written on another system may differ in case or carry a version suffix."""
    place = folder
    for part in parts:
        if (place / part).exists():
            place = place / part
            continue
        if place not in names:
            names[place] = {item.name.lower(): item.name for item in place.iterdir()} if place.is_dir() else {}
        here = names[place]
        match = next(
            (here[name] for name in (part.lower(), part.lower() + ".dcm", part.lower() + ".") if name in here), None
        )
        if match is None:
            return None
        place = place / match
    return place if place.is_file() else None
