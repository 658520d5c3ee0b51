"""Who sees a document: whoever sees its record, and of the library whom the default lets."""

import hashlib

import pytest
from sqlalchemy import select

from app.documents import filters
from app.documents.blobs import announce_blob
from app.documents.file_types import TYPES
from app.documents.filters import parse_document_query
from app.documents.models import Document, DocumentWord
from app.documents.operations import Outcome, add_version, attach_document, edit_document
from app.documents.queries import (
    count_documents,
    documents_of,
    get_version,
    list_documents,
    list_versions,
    open_document,
)
from app.documents.uploads import Received
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Level
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.kernel.paging import Page
from app.sharing import walking
from app.sharing.shares import share_record
from tests.factories import (
    actor_of,
    make_account,
    make_contact,
    make_lead,
    make_opportunity,
    make_queue,
    make_user,
    rows,
)
from tests.rows_read import rows_read


def put(session, user, record, name, **values):
    """A document without a content in the storage: nobody reads it here."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    announce_blob(session, digest, len(name), now=clock.now())
    received = Received(f"{name}.txt", digest, len(name), TYPES["text"])
    return attach_document(
        session, actor_of(session, user), record, received, now=clock.now(), **values
    ).document


def seen(session, user, *, opens=False, **given):
    """Names of all that the person finds, in the list and counted.  opens: each by its public name too, no other."""
    actor = actor_of(session, user)
    query = parse_document_query(session, actor, {name: [value] for name, value in given.items()})
    found, cursor = [], None
    while True:
        page: Page = list_documents(session, actor, query, cursor=cursor, limit=4)
        found += page.items
        cursor = page.older
        if cursor is None:
            break
    assert count_documents(session, actor, query) == len(found) == len({row.document.id for row in found})
    assert [row.document.created_at for row in found] == sorted(
        (row.document.created_at for row in found), reverse=True
    )
    if opens:
        keys = {row.document.id for row in found}
        for document in rows(session, Document):
            if document.id in keys:
                assert open_document(session, actor, document.ref).given >= Level.READ
            else:
                for read in (open_document, get_version):
                    with pytest.raises(NotFound):
                        read(session, actor, document.ref)
    return {row.document.name.removesuffix(".txt") for row in found}


def levels(session, user):
    actor = actor_of(session, user)
    page = list_documents(session, actor, parse_document_query(session, actor, {}), limit=100)
    return {row.document.name.removesuffix(".txt") for row in page.items if row.may_edit(actor)}


def give_to(session, lead, user):
    """As after a transfer: the lead is another company's from now on."""
    lead.owner_user_id, lead.partner_account_id = user.id, user.partner_account_id
    lead.owner_rank = user.role.rank
    session.flush()


@pytest.fixture(params=["found by the records", "walked"])
def finding(request, monkeypatch):
    """Both ways in which lists find documents: whoever is given few records is given many in one of them."""
    if request.param == "walked":
        monkeypatch.setattr(walking, "MOST_FOLLOWED", 0)
        monkeypatch.setattr(filters, "MOST_ASKED", 0)
    walking._which_are_many.cache_clear()
    yield
    walking._which_are_many.cache_clear()


