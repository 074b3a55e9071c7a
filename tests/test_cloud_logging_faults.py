"""What goes wrong in the local logging API, by script and by quota: each fault, counted by call."""

from __future__ import annotations

import http.client
import socket
import time

import pytest

from gpkit.errors import FarSideError, OutputError, ParameterError, SourceError
from gpkit.stack import cloud_logging
from tests.logging_api_support import all_ids, ask, entry, fresh_project, grpc_client, listed, pages, refused


@pytest.fixture(scope="module")
def running():
    with cloud_logging() as api:
        yield api


@pytest.fixture
def api(running):
    running.script({})
    yield running
    running.script({})


@pytest.fixture
def project(api):
    name = fresh_project()
    api.add([entry(name, second) for second in range(6)])
    return name


def codes(api, project, calls):
    return [ask(api, {"resourceNames": [f"projects/{project}"]})[0] for _ in range(calls)]


def test_failures_meet_every_nth_the_first_and_the_listed_calls(api, project):
    api.script({"fail": [{"first": 2, "status": 429}, {"every": 3, "status": 503}, {"at": [3, 5], "status": 500}]})

    assert codes(api, project, 7) == [429, 429, 503, 200, 500, 503, 200]


def test_calls_are_counted_from_when_the_script_is_set(api, project):
    api.script({"fail": [{"at": [2], "status": 504}]})
    assert codes(api, project, 2) == [200, 504]

    api.script({"fail": [{"at": [2], "status": 504}]})
    assert codes(api, project, 3) == [200, 504, 200]


def test_a_wait_is_told_as_a_header_and_as_a_detail(api, project):
    api.script({"fail": [{"at": [1], "status": 429, "retry_after_s": 7}]})
    status, headers, body = ask(api, {"resourceNames": [f"projects/{project}"]})

    assert (status, headers["Retry-After"]) == (429, "7")
    assert body["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert body["error"]["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]


def test_a_failure_without_a_wait_tells_none(api, project):
    api.script({"fail": [{"at": [1], "status": 503}]})

    assert "Retry-After" not in ask(api, {"resourceNames": [f"projects/{project}"]})[1]


def test_a_gateway_answers_as_a_web_page(api, project):
    api.script({"fail": [{"at": [1], "status": 502}]})
    status, headers, body = ask(api, {"resourceNames": [f"projects/{project}"]})

    assert (status, headers["Content-Type"]) == (502, "text/html; charset=UTF-8")
    assert "Error 502" in body


def test_a_cut_page_promises_more_than_comes(api, project):
    api.script({"cut_page": {"at": [1]}})

    with pytest.raises(http.client.IncompleteRead) as caught:
        listed(api, project)
    assert caught.value.partial.startswith(b'{"entries":[{')
    assert len(all_ids(api, project)) == 6


def test_a_duplicated_page_is_the_one_before_and_its_token_leads_on(api, project):
    api.script({"duplicate_page": {"at": [3]}})
    found = [[one["insertId"] for one in page] for page in pages(api, project, pageSize=2)]

    assert found == [
        ["id-0000", "id-0001"],
        ["id-0002", "id-0003"],
        ["id-0002", "id-0003"],
        ["id-0004", "id-0005"],
    ]


def test_an_expired_token_is_refused_once_by_the_script(api, project):
    api.script({"expire_tokens": {"at": [2, 4]}})
    token = listed(api, project, pageSize=2)["nextPageToken"]

    assert refused(api, project, pageSize=2, pageToken=token) == (400, "INVALID_ARGUMENT", "page_token has expired")
    assert len(listed(api, project, pageSize=2, pageToken=token)["entries"]) == 2
    assert len(listed(api, project, pageSize=2)["entries"]) == 2  # a call without a token has none to expire


def test_empty_pages_have_a_token_that_leads_on(api, project):
    api.script({"empty_pages": {"every": 2}})
    sizes = [len(page) for page in pages(api, project, pageSize=2)]

    assert sizes == [2, 0, 2, 0, 2]
    api.script({"empty_pages": {"at": [1]}})
    assert [len(page) for page in pages(api, project, pageSize=6)] == [0, 6]


def test_entries_arrive_when_so_many_calls_were_answered(api, project):
    late = [{"after_calls": 2, "entries": [entry(project, 1, "late")]}, {"entries": [entry(project, 1, "at once")]}]
    api.script({"arrive": late})

    assert [len(all_ids(api, project)) for _ in range(3)] == [7, 7, 8]


def test_every_call_waits_when_told_to(api, project):
    api.script({"slow_ms": 30})
    began_s = time.perf_counter()
    listed(api, project)

    assert time.perf_counter() - began_s >= 0.03


def test_the_same_faults_meet_calls_over_grpc(api, project):
    from google.api_core import exceptions

    client, channel = grpc_client(api)
    # Without the official class's own retries, which would hide what is planted.
    call = {"request": {"resource_names": [f"projects/{project}"]}, "retry": None}
    planted = [500, 503, 504, 429, 403]
    api.script(
        {"fail": [{"at": [at], "status": code} for at, code in enumerate(planted, start=1)], "cut_page": {"at": [6]}}
    )
    with channel:
        raised = []
        for _ in range(6):
            with pytest.raises(exceptions.GoogleAPICallError) as caught:
                client.list_log_entries(**call)
            raised.append(type(caught.value).__name__)
        assert len(list(client.list_log_entries(**call))) == 6

    assert raised == [
        "InternalServerError",
        "ServiceUnavailable",
        "DeadlineExceeded",
        "ResourceExhausted",
        "PermissionDenied",
        "ServiceUnavailable",
    ]


