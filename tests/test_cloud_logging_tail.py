"""``TailLogEntries`` with the official class: entries as they arrive, ordered within the window, limits told."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from gpkit.stack import cloud_logging
from tests.logging_api_support import entry, fresh_project, grpc_client


@pytest.fixture(scope="module")
def running():
    with cloud_logging() as api:
        yield api


@pytest.fixture
def api(running):
    yield running
    running.script({})


@pytest.fixture
def project(api):
    name = fresh_project()
    api.add([entry(name, 0, "before")])
    return name


class Session:
    """One tail, read by a thread: the official class returns only when there is a first response.

    Its request stream stays open until it ends.
    """

    def __init__(self, api, project, *, window_s=0.0, requests=1, reads_slowly=False, **parameters):
        from google.cloud.logging_v2.types import TailLogEntriesRequest
        from google.protobuf.duration_pb2 import Duration

        window = Duration(seconds=int(window_s), nanos=int(window_s % 1 * 1e9))
        request = TailLogEntriesRequest(resource_names=[f"projects/{project}"], buffer_window=window, **parameters)
        self.requests = [request] * requests
        self.api = api
        self.came = queue.Queue()
        self.done = threading.Event()
        self.may_read = threading.Event()
        if not reads_slowly:
            self.may_read.set()
        if requests != 1:
            self.done.set()

    def __enter__(self):
        self.client, self.channel = grpc_client(self.api)
        before = self._began()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        until_s = time.monotonic() + 10
        while self._began() == before and self.came.empty() and time.monotonic() < until_s:
            time.sleep(0.002)
        return self

    def __exit__(self, *_):
        self.done.set()
        self.may_read.set()
        self.channel.close()
        self.thread.join(10)

    def response(self):
        came = self.came.get(timeout=10)
        if isinstance(came, Exception):
            raise came
        return came

    def ids(self, count):
        """The insert ids of the next responses, until so many entries came."""
        found = []
        while sum(map(len, found)) < count:
            found.append([one.insert_id for one in self.response().entries])
        return found

    def _read(self):
        try:
            for response in self.client.tail_log_entries(self._asked()):
                self.came.put(response)
                self.may_read.wait(30)
        except Exception as error:
            self.came.put(error)

    def _asked(self):
        yield from self.requests
        self.done.wait(30)

    def _began(self):
        return sum(call["method"] == "tail" for call in self.api.requests())


def test_entries_come_as_they_arrive_and_none_from_before(api, project):
    with Session(api, project) as tail:
        api.add([entry(project, 2, "first")])
        assert tail.ids(1) == [["first"]]
        api.add([entry(project, 1, "earlier, but later")])
        assert tail.ids(1) == [["earlier, but later"]]


def test_a_late_entry_finds_its_place_within_the_window(api, project):
    with Session(api, project, window_s=0.3) as tail:
        api.add([entry(project, 2, "second")])
        api.add([entry(project, 1, "first")])
        began_s = time.monotonic()
        found = [one for ids in tail.ids(2) for one in ids]

    assert sorted(found) == ["first", "second"]
    assert 0.1 < time.monotonic() - began_s < 5


def test_each_response_is_in_order_of_the_timestamps(api, project):
    with Session(api, project) as tail:
        api.add([entry(project, second, f"{second}") for second in (5, 3, 9, 1)])
        assert tail.ids(4) == [["1", "3", "5", "9"]]


def test_there_are_so_many_sessions_and_one_that_ends_makes_room(api, project):
    from google.api_core import exceptions

    api.script({"tail": {"sessions": 1}})
    too_many = pytest.raises(exceptions.ResourceExhausted, match="live-tailing")
    with Session(api, project), Session(api, project) as other, too_many:
        other.response()
    for _ in range(100):  # the server hears of the end a moment later
        with Session(api, project) as next_one:
            if next_one.came.empty():
                break
    api.add([])
    assert next_one.came.empty() or "live-tailing" not in str(next_one.came.get())


def test_entries_above_the_rate_are_left_out_and_counted(api, project):
    api.script({"tail": {"entries_per_minute": 5}})
    with Session(api, project) as tail:
        api.add([entry(project, second, f"{second}") for second in range(1, 9)])
        response = tail.response()
        api.add([entry(project, 30, "more")])
        later = tail.response()

    assert len(response.entries) == 5
    assert [(one.reason.name, one.suppressed_count) for one in response.suppression_info] == [("RATE_LIMIT", 3)]
    assert [(one.reason.name, one.suppressed_count) for one in later.suppression_info] == [("RATE_LIMIT", 1)]


def test_entries_that_pile_up_unread_are_left_out_and_counted(api, project):
    api.script({"tail": {"unread": 3}})
    with Session(api, project, reads_slowly=True) as tail:
        for batch in range(3):  # 30 MB: more than the transport holds for a reader that does not read
            api.add([entry(project, second, f"{batch}-{second}", textPayload="x" * 200_000) for second in range(50)])
        time.sleep(0.3)
        api.add([entry(project, second, f"{second}") for second in range(1, 9)])
        time.sleep(0.05)
        tail.may_read.set()
        counts = {}
        while not counts:
            counts = {one.reason.name: one.suppressed_count for one in tail.response().suppression_info}

    assert set(counts) == {"NOT_CONSUMED"}
    assert counts["NOT_CONSUMED"] > 0


def test_a_filter_holds_for_what_is_tailed(api, project):
    with Session(api, project, filter='severity>=ERROR AND timestamp<"2025-09-07T13:00:20Z"') as tail:
        api.add([entry(project, 1, "info", severity="INFO"), entry(project, 30, "after", severity="ERROR")])
        api.add([entry(project, 2, "error", severity="ERROR")])
        assert tail.ids(1) == [["error"]]


def test_other_projects_are_not_tailed(api, project):
    other = fresh_project()
    with Session(api, project) as tail:
        api.add([entry(other, 1, "other"), entry(project, 1, "own")])
        assert tail.ids(1) == [["own"]]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"window_s": 61}, "buffer_window must be between 0 and 60000 milliseconds."),
        ({"filter": "severity>"}, "Unparseable filter: syntax error at line 1, column"),
        ({"project": "elsewhere"}, "denied on resource"),
    ],
)
def test_an_impossible_session_is_refused(api, project, parameters, said):
    from google.api_core import exceptions

    raised = pytest.raises((exceptions.InvalidArgument, exceptions.PermissionDenied), match=said)
    with Session(api, **{"project": project, **parameters}) as tail, raised:
        tail.response()


@pytest.mark.parametrize(("requests", "said"), [(2, "A session takes one request"), (0, "The first request")])
def test_a_session_takes_one_request(api, project, requests, said):
    from google.api_core import exceptions

    with Session(api, project, requests=requests) as tail, pytest.raises(exceptions.InvalidArgument, match=said):
        tail.response()


def test_a_log_file_is_tailed_as_it_grows(tmp_path):
    import json

    log = tmp_path / "entries.jsonl"
    with cloud_logging(log_file=log) as api, Session(api, "gpkit-local") as tail, log.open("w") as file:
        line = json.dumps(entry("gpkit-local", 1, "whole")) + "\n" + json.dumps(entry("gpkit-local", 2, "half"))
        file.write(line)
        file.flush()
        assert tail.ids(1) == [["whole"]]
        file.write("\n")
        file.flush()
        assert tail.ids(1) == [["half"]]