@pytest.mark.usefixtures("finding")
def test_documents_follow_their_record(
    session, monkeypatch, ada, mara, sal, vic, pia, pam, otto, northwind, southwind
):
    organisation, reading = get_organisation(session), {"internal": "read", "external": "private"}
    organisation.defaults = {**organisation.defaults, "lead": reading, "account": reading, "contact": reading}
    porta = make_user(session, "Porta", account_scope=AccountScope.PORTFOLIO)
    lead, sals = make_lead(session, owner=pia), make_lead(session, owner=sal)
    account = make_account(session, "Forges", owner=porta)
    contact = make_contact(session, "Puig", account=account)
    private = make_contact(session, "Alone", account=None, owner=sal)
    put(session, pia, lead, "by pia")
    put(session, ada, lead, "for pia")
    put(session, ada, lead, "hidden", is_internal=True)
    put(session, sal, sals, "of sal")
    put(session, porta, account, "of account")
    put(session, ada, contact, "of contact")
    put(session, sal, private, "of private")
    put(session, sal, None, "of library")
    everything = {
        "by pia",
        "for pia",
        "hidden",
        "of sal",
        "of account",
        "of contact",
        "of private",
        "of library",
    }
    assert seen(session, ada) == levels(session, ada) == everything
    assert seen(session, sal) == everything
    assert seen(session, vic, opens=True) == seen(session, mara) == everything - {"of private"}
    assert levels(session, vic) == set()
    assert levels(session, sal) == {"of sal", "of private", "of library"}
    assert seen(session, porta, opens=True) == {"of account", "of contact"} == levels(session, porta)
    assert seen(session, pia, opens=True) == seen(session, pam) == {"by pia", "for pia"}
    assert levels(session, pia) == {"by pia"}
    assert seen(session, otto) == set()
    assert seen(session, sal, on="library") == {"of library"}
    assert seen(session, pia, by=ada.ref) == set(), "whose it is cannot be found out by a filter"
    assert seen(session, pia, by="me") == {"by pia"}
    for most in (1000, 1, 0):  # texts that few documents hold are looked up, of others each document is asked
        monkeypatch.setattr(filters, "MOST_FOUND", most)
        assert seen(session, sal, q="pia") == {"by pia", "for pia"}
        assert seen(session, pia, q="PI b") == {"by pia"}
        assert (
            seen(session, pia, q="hidd")
            == seen(session, otto, q="pia")
            == seen(session, ada, q="pia x")
            == set()
        )

    # Whoever is told of the vendor's people is not a partner.
    row = documents_of(session, actor_of(session, pia), lead).rows[0]
    assert (row.document.name, row.by) == ("for pia.txt", "")

    share_record(
        session,
        actor_of(session, sal),
        sals,
        {"type": "user", "id": pia.ref},
        "read",
        until=None,
        now=clock.now(),
    )
    assert seen(session, pia) == {"by pia", "for pia", "of sal"}
    assert levels(session, pia) == {"by pia"}

    # The lead goes to another company: the new one sees nothing of the former's, which sees nothing at all.
    give_to(session, lead, otto)
    put(session, otto, lead, "by otto")
    assert seen(session, otto, opens=True) == {"for pia", "by otto"}
    assert seen(session, pia) == {"of sal"}
    assert seen(session, mara) >= {"by pia", "by otto", "hidden"}
    lead.deleted_at = clock.now()
    session.flush()
    assert "by otto" not in seen(session, ada) | seen(session, otto)


def test_the_library_is_seen_by_whom_the_default_lets(session, ada, sal, pia, otto):
    put(session, sal, None, "brochure")
    put(session, sal, None, "margins", is_internal=True)
    organisation = get_organisation(session)

    def default(internal, external):
        organisation.defaults = {
            **organisation.defaults,
            "document": {"internal": internal, "external": external},
        }
        session.flush()

    other = make_user(session, "Ona")
    assert seen(session, pia) == set()
    assert seen(session, other) == {"brochure", "margins"}
    assert levels(session, other) == set()
    default("read_write", "read")
    assert levels(session, other) == {"brochure", "margins"}
    assert (seen(session, pia), levels(session, pia)) == ({"brochure"}, set())
    assert (seen(session, pia, q="broch"), seen(session, pia, q="margins")) == ({"brochure"}, set())
    default("private", "private")
    assert seen(session, other) == set()
    assert seen(session, sal) == levels(session, sal) == {"brochure", "margins"}
    # Partners are given all accounts, and are asked for nothing that is on others' leads.
    organisation.defaults = {**organisation.defaults, "account": {"internal": "read", "external": "read"}}
    put(session, ada, make_account(session, "Forges"), "brochure of forges")
    put(session, ada, make_lead(session, owner=otto), "brochure for otto")
    assert seen(session, pia, q="brochure") == {"brochure of forges"}


