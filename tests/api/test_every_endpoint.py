"""What holds for every endpoint, so that a new one cannot forget it."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.api.answers import CheckedClient, Document
from tests.people import Client

pytestmark = pytest.mark.databases("sqlite")  # what is asked for here never reaches a table

KINDS = {
    "lead_id": "lead", "account_id": "acct", "contact_id": "cont", "user_id": "user", "queue_id": "queue",
    "round_robin_id": "rr", "rule_id": "rule", "member_id": "mem", "responsible_id": "mem", "activity_id": "act",
    "import_id": "imp", "lead_form_id": "form", "bulk_act_id": "bulk", "delivery_id": "dlv", "item_id": "item",
    "relationship_id": "rel", "characteristic_id": "char", "interest_id": "int", "group_id": "group", "sharing_rule_id": "srule", "share_id": "share",
    "document_id": "doc", "export_id": "exp", "case_id": "case",
    "opportunity_id": "opp", "campaign_id": "camp", "part_id": "ocr", "target_id": "target",
}  # fmt: skip
NOBODY = f"user_{'0' * 22}"
SHARE: dict[str, Any] = {"principal": {"type": "all_internal"}, "level": "read"}
# Bodies that are valid, so that only the record in the path is wrong.
BODIES: dict[str, Any] = {
    "decline": {"reason": "other"}, "release": {"reason": "other"}, "assign": {"route": True},
    "log_on_lead": {"kind": "note", "subject": "x"}, "log_on_account": {"kind": "note", "subject": "x"},
    "log_on_contact": {"kind": "note", "subject": "x"}, "log_on_case": {"kind": "note", "subject": "x"},
    "log_on_opportunity": {"kind": "note", "subject": "x"}, "new_part": {"contact_id": f"cont_{'0' * 22}"},
    "new_opportunity_share": {"principal": {"type": "all_internal"}, "level": "read"}, "suspend_partner": {"open_leads": "keep"},
    "deactivate": {"open_records": "keep"}, "change_weight": {"weight": 2}, "new_item": {"name": "x"},
    "new_relationship": {"account_id": f"acct_{'0' * 22}", "reason": "Supplier of"},
    "new_interest": {"area": "Bikes", "interest": True}, "new_characteristic": {"type": "Fleet", "value": "x"},
    "new_responsible": {"user_id": NOBODY}, "new_queue_member": {"type": "user", "id": NOBODY},
    "new_round_robin_member": {"principal": {"type": "user", "id": NOBODY}},
    "new_group_member": {"type": "all_internal"}, "new_lead_share": SHARE, "new_account_share": SHARE,
    "new_campaign_member": {"lead_id": f"lead_{'0' * 22}"}, "change_campaign_member": {"status": "x"},
    "new_target": {"period": "month", "starts_on": "2026-10-01", "converted": 1}, "change_target": {"converted": 2},
    "new_contact_share": SHARE, "new_case_share": SHARE,
}  # fmt: skip


def calls(document: Document) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of everything that the document has."""
    return [
        (method.upper(), path, operation)
        for path, operations in document.whole["paths"].items()
        for method, operation in operations.items()
    ]


def filled(path: str, **values: str) -> str:
    """The path with names of records that do not exist."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return values.get(name) or ("lead_sources" if name == "registry" else f"{KINDS[name]}_{'0' * 22}")

    return re.sub(r"\{(\w+)\}", value, path)


def ask(client: Any, method: str, path: str, operation: dict[str, Any], **kwargs: Any) -> Any:
    body = BODIES.get(operation["operationId"], {}) if method in ("POST", "PATCH") else None
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        return client.request(method, path, data={}, content_type="multipart/form-data", **kwargs)
    return client.request(method, path, body, **kwargs)


def test_the_document_knows_every_endpoint(app: Flask, document: Document) -> None:
    served = {
        (method, re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    own = {("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/docs")}
    assert served - own == {(method, path) for method, path, _operation in calls(document)}


def test_nobody_gets_in_without_a_token(app, document, signed_in, mara) -> None:
    stranger, browser = Client(app, use_cookies=False), signed_in(mara)
    wrong = []
    for method, path, _operation in calls(document):
        for caller in (stranger, browser):
            answer = caller.open(
                filled(path), method=method, json={} if method in ("POST", "PATCH") else None
            )
            if (answer.status_code, answer.mimetype) != (401, "application/problem+json"):
                wrong.append(f"{method} {path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_what_does_not_exist_is_not_found(api, ada, document: Document) -> None:
    client: CheckedClient = api(ada)
    wrong = []
    # What an administrator's role has nothing to do with.
    partners_only = {"accept", "decline"}
    for method, path, operation in calls(document):
        if "{" not in path or path.endswith("/registries/{registry}"):
            continue
        answer = ask(client, method, filled(path), operation)
        expected = {404} if operation["operationId"] not in partners_only else {403, 404}
        if answer.status_code not in expected:
            wrong.append(f"{method} {path}: {answer.status_code}")
        names = [n for n in re.findall(r"\{(\w+)\}", path) if n not in ("registry", "item_id")]
        for name in names:
            for other in ("lead_" if KINDS[name] != "lead" else "acct_", "", "%00", "x' OR '1'='1"):
                ref = f"{other}{'0' * 22}"
                answer = ask(client, method, filled(path, **{name: ref}), operation)
                if answer.status_code not in expected:
                    wrong.append(f"{method} {path} {ref}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_fields_that_do_not_exist_are_refused(api, ada, document: Document) -> None:
    client: CheckedClient = api(ada)
    wrong = []
    for method, path, operation in calls(document):
        if method not in ("POST", "PATCH"):
            continue
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
            answer = client.request(
                method, filled(path), data={"nonsense": "1"}, content_type="multipart/form-data"
            )
        else:
            body = {**BODIES.get(operation["operationId"], {}), "nonsense": 1}
            answer = client.request(method, filled(path), body)
        if operation["operationId"] in ("accept", "decline") and answer.status_code in (403, 404):
            continue
        if answer.status_code != 422 or "nonsense" not in answer.json["errors"]:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.json}")
    assert not wrong, "\n".join(wrong)


def test_filters_that_do_not_exist_are_refused_by_every_list(api, ada, document: Document) -> None:
    client: CheckedClient = api(ada)
    wrong = []
    for method, path, operation in calls(document):
        schema = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        is_list = schema.get("schema", {}).get("$ref", "").endswith("List") and method == "GET"
        if (
            is_list and "{" not in path and not path.endswith(("/inbox", "/targets"))
        ):  # partner people's alone
            for query in ("nonsense=1", "limit=0", "limit=201", "cursor=x", "sort=nonsense"):
                answer = client.get(f"{path}?{query}")
                if answer.status_code != (400 if query == "cursor=x" else 422):
                    wrong.append(f"{path}?{query}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_get_changes_nothing(app, session, api, ada, mara, pia, world, document: Document) -> None:
    from app.kernel.db import Base
    from tests.factories import dump

    models = [m.class_ for m in Base.registry.mappers if m.class_.__tablename__ != "api_token"]
    refs = {
        "lead_id": world.owned.ref, "account_id": world.account.ref, "contact_id": world.contact.ref,
        "user_id": pia.ref, "queue_id": world.queue.ref,
    }  # fmt: skip
    clients = [api(person) for person in (ada, mara, pia)]
    before = dump(session, *models)
    for client in clients:
        for method, path, _operation in calls(document):
            if method == "GET":
                client.get(filled(path, **refs))
    assert dump(session, *models) == before
