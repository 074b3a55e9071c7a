"""A number over runs as a picture that needs no script, and as rows of text. Pure.

The picture is inline SVG with coordinates in percent, so that it fits any width; its colours are classes of the style
sheet, so that it follows light and dark. Everything in it is a number or a fixed word; nothing else can come in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard
from urllib.parse import quote

from markupsafe import Markup

from gpkit.history.change import interval, is_number
from gpkit.history.past import instant as read_instant
from gpkit.report.account import STATUSES, Claim, claim_of
from gpkit.report.measures import measure
from gpkit.report.prose import markup
from gpkit.report.visible import one_line
from gpkit.report.wording import instant, verdict_word

_LARGEST = 1e15  # beyond it nothing that is measured here lies, and arithmetic on a scale would overflow
MAX_POINTS = 60  # chosen: more would not be told apart on a phone
_EDGE = 3.0  # percent of the picture left free on each side: half a mark
_TOP, _BOTTOM = 8.0, 88.0  # percent from the top where the scale ends; below it, runs without a number


@dataclass(frozen=True)
class Trend:
    """One finding over runs.

    Attributes:
        picture: The drawing, without its words.
        sentence: What it shows, for those who do not see it.
        top, bottom: The values at the ends of its scale.
        first, last: The instants at its ends.
        target: What the line in it stands for, or empty.
        aim: How far from the top that line is, percent; null without a target.
        rows: One for each run, newest first: when, word, numbers, run id, link.
    """

    picture: Markup
    sentence: str
    top: str
    bottom: str
    first: str
    last: str
    target: str
    aim: float | None
    rows: tuple[dict[str, Any], ...]


def trend_of(told: Any, *, small: bool = False, above: str = "../") -> Trend | None:
    """The trend that a record tells; null when there are not two runs to connect, or nothing to draw."""
    if not isinstance(told, Mapping) or not isinstance(told.get("points"), list):
        return None
    points = [point for point in told["points"] if isinstance(point, Mapping)][-MAX_POINTS:]
    claims = [_claim(point, told) for point in points]
    drawn = [claim for claim in claims if _can_be_drawn(claim.estimate)]
    if len(points) < 2 or not drawn:
        return None
    scale = _scale([value for claim in drawn for value in _values(claim)], is_ratio=drawn[0].unit == "ratio")
    ends = (measure(Claim("", unit=drawn[0].unit, estimate=end)).estimate for end in scale)
    bottom, top = (end.replace("\u00a0", " ") for end in ends)
    aim = told.get("target")
    return Trend(
        picture=_picture(points, claims, scale, aim, small=small),
        sentence=_sentence(claims),
        top=top,
        bottom=bottom,
        first=instant(str(points[0].get("at") or "")),
        last=instant(str(points[-1].get("at") or "")),
        target=measure(drawn[-1]).target,
        aim=_height(aim, scale) if _can_be_drawn(aim) else None,
        rows=()
        if small
        else tuple(_row(point, claim, above) for point, claim in zip(points, claims, strict=True))[::-1],
    )


def _claim(point: Mapping[str, Any], told: Mapping[str, Any]) -> Claim:
    return claim_of({**point, **{name: told.get(name) for name in ("id", "unit", "target", "target_is")}})


def _values(claim: Claim) -> list[float]:
    values = [claim.estimate, claim.target, *(claim.interval or ())]
    return [float(value) for value in values if _can_be_drawn(value)]


def _can_be_drawn(value: Any) -> TypeGuard[float]:
    return is_number(value) and abs(value) < _LARGEST


def _scale(values: Sequence[float], *, is_ratio: bool) -> tuple[float, float]:
    """Both ends of the scale: what lies outward of every value and reads well. Dots need no zero, as bars would."""
    least, most = min(values), max(values)
    rough = (most - least) / 4 or abs(most) / 4 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999)
    start, end = math.floor(least / step) * step, math.ceil(most / step) * step
    start, end = (start, end) if end > start else (start - step, end + step)
    if is_ratio and least >= 0 and most <= 1:
        return max(0.0, round(start, 12)), min(1.0, round(end, 12))
    return round(start, 12), round(end, 12)


def _sentence(claims: Sequence[Claim]) -> str:
    drawn = [claim for claim in claims if _can_be_drawn(claim.estimate)]
    failing = sum(1 for claim in drawn if claim.verdict == "fails")
    missing = len(claims) - len(drawn)
    said = [f"{len(claims)} runs, from {measure(drawn[0]).estimate} to {measure(drawn[-1]).estimate}"]
    said += [f"{failing} failing"] if failing else []
    said += [f"{missing} without a number"] if missing else []
    return ", ".join(said).replace("\u00a0", " ")


def _row(point: Mapping[str, Any], claim: Claim, above: str) -> dict[str, Any]:
    status, run_id = _status(point), str(point.get("run_id") or "")
    return {
        "at": instant(str(point.get("at") or "")).removesuffix(" UTC"),
        "word": verdict_word(claim) if status == "ok" else None,
        "status": status,
        "numbers": measure(claim).sentence.split(", target")[0] if status == "ok" else "",
        "run_id": one_line(run_id),
        "link": f"{above}{quote(run_id, errors='replace')}/report.html" if run_id else "",
    }


def _picture(
    points: Sequence[Mapping[str, Any]],
    claims: Sequence[Claim],
    scale: tuple[float, float],
    aim: Any,
    *,
    small: bool,
) -> Markup:
    places = _places([read_instant(str(point.get("at") or "")) for point in points])
    parts = []
    if _can_be_drawn(aim):
        at = _height(aim, scale)
        parts.append(f'<line class="aim" x1="0" x2="100%" y1="{at}%" y2="{at}%"/>')
    marks, before = [], None
    radius = 2 if small else 4.5
    for x, point, claim in zip(places, points, claims, strict=True):
        if _status(point) != "ok" or not _can_be_drawn(claim.estimate):
            marks.append(f'<line class="gap" x1="{x}%" x2="{x}%" y1="94%" y2="100%"/>')
            before = None  # a line across a run without a number would claim one
            continue
        y, tone = _height(claim.estimate, scale), verdict_word(claim).tone
        if before is not None:
            parts.append(f'<line class="path" x1="{before[0]}%" y1="{before[1]}%" x2="{x}%" y2="{y}%"/>')
        ends = interval({"interval": claim.interval})
        if ends is not None:
            low, high = (_height(min(max(end, scale[0]), scale[1]), scale) for end in ends)
            marks.append(f'<line class="span {tone}" x1="{x}%" x2="{x}%" y1="{low}%" y2="{high}%"/>')
        marks.append(f'<circle class="{tone}" cx="{x}%" cy="{y}%" r="{radius}"/>')
        before = (x, y)
    return markup(f'<svg aria-hidden="true" focusable="false">{"".join(parts + marks)}</svg>')


def _places(instants: Sequence[datetime | None]) -> list[float]:
    """Where the runs stand from left to right, percent: by time, or by number when a time is not known."""
    known = [at.timestamp() for at in instants if at is not None]
    width = 100 - 2 * _EDGE
    if len(known) < len(instants) or max(known) <= min(known):
        return [round(_EDGE + width * number / max(1, len(instants) - 1), 2) for number in range(len(instants))]
    return [round(_EDGE + width * (at - min(known)) / (max(known) - min(known)), 2) for at in known]


def _height(value: float, scale: tuple[float, float]) -> float:
    share = (value - scale[0]) / (scale[1] - scale[0]) if scale[1] > scale[0] else 0.5
    return round(_BOTTOM - (_BOTTOM - _TOP) * share, 2)


def _status(point: Mapping[str, Any]) -> str:
    status = point.get("status")
    return status if isinstance(status, str) and status in STATUSES else "unknown"
