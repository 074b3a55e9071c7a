"""Write ``docs/tables.md`` from the columns in code: ``python docs/make_tables.py``."""

from pathlib import Path

from gpkit.tables import TABLES

OPENING = {
    "attempts": "A row is one probe attempt, successful or not.",
    "messages": "A row is one frame sent or received in an attempt.",
    "entries": "A row is one log entry, whatever its shape at the source.",
    "connections": "A row is one server-side connection: phase instants, outcome, reason.",
    "tests": "A row is one test case of one test run.",
}
HEAD = """# The tables

Everything downstream of the evidence sees these tables only. Instants are UTC at microseconds, with a nanosecond column
beside them that holds all digits. Client durations come from one monotonic clock. Null means "did not happen" or "not
measured", never 0; each column says which. Tables are written as Parquet, JSON lines or CSV by the ending of the file.

Kinds: *instant* (`datetime64[us, UTC]`), *integer* (`Int64`), *number* (`Float64`), *text* (`str`), *flag* (`boolean`),
*texts* (a list of text).

The phases of an attempt partition planned start to end: integer nanoseconds that sum to `total_ns` exactly, whatever
the attempt ended in. Spans (`open_s`, `auth_s`, `agent_started_s` …) overlap phases and are in no sum.

Findings (`results.json`) are described at the end.
"""
COLUMN_HEAD = "| column | kind | unit, clock | meaning | null |\n|---|---|---|---|---|\n"
FINDINGS = """
## Findings

`results.json` of a run holds `run_id`, `notebook`, `environment`, `status`, `verdict`, `window`, `coverage`, `headline`
(a finding's id) and `findings`. A finding:

| field | meaning |
|---|---|
| `id` | stable across runs |
| `claim` | one sentence with the numbers |
| `verdict` | `meets`, `fails`, `undecided`: the whole interval is on one side of the target, or it is not |
| `estimate`, `unit`, `interval`, `n` | the number, its unit, its 95 % interval (null ends: unbounded), its cases |
| `target` | what it is judged against |
| `target_is` | which side meets it: `at least` or `at most`; empty without a target |
| `cause`, `ruled_out` | when one is named; what the evidence excludes |
| `evidence` | ids of attempts, connections and entries, worst first; `gpkit.evidence(finding)` shows the lines |
| `worst` | what is worst in the evidence, in words; empty where none is worse than another |
| `limits`, `next_step` | what it cannot tell; what to do |

[results.schema.json](results.schema.json) is the JSON Schema of the whole file; a test holds it to what runs write.

Run verdict: any `fails` is `findings`; else any `undecided` is `inconclusive`; nothing to judge is `no-data`; else
`healthy`; a run that failed has none.
"""


def page() -> str:
    parts = [HEAD]
    for name, columns in TABLES.items():
        parts.append(f"\n## `{name}`\n\n{OPENING[name]}\n\n{COLUMN_HEAD}")
        for column in columns:
            unit = ", ".join(part for part in (column.unit, column.clock) if part)
            row = f"| `{column.name}` | {column.kind} | {unit} | {column.meaning} | {column.null_means} |\n"
            parts.append(row)
    return "".join(parts) + FINDINGS


if __name__ == "__main__":
    Path(__file__).with_name("tables.md").write_text(page(), "utf-8")
