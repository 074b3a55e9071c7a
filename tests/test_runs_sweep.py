"""Sweeps: every value checked before the first run, runs linked, and compared by intervals alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpkit import runs
from gpkit.cli import main
from gpkit.cli.sweep import sweep_told
from gpkit.errors import CallerError
from gpkit.history import newest, read
from gpkit.history.against import is_same_question
from gpkit.history.sweeps import compared, sweeps
from gpkit.report import write_index
from gpkit.report.overview import overview
from gpkit.runs.making.sweep import make_plans, read_axes
from tests.history_support import finding, meets, past_run
from tests.runs_support import add_notebook, make_project, run_folders

PARAMETERS = """\
environment: str = "local"  # where
attempts: int = 5  # planned attempts [1..100]
delays_ms: list[float] = [0.0]  # delays
label: str = "plain"  # a text
since: str = ""  # first instant"""
# The share depends on a parameter, the interval on how often it was tried.
FINDS = """
import json, os, pathlib
share = 0.5 if label == "bad" else 0.9
found = {"id": "events.all_five", "claim": f"{share} of {attempts}.", "verdict": "fails" if share < 0.8 else "meets",
         "estimate": share, "unit": "ratio", "interval": [share - 0.05, share + 0.05], "n": attempts, "target": 0.8}
pathlib.Path(os.environ["GPKIT_RUN_FOLDER"], "results.json").write_text(json.dumps(
    {"status": "running", "headline": "events.all_five", "findings": [found]}))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_project(tmp_path / "project")
    (made / "parameters" / "environments" / "staging.yaml").write_text("url: wss://staging.example.com/ws\n")
    add_notebook(made, "works", FINDS, parameters=PARAMETERS)
    monkeypatch.chdir(made)
    return made


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("attempts=5,10,20", ["5", "10", "20"]),
        ("attempts = 5, 10", ["5", "10"]),
        ("delays_ms=0,5;20", ["0,5", "20"]),
        ("delays_ms=[0,5];[20];[]", ["[0,5]", "[20]", "[]"]),
        ("label=a=b,c", ["a=b", "c"]),
        ("since=-1h,yesterday", ["-1h", "yesterday"]),
        ("label=a,", ["a", ""]),
    ],
)
def test_semicolons_separate_values_where_there_is_one_else_commas(written, values):
    assert read_axes([written]) == {written.partition("=")[0].strip(): values}


def test_every_combination_is_planned_in_order_with_one_id_and_one_clock(project):
    axes = {"attempts": ["5", "10"], "delays_ms": ["0,5", "20"]}

    plans = make_plans(["works"], axes, are_texts=True, texts={"since": "-1h"})

    assert [plan.sweep["values"] for plan in plans] == [
        {"attempts": 5, "delays_ms": [0.0, 5.0]}, {"attempts": 5, "delays_ms": [20.0]},
        {"attempts": 10, "delays_ms": [0.0, 5.0]}, {"attempts": 10, "delays_ms": [20.0]},
    ]  # fmt: skip
    assert [(plan.sweep["number"], plan.sweep["of"]) for plan in plans] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len({plan.sweep["id"] for plan in plans}) == 1
    assert len({plan.parameters["since"] for plan in plans}) == 1
    assert plans[0].given == ("attempts", "delays_ms", "since")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--sweep", "attempts=5,101"], "attempts = 101 is not possible. It must be in [1..100]."),
        (["--sweep", "attempts=5,many"], "attempts takes a whole number, not 'many'."),
        (["--sweep", "atempts=5,6"], "'atempts' is not a parameter of works. Did you mean 'attempts'?"),
        (["--sweep", "attempts=5"], "A sweep of attempts needs at least two values."),
        (["--sweep", "attempts=5,10,05"], "The sweep names attempts = 5 twice."),
        (["--sweep", "attempts"], "--sweep 'attempts' names no values.\nWrite --sweep NAME=a,b,c."),
        (["--sweep", "attempts=1,2", "--sweep", "attempts=3,4"], "attempts is swept twice."),
        (["--sweep", "attempts=1,2", "-p", "attempts=3"], "attempts is swept and given a value as well."),
        (["--sweep", "environment=local,staging", "-e", "local"], "environment is swept and given a value as well."),
        (["--sweep", "environment=local,staging"], "staging"),
        (["--sweep", "environment=local,stagin"], "There is no environment 'stagin'. Did you mean 'staging'?"),
        (["--sweep", f"attempts={','.join(map(str, range(1, 102)))}"], "That sweep has 101 runs. One has at most 100."),
        (["--sweep", "attempts=1,2", "--slot", "a@2026-11-21T05:00Z"], "A slot of the schedule stands for one run"),
    ],
)
def test_what_is_wrong_with_any_value_is_refused_before_the_first_run(project, capsys, monkeypatch, options, says):
    monkeypatch.delenv("GPKIT_JWT_SECRET", raising=False)
    monkeypatch.delenv("GPKIT_TOKEN", raising=False)

    assert main(["run", "works", *options]) == 4
    assert says in capsys.readouterr().err
    assert run_folders(project) == []


def test_a_sweep_runs_each_value_and_ends_with_a_table_by_value(project, capsys):
    code = main(["run", "works", "--sweep", "label=bad,good", "--jobs", "2", "--json"])
    said = capsys.readouterr()
    main(["runs", "--sweep", "last", "--json"])
    listed = [json.loads(row) for row in capsys.readouterr().out.splitlines()]

    assert code == 1
    assert sorted(json.loads(row)["verdict"] for row in said.out.splitlines()) == ["findings", "healthy"]
    table = said.err[said.err.index("\nLABEL") :].splitlines()[1:]
    assert [row.split()[:4] for row in table[:3]] == [
        ["LABEL", "STATUS", "VERDICT", "HEADLINE"],
        ["label=bad", "ok", "findings", "events.all_five"],
        ["label=good", "ok", "healthy", "events.all_five"],
    ]
    assert "50 % (95 % interval 45–55 %, n = 5), target 80 %" in table[1]
    assert table[3] == "events.all_five: the intervals lie apart for label=bad and label=good."
    assert [row["sweep"]["values"] for row in listed] == [{"label": "bad"}, {"label": "good"}]
    assert table[-1] == f"Together: gpkit runs --sweep {listed[0]['sweep']['id']}"
    page = (project / "outputs" / "index.html").read_text()
    assert "works by label" in page
    assert f"runs/{listed[1]['run_id']}/report.html" in page


def test_python_takes_typed_values(project):
    plans = make_plans(["works"], {"delays_ms": [[0.0, 5.0], [20.0]]}, values={"label": "bad"})

    assert [plan.parameters["delays_ms"] for plan in plans] == [[0.0, 5.0], [20.0]]
    assert {plan.parameters["label"] for plan in plans} == {"bad"}
    with pytest.raises(CallerError, match="A sweep of label needs at least two values"):
        runs.run("works", sweep={"label": "ab"})


def trial(root, number, found, of=3, values=None, minute=None, **parts):
    swept = {"id": "20261101T000000000Z-sweep-000000", "number": number, "of": of}
    parameters = {"environment": "staging", "attempts": 200, "concurrency": number}
    return past_run(
        root, number if minute is None else minute, found, parameters=parameters,
        sweep={**swept, "values": values or {"concurrency": number}}, **parts,
    )  # fmt: skip


def seen(root):
    [found] = sweeps(newest(root / "runs"))
    return found


def test_values_whose_intervals_all_overlap_show_no_difference(tmp_path):
    for number, interval in ((1, [0.6, 0.7]), (2, [0.65, 0.8]), (3, [0.69, 0.9])):
        trial(tmp_path, number, finding(interval=interval))

    assert compared(seen(tmp_path)) == [
        "events.all_five: all intervals overlap: no difference between the values is shown, which is not the same as "
        "none.",
        "3 pairs were compared, each by 95 % intervals: of many, some lie apart by chance.",
    ]


def test_values_whose_intervals_lie_apart_are_named_and_none_is_called_best(tmp_path):
    for number, interval in ((1, [0.1, 0.2]), (2, [0.15, 0.4]), (3, [0.3, 0.9])):
        trial(tmp_path, number, finding(interval=interval))

    said = compared(seen(tmp_path))

    assert said[0] == (
        "events.all_five: the intervals lie apart for concurrency=1 and concurrency=3; all others overlap."
    )
    assert "best" not in " ".join(said)


def test_runs_without_a_number_and_other_units_are_said_and_not_compared(tmp_path):
    trial(tmp_path, 1, finding())
    trial(tmp_path, 2, finding(), status="timeout")
    failed = trial(tmp_path, 3, finding(), status="kernel-died")
    trial(tmp_path, 3, finding(interval=[0.9, 0.95]), minute=9, retry_of=failed.name, attempt=2)
    [lead, *_] = compared(seen(tmp_path))

    assert lead == (
        "events.all_five: the intervals lie apart for concurrency=1 and concurrency=3. "
        "1 of 3 runs have no such interval."
    )
    trial(tmp_path, 4, finding(unit="s", interval=[1.0, 2.0]), minute=12)
    assert compared(seen(tmp_path)) == ["events.all_five: nothing to compare. 4 of 4 runs have no such interval."]


def test_where_different_findings_lead_each_is_told_for_every_run(tmp_path):
    other = meets(id="auth.let_in", estimate=0.99, interval=[0.98, 1.0])
    for number, found in ((1, [finding(), other]), (2, [other, meets()]), (3, [finding()])):
        parts = {"sweep": {"id": "s", "number": number, "of": 3, "values": {"attempts": number}}}
        past_run(tmp_path, number, *found, **parts)

    said = [" ".join(line.split()) for line in sweep_told(seen(tmp_path)).splitlines()]

    begins = said.index("events.all_five in every run:")
    assert said[begins + 1 : begins + 6] == [
        "attempts=1 71 % (95 % interval 64–77 %, n = 200), target 80 %",
        "attempts=2 95 % (95 % interval 91–97 %, n = 200), target 80 %",
        "attempts=3 71 % (95 % interval 64–77 %, n = 200), target 80 %",
        "auth.let_in in every run:",
        "attempts=1 99 % (95 % interval 98–100 %, n = 200), target 80 %",
    ]


def test_runs_that_a_sweep_lacks_are_counted(tmp_path):
    trial(tmp_path, 1, finding())

    assert "2 of 3 runs are not there." in sweep_told(seen(tmp_path))
    write_index(tmp_path)
    assert "2 of 3 runs are not there." in (tmp_path / "index.html").read_text()


def test_runs_of_a_sweep_are_no_earlier_runs_of_other_values(tmp_path):
    one, other = (read(trial(tmp_path, number, finding())) for number in (1, 2))
    again = read(trial(tmp_path, 1, finding(), minute=7))
    parameters = {"environment": "staging", "attempts": 200, "concurrency": 5}
    plain = read(past_run(tmp_path, 8, finding(), parameters=parameters))

    assert is_same_question(one, again)
    assert not is_same_question(one, other)
    assert not is_same_question(one, plain)


def test_trials_change_no_verdict_at_a_glance(tmp_path):
    past_run(tmp_path, 0, meets())
    trial(tmp_path, 1, finding())

    [entry] = overview(list(newest(tmp_path / "runs")))

    assert (entry.word.word, entry.total) == ("MEETS", 2)


def test_a_sweep_that_is_not_there_is_refused_with_those_that_are(tmp_path, capsys):
    assert main(["runs", "--sweep", "last", "--outputs", str(tmp_path)]) == 4
    assert "holds no sweep" in capsys.readouterr().err
    trial(tmp_path, 1, finding())

    assert main(["runs", "--sweep", "2025", "--outputs", str(tmp_path)]) == 4
    assert "There is no sweep '2025'." in capsys.readouterr().err
    assert main(["runs", "--sweep", "20261101", "--outputs", str(tmp_path)]) == 0
    assert main(["runs", "--sweep", "last", "--verdict", "healthy", "--outputs", str(tmp_path)]) == 4
    assert "--sweep shows a sweep as a whole." in capsys.readouterr().err