def test_what_partners_may_do_with_documents(session, ada, pia, pam, otto, northwind):
    lead = make_lead(session, owner=pia)
    own, theirs = put(session, pia, lead, "own"), put(session, ada, lead, "vendors")
    actor, now = actor_of(session, pia), clock.now()
    edit_document(session, actor_of(session, pam), own.ref, {"description": "x"}, now=now)
    for act, refused in (
        (lambda: edit_document(session, actor, theirs.ref, {"name": "x"}, now=now), NotAllowed),
        (lambda: edit_document(session, actor, own.ref, {"internal": True}, now=now), Invalid),
        (lambda: put(session, pia, lead, "hidden", is_internal=True), Invalid),
        (lambda: put(session, pia, None, "library"), NotAllowed),
        (lambda: put(session, otto, lead, "sideways"), NotFound),
        (lambda: put(session, make_user(session, role="viewer"), lead, "viewer"), NotAllowed),
    ):
        with pytest.raises(refused):
            act()
    # What is taken back from partners is gone for them at once; it can be opened again.
    edit_document(session, actor_of(session, ada), own.ref, {"internal": True}, now=now)
    assert seen(session, pia) == {"vendors"}
    # Whoever sees a preview of a lead sees nothing that is on it.
    waiting = make_lead(session, queue=make_queue(session, members=(northwind,)))
    put(session, ada, waiting, "early")
    assert seen(session, pia) == {"vendors"}


def test_a_list_costs_as_many_statements_for_six_rows_as_for_thirty(session, count_queries, ada, sal, pia):
    lead = make_lead(session, owner=pia)
    for number in range(6):
        put(session, ada, lead, f"one {number}", tags="x")
    counts = []
    for more in (0, 24):
        for number in range(more):
            put(session, ada, lead, f"more {number}", tags=f"x, y{number}")
        for user in (sal, pia):
            actor = actor_of(session, user)
            with count_queries() as queries:
                page = list_documents(session, actor, parse_document_query(session, actor, {"q": ["one"]}))
                documents_of(session, actor, lead)
            assert len(page.items) == 6
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 10


def test_a_file_not_for_partners_is_no_version_of_one_that_they_see(session, mara, otto, southwind):
    """Whoever sees a document sees its versions: another file of its name stands by itself."""
    lead = make_lead(session, owner=otto, company="Roca")
    actor = actor_of(session, mara)

    def keep(content):
        digest = hashlib.sha256(content).hexdigest()
        announce_blob(session, digest, len(content), now=clock.now())
        return Received("offer.txt", digest, len(content), TYPES["text"])

    def attach(content, **values):
        return attach_document(
            session, actor, lead, keep(content), as_version=True, now=clock.now(), **values
        )

    first, inside, newer = attach(b"offer"), attach(b"margins", is_internal=True), attach(b"new offer")
    assert [first.outcome, inside.outcome, newer.outcome] == [Outcome.ADDED, Outcome.ADDED, Outcome.VERSION]
    assert newer.document.ref == first.document.ref

    # Shown to partners afterwards, it shows them what it is now and not what it was.
    later = add_version(session, actor, inside.document.ref, keep(b"cleaned"), now=clock.now()).document
    edit_document(session, actor, later.ref, {"internal": False}, now=clock.now())
    theirs, shown = actor_of(session, otto), [v.number for v in list_versions(session, actor, later)]
    assert shown == [2, 1]
    assert [v.number for v in list_versions(session, theirs, later)] == [2]
    assert get_version(session, theirs, later.ref)[1].number == 2
    with pytest.raises(NotFound):
        get_version(session, theirs, later.ref, 1)


