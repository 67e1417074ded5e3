"""Where a workspace may lie, and which databases are refused untouched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from app.workspace import place
from app.workspace.box import Box, Edit
from app.workspace.errors import WorkspaceError
from app.workspace.store import Workspace

STUDY = "1.2.840.1"
ROOT = Path(__file__).parents[3]
Mount = namedtuple("Mount", "device mountpoint fstype opts")


def test_the_window_may_import_the_store_cheaply() -> None:
    code = (
        "import sys, app.workspace.store, app.workspace.taxonomy, app.settings;"
        "heavy = {'sqlalchemy', 'alembic', 'numpy', 'highdicom', 'torch', 'pydicom', 'PySide6'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_everyday_opening_does_without_alembic(folder: Path) -> None:
    Workspace.open(folder).close()
    code = f"import sys; from app.workspace.store import Workspace; Workspace.open({str(folder)!r}).close();" + (
        "print(sorted({'alembic', 'numpy', 'highdicom', 'torch', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_folder_is_made_and_a_url_is_the_same_place(tmp_path: Path, make_box: Callable[..., Box]) -> None:
    folder = tmp_path / "a" / "b c"
    box = make_box()
    with Workspace.open(f"sqlite:///{folder}/workspace.sqlite") as workspace:
        workspace.apply(Edit(None, box))
        assert workspace.folder == folder
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == (box,)


@pytest.mark.parametrize("url", ["postgresql://host/db", "sqlite://", "sqlite:////tmp/x/other.sqlite"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(WorkspaceError):
        Workspace.open(url)


def test_closing_twice_is_fine(folder: Path) -> None:
    workspace = Workspace.open(folder)
    workspace.close()
    workspace.close()
    with Workspace.open(folder) as again:
        assert again.notices == ()


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"])
def test_a_network_share_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [Mount("/dev/vda", "/", "ext4", "rw"), Mount("server:/x", str(tmp_path), kind, "rw")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)  # noqa: A006
    with pytest.raises(WorkspaceError, match=f"network share .{kind.removeprefix('fuse.')}.") as caught:
        Workspace.open(tmp_path / "workspace")
    assert "disk of this computer" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_the_deepest_and_last_mount_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "local"
    mounts = [
        Mount("server:/x", str(tmp_path), "nfs4", "rw"),
        Mount("server:/y", str(inner), "autofs", "rw"),
        Mount("/dev/vdb", str(inner), "ext4", "rw"),
        Mount("Z:", str(tmp_path / "drive"), "NTFS", "rw,remote"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)  # noqa: A006
    assert place.network_share(inner / "workspace") == ""
    assert place.network_share(tmp_path / "localized") == "nfs4"
    assert place.network_share(tmp_path / "drive" / "x") == "network drive"
    assert place.network_share(Path("/elsewhere")) == ""


def test_a_link_to_a_share_is_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "link").symlink_to(share)
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Mount("s:/", str(share), "cifs", "rw")])  # noqa: A006
    assert place.network_share(tmp_path / "link" / "workspace") == "cifs"


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "workspace").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Workspace.open(tmp_path / "workspace")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere; become nobody for the block."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_is_refused_with_a_hint() -> None:
    with tempfile.TemporaryDirectory(prefix="breastlens-") as name:  # pytest's own folder is closed to nobody
        folder = Path(name)
        folder.chmod(0o555)
        with unprivileged(), pytest.raises(WorkspaceError, match="cannot be written") as caught:
            Workspace.open(folder)
        assert "permission" in caught.value.hint
        folder.chmod(0o755)


def _open_and_write(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        workspace.save_override("1.2", {})


def test_a_read_only_database_is_refused_with_a_hint() -> None:
    with tempfile.TemporaryDirectory(prefix="breastlens-") as name:
        folder = Path(name)
        Workspace.open(folder).close()
        folder.chmod(0o777)
        (folder / "workspace.lock").chmod(0o666)
        (folder / "workspace.sqlite").chmod(0o444)
        content = (folder / "workspace.sqlite").read_bytes()
        with unprivileged(), pytest.raises(WorkspaceError) as caught:
            _open_and_write(folder)
        assert "read-only" in str(caught.value)
        assert "permission" in caught.value.hint
        assert (folder / "workspace.sqlite").read_bytes() == content


def test_a_database_of_a_newer_program_is_refused_untouched(folder: Path) -> None:
    Workspace.open(folder).close()
    database = folder / "workspace.sqlite"
    with closing(sqlite3.connect(database)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    content = database.read_bytes()
    with pytest.raises(WorkspaceError, match="newer version of BreastLens") as caught:
        Workspace.open(folder)
    assert "Update BreastLens" in caught.value.hint
    assert database.read_bytes() == content
    assert not (folder / "broken").exists()


def test_a_database_of_another_program_is_refused_untouched(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other, other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(WorkspaceError, match="another program"):
        Workspace.open(folder)
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_four_programs_start_at_once_on_a_new_folder(folder: Path) -> None:
    code = (
        "import sys; from app.workspace.store import Workspace; from app.workspace.box import Box, Edit\n"
        f"with Workspace.open({str(folder)!r}) as w:\n"
        "    for n in range(5):\n"
        "        w.apply(Edit(None, Box('1.2', 's', 'i', 'f', (n, 0, 0), (1, 1, 1), (1, 0, 0, 0, 1, 0))))\n"
        "    print(w.notices)\n"
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for program in programs:
        out, err = program.communicate(timeout=120)
        assert (out, program.returncode) == ("()\n", 0), err
    with Workspace.open(folder) as workspace:
        assert len(workspace.boxes("1.2")) == 20
        assert workspace.check() == ()


def test_another_program_holding_the_database_is_named(
    workspace: Workspace, folder: Path, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(folder / "workspace.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with workspace._parts.database.reading() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=10")  # the one pooled connection, so the test need not wait
        with pytest.raises(WorkspaceError, match="another program has held it") as caught:
            workspace.apply(Edit(None, make_box()))
        assert "Close other BreastLens windows" in caught.value.hint
        other.execute("ROLLBACK")
    workspace.apply(Edit(None, make_box()))
    assert len(workspace.boxes(STUDY)) == 1
