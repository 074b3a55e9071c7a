import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit import tables
from gpkit.errors import OutputError, SourceError, TableError
from gpkit.tables import ENTRIES, MESSAGES, TABLES, conform, empty, from_rows, read, write

NS = 1_760_000_000_123_456_789


def messages():
    return from_rows(
        [
            {"attempt_id": "a", "index": 0, "direction": "sent", "t_ns": 1, "at_ns": NS, "text": "é\0 \u202e"},
            {"attempt_id": "b", "index": 1, "direction": "received", "t_ns": 2, "server_stamp_ns": NS + 1},
        ],
        MESSAGES,
    )


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_has_every_column_and_its_type(name):
    frame = empty(TABLES[name])

    assert list(frame.columns) == [column.name for column in TABLES[name]]
    pd.testing.assert_frame_equal(conform(frame, TABLES[name]), frame)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_a_table_comes_back_as_it_was_written(tmp_path, suffix):
    path = tmp_path / f"messages{suffix}"
    write(messages(), path)

    pd.testing.assert_frame_equal(read(path, MESSAGES), messages())


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_nanoseconds_keep_all_digits(value):
    frame = from_rows([{"attempt_id": "a", "index": 0, "t_ns": value, "at_ns": None}], MESSAGES)

    assert frame["t_ns"].iloc[0] == value
    assert frame["at_ns"].isna().all()


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match=r"lacks index, text"):
        conform(messages().drop(columns=["index", "text"]), MESSAGES)


def test_a_value_of_another_kind_is_refused():
    with pytest.raises(TableError, match="Column index"):
        from_rows([{"attempt_id": "a", "index": "first"}], MESSAGES)


def test_further_columns_are_kept_behind():
    frame = conform(messages().assign(more=1), MESSAGES)

    assert frame.columns[-1] == "more"


def test_lists_come_back_as_lists(tmp_path):
    frame = from_rows([{"connection_id": "c", "evidence": ["x", "y"]}, {"connection_id": "d"}], tables.CONNECTIONS)
    write(frame, tmp_path / "c.parquet")

    assert list(read(tmp_path / "c.parquet", tables.CONNECTIONS)["evidence"]) == [["x", "y"], []]


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(OutputError, match="no ending"):
        write(messages(), tmp_path / "messages.xlsx")
    with pytest.raises(SourceError, match="no file"):
        read(tmp_path / "nothing.parquet", MESSAGES)


def test_a_folder_that_is_not_there_is_one_message(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write(messages(), tmp_path / "nowhere" / "messages.csv")


def test_the_page_of_tables_says_what_the_code_says(root):
    page = (root / "docs" / "tables.md").read_text()

    for name, columns in TABLES.items():
        assert f"## `{name}`" in page
        for column in columns:
            assert f"| `{column.name}` | {column.kind} |" in page


def test_every_column_says_what_null_means():
    assert all(column.null_means and column.meaning for columns in TABLES.values() for column in columns)
    assert {column.name for column in ENTRIES if column.unit == ""} >= {"severity"}


def test_a_parquet_file_of_others_keeps_its_nanoseconds(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    entries = tables.from_rows([{"timestamp_ns": 1_757_250_000_123_456_789}, {"entry": "{}"}], tables.ENTRIES)
    bare = pa.Table.from_pandas(entries, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(bare, tmp_path / "entries.parquet")

    read = tables.read(tmp_path / "entries.parquet", tables.ENTRIES)

    assert read["timestamp_ns"].tolist() == [1_757_250_000_123_456_789, pd.NA]
