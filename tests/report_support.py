"""Run folders as a real run leaves them: a notebook with real plotly figures and frames, results, run.json."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import plotly.graph_objects as go

PLOTLY = "application/vnd.plotly.v1+json"
HOSTILE = (
    "<script>window.ran=1</script><img src=x onerror='window.ran=2'><svg onload='window.ran=3'></svg>"
    "<meta http-equiv='refresh' content='0;url=https://evil.example/'><base href='https://evil.example/'>"
    "<style>body{display:none}</style><iframe src='https://evil.example/'></iframe>"
    "<form action='https://evil.example/'><button>go</button></form><a href='javascript:window.ran=4'>see</a>"
    "<link rel=stylesheet href='https://evil.example/x.css'></script></pre></details></title></style>"
    "\x1b[31mred\x1b[0m \x00nul \u202egnp.exe\u202c `` ``` ```` [x](javascript:window.ran=5) ![i](https://evil.example/i.png)"
)

LINE = "WARNING <b>refused</b>\u202e"


def finding(**parts: Any) -> dict[str, Any]:
    """A finding as results.json holds it."""
    told = {
        "id": "all_five_events",
        "claim": "142 of 200 attempts got all five events; most are lost at tool_completed.",
        "verdict": "fails",
        "estimate": 0.71,
        "unit": "ratio",
        "interval": [0.6437, 0.7684],
        "n": 200,
        "target": 0.8,
        "cause": "tool_completed is sent and never arrives on revision chat-00042.",
        "ruled_out": ["a slow client: loop lag stayed below 2 ms", "a race: loss does not depend on the send delay"],
        "evidence": ["attempt-0007", "attempt-0031", "attempt-0112"],
        "limits": ["Whether a lost event was never sent: the server's log says."],
        "next_step": "gpkit run handshake_race -e staging",
    }
    return told | parts


def findings() -> list[dict[str, Any]]:
    """Three findings, one of each verdict."""
    return [
        finding(),
        finding(
            id="first_event_p95",
            claim="The first event came within 5 s at the 95th percentile.",
            verdict="meets",
            estimate=1.84,
            unit="s",
            interval=[1.62, 2.31],
            n=187,
            target=5.0,
            cause=None,
            ruled_out=[],
            evidence=[],
            limits=["13 attempts were refused before they could send."],
            next_step="",
        ),
        finding(
            id="negative_controls",
            claim="Every bad credential was refused, but too few were tried to be sure.",
            verdict="undecided",
            estimate=1.0,
            interval=[0.8389, 1.0],
            n=20,
            target=0.99,
            cause=None,
            ruled_out=[],
            evidence=[f"control-{i:04}" for i in range(60)],
            limits=["Another 279 refusals are needed."],
            next_step="gpkit probe -e staging --credential expired --attempts 299",
        ),
    ]


def lines(text: str = "Authentication failed: signature verification failed") -> dict[str, Any]:
    """The raw lines behind the first finding."""
    return {
        "all_five_events": [
            {"id": f"68bd{i:04}00000", "at": f"2026-11-20T10:00:{i:02}.123456Z", "text": f"{text} user={i}"}
            for i in range(6)
        ]
    }


def trail(**parts: Any) -> dict[str, Any]:
    """How the evidence of a finding is found, as results.json holds it."""
    told = {
        "worst": "the slowest",
        "cases": 60,
        "entries": 1,
        "shown": [{"id": "control-0000", "why": "first and worst", "ids": {"trace": "4bf9"}, "lines": 2, "of": 9}],
        "filter": 'insertId="x1"',
        "selects": 1,
        "window": {"since": "2026-11-20T08:00:00Z", "until": None},
        "command": "gpkit logs export.json --filter 'insertId=\"x1\"'",
        "explorer": "https://console.cloud.google.com/logs/query;query=insertId%3D%22x1%22?project=shop",
        "rest": "gpkit show R --evidence negative_controls",
        "notes": ["The filter names 1 of 2 entries."],
    }
    return told | parts


def case_lines() -> list[dict[str, str]]:
    """The lines of the case that :func:`trail` names."""
    case = "control-0000"
    return [
        {
            "case": "control-0000",
            "id": "control-0000",
            "kind": "attempt",
            "at": "2026-11-20T10:00:00Z",
            "text": "ended",
        },
        {"case": case, "id": "x1", "kind": "entry", "at": "2026-11-20T10:00:01Z", "text": LINE},
    ]


def figure(index: int = 0, points: int = 300, text: str = "attempt") -> dict[str, Any]:
    """A figure as the kernel emits it, with the title, reading and table that the report shows."""
    draw = np.random.default_rng(index)
    steps = ["open", "ready", "agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
    if index % 3 == 0:
        values = [200, 196, 193, 190, 181, 146, 142]
        drawn = go.Figure(
            go.Bar(x=values, y=steps, orientation="h", text=[f"{v / 2:.0f} %" for v in values], marker_color="#0072B2")
        )
        drawn.update_yaxes(autorange="reversed")
        drawn.update_xaxes(title="attempts")
        title, reading = "Where are the events lost?", "Read a bar as: of 200 planned attempts, how many got this far."
        table = {
            "columns": ["step", "reached", "of_planned"],
            "rows": [[s, v, v / 200] for s, v in zip(steps, values, strict=True)],
        }
    elif index % 3 == 1:
        seconds = np.round(draw.lognormal(0, 0.6, points), 4)
        drawn = go.Figure(
            go.Scatter(
                x=list(range(points)),
                y=seconds.tolist(),
                mode="markers",
                text=[f"{text} {i}" for i in range(points)],
                marker={"size": 5, "color": "#D55E00"},
            )
        )
        drawn.update_layout(xaxis_title="attempt", yaxis_title="seconds")
        drawn.add_hline(y=5, line_dash="dot")
        title, reading = (
            f"How long does the first event take? {text}",
            "Each point is one attempt; the dotted line is the target.",
        )
        table = {"columns": ["attempt", "seconds"], "rows": [[i, float(s)] for i, s in enumerate(seconds)]}
    else:
        x = np.sort(draw.lognormal(-2, 0.5, points))
        drawn = go.Figure(
            go.Scatter(
                x=np.round(x, 5).tolist(),
                y=np.round(np.arange(1, points + 1) / points, 4).tolist(),
                line={"shape": "hv", "color": "#009E73"},
                name=text,
            )
        )
        drawn.update_layout(xaxis_title="seconds", yaxis_title="share of attempts")
        title, reading = "How long does authentication take?", "At x seconds, this share of the attempts had a verdict."
        table = {"columns": ["quantile", "seconds"], "rows": [[q, float(np.quantile(x, q))] for q in (0.5, 0.9, 0.95)]}
    drawn.update_layout(meta={"gpkit": {"title": title, "reading": reading, "table": table}})
    return json.loads(drawn.to_json())


def frame(text: str = "ok") -> pd.DataFrame:
    """A table as a notebook shows it."""
    return pd.DataFrame({"outcome": ["ok", "event_missing", text], "n": [142, 41, 17], "share": [0.71, 0.205, 0.085]})


def notebook(
    *, text: str = "attempt", extra: tuple[dict[str, Any], ...] = (), figures: int = 3, stop: str = ""
) -> dict[str, Any]:
    """An executed notebook with three figures; ``extra`` outputs come after the first table."""
    v4 = nbformat.v4
    table = v4.new_output(
        "execute_result", {"text/html": frame(text).to_html(), "text/plain": str(frame(text))}, execution_count=3
    )
    bar = v4.new_output(
        "stream", name="stderr", text="".join(f"\r{i * 10:3}%|{'█' * i:10}| {i * 20}/200" for i in range(11)) + "\n"
    )
    cells = [
        v4.new_markdown_cell(
            "# Do users get all five agent events?\n\nOpens real connections, sends one message on each, and counts "
            "what comes back.\n\n- Answer: **meets / fails / cannot tell**\n- Reads: a live service, or `logs`"
        ),
        v4.new_code_cell(
            'environment: str = "local"  # where\nattempts: int = 200  # planned attempts [1..10000]',
            metadata={"tags": ["parameters"]},
            execution_count=1,
        ),
        v4.new_code_cell(
            'environment = "staging"\nattempts = 200', metadata={"tags": ["injected-parameters"]}, execution_count=2
        ),
        v4.new_markdown_cell("## What was measured\n\nOne row is one planned attempt."),
        v4.new_code_cell(
            "import gpkit\ngpkit.sample_check(run.attempts)",
            outputs=[bar, table, *(nbformat.from_dict(o) for o in extra)],
            execution_count=3,
        ),
        v4.new_markdown_cell(
            "## Where are they lost?\n\nRead a bar as: of the attempts that got this far, how many got one step "
            "further.\n\n| step | meaning |\n|---|---|\n| open | the upgrade answered 101 |"
        ),
    ]
    for index in range(figures):
        drawn = v4.new_output("display_data", {PLOTLY: figure(index, text=text)})
        cells.append(v4.new_code_cell("gpkit.figures.funnel(funnel)", outputs=[drawn], execution_count=4 + index))
    if stop:
        failed = v4.new_output(
            "error", ename="TableError", evalue=stop, traceback=["\x1b[31mTableError\x1b[0m", f"Traceback … {stop}"]
        )
        cells.append(v4.new_code_cell("run.finish(judged)", outputs=[failed], execution_count=9))
        cells.append(v4.new_code_cell("never_run()"))
    cells.append(v4.new_markdown_cell("## Verdict"))
    cells.append(v4.new_markdown_cell("## What this cannot tell\n\nWhether a lost event was never sent."))
    return v4.new_notebook(cells=cells)


def run_folder(root: Path, run_id: str = "20261120T100000Z-event_success_rates-staging-7f3a", **parts: Any) -> Path:
    """A run folder under ``root/runs``; ``parts`` replace fields of run.json, ``results``, ``notebook`` the files."""
    folder = root / "runs" / run_id
    folder.mkdir(parents=True)
    told = {
        "evidence_lines": lines() | {"negative_controls": case_lines()},
        "evidence_trail": {"negative_controls": trail()},
    }
    results = parts.pop("results", {"findings": findings(), "headline": "all_five_events", **told})
    book = parts.pop("notebook", None) or notebook()
    run = {
        "run_id": run_id,
        "notebook": "event_success_rates",
        "environment": "staging",
        "status": "ok",
        "verdict": "findings",
        "started_utc": "2026-11-20T10:00:00+00:00",
        "duration_s": 63.2,
        "parameters": {"environment": "staging", "attempts": 200, "rate_per_s": 20.0, "target_ratio": 0.8, "logs": ""},
        "given": ["environment", "attempts"],
        "python": "3.11.9",
        "platform": "Linux-6.1-x86_64",
        "versions": {"gpkit": "0.1.0", "websockets": "17.4", "ruptures": None},
        "headline": next((f for f in results["findings"] if f["id"] == results.get("headline")), None),
        "error": None,
        "cells": {"run": 7, "of": 7},
        "git": {"revision": "41d6d62f3c1b2a49", "dirty": True},
        "window": {"since": "2026-11-20T09:00:00Z", "until": "2026-11-20T10:00:00Z"},
        "coverage": {"attempts": 200, "controls": 20, "gaps": ["10:12 to 10:14: no entries"], "duplicates": 0},
    } | parts
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "results.json").write_text(json.dumps({"run_id": run_id} | results))
    (folder / "notebook.ipynb").write_text(json.dumps(book))
    return folder


def notebook_with(*figures: dict[str, Any]) -> dict[str, Any]:
    """An executed notebook that shows these figures, each from a cell of its own, and nothing else."""
    v4 = nbformat.v4
    shown = [v4.new_output("display_data", {PLOTLY: one}) for one in figures]
    cells = [v4.new_code_cell(f"draw({at})", outputs=[one], execution_count=at) for at, one in enumerate(shown, 1)]
    return v4.new_notebook(cells=[v4.new_markdown_cell("# How much is it?"), *cells])


def drawn_on(page: Path) -> list[dict[str, Any]]:
    """The figures that a page draws, as plotly.js gets them."""
    found = re.findall(r'<script type="application/json">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    return [json.loads(text) for text in found]
