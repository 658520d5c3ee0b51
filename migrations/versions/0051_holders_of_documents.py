"""Which partner holds the record of a document, beside the document's words: by these they look for their own."""

import sqlalchemy as sa
from alembic import op

revision = "0051_holders_of_documents"
down_revision = "0049_company_indexes"
branch_labels = None
depends_on = None

_HELD = sa.text("holder_id IS NOT NULL")


def upgrade() -> None:
    key = sa.ForeignKey("account.id", name=op.f("fk_document_word_holder_id"))
    op.add_column(
        "document_word", sa.Column("holder_id", sa.BigInteger(), key, nullable=True), inline_references=True
    )
    op.execute(
        """
        UPDATE document_word SET holder_id = (
            SELECT coalesce(lead.partner_account_id, opportunity.partner_account_id)
            FROM document
            LEFT JOIN lead ON lead.id = document.lead_id
            LEFT JOIN opportunity ON opportunity.id = document.opportunity_id
            WHERE document.id = document_word.document_id
            AND (
                document.company_id IS NULL
                OR document.company_id = coalesce(lead.partner_account_id, opportunity.partner_account_id)
            )
        )
        WHERE document_id IN (
            SELECT id FROM document
            WHERE NOT is_internal AND (lead_id IS NOT NULL OR opportunity_id IS NOT NULL)
        )
        """
    )
    op.create_index(
        "ix_document_word_holder",
        "document_word",
        ["holder_id", "word", "document_id"],
        postgresql_where=_HELD,
        sqlite_where=_HELD,
        postgresql_ops={"word": "text_pattern_ops"},
    )


def downgrade() -> None:
    op.drop_index("ix_document_word_holder", table_name="document_word")
    with op.batch_alter_table("document_word") as batch:
        batch.drop_constraint("fk_document_word_holder_id", type_="foreignkey")
        batch.drop_column("holder_id")
