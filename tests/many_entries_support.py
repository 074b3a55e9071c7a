"""Entries for tests of the heavy stage: what the local stack really logged, and the real exports, as one frame each."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

from gpkit import logs
from tests.test_timeline_against_truth import run, stack_with_cases


@functools.cache
def local_log() -> pd.DataFrame:
    """The entries of three local stacks, one of each generation, with every fault that a log tells of."""
    frames = []
    for generation in "ABC":
        for stack in stack_with_cases(generation):
            run(stack, concurrency=20)
            frames.append(logs.read(stack.log_file).frame)
    return pd.concat(frames, ignore_index=True)


@functools.cache
def exported(exports: Path) -> pd.DataFrame:
    """The entries of all real exports."""
    return logs.read(
        [path for path in sorted((exports / "cloud_logging").iterdir()) if "summary" not in path.name]
    ).frame
