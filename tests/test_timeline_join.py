"""Our attempts beside the server's rows: by trace, exactly, or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gpkit import logs, probe, tables, timeline
from gpkit.errors import TableError
from gpkit.stack import local_stack
from gpkit.timeline import client_family


def attempts(*traces: str | None) -> pd.DataFrame:
    return pd.DataFrame({"attempt_id": [f"a{n}" for n in range(len(traces))], "trace": pd.array(traces, dtype="str")})


def connections(*traces: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "connection_id": [f"c{n}" for n in range(len(traces))],
            "trace": pd.array(traces, dtype="str"),
            "outcome": ["refused"] * len(traces),
            "reason": ["signature"] * len(traces),
            "ambiguous": pd.array([n % 2 == 1 for n in range(len(traces))], dtype="boolean"),
        }
    )


def test_attempts_keep_their_rows_and_order_and_gain_the_servers_word():
    joined = timeline.join(attempts("x", "y", "z"), connections("z", "x"))
    assert joined["attempt_id"].tolist() == ["a0", "a1", "a2"]
    assert joined["match"].tolist() == ["trace", "missing", "trace"]
    assert joined["server_connection_id"].fillna("").tolist() == ["c1", "", "c0"]
    assert joined["server_reason"].fillna("").tolist() == ["signature", "", "signature"]
    assert joined["ambiguous"].isna().tolist() == [False, True, False]


def test_an_attempt_without_a_trace_is_missing_and_matches_no_row_without_one():
    joined = timeline.join(attempts(None, "x"), connections(None, "x"))
    assert joined["match"].tolist() == ["missing", "trace"]


def test_what_no_attempt_of_ours_explains_is_listed_apart():
    others = timeline.unclaimed(attempts("x"), connections("x", "stranger", None))
    assert others["connection_id"].tolist() == ["c1", "c2"]


def test_a_trace_of_several_attempts_is_refused():
    with pytest.raises(TableError, match="belongs to several attempts"):
        timeline.join(attempts("x", "x"), connections("x"))


def test_a_table_without_traces_is_refused():
    with pytest.raises(TableError, match="lacks trace"):
        timeline.join(attempts("x").drop(columns="trace"), connections("x"))


@pytest.mark.parametrize("generation", ["A", "C"])
def test_probe_rows_and_server_rows_join_one_to_one_at_twenty_at_once(generation: str):
    dropped = {"fault": "log_lines_missing", "lines": ["requests"], "schedule": {"every": 10, "offset": 3}}
    refused = {"fault": "secret_mismatch", "schedule": {"every": 4}}
    with local_stack({"generation": generation, "faults": [dropped, refused]}, seed=3) as stack:
        plan = probe.Plan(attempts=40, rate_per_s=400, concurrency=20, seed=5)
        evidence = probe.run(stack.environment, plan)
        stack.settle()
        rows = timeline.connections(logs.read(stack.log_file).frame)
        truth = {each["trace"]: each for each in stack.truth()}
    joined = timeline.join(evidence.attempts, rows)
    has_no_request = {trace for trace, each in truth.items() if "requests" in each["log_lines_dropped"]}
    assert set(joined.loc[joined["match"] == "missing", "trace"]) == has_no_request
    assert len(has_no_request) == 4
    known = joined[joined["match"] == "trace"]
    statuses = {trace: each["http_status"] for trace, each in truth.items()}
    assert known["server_http_status"].tolist() == [statuses[trace] for trace in known["trace"]]
    certain = known[~known["ambiguous"].astype(bool) & (known["server_outcome"] != "unknown")]
    for row in certain.to_dict("records"):
        is_refused = truth[row["trace"]]["refused"] is not None
        assert (row["server_outcome"] == "refused") is is_refused
    # What has no request in the log is still told by its lines, without a trace.
    assert rows["trace"].isna().sum() == len(has_no_request)


def test_the_clock_offset_of_the_local_service_holds_what_was_planted():
    off = {"fault": "clock_off", "offset_s": 4.0, "stamps": "application"}
    with local_stack({"generation": "C", "faults": [off]}) as stack:
        evidence = probe.run(stack.environment, probe.Plan(attempts=10, rate_per_s=50, seed=1))
    interval = timeline.clock_offset(evidence.attempts)
    assert interval is not None
    low, high = interval
    assert low <= 4_000_000_000 <= high
    assert high - low < 100_000_000


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        ("Netra-E2E-Tests/1.0", "Netra-E2E-Tests"),
        ("Python/3.12 websockets/15.0.1", "Python websockets"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36", "Chrome"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36 Edg/139.0", "Edge"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15", "Safari"),
        ("Mozilla/5.0 (X11; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", "Chrome"),
        ("gpkit/0.1", "gpkit"),
        ("curl", "curl"),
        ("", None),
        (None, None),
    ],
)
def test_a_client_is_known_by_the_family_of_its_user_agent(user_agent: str | None, family: str | None):
    assert client_family(user_agent) == family


def test_no_entries_give_empty_tables_with_all_their_columns():
    empty = tables.empty(tables.ENTRIES)
    rows = timeline.connections(empty)
    assert rows.empty
    assert {"trace", "outcome", "events", "clock_off_s"} <= set(rows.columns)
    assert timeline.instances(empty).empty
    assert timeline.boot_loops(empty).empty
    assert timeline.server_events(empty).empty
    assert timeline.join(attempts("x"), rows)["match"].tolist() == ["missing"]


def test_entries_written_to_a_file_and_read_back_tell_the_same(tmp_path: Path):
    with local_stack({"generation": "C", "faults": [{"fault": "secret_mismatch", "schedule": {"first": 1}}]}) as stack:
        probe.run(stack.environment, probe.Plan(attempts=3, rate_per_s=50, seed=2))
        stack.settle()
        frame = logs.read(stack.log_file).frame
    tables.write(frame, tmp_path / "entries.parquet")
    again = tables.read(tmp_path / "entries.parquet", tables.ENTRIES)
    pd.testing.assert_frame_equal(timeline.connections(again), timeline.connections(frame))
