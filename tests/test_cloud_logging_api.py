"""The local logging API over REST: order, pages, resources, limits and refusals, as the reference has them."""

from __future__ import annotations

import json
import os

import pytest

from gpkit.stack import cloud_logging
from tests.logging_api_support import all_ids, ask, entry, fresh_project, listed, pages, refused


@pytest.fixture(scope="module")
def api():
    with cloud_logging() as running:
        yield running


@pytest.fixture
def project(api):
    name = fresh_project()
    api.add([entry(name, second) for second in (3, 1, 2)])
    return name


# Order


def test_entries_come_oldest_first_by_default_and_newest_first_when_asked(api, project):
    assert all_ids(api, project) == ["id-0001", "id-0002", "id-0003"]
    assert all_ids(api, project, orderBy="timestamp asc") == ["id-0001", "id-0002", "id-0003"]
    assert all_ids(api, project, orderBy="timestamp desc") == ["id-0003", "id-0002", "id-0001"]


def test_entries_of_one_instant_come_by_insert_id_in_both_orders(api):
    project = fresh_project()
    api.add([entry(project, 5, "b"), entry(project, 5, "a"), entry(project, 4, "c")])

    assert all_ids(api, project) == ["c", "a", "b"]
    assert all_ids(api, project, orderBy="timestamp desc") == ["a", "b", "c"]


