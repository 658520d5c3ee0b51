"""Puts the application together: settings, database, sign-in, rooms.  Holds no rules of its own."""

from importlib import import_module
from typing import Any

from flask import Flask
from flask_wtf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from app.api.door import bp
from app.fields.catalogue import let_go_of_edition
from app.health.upkeep import keep_results
from app.kernel.db import db
from app.kernel.engines import prepare_engine
from app.migrating import init_migrations
from app.scores.upkeep import forget_arrived, settle_scores
from app.search.upkeep import note_written
from app.settings import Settings, init_settings
from app.settings_cli import load_settings, settings_command
from app.sharing.keys import number_new
from app.sharing.scope import refuse_unscoped
from app.sharing.upkeep import forget_touched, note_flushed, settle
from app.starting import LateRule, without_collecting
from app.web import error_pages
from app.web.access import check_routes, public
from app.web.assets import init_assets
from app.web.charts import init_charts
from app.web.context import init_context
from app.web.converters import RefConverter
from app.web.filters import init_filters
from app.web.limits import limiter
from app.web.logs import init_logs
from app.web.notices import notices
from app.web.once import form_tokens
from app.web.security import init_security
from app.web.signed_in import init_sign_in
from app.web.uploads import init_uploads

# Everything that declares tables; imported so that the metadata is whole.
MODELS = (
    "app.identity.models",
    "app.events.models",
    "app.accounts.models",
    "app.accounts.relations.models",
    "app.partners.models",
    "app.activities.models",
    "app.campaigns.models",
    "app.leads.models",
    "app.capture.models",
    "app.scores.models",
    "app.cases.models",
    "app.opportunities.models",
    "app.conversion.models",
    "app.documents.models",
    "app.routing.models",
    "app.notifications.models",
    "app.intake.models",
    "app.sharing.models",
    "app.search.models",
    "app.care.models",
    "app.lists.models",
    "app.fields.models",
    "app.targets.models",
    "app.subscriptions.models",
    "app.health.models",
    "app.reports.models",
)
BLUEPRINTS: tuple[str, ...] = (
    "app.web.health:bp",
    "app.identity.views:bp",
    "app.identity.second_step_views:bp",
    "app.identity.profile_views:bp",
    "app.identity.second_factor_views:bp",
    "app.identity.user_views:bp",
    "app.identity.viewing_views:bp",
    "app.offboarding.views:bp",
    "app.home.views:bp",
    "app.leads.views:bp",
    "app.inbox.views:bp",
    "app.search.views:bp",
    "app.care.person_views:bp",
    "app.care.merge_views:bp",
    "app.care.ageing_views:bp",
    "app.care.naming_views:bp",
    "app.notifications.views:bp",
    "app.notifications.delivery_views:bp",
    "app.notifications.told_views:bp",
    "app.notifications.texts.views:bp",
    "app.accounts.views:bp",
    "app.accounts.contact_views:bp",
    "app.accounts.relations.views:bp",
    "app.accounts.kind_views:bp",
    "app.opportunities.views:bp",
    "app.opportunities.work_views:bp",
    "app.conversion.views:bp",
    "app.cases.views:bp",
    "app.activities.views:bp",
    "app.documents.views:bp",
    "app.activities.day_views:bp",
    "app.activities.calendar_views:bp",
    "app.partners.views:bp",
    "app.targets.views:bp",
    "app.subscriptions.views:bp",
    "app.scorecards.views:bp",
    "app.setup.views:bp",
    "app.setup.lead_fields:bp",
    "app.setup.lead_path:bp",
    "app.setup.words:bp",
    "app.scores.views:bp",
    "app.capture.views:bp",
    "app.capture.public_views:bp",
    "app.fields.views:bp",
    "app.setup.enabling_views:bp",
    "app.events.views:bp",
    "app.intake.views:bp",
    "app.routing.views.queues:bp",
    "app.routing.views.round_robins:bp",
    "app.routing.views.rules:bp",
    "app.routing.views.alerts:bp",
    "app.routing.views.owners:bp",
    "app.sharing.views.defaults:bp",
    "app.sharing.views.groups:bp",
    "app.sharing.views.rules:bp",
    "app.sharing.views.access:bp",
    "app.sharing.views.seen:bp",
    "app.lists.views:bp",
    "app.campaigns.member_views:bp",
    "app.reports.views:bp",
)
COMMANDS: tuple[str, ...] = (
    "app.serve:serve_command",
    "app.serve:web_command",
    "app.worker:worker_command",
    "app.notifications.commands:outbox",
    "app.identity.cli:users",
    "app.identity.cli:tokens",
    "app.setup.commands:prm",
    "app.setup.commands:portal",
    "app.intake.commands:leads",
    "app.demo.commands:demo",
    "app.routing.cli:routing",
    "app.sharing.commands:sharing",
    "app.scores.commands:scores",
    "app.reports.commands:reports",
    "app.documents.commands:documents",
    "app.health.upkeep:backup",
)

