"""Documents over the API: attached as forms, read, changed, deleted; content as it came."""

import hashlib
import io

from app.documents.models import Document
from tests.documents.files import HTML, PDF, TEXT, png
from tests.factories import make_account, make_lead, row_count
from tests.people import ApiClient


def send(client, path, content, name="offer.pdf", **fields):
    data = {"file": (io.BytesIO(content), name), **fields}
    headers = fields.pop("headers", {})
    return client.post(path, data={k: v for k, v in data.items() if k != "headers"},
                       content_type="multipart/form-data", headers=headers)  # fmt: skip


def test_documents_of_an_account(app, api, session, sal, pia, vic):
    account = make_account(session, "Forges", owner=sal)
    client, path = api(sal), f"/accounts/{account.ref}/documents"
    made = send(client, path, PDF, description="First", internal="true", tags="offer, 2026")
    assert made.status_code == 201
    document = made.json
    assert (document["name"], document["internal"], document["tags"]) == (
        "offer.pdf",
        True,
        ["2026", "offer"],
    )
    assert document["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert document["record"] == {"type": "account", "id": account.ref}
    again = send(client, path, PDF, name="same.pdf")
    assert (again.status_code, again.json["id"]) == (200, document["id"])
    here = f"/documents/{document['id']}"
    assert [item["id"] for item in client.get(path).json["items"]] == [document["id"]]
    assert [item["id"] for item in client.get("/documents?tag=offer&sort=-size").json["items"]] == [
        document["id"]
    ]

    changed = client.patch(here, {"internal": False, "tags": []}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json["internal"], changed.json["tags"]) == (200, False, [])
    stale = client.patch(here, {"name": "x"}, headers={"If-Match": made.headers["ETag"]})
    assert stale.status_code == 412 or stale.status_code == 409
    version = send(client, f"{here}/versions", png(), name="offer.png")
    assert (version.status_code, version.json["number"], version.json["name"]) == (201, 2, "offer.png")
    assert [v["number"] for v in client.get(f"{here}/versions").json["items"]] == [2, 1]
    content = ApiClient(app, client.token).get(f"{here}/content")
    assert (content.data, content.headers["Content-Disposition"][:10]) == (png(), "attachment")

    assert api(vic).get(here).status_code == 200
    assert api(vic).delete(here).status_code == 403
    assert api(pia).get(here).status_code == api(pia).get(f"{here}/content").status_code == 404
    assert (
        client.delete(f"/accounts/{make_account(session).ref}/documents/{document['id']}").status_code == 404
    )
    assert client.delete(f"{path}/{document['id']}").status_code == 204
    assert client.get(here).status_code == 404


def test_what_is_refused_says_why_and_leaves_nothing(api, session, sal, pia, otto):
    lead = make_lead(session, owner=pia)
    path = f"/leads/{lead.ref}/documents"
    refused = send(api(pia), path, HTML)
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert "web page" in refused.json["errors"]["file"][0]
    assert "internal" in send(api(pia), path, PDF, internal="true").json["errors"]
    assert "internal" in send(api(pia), path, PDF, internal="maybe").json["errors"]
    assert send(api(otto), path, PDF).status_code == 404
    assert send(api(pia), "/documents", PDF).status_code == 403
    answer = api(sal).post(path, data={}, content_type="multipart/form-data")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["file"])
    large = api(sal).request(
        "POST", path, input_stream=io.BytesIO(b""), content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(200 * 1024 * 1024)},
    )  # fmt: skip
    assert (large.status_code, large.json["type"].rpartition("/")[2]) == (413, "too-large")
    assert "100 MB" in large.json["detail"]
    assert row_count(session, Document) == 0


def test_a_repeated_post_attaches_once(api, session, sal):
    lead = make_lead(session, owner=sal)
    path, key = f"/leads/{lead.ref}/documents", {"Idempotency-Key": "once"}
    first = send(api(sal), path, TEXT, name="a.txt", headers=key)
    second = send(api(sal), path, TEXT, name="a.txt", headers=key)
    assert first.status_code == 201
    assert (second.status_code, row_count(session, Document)) in ((201, 1), (200, 1))
