"""What docs/probe.md says is what the code does."""

import dataclasses
import re

from gpkit.probe.lag import SAMPLE_EVERY_S, UNDER_LOAD_S
from gpkit.probe.phases import FLOOR_S
from gpkit.probe.plan import Plan
from gpkit.protocol.outcomes import OUTCOMES
from gpkit.tables import PHASES


def outcome_table() -> str:
    rows = "".join(f"| `{o.pattern}` | {o.step} | {o.meaning} |\n" for o in OUTCOMES)
    return f"| outcome | ends in | what the client saw |\n|---|---|---|\n{rows}"


def page(root) -> str:
    return (root / "docs" / "probe.md").read_text("utf-8")


def test_the_table_of_outcomes_is_the_one_in_code(root):
    written = page(root).partition("<!-- outcomes -->\n")[2].partition("<!-- /outcomes -->")[0]

    assert written == outcome_table()


def test_every_limit_of_a_plan_is_documented_with_its_default(root):
    text = page(root)
    for field in dataclasses.fields(Plan):
        if field.name.endswith(("_timeout_s", "deadline_s", "linger_s", "straggler_s", "verdict_s", "silence_s")):
            assert f"| `{field.name}` | {getattr(Plan(), field.name):g} s |" in text


def test_every_phase_and_threshold_is_named(root):
    text = page(root)

    assert all(f"`{phase}`" in text for phase in PHASES)
    assert f"within {FLOOR_S * 1000:.0f} ms of the truth" in text
    assert f"every {SAMPLE_EVERY_S * 1000:.0f} ms" in text
    assert re.search(rf"above {UNDER_LOAD_S * 1000:.0f} ms", text)


def test_the_example_runs(root):
    code = page(root).partition("```python\n")[2].partition("```")[0].replace("attempts=50", "attempts=5")
    names: dict = {}
    exec(compile(code, "docs/probe.md", "exec"), names)

    assert set(names["evidence"].attempts["outcome"]) == {"ok", "refused_after_accept"}