# Modules whose routes hang on the API's blueprint.
API: tuple[str, ...] = (
    "app.api.document",
    "app.api.leads",
    "app.api.lead_forms",
    "app.api.lead_acts",
    "app.api.scores",
    "app.api.assignments",
    "app.api.inbox",
    "app.api.activities",
    "app.api.documents",
    "app.api.record_documents",
    "app.api.accounts",
    "app.api.relations",
    "app.api.contacts",
    "app.api.opportunities",
    "app.api.conversion",
    "app.api.cases",
    "app.api.campaigns",
    "app.api.partners",
    "app.api.targets",
    "app.api.users",
    "app.api.queues",
    "app.api.sharing",
    "app.api.shares",
    "app.api.round_robins",
    "app.api.assignment_rules",
    "app.api.imports",
    "app.api.exports",
    "app.api.settings",
    "app.api.registries",
    "app.api.deliveries",
    "app.api.events",
    "app.api.access",
)

# Modules that say what lists of an object can show, filter by, sort by and edit (`app.lists.catalogue`); those
# that describe objects before those that add fields to them.
LISTS: tuple[str, ...] = (
    "app.accounts.list_fields",
    "app.activities.list_fields",
    "app.accounts.relations.list_fields",
    "app.opportunities.list_fields",
    "app.cases.list_fields",
    "app.documents.list_fields",
    "app.care.list_fields",
    "app.leads.list_fields",
    "app.campaigns.list_fields",
    "app.lists.tag_fields",
    "app.fields.list_fields",
    "app.reports.list_fields",
)

csrf = CSRFProtect()


@without_collecting()
def create_app(settings: Settings | None = None) -> Flask:
    """The application.  settings: those of the environment unless given (tests give theirs)."""
    settings = settings or load_settings()
    app = Flask(__name__)
    app.url_rule_class = LateRule
    init_settings(app, settings)
    app.config.update(
        SECRET_KEY=settings.signing_key,
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database),
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as the session
        BABEL_DEFAULT_LOCALE="en",
        BABEL_TRANSLATION_DIRECTORIES="translations",
    )
    app.url_map.converters["ref"] = RefConverter
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    _init_database(app)
    init_logs(app, settings)
    init_security(app, settings)
    init_uploads(app, settings)
    init_assets(app)
    init_charts(app)
    init_sign_in(app)
    init_context(app)
    init_filters(app)
    limiter.init_app(app)
    csrf.init_app(app)
    app.jinja_env.globals["form_tokens"] = form_tokens
    app.jinja_env.globals["notices"] = notices
    error_pages.init_error_pages(app)
    for path in BLUEPRINTS:
        app.register_blueprint(_load(path))
    for module in (*LISTS, *API):
        import_module(module)
    app.register_blueprint(bp)
    csrf.exempt(bp)  # no cookie opens it: a bearer token is asked for
    csrf.exempt(app.blueprints["capture"])  # posted to from any site, by strangers: no session is looked at
    for path in COMMANDS:
        app.cli.add_command(_load(path))
    app.cli.add_command(settings_command)
    keep_results(app)
    public(app.view_functions["static"])
    check_routes(app)
    return app


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _init_database(app: Flask) -> None:
    for module in MODELS:
        import_module(module)
    db.init_app(app)
    init_migrations(app)
    with app.app_context():
        prepare_engine(db.engine)
    for moment, listener in (
        ("do_orm_execute", refuse_unscoped),
        ("before_flush", number_new),
        ("after_flush", note_flushed),
        ("after_flush", note_written),
        ("before_commit", settle_scores),  # scores first, which criteria of sharing rules may compare
        ("before_commit", settle),
        ("after_rollback", forget_touched),
        ("after_rollback", forget_arrived),
        ("after_commit", let_go_of_edition),
        ("after_rollback", let_go_of_edition),
    ):
        if not event.contains(db.session, moment, listener):
            event.listen(db.session, moment, listener)


def _engine_options(url: str) -> dict[str, object]:
    if url.startswith("sqlite"):
        # A pool keeps SQLite's prepared statements and page cache from request to request.
        return {
            "poolclass": QueuePool,
            "pool_size": 10,
            "max_overflow": 20,
            "hide_parameters": True,  # what people typed stays out of logs
            "connect_args": {"check_same_thread": False},
        }
    return {
        "pool_size": 10,
        "max_overflow": 10,
        "pool_timeout": 10,
        "pool_recycle": 1800,
        "pool_use_lifo": True,
        "hide_parameters": True,  # as above
        "connect_args": {"options": "-c lock_timeout=10000 -c idle_in_transaction_session_timeout=120000"},
    }