@pytest.mark.databases("sqlite")
def test_a_word_that_only_hidden_documents_hold_costs_a_partner_what_no_word_costs(
    api, session, count_queries, ada, pia, otto
):
    put(session, ada, make_lead(session, owner=otto), "Zaragoza tender")
    lead = make_lead(session, owner=pia)
    put(session, ada, lead, "own")
    session.commit()
    client = api(pia)
    client.get("/documents?q=own")
    for room in ("/documents", f"/leads/{lead.ref}/documents"):
        told = []
        for word in ("zaragoza", "absent"):
            with count_queries() as queries:
                answer = client.get(f"{room}?q={word}")
            assert answer.json["items"] == []
            told.append([str(each).partition(" WHERE ")[0][:120] for each in queries])
        assert len(told[0]) == len(told[1]), (room, told)


@pytest.mark.databases("sqlite", "postgresql")
@pytest.mark.parametrize("most_asked", [200, 3])
def test_partners_read_no_more_for_a_word_that_many_hidden_documents_hold(
    app, api, session, monkeypatch, ada, pia, otto, southwind, most_asked
):
    """Whether they are given few records or many."""
    monkeypatch.setattr(filters, "MOST_ASKED", most_asked)
    theirs = make_lead(session, owner=otto)
    document = put(session, ada, theirs, "zaragoza 0")
    for number in range(1, 600):
        session.add(Document(**_copied(document, number)))
    session.flush()
    keys = [each.id for each in rows(session, Document) if each.id != document.id]
    holder = otto.partner_account_id
    session.add_all(DocumentWord(document_id=key, word="zaragoza", holder_id=holder) for key in keys)
    leads = [make_lead(session, owner=pia) for _number in range(6)]
    for number, lead in enumerate(leads):
        put(session, ada, lead, f"own {number}")
    session.commit()
    session.connection().exec_driver_sql("ANALYZE")
    session.commit()
    client = api(pia)
    for path in ("/documents?q={}", "/documents?q={}+0"):
        read = {}
        for word in ("zaragoza", "zaragozz", "own"):
            read[word] = rows_read(
                lambda path=path, word=word: client.get(path.format(word)), "document_word"
            )
        assert read["zaragoza"] == read["zaragozz"] <= read["own"], read


def _copied(document, number):
    held = {c.name: getattr(document, c.name) for c in Document.__table__.columns if c.name != "id"}
    return {**held, "ref": f"{document.ref}{number}"}


@pytest.mark.databases("sqlite", "postgresql")
def test_documents_are_found_by_who_holds_their_record_now(
    api, session, monkeypatch, count_queries, ada, mara, pia, otto, southwind
):
    """By the words of what a company holds, as for who is given many records."""
    monkeypatch.setattr(filters, "MOST_ASKED", 0)
    leads = [make_lead(session, owner=pia) for _number in range(2)]
    for number in range(50):
        put(session, ada, leads[0], f"tender {number}")
    own = put(session, pia, leads[0], "tender of pia")
    opportunity = make_opportunity(session, owner=pia)
    put(session, ada, opportunity, "tender for it")
    session.commit()

    def found(user, word="tender"):
        answer = api(user).get(f"/documents?q={word}&limit=100")
        return len(answer.json["items"])

    assert (found(pia), found(otto)) == (52, 0)
    # Handed over with fifty documents it costs three statements more than with none, which asks for them alone.
    statements = []
    for lead in reversed(leads):
        with count_queries() as queries:
            answer = api(mara).post(f"/leads/{lead.ref}/assign", {"owner": {"type": "user", "id": otto.ref}})
        assert answer.status_code == 200, answer.json
        statements.append(len(queries))
    # Those of the vendor's, and the one of the company that it leaves.
    assert statements[1] <= statements[0] + 3, statements
    assert (found(pia), found(otto)) == (1, 50)
    holders = select(DocumentWord.holder_id).where(DocumentWord.document_id == own.id).distinct()
    assert session.scalars(holders).all() == [None], (
        "what another company attached is nobody's to look through"
    )

    api(mara).patch(f"/opportunities/{opportunity.ref}", {"owner": otto.ref})
    assert (found(pia), found(otto)) == (0, 51)
    some = api(ada).get("/documents?q=tender+7").json["items"][0]["id"]
    api(ada).patch(f"/documents/{some}", {"internal": True})
    assert found(otto) == 50
