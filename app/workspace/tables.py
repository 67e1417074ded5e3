"""Tables of the workspace database; `migrations` brings any older file to exactly this shape."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

# Constraints have fixed names so that a later migration can address them on every database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Document = JSON(none_as_null=True)

# `position` edits of the study's history are in force; `changes` counts every apply, undo and redo ever made,
# which is how a journal knows what a restored backup lacks.
studies = Table(
    "studies",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("path", Text),
    Column("title", Text, nullable=False),
    Column("opened", String(32)),
    Column("view_state", Document),
    Column("override", Document),
    Column("position", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
)

# One column per field of `app.workspace.box.Box`; points and cosines are JSON lists, which keep every bit of a float.
boxes = Table(
    "boxes",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("study_uid", String(64), ForeignKey(studies.c.uid), nullable=False, index=True),
    Column("stack_uid", String(80), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
    Column("frame_of_reference_uid", String(64), nullable=False),
    Column("corner_mm", JSON, nullable=False),
    Column("opposite_mm", JSON, nullable=False),
    Column("orientation", JSON, nullable=False),
    Column("label", Text, nullable=False),
    Column("taxonomy", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", String(40), nullable=False),
)

# One column per field of `app.workspace.measurement.Measurement`.
measurements = Table(
    "measurements",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("study_uid", String(64), ForeignKey(studies.c.uid), nullable=False, index=True),
    Column("stack_uid", String(80), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
    Column("frame_of_reference_uid", String(64), nullable=False),
    Column("image", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("points_mm", JSON, nullable=False),
    Column("orientation", JSON, nullable=False),
    Column("affine", JSON, nullable=False),
    Column("basis", Text, nullable=False),
    Column("values", JSON, nullable=False),
    Column("label", Text, nullable=False),
    Column("taxonomy", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", String(40), nullable=False),
)

# `number` counts from 1 within a study; `before` and `after` are whole boxes or measurements, NULL where absent.
edits = Table(
    "edits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_uid", String(64), ForeignKey(studies.c.uid), nullable=False),
    Column("number", Integer, nullable=False),
    Column("before", Document),
    Column("after", Document),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("made", String(40), nullable=False),
    UniqueConstraint("study_uid", "number"),
)

# The arrays of a result's heat maps lie in `arrays_file` beside the database, known by their hash.
results = Table(
    "results",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(64), nullable=False, unique=True),
    Column("study_uid", String(64), ForeignKey(studies.c.uid), nullable=False, index=True),
    Column("stack_uid", String(80), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
    Column("slice_index", Integer, nullable=False),
    Column("saved", String(40), nullable=False),
    Column("document", JSON, nullable=False),
    Column("arrays_file", Text),
    Column("arrays_sha256", String(64)),
)
