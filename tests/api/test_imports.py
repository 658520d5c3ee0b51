"""/imports: a file in, how it stands, the refused rows out."""

import io
import json

import pytest

from app.intake.models import Import
from app.intake.run import run_one
from app.leads.models import Lead
from tests.factories import row_count, rows

CSV = b"Company,Town,E-mail,Score card\nForges,Girona,a@forges.example,x\n,Olot,,y\nMolins,Vic,not an address,z\n"


def upload(client, content=CSV, name="leads.csv", **fields):
    data = {"file": (io.BytesIO(content), name), **fields}
    return client.post("/imports", data=data, content_type="multipart/form-data")


def finish(session, answer):
    """Take the rows in, as the worker does."""
    import_ = next(i for i in rows(session, Import) if i.ref == answer.json["id"])
    session.commit()
    run_one(import_.id)
    session.expire_all()


def test_a_file_is_taken_in_in_the_background(session, api, mara):
    answer = upload(api(mara), mapping=json.dumps({"Company": "company", "Town": "city", "E-mail": "email"}))
    assert answer.status_code == 202
    assert (answer.json["state"], answer.json["object"], answer.json["filename"]) == (
        "waiting",
        "lead",
        "leads.csv",
    )
    assert row_count(session, Lead) == 0
    finish(session, answer)
    done = api(mara).get(f"/imports/{answer.json['id']}").json
    assert (done["state"], done["rows"], done["done"]) == ("done", 3, 3)
    assert (done["accepted"], done["refused"], done["warnings"]) == (2, 1, 1)
    assert {lead["company"] for lead in api(mara).items("/leads")} == {"Forges", "Molins"}
    rejected = api(mara).get(done["rejected_url"])
    assert (rejected.status_code, rejected.mimetype) == (200, "text/csv")
    assert "attachment" in rejected.headers["Content-Disposition"]
    assert b"Olot" in rejected.data
    assert api(mara).items("/imports") == [done]


def test_without_a_mapping_headers_are_matched(session, api, mara):
    content = b"Last name,Correo electr\xc3\xb3nico,nonsense\nPuig,p@forges.example,1\n"
    answer = upload(api(mara), content)
    assert answer.status_code == 202, answer.json
    finish(session, answer)
    lead = api(mara).items("/leads")[0]
    assert (lead["last_name"], lead["imported"]) == ("Puig", {"nonsense": "1"}) or lead["email"] is None


def test_the_same_file_again_creates_nothing(session, api, mara):
    mapping = json.dumps({"Company": "company"})
    finish(session, upload(api(mara), mapping=mapping))
    again = upload(api(mara), mapping=mapping)
    assert (again.status_code, again.json["state"]) == (202, "done")
    assert row_count(session, Lead) == 2


def test_a_file_that_is_no_table_has_failed_with_the_reason(api, mara):
    answer = upload(api(mara), b"\x89PNG\r\n\x1a\n\x00\x00" + bytes(range(256)) * 8, "leads.png")
    assert answer.status_code == 202
    assert (answer.json["state"], bool(answer.json["detail"])) == ("failed", True)


