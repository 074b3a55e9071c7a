"""What became of a finding between two runs: worse, better, recovered, same, new, gone, or not comparable.

Pure. The rule, in this order:

1. A finding of one run alone is *new* or *gone*.
2. Without a case, with another unit or another target, or in a run that did not end well, it is *not comparable*.
3. Verdicts that decide come first: from meets to fails is *worse*, from fails to meets is *recovered*.
4. Otherwise 95 % intervals that do not overlap tell *worse* from *better*; which way is better follows from the side
   of the target on which a finding meets or fails.
5. Everything else is the *same*: no change is shown, which is not the same as no change.

Two intervals that overlap a little may still differ; the rule says so only when it is plain (it errs towards *same*).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

WORSE, RECOVERED, BETTER, SAME = "worse", "recovered", "better", "same"
NEW, GONE, NOT_COMPARABLE = "new", "gone", "not comparable"
KINDS = (WORSE, NEW, RECOVERED, BETTER, GONE, NOT_COMPARABLE, SAME)
"""In the order in which a reader wants them."""

RULE = (
    "Verdicts that decide come first; otherwise 95 % intervals that do not overlap tell worse from better; "
    "everything else is the same. Another unit or target, or no case, is not comparable."
)

Finding = Mapping[str, Any]
_DECIDED = ("meets", "fails")
_SIDES = {"at least": 1, "at most": -1}


@dataclass(frozen=True)
class Change:
    """What became of one finding.

    Attributes:
        id: The finding's.
        kind: One of ``KINDS``.
        why: By what that is told, one sentence.
        before: The finding of the earlier run, null when it is new.
        after: That of the later run, null when it is gone.
    """

    id: str
    kind: str
    why: str
    before: Finding | None
    after: Finding | None


def changes(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[Change, ...]:
    """What became of every finding of two runs: worst first, in the order of the later run."""
    old = {finding.get("id"): finding for finding in before}
    new = {finding.get("id"): finding for finding in after}
    told = [change(old.get(name), finding) for name, finding in new.items()]
    told += [change(finding, None) for name, finding in old.items() if name not in new]
    return tuple(sorted(told, key=lambda one: KINDS.index(one.kind)))


def change(before: Finding | None, after: Finding | None) -> Change:
    """What became of one finding; one of the two may be null, not both."""
    kind, why = _judged(before, after)
    return Change(str((after or before or {}).get("id") or ""), kind, why, before, after)


def not_comparable(before: Finding | None, after: Finding | None, why: str) -> Change:
    """A finding of two runs that cannot be compared for a reason of their own."""
    return Change(str((after or before or {}).get("id") or ""), NOT_COMPARABLE, why, before, after)


def _judged(before: Finding | None, after: Finding | None) -> tuple[str, str]:
    if before is None:
        return NEW, "The earlier run has no such finding."
    if after is None:
        return GONE, "The later run has no such finding."
    for name in ("unit", "target"):
        if before.get(name) != after.get(name):
            return NOT_COMPARABLE, f"The {name} differs: {before.get(name)}, then {after.get(name)}."
    for which, finding in (("earlier", before), ("later", after)):
        if not finding.get("n"):
            return NOT_COMPARABLE, f"The {which} run judged no case of it."
    first, last = before.get("verdict"), after.get("verdict")
    if first in _DECIDED and last in _DECIDED and first != last:
        return (
            (WORSE, "It met its target and fails now.") if last == "fails" else (RECOVERED, "It failed and meets now.")
        )
    return _by_interval(before, after)


def _by_interval(before: Finding, after: Finding) -> tuple[str, str]:
    old, new = interval(before), interval(after)
    if old is None or new is None:
        if before.get("verdict") == after.get("verdict") != "undecided":
            return SAME, "The verdict is the same, and there is no interval to compare."
        return NOT_COMPARABLE, "A verdict is undecided, and there is no interval to compare."
    if old[0] <= new[1] and new[0] <= old[1]:
        return SAME, "The intervals overlap: no change is shown."
    side = better_side(after) or better_side(before)
    if side == 0:
        return NOT_COMPARABLE, "The intervals lie apart, but nothing says which way is better."
    is_better = (new[0] > old[1]) == (side > 0)
    return (BETTER if is_better else WORSE), "The intervals do not overlap."


def interval(finding: Finding) -> tuple[float, float] | None:
    """Both ends, an open one infinite; null when there is no interval, or none that bounds anything."""
    pair = finding.get("interval")
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return None
    low, high = (float(end) if is_number(end) else None for end in pair)
    if low is None and high is None:
        return None
    return (-math.inf if low is None else low), (math.inf if high is None else high)


def better_side(finding: Finding) -> int:
    """1 when more is better, -1 when less is, 0 when the finding does not tell."""
    if side := _SIDES.get(str(finding.get("target_is"))):
        return side
    # Of an older record the verdict and the interval tell.
    target, pair, verdict = finding.get("target"), interval(finding), finding.get("verdict")
    if not is_number(target) or verdict not in _DECIDED:
        return 0
    estimate = finding.get("estimate")
    low, high = pair or ((float(estimate), float(estimate)) if is_number(estimate) else (-math.inf, math.inf))
    above = 1 if low > target else -1 if high < target else 0
    return above if verdict == "meets" else -above


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value of a record is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
