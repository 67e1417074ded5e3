"""First tables: studies, boxes, edits and results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("path", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opened", sa.String(32)),
        sa.Column("view_state", sa.JSON()),
        sa.Column("override", sa.JSON()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name="pk_studies"),
    )
    op.create_table(
        "boxes",
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("study_uid", sa.String(64), nullable=False),
        sa.Column("stack_uid", sa.String(80), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("frame_of_reference_uid", sa.String(64), nullable=False),
        sa.Column("corner_mm", sa.JSON(), nullable=False),
        sa.Column("opposite_mm", sa.JSON(), nullable=False),
        sa.Column("orientation", sa.JSON(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("taxonomy", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("uid", name="pk_boxes"),
        sa.ForeignKeyConstraint(["study_uid"], ["studies.uid"], name="fk_boxes_study_uid"),
    )
    op.create_index("ix_boxes_study_uid", "boxes", ["study_uid"])
    op.create_table(
        "edits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_uid", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON()),
        sa.Column("after", sa.JSON()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("made", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_edits"),
        sa.ForeignKeyConstraint(["study_uid"], ["studies.uid"], name="fk_edits_study_uid"),
        sa.UniqueConstraint("study_uid", "number", name="uq_edits_study_uid"),
    )
    op.create_table(
        "results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("study_uid", sa.String(64), nullable=False),
        sa.Column("stack_uid", sa.String(80), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=False),
        sa.Column("saved", sa.String(40), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("arrays_file", sa.Text()),
        sa.Column("arrays_sha256", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_results"),
        sa.ForeignKeyConstraint(["study_uid"], ["studies.uid"], name="fk_results_study_uid"),
        sa.UniqueConstraint("uid", name="uq_results_uid"),
    )
    op.create_index("ix_results_study_uid", "results", ["study_uid"])


def downgrade() -> None:
    for table in ("results", "edits", "boxes", "studies"):
        op.drop_table(table)