def test_instants_are_ordered_by_value_whatever_their_digits_and_offset(api):
    project = fresh_project()
    stamps = {
        "first": "2025-09-07T13:00:00Z",
        "second": "2025-09-07T15:00:00.000000001+02:00",
        "third": "2025-09-07T13:00:00.1Z",
        "fourth": "2025-09-07T13:00:00.10000002Z",
    }
    api.add([entry(project, 0, name) | {"timestamp": stamps[name]} for name in reversed(stamps)])

    assert all_ids(api, project) == list(stamps)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pages_hold_every_entry_once(api, order, size):
    project = fresh_project()
    api.add([entry(project, second // 3, f"{second:03d}") for second in range(20)])

    sizes = [len(page) for page in pages(api, project, pageSize=size, orderBy=f"timestamp {order}")]

    assert sum(sizes) == 20
    assert max(sizes) <= size
    assert len(set(all_ids(api, project, pageSize=size, orderBy=f"timestamp {order}"))) == 20


def test_an_entry_that_comes_behind_the_cursor_is_not_on_a_later_page_and_shifts_none(api, project):
    first = listed(api, project, pageSize=2)
    api.add([entry(project, 0, "late-before"), entry(project, 9, "late-after")])
    rest = listed(api, project, pageSize=2, pageToken=first["nextPageToken"])

    assert [one["insertId"] for one in first["entries"]] == ["id-0001", "id-0002"]
    assert [one["insertId"] for one in rest["entries"]] == ["id-0003", "late-after"]
    assert all_ids(api, project) == ["late-before", "id-0001", "id-0002", "id-0003", "late-after"]


def test_a_copy_of_an_entry_is_not_held_twice(api, project):
    added = api.add([entry(project, 1), entry(project, 1, log="other"), entry(project, 8)])

    assert added == 2
    assert all_ids(api, project) == ["id-0001", "id-0001", "id-0002", "id-0003", "id-0008"]


# Bytes


def test_an_entry_of_a_file_is_answered_in_its_own_bytes(tmp_path):
    text = (
        '{"insertId": "a",  "logName":"projects/p/logs/l", "timestamp": "2025-09-07T13:00:00.123456789Z",\n'
        ' "jsonPayload": {"big": 9007199254740993, "float": 1e400, "é": "\\ud83d", "z": 1, "a": 1.10},'
        ' "errorGroups": [{"id": "CJ"}]}'
    )
    (tmp_path / "one.json").write_text(f"[{text}]", "utf-8")
    with cloud_logging([tmp_path / "one.json"]) as api:
        import urllib.request

        call = urllib.request.Request(f"{api.rest_url}/v2/entries:list", b'{"resourceNames": ["projects/p"]}')
        with urllib.request.urlopen(call) as answer:
            assert answer.read() == f'{{"entries":[{text}]}}'.encode()


def test_keys_in_snake_case_are_answered_in_the_apis_spelling(api):
    project = fresh_project()
    api.add(
        [
            {
                "insert_id": "w",
                "timestamp": "2025-09-07T13:00:00+00:00",
                "text_payload": "snake_case stays",
                "resource": {"type": "x", "labels": {"project_id": project}},
            }
        ]
    )
    (found,) = listed(api, project)["entries"]

    assert found["insertId"] == "w"
    assert found["textPayload"] == "snake_case stays"


@pytest.mark.parametrize("folding", ["array", "lines", "wrapped", "gzip", "utf-16"])
def test_every_shape_of_export_is_served(tmp_path, folding):
    import gzip

    entries = [entry("p", second, textPayload="ü") for second in range(3)]
    texts = [json.dumps(one) for one in entries]
    content = {
        "array": json.dumps(entries, indent=1).encode(),
        "lines": "\n".join(texts).encode(),
        "wrapped": json.dumps({"logs_by_severity": {"ERROR": entries}}).encode(),
        "gzip": gzip.compress("\n".join(texts).encode()),
        "utf-16": json.dumps(entries).encode("utf-16"),
    }[folding]
    file = tmp_path / "export.json"
    file.write_bytes(content)
    with cloud_logging([file, file]) as api:
        assert listed(api, "p")["entries"] == entries
        assert api.resources == {"projects/gpkit-local": 0, "projects/p": 3}


# Page sizes and tokens


def test_a_page_has_fifty_entries_unless_told_otherwise(api):
    project = fresh_project()
    api.add([entry(project, second) for second in range(60)])

    assert [len(page) for page in pages(api, project)] == [50, 10]
    assert [len(page) for page in pages(api, project, pageSize=0)] == [50, 10]
    assert [len(page) for page in pages(api, project, pageSize="60")] == [60]


@pytest.mark.parametrize("size", [-1, 1001, 2_000_000])
def test_a_page_size_out_of_range_is_refused(api, project, size):
    assert refused(api, project, pageSize=size) == (400, "INVALID_ARGUMENT", "page_size must be between 0 and 1000.")


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "A" * 5000])
def test_a_token_that_is_none_is_refused(api, project, token):
    assert refused(api, project, pageToken=token) == (400, "INVALID_ARGUMENT", "page_token is invalid")


def test_a_token_that_was_altered_is_refused(api, project):
    token = listed(api, project, pageSize=1)["nextPageToken"]
    altered = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")

    assert refused(api, project, pageSize=1, pageToken=altered)[2] == "page_token is invalid"


@pytest.mark.parametrize("changed", [{"pageSize": 2}, {"orderBy": "timestamp desc"}, {"filter": " "}])
def test_parameters_that_change_between_pages_are_refused(api, project, changed):
    token = listed(api, project, pageSize=1)["nextPageToken"]
    asked = {"pageSize": 1, **changed, "pageToken": token}

    assert refused(api, project, **asked) == (
        400,
        "INVALID_ARGUMENT",
        "page_token doesn't match arguments from the request",
    )


def test_a_token_of_another_project_is_refused(api, project):
    token = listed(api, project, pageSize=1)["nextPageToken"]
    other = fresh_project()
    api.add([entry(other, 1)])

    assert "doesn't match" in refused(api, other, pageSize=1, pageToken=token)[2]


def test_a_token_is_good_for_more_than_one_use(api, project):
    token = listed(api, project, pageSize=1)["nextPageToken"]

    assert listed(api, project, pageSize=1, pageToken=token) == listed(api, project, pageSize=1, pageToken=token)


def test_no_entries_is_an_empty_answer(api):
    assert listed(api, "gpkit-local") == {}


# Resources


def test_a_project_that_is_not_served_is_denied_as_if_it_were_absent(api):
    assert refused(api, "elsewhere") == (
        403,
        "PERMISSION_DENIED",
        "Permission 'logging.views.access' denied on resource (or it may not exist).",
    )


@pytest.mark.parametrize(
    "name",
    ["", "gpkit-local", "projects/", "projects/a/logs/x", "projects/a b", "zones/a", "projects/a/locations/b", "\x00"],
)
def test_a_name_that_is_no_resource_is_refused(api, name):
    status, _, body = ask(api, {"resourceNames": [name]})

    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert body["error"]["details"][0]["fieldViolations"][0]["field"] == "resource_names"


def test_no_resource_and_too_many_are_refused(api, project):
    assert ask(api, {})[0] == ask(api, {"resourceNames": [f"projects/{project}"] * 101})[0] == 400
    assert ask(api, {"resourceNames": [f"projects/{project}"] * 100})[0] == 200


def test_several_resources_are_read_as_one_and_project_ids_are_added(api, project):
    other = fresh_project()
    api.add([entry(other, 2, "other")])
    body = {"resourceNames": [f"projects/{project}"], "projectIds": [other], "orderBy": "timestamp desc"}
    _, _, answer = ask(api, body)

    assert [one["insertId"] for one in answer["entries"]] == ["id-0003", "id-0002", "other", "id-0001"]


def test_views_of_the_predefined_buckets_hold_their_part_of_the_logs(api):
    project = fresh_project()
    audit = "cloudaudit.googleapis.com%2F"
    logs = {"app": 1, f"{audit}activity": 2, f"{audit}data_access": 3}
    api.add([entry(project, second, log, log) for log, second in logs.items()])

    def held(view):
        _, _, answer = ask(api, {"resourceNames": [f"projects/{project}/locations/global/buckets/{view}"]})
        return [one["insertId"].removeprefix(audit) for one in answer["entries"]]

    assert held("_Default/views/_AllLogs") == ["app", "data_access"]
    assert held("_Default/views/_Default") == ["app"]
    assert held("_Required/views/_AllLogs") == ["activity"]
    assert ask(api, {"resourceNames": [f"projects/{project}/locations/eu/buckets/_Default/views/_Default"]})[0] == 403


@pytest.mark.parametrize("kind", ["organizations", "folders", "billingAccounts"])
def test_other_parents_hold_their_own_logs(api, kind):
    name = f"{kind}/{fresh_project()}"
    api.add([entry("x", 1, "own") | {"logName": f"{name}/logs/app"}])
    _, _, answer = ask(api, {"resourceNames": [name]})

    assert [one["insertId"] for one in answer["entries"]] == ["own"]


# What a call may hold


@pytest.mark.parametrize("order", ["timestamp", "asc", "timestamp ASC", "insertId asc", "timestamp asc, insertId"])
def test_another_order_is_refused(api, project, order):
    status, name, message = refused(api, project, orderBy=order)

    assert (status, name) == (400, "INVALID_ARGUMENT")
    assert message.startswith(f"Invalid order_by '{order}'.")


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b"\xff", b'{"pagesize": 1}', b'{"pageSize": "many"}', b'{"resourceNames": 5}', b"[" * 50_000],
)
def test_a_body_that_is_no_call_is_refused(api, body):
    status, _, answer = ask(api, body)

    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert answer["error"]["message"].startswith("Invalid JSON payload received.")


