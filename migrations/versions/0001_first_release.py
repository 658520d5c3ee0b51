"""First release: every table, the first rows, and the guard of the event record."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.refs import new_ref

revision = "0001_first_release"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
PREVIEW = ["city", "country", "industry", "employees", "product_interest", "source", "score", "age_days"]
PRIVATE = {"internal": "read_write", "external": "private"}


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    # User refers to account and account to user: PostgreSQL takes these two constraints afterwards,
    # SQLite cannot add any later but does not mind a table that is still to come.
    circle = (
        [
            sa.ForeignKeyConstraint(
                ["contact_id"], ["contact.id"], name=op.f("fk_user_contact_id"), use_alter=True
            ),
            sa.ForeignKeyConstraint(
                ["partner_account_id"],
                ["account.id"],
                name=op.f("fk_user_partner_account_id"),
                use_alter=True,
            ),
        ]
        if on_sqlite
        else []
    )
    op.create_table(
        "user",
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("account_scope", sa.String(length=30), nullable=False),
        sa.Column("partner_account_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_web_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("away_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("theme", sa.String(length=10), nullable=False),
        sa.Column("mail_preferences", JSON, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(partner_account_id IS NULL) = (role IN ('administrator','channel_manager','sales','viewer'))",
            name=op.f("ck_user_partner_role"),
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_user_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_user_updated_by_id")),
        *circle,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email_key", name=op.f("uq_user_email_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_user_ref")),
    )
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.create_index("ix_user_partner_account_id", ["partner_account_id"], unique=False)

    op.create_table(
        "account",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_fold", sa.String(length=255), nullable=False),
        sa.Column("company_key", sa.String(length=255), nullable=False),
        sa.Column("account_number", sa.String(length=80), nullable=True),
        sa.Column("site", sa.String(length=120), nullable=True),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("phone_key", sa.String(length=30), nullable=True),
        sa.Column("website", sa.String(length=500), nullable=True),
        sa.Column("domain", sa.String(length=255), nullable=True),
        sa.Column("type", sa.String(length=80), nullable=True),
        sa.Column("industry", sa.String(length=120), nullable=True),
        sa.Column("employees", sa.BigInteger(), nullable=True),
        sa.Column("annual_revenue", sa.Numeric(precision=18, scale=2, asdecimal=False), nullable=True),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_user_id", sa.BigInteger(), nullable=False),
        sa.Column("billing_street", sa.String(length=255), nullable=True),
        sa.Column("billing_city", sa.String(length=120), nullable=True),
        sa.Column("billing_state", sa.String(length=120), nullable=True),
        sa.Column("billing_postal_code", sa.String(length=30), nullable=True),
        sa.Column("billing_country", sa.String(length=2), nullable=True),
        sa.Column("shipping_street", sa.String(length=255), nullable=True),
        sa.Column("shipping_city", sa.String(length=120), nullable=True),
        sa.Column("shipping_state", sa.String(length=120), nullable=True),
        sa.Column("shipping_postal_code", sa.String(length=30), nullable=True),
        sa.Column("shipping_country", sa.String(length=2), nullable=True),
        sa.Column("first_name", sa.String(length=120), nullable=True),
        sa.Column("last_name", sa.String(length=120), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("mobile", sa.String(length=60), nullable=True),
        sa.Column("imported", JSON, nullable=False),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('business','person')", name=op.f("ck_account_kind")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_account_created_by_id")),
        sa.ForeignKeyConstraint(["owner_user_id"], ["user.id"], name=op.f("fk_account_owner_user_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["account.id"], name=op.f("fk_account_parent_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_account_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("ref", name=op.f("uq_account_ref")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index("ix_account_company_key", ["company_key"], unique=False)
        batch_op.create_index("ix_account_created", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_account_domain", ["domain"], unique=False)
        batch_op.create_index("ix_account_name_fold", ["name_fold", "id"], unique=False)
        batch_op.create_index("ix_account_owner", ["owner_user_id", "name_fold", "id"], unique=False)
        batch_op.create_index("ix_account_parent_id", ["parent_id"], unique=False)
        batch_op.create_index("ix_account_phone_key", ["phone_key"], unique=False)
        batch_op.create_index("ix_account_updated", ["updated_at", "id"], unique=False)
        batch_op.create_index("uq_account_external_id", ["external_id"], unique=True)

    op.create_table(
        "contact",
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("last_name", sa.String(length=120), nullable=False),
        sa.Column("last_name_fold", sa.String(length=120), nullable=False),
        sa.Column("first_name", sa.String(length=120), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("phone_key", sa.String(length=30), nullable=True),
        sa.Column("mobile", sa.String(length=60), nullable=True),
        sa.Column("reports_to_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_user_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=True),
        sa.Column("imported", JSON, nullable=False),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_contact_account_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_contact_created_by_id")),
        sa.ForeignKeyConstraint(["owner_user_id"], ["user.id"], name=op.f("fk_contact_owner_user_id")),
        sa.ForeignKeyConstraint(["reports_to_id"], ["contact.id"], name=op.f("fk_contact_reports_to_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_contact_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("ref", name=op.f("uq_contact_ref")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index("ix_contact_account", ["account_id", "last_name_fold", "id"], unique=False)
        batch_op.create_index("ix_contact_created", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_contact_email_key", ["email_key"], unique=False)
        batch_op.create_index("ix_contact_last_name_fold", ["last_name_fold", "id"], unique=False)
        batch_op.create_index("ix_contact_owner", ["owner_user_id", "last_name_fold", "id"], unique=False)
        batch_op.create_index("ix_contact_phone_key", ["phone_key"], unique=False)
        batch_op.create_index("ix_contact_updated", ["updated_at", "id"], unique=False)
        batch_op.create_index("uq_contact_external_id", ["external_id"], unique=True)

    op.create_table(
        "decline_reason",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("gives_turn_back", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decline_reason")),
        sa.UniqueConstraint("key", name=op.f("uq_decline_reason_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_decline_reason_ref")),
    )

    op.create_table(
        "event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verb", sa.String(length=40), nullable=False),
        sa.Column("record_kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("record_ref", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_actor_id", ["actor_id", "id"], unique=False)
        batch_op.create_index("ix_event_at", ["at"], unique=False)
        batch_op.create_index("ix_event_record", ["record_kind", "record_id", "id"], unique=False)

    op.create_table(
        "lead_source",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_fold", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_source")),
        sa.UniqueConstraint("name_fold", name=op.f("uq_lead_source_name_fold")),
        sa.UniqueConstraint("ref", name=op.f("uq_lead_source_ref")),
    )

    op.create_table(
        "lead_status",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=30), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_status")),
        sa.UniqueConstraint("key", name=op.f("uq_lead_status_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_lead_status_ref")),
    )

    op.create_table(
        "partner_level",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("accept_within_minutes", sa.Integer(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_level")),
        sa.UniqueConstraint("name", name=op.f("uq_partner_level_name")),
        sa.UniqueConstraint("ref", name=op.f("uq_partner_level_ref")),
    )

    op.create_table(
        "api_token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("ref", name=op.f("uq_api_token_ref")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index("ix_api_token_user_id", ["user_id"], unique=False)

    op.create_table(
        "bulk_act",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("target", JSON, nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("refused", JSON, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name=op.f("fk_bulk_act_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_act")),
        sa.UniqueConstraint("ref", name=op.f("uq_bulk_act_ref")),
    )

    op.create_table(
        "import",
        sa.Column("object", sa.String(length=10), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_import_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
        sa.UniqueConstraint("ref", name=op.f("uq_import_ref")),
    )
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.create_index("ix_import_created_by", ["created_by_id", "id"], unique=False)
        batch_op.create_index("ix_import_digest", ["digest", "object"], unique=False)
        batch_op.create_index("ix_import_state", ["state", "id"], unique=False)

    op.create_table(
        "notification",
        sa.Column("act", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("record_kind", sa.String(length=20), nullable=True),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_notification_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("ref", name=op.f("uq_notification_ref")),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notification_unread",
            ["user_id", "id"],
            unique=False,
            postgresql_where=sa.text("read_at IS NULL"),
            sqlite_where=sa.text("read_at IS NULL"),
        )
        batch_op.create_index("ix_notification_user", ["user_id", "id"], unique=False)
        batch_op.create_index("uq_notification_act", ["act", "user_id", "kind"], unique=True)

    op.create_table(
        "one_time_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=30), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_one_time_link_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.create_index("ix_one_time_link_user_id", ["user_id"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("accent", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("prm_enabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prm_enabled_by_id", sa.BigInteger(), nullable=True),
        sa.Column("portal_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sending_held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("strict_capture", sa.Boolean(), nullable=False),
        sa.Column("preview_fields", JSON, nullable=False),
        sa.Column("defaults", JSON, nullable=False),
        sa.Column("names", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_organisation_one_row")),
        sa.ForeignKeyConstraint(
            ["prm_enabled_by_id"], ["user.id"], name=op.f("fk_organisation_prm_enabled_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )

    op.create_table(
        "routing_alert",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("lead_ref", sa.String(length=40), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["resolved_by_id"], ["user.id"], name=op.f("fk_routing_alert_resolved_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_alert")),
    )
    with op.batch_alter_table("routing_alert", schema=None) as batch_op:
        batch_op.create_index("ix_routing_alert_resolved", ["resolved_at", "id"], unique=False)
        batch_op.create_index(
            "uq_routing_alert_open",
            ["key"],
            unique=True,
            postgresql_where=sa.text("resolved_at IS NULL"),
            sqlite_where=sa.text("resolved_at IS NULL"),
        )

    op.create_table(
        "rule_set",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_rule_set_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_rule_set_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("ref", name=op.f("uq_rule_set_ref")),
    )
    with op.batch_alter_table("rule_set", schema=None) as batch_op:
        batch_op.create_index(
            "uq_rule_set_active",
            ["state"],
            unique=True,
            postgresql_where=sa.text("state = 'active'"),
            sqlite_where=sa.text("state = 'active'"),
        )

    op.create_table(
        "user_session",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("ref", name=op.f("uq_user_session_ref")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_session_token_hash")),
    )
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index("ix_user_session_user_id", ["user_id"], unique=False)

    op.create_table(
        "account_responsible",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_responsible_account_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_account_responsible_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_responsible")),
        sa.UniqueConstraint("ref", name=op.f("uq_account_responsible_ref")),
    )
    with op.batch_alter_table("account_responsible", schema=None) as batch_op:
        batch_op.create_index("ix_account_responsible_user_id", ["user_id"], unique=False)
        batch_op.create_index("uq_account_responsible", ["account_id", "user_id"], unique=True)

    op.create_table(
        "delivery",
        sa.Column("notification_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["notification.id"], name=op.f("fk_delivery_notification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("ref", name=op.f("uq_delivery_ref")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_due",
            ["due_at", "id"],
            unique=False,
            postgresql_where=sa.text("state IN ('due','held','sending')"),
            sqlite_where=sa.text("state IN ('due','held','sending')"),
        )
        batch_op.create_index("ix_delivery_state", ["state", "id"], unique=False)
        batch_op.create_index("uq_delivery_channel", ["notification_id", "channel"], unique=True)

    op.create_table(
        "idempotency_key",
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.String(length=100), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["api_token.id"], name=op.f("fk_idempotency_key_token_id")),
        sa.PrimaryKeyConstraint("token_id", "key", name=op.f("pk_idempotency_key")),
    )

    op.create_table(
        "import_issue",
        sa.Column("id", KEY, nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cells", JSON, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_import_issue_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_issue")),
    )
    with op.batch_alter_table("import_issue", schema=None) as batch_op:
        batch_op.create_index("ix_import_issue_import", ["import_id", "kind", "id"], unique=False)

    op.create_table(
        "queue",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_fold", sa.String(length=120), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("partner_account_id", sa.BigInteger(), nullable=True),
        sa.Column("accept_within_minutes", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_queue_created_by_id")),
        sa.ForeignKeyConstraint(
            ["partner_account_id"], ["account.id"], name=op.f("fk_queue_partner_account_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_queue_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
        sa.UniqueConstraint("name_fold", name=op.f("uq_queue_name_fold")),
        sa.UniqueConstraint("ref", name=op.f("uq_queue_ref")),
    )
    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.create_index(
            "uq_queue_default",
            ["is_default"],
            unique=True,
            postgresql_where=sa.text("is_default"),
            sqlite_where=sa.text("is_default = 1"),
        )
        batch_op.create_index("uq_queue_partner_account_id", ["partner_account_id"], unique=True)

    op.create_table(
        "lead",
        sa.Column("last_name", sa.String(length=120), nullable=True),
        sa.Column("last_name_fold", sa.String(length=120), nullable=False),
        sa.Column("first_name", sa.String(length=120), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=True),
        sa.Column("company", sa.String(length=255), nullable=True),
        sa.Column("company_fold", sa.String(length=255), nullable=False),
        sa.Column("company_key", sa.String(length=255), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("mobile", sa.String(length=60), nullable=True),
        sa.Column("phone_key", sa.String(length=30), nullable=True),
        sa.Column("website", sa.String(length=500), nullable=True),
        sa.Column("status_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("rating", sa.String(length=40), nullable=True),
        sa.Column("industry", sa.String(length=120), nullable=True),
        sa.Column("employees", sa.BigInteger(), nullable=True),
        sa.Column("annual_revenue", sa.Numeric(precision=18, scale=2, asdecimal=False), nullable=True),
        sa.Column("street", sa.String(length=255), nullable=True),
        sa.Column("city", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=120), nullable=True),
        sa.Column("postal_code", sa.String(length=30), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("product_interest", sa.String(length=120), nullable=True),
        sa.Column("campaign_name", sa.String(length=120), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("budget", sa.String(length=120), nullable=True),
        sa.Column("authority", sa.String(length=120), nullable=True),
        sa.Column("need", sa.String(length=500), nullable=True),
        sa.Column("timeframe", sa.String(length=120), nullable=True),
        sa.Column("interest_confirmed", sa.Boolean(), nullable=True),
        sa.Column("qualified_by", JSON, nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=True),
        sa.Column("consent_basis", sa.String(length=120), nullable=True),
        sa.Column("opted_out_email", sa.Boolean(), nullable=False),
        sa.Column("opted_out_phone", sa.Boolean(), nullable=False),
        sa.Column("owner_user_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("partner_account_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_rank", sa.Integer(), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("offer_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owned_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_cause", sa.String(length=20), nullable=False),
        sa.Column("last_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("is_owner_chosen", sa.Boolean(), nullable=False),
        sa.Column("converted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duplicates", JSON, nullable=False),
        sa.Column("imported", JSON, nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(owner_user_id IS NULL) <> (owner_queue_id IS NULL)", name=op.f("ck_lead_one_owner")
        ),
        sa.CheckConstraint(
            "offer_id IS NULL OR owner_user_id IS NOT NULL", name=op.f("ck_lead_offer_has_person")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_lead_created_by_id")),
        sa.ForeignKeyConstraint(["owner_queue_id"], ["queue.id"], name=op.f("fk_lead_owner_queue_id")),
        sa.ForeignKeyConstraint(["owner_user_id"], ["user.id"], name=op.f("fk_lead_owner_user_id")),
        sa.ForeignKeyConstraint(
            ["partner_account_id"], ["account.id"], name=op.f("fk_lead_partner_account_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["lead_source.id"], name=op.f("fk_lead_source_id")),
        sa.ForeignKeyConstraint(["status_id"], ["lead_status.id"], name=op.f("fk_lead_status_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_lead_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
        sa.UniqueConstraint("ref", name=op.f("uq_lead_ref")),
    )
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.create_index(
            "ix_lead_arrived",
            ["arrived_at", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
            sqlite_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_lead_company",
            ["company_fold", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
            sqlite_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index("ix_lead_company_key", ["company_key"], unique=False)
        batch_op.create_index(
            "ix_lead_created",
            ["created_at", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
            sqlite_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index("ix_lead_email_key", ["email_key"], unique=False)
        batch_op.create_index(
            "ix_lead_last_name",
            ["last_name_fold", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
            sqlite_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_lead_offer_expires",
            ["offer_expires_at"],
            unique=False,
            postgresql_where=sa.text("offer_id IS NOT NULL"),
            sqlite_where=sa.text("offer_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_lead_offered_user",
            ["owner_user_id", "waiting_since"],
            unique=False,
            postgresql_where=sa.text("offer_id IS NOT NULL"),
            sqlite_where=sa.text("offer_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_lead_open_partner",
            ["partner_account_id"],
            unique=False,
            postgresql_where=sa.text("is_open AND deleted_at IS NULL AND owner_user_id IS NOT NULL"),
            sqlite_where=sa.text("is_open = 1 AND deleted_at IS NULL AND owner_user_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_lead_open_user",
            ["owner_user_id"],
            unique=False,
            postgresql_where=sa.text("is_open AND deleted_at IS NULL AND owner_user_id IS NOT NULL"),
            sqlite_where=sa.text("is_open = 1 AND deleted_at IS NULL AND owner_user_id IS NOT NULL"),
        )
        batch_op.create_index("ix_lead_owner", ["owner_user_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_lead_partner", ["partner_account_id", "owner_rank", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_lead_phone_key", ["phone_key"], unique=False)
        batch_op.create_index("ix_lead_queue_created", ["owner_queue_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_lead_queue_waiting", ["owner_queue_id", "waiting_since", "id"], unique=False
        )
        batch_op.create_index(
            "ix_lead_score",
            ["score", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
            sqlite_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index("ix_lead_status", ["status_id", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_lead_updated",
            ["updated_at", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
            sqlite_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index("uq_lead_external_id", ["external_id"], unique=True)

    op.create_table(
        "partner_account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("level_id", sa.BigInteger(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enabled_by_id", sa.BigInteger(), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_partner_account_account_id")),
        sa.ForeignKeyConstraint(
            ["enabled_by_id"], ["user.id"], name=op.f("fk_partner_account_enabled_by_id")
        ),
        sa.ForeignKeyConstraint(["level_id"], ["partner_level.id"], name=op.f("fk_partner_account_level_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_partner_account_queue_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_partner_account")),
    )
    with op.batch_alter_table("partner_account", schema=None) as batch_op:
        batch_op.create_index("ix_partner_account_queue_id", ["queue_id"], unique=True)

    op.create_table(
        "queue_member",
        sa.Column("queue_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("minimum_rank", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (account_id IS NULL)", name=op.f("ck_queue_member_one_principal")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_queue_member_account_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_member_queue_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_queue_member_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_member")),
        sa.UniqueConstraint("ref", name=op.f("uq_queue_member_ref")),
    )
    with op.batch_alter_table("queue_member", schema=None) as batch_op:
        batch_op.create_index("ix_queue_member_account_id", ["account_id"], unique=False)
        batch_op.create_index("ix_queue_member_user_id", ["user_id"], unique=False)
        batch_op.create_index("uq_queue_member_account", ["queue_id", "account_id"], unique=True)
        batch_op.create_index("uq_queue_member_user", ["queue_id", "user_id"], unique=True)

    op.create_table(
        "round_robin",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_fold", sa.String(length=120), nullable=False),
        sa.Column("fallback_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("accept_within_minutes", sa.Integer(), nullable=True),
        sa.Column("state", JSON, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_round_robin_created_by_id")),
        sa.ForeignKeyConstraint(
            ["fallback_queue_id"], ["queue.id"], name=op.f("fk_round_robin_fallback_queue_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_round_robin_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_robin")),
        sa.UniqueConstraint("name_fold", name=op.f("uq_round_robin_name_fold")),
        sa.UniqueConstraint("ref", name=op.f("uq_round_robin_ref")),
    )

    op.create_table(
        "activity",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN lead_id IS NULL THEN 0 ELSE 1 END + CASE WHEN account_id IS NULL THEN 0 ELSE 1 END + CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_activity_one_record"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_activity_account_id")),
        sa.ForeignKeyConstraint(["company_id"], ["account.id"], name=op.f("fk_activity_company_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_activity_contact_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_activity_created_by_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_activity_lead_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_activity_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("ref", name=op.f("uq_activity_ref")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index("ix_activity_account", ["account_id", "at", "id"], unique=False)
        batch_op.create_index("ix_activity_author", ["created_by_id", "at"], unique=False)
        batch_op.create_index("ix_activity_contact", ["contact_id", "at", "id"], unique=False)
        batch_op.create_index("ix_activity_lead", ["lead_id", "at", "id"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(length=30), nullable=False),
        sa.Column("from_user_id", sa.BigInteger(), nullable=True),
        sa.Column("from_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("to_user_id", sa.BigInteger(), nullable=True),
        sa.Column("to_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("from_company_id", sa.BigInteger(), nullable=True),
        sa.Column("to_company_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("actor_company_id", sa.BigInteger(), nullable=True),
        sa.Column("trace", JSON, nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column("rule_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("bulk_act_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(to_user_id IS NULL) <> (to_queue_id IS NULL)", name=op.f("ck_assignment_one_target")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_assignment_lead_id")),
        sa.ForeignKeyConstraint(["to_queue_id"], ["queue.id"], name=op.f("fk_assignment_to_queue_id")),
        sa.ForeignKeyConstraint(["to_user_id"], ["user.id"], name=op.f("fk_assignment_to_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index("ix_assignment_bulk", ["bulk_act_id"], unique=False)
        batch_op.create_index("ix_assignment_lead", ["lead_id", "id"], unique=False)
        batch_op.create_index(
            "ix_assignment_rule_entry",
            ["rule_entry_id", "at"],
            unique=False,
            postgresql_where=sa.text("rule_entry_id IS NOT NULL"),
            sqlite_where=sa.text("rule_entry_id IS NOT NULL"),
        )
        batch_op.create_index("uq_assignment_turn", ["turn_id"], unique=True)

    op.create_table(
        "lead_refusal",
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["account.id"], name=op.f("fk_lead_refusal_company_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_refusal_lead_id")),
        sa.PrimaryKeyConstraint("lead_id", "company_id", name=op.f("pk_lead_refusal")),
    )

    op.create_table(
        "offer",
        sa.Column("id", KEY, nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("round_robin_id", sa.BigInteger(), nullable=True),
        sa.Column("origin_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column("hops", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["account.id"], name=op.f("fk_offer_company_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_offer_lead_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_offer_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
    )
    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.create_index("ix_offer_lead", ["lead_id", "id"], unique=False)
        batch_op.create_index("ix_offer_user", ["user_id", "state"], unique=False)
        batch_op.create_index(
            "uq_offer_pending",
            ["lead_id"],
            unique=True,
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "round_robin_member",
        sa.Column("round_robin_id", sa.BigInteger(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            "(CASE WHEN user_id IS NULL THEN 0 ELSE 1 END + CASE WHEN account_id IS NULL THEN 0 ELSE 1 END + CASE WHEN queue_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_round_robin_member_one_principal"),
        ),
        sa.CheckConstraint("weight BETWEEN 1 AND 1000", name=op.f("ck_round_robin_member_weight")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_round_robin_member_account_id")
        ),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_round_robin_member_queue_id")),
        sa.ForeignKeyConstraint(
            ["round_robin_id"], ["round_robin.id"], name=op.f("fk_round_robin_member_round_robin_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_round_robin_member_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_robin_member")),
        sa.UniqueConstraint("ref", name=op.f("uq_round_robin_member_ref")),
    )
    with op.batch_alter_table("round_robin_member", schema=None) as batch_op:
        batch_op.create_index("ix_round_robin_member_round_robin_id", ["round_robin_id"], unique=False)

    op.create_table(
        "rule_entry",
        sa.Column("rule_set_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("criteria", JSON, nullable=False),
        sa.Column("target_user_id", sa.BigInteger(), nullable=True),
        sa.Column("target_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("target_round_robin_id", sa.BigInteger(), nullable=True),
        sa.Column("target_account_id", sa.BigInteger(), nullable=True),
        sa.Column("fallback_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("notify", sa.Boolean(), nullable=False),
        sa.Column("accept_within_minutes", sa.Integer(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            "(CASE WHEN target_user_id IS NULL THEN 0 ELSE 1 END + CASE WHEN target_queue_id IS NULL THEN 0 ELSE 1 END + CASE WHEN target_round_robin_id IS NULL THEN 0 ELSE 1 END + CASE WHEN target_account_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_rule_entry_one_target"),
        ),
        sa.ForeignKeyConstraint(
            ["fallback_queue_id"], ["queue.id"], name=op.f("fk_rule_entry_fallback_queue_id")
        ),
        sa.ForeignKeyConstraint(["rule_set_id"], ["rule_set.id"], name=op.f("fk_rule_entry_rule_set_id")),
        sa.ForeignKeyConstraint(
            ["target_account_id"], ["account.id"], name=op.f("fk_rule_entry_target_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["target_queue_id"], ["queue.id"], name=op.f("fk_rule_entry_target_queue_id")
        ),
        sa.ForeignKeyConstraint(
            ["target_round_robin_id"], ["round_robin.id"], name=op.f("fk_rule_entry_target_round_robin_id")
        ),
        sa.ForeignKeyConstraint(["target_user_id"], ["user.id"], name=op.f("fk_rule_entry_target_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_entry")),
        sa.UniqueConstraint("ref", name=op.f("uq_rule_entry_ref")),
    )
    with op.batch_alter_table("rule_entry", schema=None) as batch_op:
        batch_op.create_index("ix_rule_entry_rule_set", ["rule_set_id", "position"], unique=False)

    op.create_table(
        "turn",
        sa.Column("id", KEY, nullable=False),
        sa.Column("round_robin_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("returns_turn_id", sa.BigInteger(), nullable=True),
        sa.Column("record", JSON, nullable=False),
        sa.ForeignKeyConstraint(["returns_turn_id"], ["turn.id"], name=op.f("fk_turn_returns_turn_id")),
        sa.ForeignKeyConstraint(["round_robin_id"], ["round_robin.id"], name=op.f("fk_turn_round_robin_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
    )
    with op.batch_alter_table("turn", schema=None) as batch_op:
        batch_op.create_index("ix_turn_round_robin", ["round_robin_id", "id"], unique=False)
        batch_op.create_index("uq_turn_returns", ["returns_turn_id"], unique=True)

    if not on_sqlite:
        op.create_foreign_key(op.f("fk_user_contact_id"), "user", "contact", ["contact_id"], ["id"])
        op.create_foreign_key(
            op.f("fk_user_partner_account_id"), "user", "account", ["partner_account_id"], ["id"]
        )
    _protect_append_only(on_sqlite)
    _first_rows()


APPEND_ONLY = ("event", "turn")


def _protect_append_only(on_sqlite: bool) -> None:
    """Rows of the event record and of the ledger of turns are never rewritten, by anybody."""
    if not on_sqlite:
        op.execute(
            "CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            name = f"{table}_no_{act.lower()}"
            if on_sqlite:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {act} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            else:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {act} ON {table}"
                    " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
                )


def _first_rows() -> None:
    now = datetime.now(UTC)
    if op.get_bind().dialect.name == "sqlite":
        now = now.replace(tzinfo=None)
    _insert(
        "organisation",
        [
            {
                "id": 1,
                "name": "Canal",
                "accent": "",
                "language": "en",
                "time_zone": "UTC",
                "strict_capture": False,
                "preview_fields": PREVIEW,
                "names": {},
                "version": 1,
                "defaults": {
                    "account": PRIVATE,
                    "contact": PRIVATE,
                    "lead": PRIVATE,
                    "case": PRIVATE,
                    "opportunity": {"internal": "read", "external": "private"},
                    "saved_view": {"internal": "private", "external": "private"},
                },
            }
        ],
    )
    statuses = [
        ("new", "New"),
        ("working", "Working"),
        ("qualified", "Qualified"),
        ("unqualified", "Unqualified"),
    ]
    _insert(
        "lead_status",
        [
            {
                "ref": new_ref("item"),
                "key": key,
                "name": name,
                "category": key,
                "position": i,
                "is_active": True,
            }
            for i, (key, name) in enumerate(statuses)
        ],
    )
    sources = [
        "Web form",
        "Phone",
        "Trade fair",
        "Referral",
        "Advertisement",
        "Purchased list",
        "Partner",
        "Other",
    ]
    _insert(
        "lead_source",
        [
            {
                "ref": new_ref("item"),
                "name": name,
                "name_fold": name.lower(),
                "position": i,
                "is_active": True,
            }
            for i, name in enumerate(sources)
        ],
    )
    reasons = [
        ("invalid", "The data is not valid", True),
        ("duplicate", "We have this lead already", True),
        ("no_capacity", "No capacity", False),
        ("not_our_market", "Not our market", False),
        ("other", "Other", False),
    ]
    _insert(
        "decline_reason",
        [
            {
                "ref": new_ref("item"),
                "key": key,
                "name": name,
                "gives_turn_back": back,
                "position": i,
                "is_active": True,
            }
            for i, (key, name, back) in enumerate(reasons)
        ],
    )
    _insert(
        "partner_level",
        [
            {"ref": new_ref("lvl"), "name": name, "position": i}
            for i, name in enumerate(["Registered", "Silver", "Gold"])
        ],
    )
    _insert(
        "queue",
        [
            {
                "ref": new_ref("queue"),
                "name": "Unassigned",
                "name_fold": "unassigned",
                "is_default": True,
                "created_at": now,
                "updated_at": now,
                "version": 1,
            }
        ],
    )


def _insert(table_name: str, rows: list[dict[str, object]]) -> None:
    json_columns = {"preview_fields", "names", "defaults"}
    columns = [
        sa.column(
            name,
            JSON if name in json_columns else sa.DateTime(timezone=True) if name.endswith("_at") else None,
        )
        for name in rows[0]
    ]
    op.bulk_insert(sa.table(table_name, *columns), rows)


def downgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    if not on_sqlite:
        op.drop_constraint("fk_user_contact_id", "user", type_="foreignkey")
        op.drop_constraint("fk_user_partner_account_id", "user", type_="foreignkey")
    for table in TABLES:
        op.drop_table(table)
    if not on_sqlite:
        op.execute("DROP FUNCTION refuse_rewriting()")


TABLES = (
    "turn",
    "rule_entry",
    "round_robin_member",
    "offer",
    "lead_refusal",
    "assignment",
    "activity",
    "round_robin",
    "queue_member",
    "partner_account",
    "lead",
    "queue",
    "import_issue",
    "idempotency_key",
    "delivery",
    "account_responsible",
    "user_session",
    "rule_set",
    "routing_alert",
    "organisation",
    "one_time_link",
    "notification",
    "import",
    "bulk_act",
    "api_token",
    "partner_level",
    "lead_status",
    "lead_source",
    "event",
    "decline_reason",
    "contact",
    "account",
    "user",
)
