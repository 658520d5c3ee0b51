"""Activities: whose they are, who takes part, when to remind; the account they belong to; addresses of calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0012_activities"
down_revision = "0011_one_share"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
COLUMNS = (
    ("ends_at", MOMENT),
    ("place", sa.String(length=255)),
    ("outcome", sa.Text()),
    ("remind_at", MOMENT),
    ("reminded_at", MOMENT),
    ("assignee_id", sa.BigInteger()),
    ("of_account_id", sa.BigInteger()),
)
KEYS = {"assignee_id": "user", "of_account_id": "account"}
OPEN = {"postgresql_where": sa.text("NOT is_done"), "sqlite_where": sa.text("is_done = 0")}
UNREMINDED = sa.text("remind_at IS NOT NULL AND reminded_at IS NULL")
INDEXES = (
    ("ix_activity_assignee", ["assignee_id", "at"], {}),
    ("ix_activity_assignee_open", ["assignee_id", "due_at", "id"], OPEN),
    ("ix_activity_of_account", ["of_account_id", "at", "id"], {}),
    ("ix_activity_of_account_open", ["of_account_id", "due_at"], OPEN),
    ("ix_activity_remind", ["remind_at"], {"postgresql_where": UNREMINDED, "sqlite_where": UNREMINDED}),
)
ONE_RECORD = "ck_activity_one_record"
OF_THREE = " + ".join(
    f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in ("lead_id", "account_id", "contact_id")
)
ONE_PERSON = (
    "(CASE WHEN user_id IS NULL THEN 0 ELSE 1 END + CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END) = 1"
)


def upgrade() -> None:
    with op.batch_alter_table("activity") as batch_op:
        for name, kind in COLUMNS:
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        for column, table in KEYS.items():
            batch_op.create_foreign_key(op.f(f"fk_activity_{column}"), table, [column], ["id"])
        _keep_check(batch_op)
    _fill()
    for name, columns, where in INDEXES:
        op.create_index(name, "activity", columns, **where)
    _create_participants()
    op.create_table(
        "calendar_address",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_calendar_address_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_calendar_address")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_address_token_hash")),
    )


def _keep_check(batch_op) -> None:  # type: ignore[no-untyped-def]
    """SQLite's copy of a table loses its checks: this one is put back."""
    if op.get_bind().dialect.name == "sqlite":
        batch_op.create_check_constraint(op.f(ONE_RECORD), f"({OF_THREE}) = 1")


def _fill() -> None:
    """Whose they are: their authors'.  A contact's are its account's too, and count there as the last."""
    op.execute("UPDATE activity SET assignee_id = created_by_id, of_account_id = account_id")
    op.execute(
        "UPDATE activity SET of_account_id = (SELECT contact.account_id FROM contact"
        " WHERE contact.id = activity.contact_id AND contact.deleted_at IS NULL) WHERE contact_id IS NOT NULL"
    )
    of_contacts = (
        "FROM activity WHERE activity.of_account_id = account.id AND activity.is_done"
        " AND activity.contact_id IS NOT NULL"
    )
    op.execute(
        f"UPDATE account SET last_activity_at = (SELECT max(activity.at) {of_contacts}) WHERE EXISTS"  # noqa: S608
        f" (SELECT 1 {of_contacts} AND (account.last_activity_at IS NULL OR activity.at > account.last_activity_at))"
    )


def _create_participants() -> None:
    op.create_table(
        "activity_participant",
        sa.Column("id", KEY, nullable=False),
        sa.Column("activity_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(ONE_PERSON, name=op.f("ck_activity_participant_one_person")),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_participant_activity_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_activity_participant_user_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_activity_participant_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_participant")),
    )
    for who in ("user", "contact"):
        op.create_index(
            f"uq_activity_participant_{who}",
            "activity_participant",
            ["activity_id", f"{who}_id"],
            unique=True,
        )
        op.create_index(
            f"ix_activity_participant_{who}", "activity_participant", [f"{who}_id", "activity_id"]
        )


def downgrade() -> None:
    op.drop_table("calendar_address")
    op.drop_table("activity_participant")
    for name, _columns, _where in INDEXES:
        op.drop_index(name, table_name="activity")
    with op.batch_alter_table("activity") as batch_op:
        for column in KEYS:
            batch_op.drop_constraint(op.f(f"fk_activity_{column}"), type_="foreignkey")
        for name, _kind in COLUMNS:
            batch_op.drop_column(name)
        _keep_check(batch_op)