def test_the_official_class_retries_what_it_retries(api, project):
    client, channel = grpc_client(api)
    api.script({"fail": [{"first": 2, "status": 503}]})
    with channel:
        found = list(client.list_log_entries({"resource_names": [f"projects/{project}"]}))

    assert len(found) == 6


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"fial": []}, "'fial' is not known in 'script' of the logging API. Did you mean 'fail'?"),
        ({"fail": [{"evry": 2, "status": 503}]}, "'evry' is not known in 'fail'"),
        ({"fail": [{"every": 2, "status": 418}]}, "'fail' has no status 418."),
        ({"fail": [{"every": 0, "status": 503}]}, "'fail' counts calls from 1; 0 is no call."),
        ({"fail": [{"first": True, "status": 503}]}, "'fail' counts calls from 1; True is no call."),
        ({"fail": {"every": 1}}, "'fail' is no list.\nWrite a list of rules: fail: [{every: 3, status: 503}]."),
        (
            {"cut_page": [{"at": [2]}]},
            "'cut_page' = [{'at': [2]}] names no calls.\n"
            "Write one of them: cut_page: {every: N}, {first: N} or {at: [N, …]}, not in a list.",
        ),
        ({"empty_pages": {"every": 1}}, "'empty_pages' of every call would never come to an end."),
        ({"slow_ms": -1}, "'slow_ms' = -1 is no number from 0 on."),
        ({"arrive": [{"entries": ["x"]}]}, "'arrive.entries' holds no names and values."),
        ({"tail": {"session": 1}}, "'session' is not known in 'tail' of the logging API. Did you mean 'sessions'?"),
    ],
)
def test_an_impossible_script_is_refused_and_changes_nothing(api, project, script, said):
    api.script({"fail": [{"at": [1], "status": 500}]})
    with pytest.raises(ParameterError) as caught:
        api.script(script)

    assert str(caught.value).startswith(said)
    assert codes(api, project, 2) == [500, 200]


def test_an_impossible_script_is_refused_before_anything_is_served():
    with pytest.raises(ParameterError, match="Did you mean 'slow_ms'"), cloud_logging(script={"slow": 1}):
        pass


# The quota


def test_reads_above_the_quota_of_a_minute_are_refused_in_the_services_words():
    with cloud_logging(quota_per_minute=2) as api:
        assert codes(api, "gpkit-local", 2) == [200, 200]
        status, headers, body = ask(api, {"resourceNames": ["projects/gpkit-local"]})

        assert status == 429
        assert 0 < int(headers["Retry-After"]) <= 60
        assert body["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert body["error"]["message"] == (
            "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service "
            "'logging.googleapis.com' for consumer 'projects/gpkit-local'."
        )
        assert body["error"]["details"][0]["metadata"]["quota_limit_value"] == "2"

        from google.api_core import exceptions

        client, channel = grpc_client(api)
        with channel, pytest.raises(exceptions.ResourceExhausted) as caught:
            client.list_log_entries({"resource_names": ["projects/gpkit-local"]})
        assert caught.value.reason == "RATE_LIMIT_EXCEEDED"
        assert caught.value.metadata["quota_limit"] == "ReadRequestsPerMinutePerProject"
        assert [call["status"] for call in api.requests()] == [200, 200, 429, 429]


def test_a_planted_failure_costs_no_quota_and_a_refused_read_none_either():
    with cloud_logging(quota_per_minute=1, script={"fail": [{"first": 3, "status": 503}]}) as api:
        assert codes(api, "gpkit-local", 6) == [503, 503, 503, 200, 429, 429]


# Clients that misbehave, and starts that fail


def test_a_client_that_leaves_in_the_middle_harms_nobody(api):
    project = fresh_project()
    api.add([entry(project, second, textPayload="x" * 50_000) for second in range(200)])
    body = b'{"resourceNames": ["projects/%s"], "pageSize": 1000}' % project.encode()
    head = b"POST /v2/entries:list HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    address = tuple(api.rest_url.removeprefix("http://").split(":"))
    for sent, taken in ((head, 0), (head + body[:10], 0), (head + body, 100), (b"nonsense\r\n\r\n", 0)):
        with socket.create_connection((address[0], int(address[1]))) as client:
            client.sendall(sent)
            client.recv(taken) if taken else None

    assert len(all_ids(api, project, pageSize=1000)) == 200


def test_an_export_that_is_none_is_refused(tmp_path):
    file = tmp_path / "x.json"
    file.write_text('{"summary": {}}')
    with pytest.raises(SourceError, match=r"x.json is not a log export: it is a summary"), cloud_logging([file]):
        pass
    with pytest.raises(SourceError, match="cannot be read: no such file"), cloud_logging([tmp_path / "gone.json"]):
        pass


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write to"), cloud_logging(folder=tmp_path / "file" / "inside"):
        pass


def test_it_is_gone_with_its_context():
    import psutil

    with cloud_logging() as api:
        pass

    assert not psutil.pid_exists(api.pid)
    with pytest.raises(FarSideError, match="The logging API is gone"):
        api.requests()


def test_the_page_on_the_local_stack_lists_every_fault(root):
    from dataclasses import fields

    from gpkit.local.cloud_logging.script import Script

    page = (root / "docs" / "local-stack.md").read_text("utf-8").partition("**What goes wrong, as data.**")[2]
    rows = page.partition("|---|---|\n")[2].partition("\n\n")[0].splitlines()

    assert [row.split("`")[1] for row in rows] == [one.name for one in fields(Script)]
