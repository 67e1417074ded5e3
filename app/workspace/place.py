"""Place: where a workspace may lie: a folder on a local disk that can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from app.workspace.errors import WorkspaceError

DATABASE_NAME = "workspace.sqlite"

# File systems whose locks and shared memory do not hold between machines, which WAL needs (sqlite.org/wal.html).
NETWORK = {
    *("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "afs", "ncpfs", "webdav", "davfs"),
    *("davfs2", "sshfs", "glusterfs", "ceph", "lustre", "beegfs", "gpfs"),
}


def folder_of(place: Path | str) -> Path:
    """Return the folder of a workspace given as a folder or as an SQLAlchemy URL.

    Raises
    ------
    WorkspaceError
        For the URL of a database server, which this version cannot use.
    """
    text = str(place)
    if "://" not in text:
        return Path(place).expanduser().absolute()
    scheme, _, rest = text.partition("://")
    if scheme.split("+")[0] != "sqlite" or not rest.startswith("/"):
        raise WorkspaceError(
            f"The workspace {scheme}://… cannot be opened: this version of BreastLens keeps it in a local folder only.",
            "Choose a folder in the preferences.",
        )
    path = Path(rest[1:]).absolute()
    if path.name != DATABASE_NAME:
        raise WorkspaceError(
            f"A workspace database is called {DATABASE_NAME!r}, not {path.name!r}.", "Give its folder."
        )
    return path.parent


def network_share(folder: Path) -> str:
    """Return the kind of network share a folder lies on (`"nfs4"`), or an empty string for a local disk."""
    import psutil

    resolved = folder.resolve()
    if os.name == "nt" and str(resolved).startswith("\\\\"):
        return "network share"
    holding = [p for p in psutil.disk_partitions(all=True) if resolved.is_relative_to(p.mountpoint)]
    if not holding:
        return ""
    # The deepest mount point holds the folder; of several on one place the last mounted is seen.
    mount = max(enumerate(holding), key=lambda pair: (len(Path(pair[1].mountpoint).parts), pair[0]))[1]
    kind = mount.fstype.lower().removeprefix("fuse.").removeprefix("macfuse_")
    if kind in NETWORK:
        return kind
    return "network drive" if "remote" in mount.opts.split(",") else ""


def prepare(folder: Path) -> None:
    """Make the folder where it is missing and make sure that a workspace can live there.

    Raises
    ------
    WorkspaceError
        For a network share, a folder that cannot be made or written, or a file in its place.
    """
    kind = network_share(folder)
    if kind:
        raise WorkspaceError(
            f"The workspace cannot lie in {folder}: that is a network share ({kind}), where file locks do not hold, "
            "so that two programs could damage the annotations.",
            "Choose a folder on a disk of this computer in the preferences; your images may stay on the share.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise WorkspaceError(
            f"The workspace folder {folder} cannot be written ({error.strerror or error}).",
            "Give yourself write permission, free some disk space, or choose another folder in the preferences.",
        ) from error
