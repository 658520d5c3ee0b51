"""Words of the organisation."""

revision = "0030_words"
down_revision = "0029_campaigns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
