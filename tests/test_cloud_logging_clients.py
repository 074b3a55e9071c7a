"""The official client reads every entry of the real exports back, over REST and gRPC, with nothing but an address."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from google.logging.type.log_severity_pb2 import LogSeverity

from gpkit.logs.cutting import cut_entries
from gpkit.stack import cloud_logging
from tests.logging_api_support import all_ids, entry, fresh_project, grpc_client, pages, rest_client

PROJECT = "netra-staging"
SINCE_ALWAYS = 'timestamp>="1970-01-01T00:00:00Z"'  # else the official client adds a window of 24 hours


@pytest.fixture(scope="module")
def files(exports):
    return sorted((exports / "cloud_logging").glob("cl_raw_*"))


@pytest.fixture(scope="module")
def written(files):
    """Every entry of the exports by its identity."""
    found = {}
    for file in files:
        for cut in cut_entries(file.read_text("utf-8"), file.name):
            one = json.loads(cut.text)
            found[one["logName"], one["timestamp"], one["insertId"]] = cut.text
    return found


@pytest.fixture(scope="module")
def api(files):
    with cloud_logging(files) as running:
        yield running


def identity(one):
    return one["logName"], one["timestamp"], one["insertId"]


def test_every_entry_comes_back_in_full_over_rest(api, written):
    from_api = [one for page in pages(api, PROJECT, pageSize=1000) for one in page]

    assert len(from_api) == len(written) > 3000
    assert all(one == json.loads(written[identity(one)]) for one in from_api)
    assert sum("errorGroups" in one for one in from_api) > 0


def test_the_official_client_lists_every_entry_over_rest(api, written):
    client = rest_client(api, PROJECT)
    found = list(client.list_entries(filter_=SINCE_ALWAYS, page_size=1000))

    assert Counter(one.insert_id for one in found) == Counter(insert_id for _, _, insert_id in written)
    assert [one.timestamp for one in found] == sorted(one.timestamp for one in found)
    by_id = {one.insert_id: one for one in found}
    for text in written.values():
        one = json.loads(text)
        payload = one.get("textPayload") or one.get("jsonPayload") or one.get("protoPayload")
        assert by_id[one["insertId"]].payload == payload
        assert by_id[one["insertId"]].http_request == one.get("httpRequest")
        assert by_id[one["insertId"]].log_name == one["logName"]


def test_the_official_client_lists_newest_first_with_a_limit(api, written):
    found = list(
        rest_client(api, PROJECT).list_entries(
            filter_=SINCE_ALWAYS, order_by="timestamp desc", page_size=7, max_results=20
        )
    )

    assert len(found) == 20
    assert found[0].timestamp == max(one.timestamp for one in found)


def test_the_official_class_lists_every_entry_over_grpc(api, written):
    client, channel = grpc_client(api)
    with channel:
        found = list(client.list_log_entries({"resource_names": [f"projects/{PROJECT}"], "page_size": 1000}))

    assert Counter(one.insert_id for one in found) == Counter(insert_id for _, _, insert_id in written)
    by_identity = {(one.log_name, one.timestamp.rfc3339(), one.insert_id): one for one in found}
    for (log, stamp, insert_id), text in written.items():
        one = json.loads(text)
        got = by_identity[log, _as_written(stamp), insert_id]
        assert (got.text_payload or None) == one.get("textPayload")
        assert LogSeverity.Name(got.severity) == one.get("severity", "DEFAULT")
        assert dict(got.labels) == one.get("labels", {})
        assert (got.trace or None) == one.get("trace")
        assert got.http_request.status == one.get("httpRequest", {}).get("status", 0)
        assert got.resource.labels == one["resource"]["labels"]


def _as_written(stamp):
    """As the official class writes an instant: all nine digits, or as many as are not zero."""
    from proto.datetime_helpers import DatetimeWithNanoseconds

    return DatetimeWithNanoseconds.from_rfc3339(stamp).rfc3339()


def test_payloads_over_grpc_are_what_protobuf_can_carry(api, written):
    """Numbers of a JSON payload are doubles; audit entries are Any of AuditLog."""
    from google.cloud.audit import audit_log_pb2
    from google.protobuf import json_format

    client, channel = grpc_client(api)
    with channel:
        found = list(client.list_log_entries({"resource_names": [f"projects/{PROJECT}"], "page_size": 1000}))
    texts = {insert_id: json.loads(text) for (_, _, insert_id), text in written.items()}
    audits = 0
    for one in found:
        source = texts[one.insert_id]
        message = type(one).pb(one)
        if "jsonPayload" in source:
            assert json_format.MessageToDict(message.json_payload) == source["jsonPayload"]
        if "protoPayload" in source:
            audit = audit_log_pb2.AuditLog()
            assert message.proto_payload.Unpack(audit)
            assert audit.method_name == source["protoPayload"]["methodName"]
            audits += 1
    assert audits == sum("protoPayload" in one for one in texts.values()) > 0


def test_the_high_level_client_lists_over_grpc_through_a_loopback_channel(api, written):
    from google.cloud.logging_v2._gapic import _LoggingAPI

    client = rest_client(api, PROJECT)
    low, channel = grpc_client(api)
    client._logging_api = _LoggingAPI(low, client)
    with channel:
        found = list(client.list_entries(filter_=SINCE_ALWAYS, page_size=1000))

    assert Counter(one.insert_id for one in found) == Counter(insert_id for _, _, insert_id in written)


def test_pages_over_grpc_stay_below_what_a_client_receives(api):
    project = fresh_project()
    api.add([entry(project, second, textPayload="x" * 200_000) for second in range(50)])
    client, channel = grpc_client(api)
    with channel:
        request = {"resource_names": [f"projects/{project}"], "page_size": 1000, "order_by": "timestamp desc"}
        sizes = [len(page.entries) for page in client.list_log_entries(request).pages]

    assert sum(sizes) == 50
    assert max(sizes) < 21
    assert len(all_ids(api, project, pageSize=1000)) == 50


def test_what_protobuf_cannot_carry_is_lost_and_nothing_else(api):
    project = fresh_project()
    api.add(
        [
            entry(
                project,
                1,
                jsonPayload={"big": 9007199254740993, "none": None, "deep": [{"é": True}]},
                errorGroups=[{"id": "CJ"}],
                severity="NOTICE",
            ),
            entry(project, 2, labels={"number": 5}, textPayload="kept"),
            entry(project, 3, protoPayload={"@type": "type.googleapis.com/nowhere.Known", "x": 1}, trace="t"),
            entry(project, 4, severity="WORSE", textPayload="odd"),
            entry(project, 5, httpRequest={"status": "503", "latency": "0.012345678s", "requestSize": "99"}),
        ]
    )
    client, channel = grpc_client(api)
    with channel:
        one, two, three, four, five = client.list_log_entries({"resource_names": [f"projects/{project}"]})

    assert one.json_payload["big"] == 9007199254740992.0
    assert one.json_payload["deep"][0]["é"] is True
    assert one.timestamp.nanosecond == 1
    assert (two.text_payload, dict(two.labels)) == ("kept", {})
    assert (three.trace, type(three).pb(three).proto_payload.type_url) == ("t", "type.googleapis.com/nowhere.Known")
    assert (four.severity, four.text_payload) == (0, "odd")
    assert (five.http_request.status, five.http_request.request_size) == (503, 99)
    assert five.http_request.latency.nanos == 12_345_678


def test_refusals_over_grpc_are_the_official_exceptions(api):
    from google.api_core import exceptions

    client, channel = grpc_client(api)
    with channel:
        with pytest.raises(exceptions.PermissionDenied, match=r"logging\.views\.access") as denied:
            client.list_log_entries({"resource_names": ["projects/elsewhere"]})
        with pytest.raises(exceptions.InvalidArgument, match="page_size must be") as invalid:
            client.list_log_entries({"resource_names": [f"projects/{PROJECT}"], "page_size": 1001})
        with pytest.raises(exceptions.InvalidArgument, match="resource_names is required"):
            client.list_log_entries({})
        with pytest.raises(exceptions.MethodNotImplemented):
            client.list_logs(parent=f"projects/{PROJECT}")

    assert denied.value.reason == "IAM_PERMISSION_DENIED"
    assert invalid.value.details[0].field_violations[0].field == "page_size"
