"""The run ids in a server's log are those that its clients read from the wire, whatever envelope carried them."""

import pytest

from gpkit import logs, probe, stack, timeline


@pytest.mark.parametrize("generation", ["A", "B", "C"])
@pytest.mark.parametrize("event_path", [1, 2, 3, 4])
def test_run_ids_of_the_log_are_among_those_of_the_attempts(generation, event_path):
    faults = {"generation": generation, "event_path": event_path, "pace_ms": {"auth": 1, "ready": 1, "event": 1}}
    with stack.local_stack(faults, seed=3) as local:
        attempts = probe.run(local.environment, probe.Plan(attempts=4, rate_per_s=50), progress=False).attempts
        local.settle()
        claimed = timeline.server_events(logs.read(local.log_file).frame)

    read = {run_id for run_ids in attempts["run_ids"] for run_id in run_ids}
    assert list(attempts["outcome"]) == ["ok"] * 4
    assert set(attempts["event_path"]) == {event_path}
    assert len(claimed) == 20
    assert set(claimed["run_id"]) == read
    assert len(read) == 4
