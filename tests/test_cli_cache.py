"""``gpkit cache``: what is held, and what of it goes."""

import json
import os
import subprocess
import sys
import time

import pytest

from gpkit.cache import Key, Read, Store
from tests.cache_support import KEY, at, table

DAY_S = 86400


def gpkit(folder, *arguments):
    environment = {**os.environ, "GPKIT_CACHE": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "gpkit", *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def cache(tmp_path):
    """Two filters: a final slice used today, and a young one that was last of use 40 days ago."""
    store = Store(tmp_path / "cache")
    for key, lines, read_at in ((KEY, ["13:01 a", "13:02 b"], "17:00"), (Key("else", "", "x", True, 1), [], "13:16")):
        with store.shelf(key).claim(at("13:00")) as claim:
            store.shelf(key).write(claim, table(*lines), [Read(at("13:00"), at("13:15"), at(read_at))])
    (old,) = store.shelf(Key("else", "", "x", True, 1)).folder.glob("*.parquet")
    os.utime(old, (0, time.time() - 40 * DAY_S))
    return store.folder


def test_what_is_held_is_listed_for_programs_and_for_people(cache):
    done = gpkit(cache, "cache")

    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["project"] for row in rows] == ["shop", "else"]
    assert rows[0] == rows[0] | {
        "filter": KEY.filter,
        "since": "2025-09-07T13:00:00Z",
        "until": "2025-09-07T13:15:00Z",
        "slices": 1,
        "final": 1,
        "young": 0,
        "entries": 2,
    }
    assert (rows[1]["final"], rows[1]["young"], rows[1]["entries"]) == (0, 1, 0)
    told = done.stderr.splitlines()
    assert told[0] == f"2 filters in {cache}"
    assert told[1].startswith("  shop  2025-09-07 13:00 – 2025-09-07 13:15 UTC  2 entries  ")
    assert told[1].endswith(KEY.filter)
    assert told[2].endswith("(all)")
    assert told[3].startswith("2 slices (1 final, 1 young, 0 in part), 2 entries, ")


def test_an_empty_cache_is_no_error_and_is_not_made(tmp_path):
    done = gpkit(tmp_path / "none", "cache")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == "0 slices (0 final, 0 young, 0 in part), 0 entries, 0 B"
    assert not (tmp_path / "none").exists()


def test_pruning_takes_what_was_not_read_for_so_long(cache):
    done = gpkit(cache, "cache", "prune", "--older-than", "30d")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Removed 1 slice, ")
    assert Store(cache).listing()["project"].tolist() == ["shop"]


def test_pruning_spares_other_projects(cache):
    done = gpkit(cache, "cache", "prune", "--older-than", "30d", "--project", "shop")

    assert done.stderr.startswith("Removed 0 slices, 0 B")
    assert len(Store(cache).listing()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prune"], "The following arguments are required: --older-than."),
        (["prune", "--older-than", "soon"], "--older-than 'soon' is no age.\nWrite 30d, 2w or 12h."),
        (["prune", "--older-than", "-3d"], "--older-than"),
        (["purne"], "'purne' is not possible here. Did you mean 'prune'?"),
    ],
)
def test_what_makes_no_sense_is_refused(cache, arguments, said):
    done = gpkit(cache, "cache", *arguments)

    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr
