"""A faults file: what it may say, and how it is told what it may not."""

from __future__ import annotations

import pytest

from gpkit.errors import ParameterError
from gpkit.protocol import scenarios


def refusal(values) -> str:
    with pytest.raises(ParameterError) as caught:
        scenarios.read(values)
    return str(caught.value)


def test_nothing_is_a_healthy_service_of_generation_c():
    scenario = scenarios.read(None)

    assert (scenario.generation, scenario.faults, scenario.path_for("C")) == ("C", (), 1)
    assert [scenario.path_for(generation) for generation in "AB"] == [4, 3]


def test_an_unknown_fault_is_refused_with_the_nearest_name():
    assert refusal({"faults": [{"fault": "slow_aut"}]}).startswith("'slow_aut' is no fault. Did you mean 'slow_auth'?")


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    text = refusal({"faults": [{"fault": "slow_auth", "delay": 5}]})

    assert "'delay' is not a parameter of slow_auth. Did you mean 'delay_ms'?" in text
    assert "It takes: fault, probability, schedule, delay_ms." in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"generation": "D"}, "generation = 'D' is none of A, B, C."),
        ({"generaton": "A"}, "'generaton' is not a parameter of a faults file. Did you mean 'generation'?"),
        ({"event_path": 5}, "event_path = 5 is none of 1, 2, 3, 4."),
        ({"pace_ms": {"auth": -1}}, "pace_ms.auth = -1 is outside 0 to 60000."),
        ({"pace_ms": 5}, "pace_ms must hold names and values."),
        ({"faults": "slow_auth"}, "faults must be a list."),
        ({"faults": [{"fault": "slow_auth", "probability": 1.5}]}, "slow_auth.probability = 1.5 is outside 0 to 1."),
        ({"faults": [{"fault": "slow_auth", "probability": "often"}]}, "slow_auth.probability must be a number."),
        ({"faults": [{"fault": "slow_auth", "probability": True}]}, "slow_auth.probability must be a number."),
        ({"faults": [{"fault": "slow_auth", "probability": float("nan")}]}, "must be a number."),
        ({"faults": [{"fault": "event_lost", "event": "tool_done"}]}, "is none of agent_started"),
        ({"faults": [{"fault": "slow_auth", "delay_ms": {"normal": 5}}]}, "'normal' is not a parameter of"),
        ({"faults": [{"fault": "slow_auth", "delay_ms": {"uniform": [9, 2]}}]}, "runs backwards"),
        ({"faults": [{"fault": "slow_auth", "delay_ms": {"uniform": 3}}]}, "must be two numbers"),
        ({"faults": [{"fault": "slow_auth", "delay_ms": {"lognormal": {"median": 5}}}]}, "lacks sigma"),
        ({"faults": [{"fault": "slow_auth", "delay_ms": {"constant": 1, "uniform": [1, 2]}}]}, "one distribution"),
        ({"faults": [{"fault": "oversized_frame", "size_bytes": 10}]}, "outside 8193 to 900000"),
        ({"faults": [{"fault": "hostile_text", "kinds": ["scripts"]}]}, "Did you mean 'script'?"),
        ({"faults": [{"fault": "slow_auth", "schedule": {"evry": 2}}]}, "Did you mean 'every'?"),
        ({"faults": [{"fault": "slow_auth", "schedule": {"every": 0}}]}, "slow_auth.schedule.every = 0 is below 1."),
        ({"faults": [{"fault": "slow_auth", "schedule": {"revisions": ["r2"]}}]}, "'r2' is no revision of this file."),
        ({"revisions": [{"name": "a"}, {"name": "b"}]}, "Revision 'a' never ends"),
        ({"limits": {"messages": 3}}, "'messages' is not a parameter of limits."),
        ({"users": [5]}, "users must be a list of texts."),
    ],
)
def test_an_impossible_value_is_refused_with_the_reason(values, said):
    assert said in refusal(values)


def test_a_file_that_is_missing_or_no_yaml_is_refused(tmp_path):
    torn = tmp_path / "torn.yaml"
    torn.write_text("faults: [", "utf-8")
    listed = tmp_path / "list.yaml"
    listed.write_text("- slow_auth", "utf-8")

    assert "cannot be read: No such file" in refusal(tmp_path / "none.yaml")
    assert refusal(torn).startswith("The faults file 'torn.yaml' is not YAML.")
    assert "must hold names and values" in refusal(listed)


def test_an_empty_file_is_a_healthy_service(tmp_path):
    path = tmp_path / "empty.yaml"
    path.touch()

    assert scenarios.read(path) == scenarios.read(None)


def test_a_fault_may_be_only_its_name_and_a_delay_only_a_number():
    plain, number = scenarios.read({"faults": ["slow_auth", {"fault": "slow_auth", "delay_ms": 5}]}).faults

    assert plain.parameters["delay_ms"] == {"constant": 80}
    assert number.parameters["delay_ms"] == {"constant": 5.0}


def test_every_faults_file_of_the_project_is_valid(root):
    files = sorted((root / "parameters" / "faults").glob("*.yaml"))

    assert {"incident", "healthy"} <= {path.stem for path in files}
    for path in files:
        scenarios.read(path)
