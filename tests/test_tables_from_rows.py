"""Rows become a table the same way whether their values are looked at one by one or all at once."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.errors import TableError
from gpkit.tables import Column, conform, from_rows

KINDS = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=False),
    "text": st.text(st.characters(exclude_categories=["Cs"])),
    "flag": st.booleans(),
    "texts": st.lists(st.text(max_size=3), max_size=3),
}
COLUMNS = tuple(Column(kind, kind, "Any.") for kind in KINDS)
rows = st.lists(
    st.fixed_dictionaries({}, optional={kind: st.none() | values for kind, values in KINDS.items()}), min_size=1
)


@settings(deadline=None)
@given(rows)
def test_the_quick_way_gives_the_same_table(listed):
    slow = pd.DataFrame({kind: pd.Series([row.get(kind) for row in listed], dtype="object") for kind in KINDS})

    pd.testing.assert_frame_equal(from_rows(listed, COLUMNS), conform(slow, COLUMNS))


@settings(deadline=None)
@given(st.lists(st.none() | KINDS["integer"], min_size=1))
def test_nanoseconds_keep_all_their_digits(values):
    table = from_rows([{"integer": value} for value in values], COLUMNS)

    assert [None if pd.isna(value) else int(value) for value in table["integer"]] == values


def test_a_number_too_large_is_an_error_of_the_table():
    with pytest.raises(TableError, match="Column integer holds values that are no integer"):
        from_rows([{"integer": 2**70}], COLUMNS)
