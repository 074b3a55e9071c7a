"""Raw entries → one Arrow table: redacted, with the columns of ENTRIES and those that the next steps need.

Whatever brings entries (files, the API, a warehouse) comes through here, so that nothing secret gets past and every
source gives the same table.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from gpkit import redaction
from gpkit.entries.extraction import extraction_sql
from gpkit.entries.scrubbing import scrubbed_sql, scrubber

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from gpkit.entries.selecting import Selection

SCHEMA_VERSION = int(hashlib.sha256((extraction_sql("x") + redaction.RULES).encode()).hexdigest()[:8], 16)
"""Of an extracted table: another number when columns, what is taken for them, or what is redacted changed."""

CHUNK = 4096  # chosen: two of DuckDB's vectors; 1.9 × the speed of one chunk on two cores


class Extractor:
    """Extracts entries with a DuckDB of its own; use it as a context.

    Args:
        mask_contacts: Mask client addresses and e-mail addresses.
        selection: Which entries to keep, told from the entries as they stood; null keeps all.
    """

    def __init__(self, *, mask_contacts: bool = True, selection: Selection | None = None) -> None:
        import duckdb

        self.connection: duckdb.DuckDBPyConnection = duckdb.connect()
        self._mask_contacts = mask_contacts
        self._selection = selection
        quiet(self.connection)
        self.connection.create_function("scrub", scrubber(mask_contacts=mask_contacts), ["VARCHAR"], "VARCHAR")
        for name, function in selection.functions if selection else ():
            self.connection.create_function(name, function, ["VARCHAR"], "BOOLEAN")
        # Texts of more than 2 GiB in one column.
        self.connection.execute("SET arrow_large_buffer_size = true")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def of_sql(self, source: str) -> pa.Table:
        """The extracted rows of an SQL source of ``entry`` and ``readable``, in its order.

        Raises:
            duckdb.Error: The source cannot be read.
        """
        if self._selection is not None:
            source = self._selection.select_sql(source)
        return self.connection.sql(
            extraction_sql(scrubbed_sql(source, mask_contacts=self._mask_contacts))
        ).to_arrow_table()

    def extract(self, raw: Sequence[str | bytes]) -> pa.Table:
        """The extracted rows of entries, each the JSON text of one object; one row for each, in order.

        An entry that is no valid JSON for DuckDB (half of a surrogate pair) is kept as it stood and read without it.
        """
        import pyarrow as pa

        texts = _in_chunks(raw)
        self.connection.register("cut", pa.table({"entry": texts}))
        broken = self.connection.execute(
            "SELECT row_number() OVER () - 1, entry FROM cut QUALIFY NOT json_valid(entry)"
        ).fetchall()
        if not broken:
            return self.of_sql("SELECT entry, NULL::VARCHAR AS readable FROM cut")
        readable: list[str | None] = [None] * len(raw)
        for place, entry in broken:
            readable[place] = _readable(entry)
        self.connection.register("cut", pa.table({"entry": texts, "readable": pa.array(readable, pa.large_string())}))
        return self.of_sql("SELECT entry, readable FROM cut")


def _in_chunks(raw: Sequence[str | bytes]) -> pa.ChunkedArray:
    """The texts as one column. DuckDB works on its chunks side by side."""
    import pyarrow as pa

    # Bytes that are UTF-8 become text without being decoded one by one.
    kind = pa.large_binary() if raw and isinstance(raw[0], bytes) else pa.large_string()
    chunks = [pa.array(raw[at : at + CHUNK], kind) for at in range(0, len(raw), CHUNK)]
    return pa.chunked_array(chunks, kind).cast(pa.large_string())


def quiet(connection: duckdb.DuckDBPyConnection) -> None:
    """Settings of every connection: UTC, and no progress bar."""
    import duckdb

    connection.execute("SET TimeZone = 'UTC'")
    with contextlib.suppress(duckdb.Error):  # in a kernel without ipywidgets it is off and cannot be set
        connection.execute("SET enable_progress_bar = false")


def _readable(entry: str) -> str:
    """The entry without what DuckDB cannot parse: halves of surrogate pairs become question marks."""
    plain = json.dumps(json.loads(entry), ensure_ascii=False).encode("utf-8", "replace").decode()
    return redaction.redact(plain)