def test_a_body_without_end_is_refused(api):
    assert ask(api, b" " * (1 << 21))[0] == 400


@pytest.mark.parametrize("path", ["/v2/entries:write", "/v1/entries:list", "/v2/projects/p/logs"])
def test_what_is_not_there_is_said_in_the_apis_way(api, path):
    status, _, answer = ask(api, {}, path)

    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


def test_the_calls_that_came_are_told(api, project):
    before = len(api.requests())
    listed(api, project, pageSize=2)
    refused(api, "elsewhere", filter=" ")

    first, second = api.requests()[before:]
    assert (first["method"], first["status"], first["count"], first["page_size"]) == ("REST", 200, 2, 2)
    assert (second["status"], second["filter"], second["resource_names"]) == (403, " ", ["projects/elsewhere"])


def test_the_api_listens_on_loopback_only(api):
    import psutil

    listening = [
        one.laddr.ip.removeprefix("::ffff:")
        for one in psutil.Process(api.pid).net_connections()
        if one.status == "LISTEN"
    ]

    assert set(listening) == {"127.0.0.1"}
    assert os.getpid() != api.pid


def test_an_entry_that_is_no_strict_json_spoils_no_page(tmp_path):
    start = b'{"insertId": "%s", "logName": "projects/p/logs/l", "timestamp": "2025-09-07T13:00:0%dZ", "x": %s}'
    values = {b"utf": b'"\xff"', b"nan": b"NaN", b"tab": b'"\x01"', b"none": b"{", b"huge": b"[1e400, 1]"}
    lines = [start % (insert_id, at, value) for at, (insert_id, value) in enumerate(values.items())]
    log = tmp_path / "entries.jsonl"
    log.write_bytes(b"\n".join(lines) + b"\n")
    with cloud_logging(log_file=log) as followed, cloud_logging([log]) as exported:
        for api, ids in ((followed, ["utf", "nan", "tab", "huge"]), (exported, ["utf", "nan", "huge"])):
            found = listed(api, "p")["entries"]
            assert [one["insertId"] for one in found] == ids
            assert (found[0]["x"], found[1]["x"]) == ("\N{REPLACEMENT CHARACTER}", "NaN")


def test_a_web_page_with_a_name_of_its_own_for_this_address_is_refused(api):
    import http.client

    connection = http.client.HTTPConnection(*api.rest_url.removeprefix("http://").split(":"))
    connection.request("POST", "/v2/entries:list", b"{}", {"Host": "evil.example.com"})
    status = connection.getresponse().status
    connection.close()

    assert status == 400