@pytest.mark.parametrize(
    "fields",
    [
        {"mapping": "x"}, {"mapping": "[]"}, {"mapping": "{}"}, {"mapping": '{"Company": "nonsense"}'},
        {"mapping": '{"Nobody": "company"}'}, {"mapping": '{"Company": ["company"]}'},
        {"mapping": '{"Company": "\\u0000"}'}, {"object": "case"}, {"nonsense": "1"},
        {"mapping": '{"Company": "company", "Town": "company"}'},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused_and_nothing_kept(session, api, mara, fields):
    assert upload(api(mara), **fields).status_code == 422
    assert row_count(session, Import) == 0


def test_a_file_must_be_there_and_of_that_kind(session, api, mara):
    client = api(mara)
    assert client.post("/imports", data={}, content_type="multipart/form-data").status_code in (415, 422)
    answer = client.post("/imports", data={"object": "lead"}, content_type="multipart/form-data")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["file"])
    assert client.post("/imports", {"file": "x"}).status_code == 415
    assert client.post("/imports", data="x", content_type="text/csv").status_code == 415
    assert upload(client, b"").status_code == 422
    assert row_count(session, Import) == 0


def test_imports_are_their_makers_and_the_administrators(api, mara, ada, sal, vic, pia, otto, session):
    answer = upload(api(mara), mapping='{"Company": "company"}')
    path = f"/imports/{answer.json['id']}"
    assert api(ada).get(path).status_code == 200
    assert upload(api(sal)).status_code == 403, "leads are not theirs to import"
    assert api(sal).get(path).status_code == 404
    for person in (vic, pia, otto):
        for refused in (
            upload(api(person)), api(person).get("/imports"), api(person).get(path), api(person).get(f"{path}/rejected"),
        ):  # fmt: skip
            assert refused.status_code == 403
    from app.kernel.actor import Role
    from tests.factories import make_user

    other = make_user(session, "Mia", role=Role.CHANNEL_MANAGER)
    session.commit()
    assert api(other).get(path).status_code == 404
    assert api(other).get(f"{path}/rejected").status_code == 404
    assert api(other).items("/imports") == []
    for ref in ("imp_0000000000000000000000", "lead_0000000000000000000000"):
        assert api(mara).get(f"/imports/{ref}").status_code == 404


def test_the_same_key_makes_one_import(session, api, mara):
    first = upload(api(mara), mapping='{"Company": "company"}')
    client = api(mara)
    answers = []
    for _time in range(2):
        data = {"file": (io.BytesIO(CSV), "other.csv"), "mapping": '{"Town": "city", "Company": "company"}'}
        answers.append(
            client.post(
                "/imports", data=data, content_type="multipart/form-data", headers={"Idempotency-Key": "once"}
            )
        )
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert first.status_code == answers[0].status_code == 202
    data = {
        "file": (io.BytesIO(CSV + b"x"), "other.csv"),
        "mapping": '{"Town": "city", "Company": "company"}',
    }
    other = client.post(
        "/imports", data=data, content_type="multipart/form-data", headers={"Idempotency-Key": "once"}
    )
    assert other.status_code == 422


def test_lists_page(api, mara):
    for number in range(3):
        upload(api(mara), CSV + str(number).encode(), mapping='{"Company": "company"}')
    assert len(api(mara).walk("/imports", 2)) == 3
    for query in ("nonsense=1", "sort=state", "limit=0"):
        assert api(mara).get(f"/imports?{query}").status_code == 422


def test_accounts_and_contacts_in_one_file_known_by_what_is_asked_for(session, api, mara):
    content = b"account.name,last_name,email,title\nForges,Puig,p@forges.example,CEO\nForges,Gil,g@forges.example,\n"
    answer = upload(api(mara), content, object="account_contact", match="email")
    assert (answer.status_code, answer.json["object"]) == (202, "account_contact")
    finish(session, answer)
    done = api(mara).get(f"/imports/{answer.json['id']}").json
    assert (done["state"], done["accepted"], done["refused"]) == ("done", 2, 0)
    assert [account["name"] for account in api(mara).items("/accounts")] == ["Forges"]
    changed = b"last_name,email,title\nPuig,P@forges.example,CTO\nNobody,n@forges.example,\n"
    finish(session, upload(api(mara), changed, object="contact", match="email", mode="update"))
    people = {contact["last_name"]: contact for contact in api(mara).items("/contacts")}
    assert (sorted(people), people["Puig"]["title"]) == (["Gil", "Puig"], "CTO")
    again = upload(api(mara), changed, object="contact", match="email", mode="update")
    assert again.json["state"] == "done"  # the same file in the same way
    assert upload(api(mara), changed, object="contact", match="email", mode="both").json["state"] == "waiting"
    for fields in (
        {"object": "contact", "match": "shoe size"}, {"object": "contact", "mode": "delete"},
        {"object": "account", "match": "email"}, {"match": "name"}, {"mode": "create"},
        {"object": "contact", "mode": "update"},
    ):  # fmt: skip
        assert upload(api(mara), b"last_name,company\nPuig,x\n", **fields).status_code == 422, fields
