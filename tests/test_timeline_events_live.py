"""Events in a log carry no connection: among several at once nobody can tell whose they are, so none is attributed."""

import pytest

from gpkit import logs, probe, stack, timeline


@pytest.mark.parametrize(("rate_per_s", "concurrency"), [(60.0, 20), (40.0, 1)])
def test_events_are_those_of_the_attempt_or_nobodys(rate_per_s, concurrency):
    with stack.local_stack({"generation": "C"}, seed=5) as local:
        plan = probe.Plan(attempts=40, rate_per_s=rate_per_s, concurrency=concurrency, seed=5)
        attempts = probe.run(local.environment, plan, progress=False).attempts
        local.settle()
        rows = timeline.connections(logs.read(local.log_file).frame)
    joined = timeline.join(attempts, rows)
    certain = joined[~joined["ambiguous"].astype(bool)]

    wrong = [
        row["trace"] for row in certain.to_dict("records") if not set(row["server_run_ids"]) <= set(row["run_ids"])
    ]
    assert wrong == []
    if concurrency == 1:
        assert len(certain) == 40
        assert sum(len(events) for events in certain["server_events"]) == 200


def test_instants_keep_all_digits_in_a_file(tmp_path):
    from gpkit.tables import CONNECTIONS, read, write

    with stack.local_stack({"generation": "C"}, seed=5) as local:
        probe.run(local.environment, probe.Plan(attempts=3, rate_per_s=20), progress=False)
        local.settle()
        rows = timeline.connections(logs.read(local.log_file).frame)
    write(rows, tmp_path / "connections.parquet")

    kept = read(tmp_path / "connections.parquet", CONNECTIONS)
    assert str(kept["established_ns"].dtype) == "Int64"
    assert list(kept["established_ns"]) == list(rows["established_ns"])
