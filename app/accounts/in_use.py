"""What keeps an account from being deleted."""

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_ngettext as _ln
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.activities.models import Activity
from app.activities.places import is_readable
from app.cases.models import Case
from app.kernel.actor import Actor, Level
from app.kernel.errors import InUse
from app.opportunities.models import Opportunity, StageCategory
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

# An account with open work stays, whoever sees that work.
_IN_USE = Actor.system("open work on accounts")


def refuse_in_use(session: Session, actor: Actor, account: Account) -> None:
    """Raises InUse: what is in the way is counted as far as the actor sees it, and else said to be hidden."""
    if session.get(PartnerAccount, account.id) is not None:
        raise InUse(_l("It is a partner. Suspend it instead: what it did stays on record."))
    tasks = select(func.count()).where(Activity.of_account_id == account.id, Activity.is_done.is_(False))
    cases = select(func.count(Case.id)).where(
        Case.account_id == account.id, Case.is_open, Case.deleted_at.is_(None)
    )
    sales = select(func.count(Opportunity.id)).where(
        Opportunity.account_id == account.id,
        Opportunity.category == StageCategory.OPEN,
        Opportunity.deleted_at.is_(None),
    )
    below = (
        select(func.count())
        .select_from(Account)
        .where(Account.parent_id == account.id, Account.deleted_at.is_(None))
    )
    if open_tasks := session.scalar(tasks.where(is_readable(actor))) or 0:
        raise InUse(_ln("%(num)s task is still open.", "%(num)s tasks are still open.", open_tasks))
    if selling := session.scalar(sales.where(scope(Opportunity, actor, Level.READ))) or 0:
        raise InUse(
            _ln("%(num)s opportunity is still open.", "%(num)s opportunities are still open.", selling)
        )
    if open_cases := session.scalar(cases.where(scope(Case, actor, Level.READ))) or 0:
        raise InUse(_ln("%(num)s case is still open.", "%(num)s cases are still open.", open_cases))
    if number := session.scalar(below.where(scope(Account, actor, Level.READ))) or 0:
        raise InUse(_ln("%(num)s account stands below it.", "%(num)s accounts stand below it.", number))
    hidden = (
        tasks,
        sales.where(scope(Opportunity, _IN_USE)),
        cases.where(scope(Case, _IN_USE)),
        below.where(scope(Account, _IN_USE)),
    )
    if any(session.scalar(statement) for statement in hidden):
        raise InUse(_l("There is still something open on it that you do not see. Ask an administrator."))
