"""A project's log in Log Analytics, read by way of BigQuery: the filter and the grammar run there, little comes back.

Only entries that the grammar knows are brought; the others are counted. They are redacted like those of a file, by
the same extraction. A query is asked for its size first and is refused above a limit: a scan costs by the byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gpkit.entries import Entries, Extractor, Part, assemble
from gpkit.errors import FarSideError, ParameterError, SourceError, TargetError
from gpkit.instants import text
from gpkit.logs.sources import no_window
from gpkit.plural import counted

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from google.cloud.bigquery import Client

    from gpkit.filters import Filter

LIMIT_BYTES = 50_000_000_000  # chosen: about a third of a dollar, and no accident costs more
DOLLARS_A_TIB = 6.25  # on demand, United States, as others report it; your region's pricing page decides
VIEW = "_AllLogs"


@dataclass(frozen=True)
class Query:
    """What is asked of the warehouse: how many rows there are, and those to bring."""

    counts: str
    rows: str


def read(
    project: str,
    dataset: str,
    since: datetime | None,
    until: datetime | None,
    filter: str = "",
    *,
    view: str = VIEW,
    limit_bytes: int = LIMIT_BYTES,
    mask_contacts: bool = True,
    client: Client | None = None,
) -> Entries:
    """The entries of a window that tell of anything the grammar knows.

    Args:
        project: The project that holds the linked dataset, and pays for the query.
        dataset: The linked dataset of a log bucket.
        since: Only entries at or after this instant.
        until: Only entries before this instant.
        filter: A filter of the log language; it must be decidable there.
        view: The log view.
        limit_bytes: A query that scans more is refused.
        mask_contacts: Mask client addresses and e-mail addresses.
        client: Of BigQuery; null makes one from the application default credentials.

    Returns:
        The entries, and their coverage with what was counted and not brought.

    Raises:
        FarSideError: BigQuery failed.
        FilterError: The filter is wrong.
        ParameterError: The window or the limit is missing or impossible.
        SourceError: The warehouse cannot decide the filter, or the scan is larger than the limit.
        TargetError: BigQuery's client is not installed, or credentials, role or dataset are missing.
    """
    import pyarrow as pa

    if since is None or until is None:
        raise no_window(since, until)
    if since >= until:
        raise ParameterError(
            f"since = {text(since)} is not before until = {text(until)}.",
            next_step="A window runs from since to until.",
        )
    here = client if client is not None else _client(project)
    query = queries(
        project, dataset, since, until, filter, view=view, has_nanos=_has_nanos(here, project, dataset, view)
    )
    where = f"{project}.{dataset}.{view}"
    asked = [_dry(here, sql, where) for sql in (query.counts, query.rows)]
    _require_small(asked, limit_bytes, where)
    ((entries, selected, undecided, known),) = _run(here, query.counts, limit_bytes, where)
    if undecided:
        raise SourceError(
            f"The warehouse cannot decide the filter for {undecided} of {counted(entries, 'entry', 'entries')}.",
            "They hold text beyond ASCII, or values that only the interpreter reads.",
            "Fetch them: gpkit logs api:PROJECT --filter F",
        )
    from gpkit.logs.warehouse.as_logged import as_logged

    with Extractor(mask_contacts=mask_contacts) as extractor:
        raw = [as_logged(row[0]) for row in _run(here, query.rows, limit_bytes, where)]
        table = extractor.extract(raw) if raw else extractor.extract(["{}"]).slice(0, 0)
    assert isinstance(table, pa.Table)
    notes = (
        f"{where}: {counted(entries, 'entry', 'entries')} in the window, {selected} selected by the filter, "
        f"{known} of them known to the "
        f"grammar and read; {sum(asked)} bytes scanned, about {dollars(sum(asked)):.2f} $.",
    )
    return assemble([Part(where, table, is_export=False)], since=since, until=until, notes=notes, is_selection=True)


def queries(
    project: str,
    dataset: str,
    since: datetime,
    until: datetime,
    filter: str = "",
    *,
    view: str = VIEW,
    has_nanos: bool = False,
) -> Query:
    """The SQL of :func:`read`.

    Raises:
        FilterError: The filter is wrong.
        SourceError: Part of the filter has no translation.
    """
    import ibis

    from gpkit import filters
    from gpkit.logs.warehouse import log_analytics

    schema = log_analytics.SCHEMA | (dict.fromkeys(log_analytics.NANOS.values(), "int64") if has_nanos else {})
    logs = ibis.table(schema, view, catalog=project, database=dataset)
    # On the column itself: the table is partitioned by it, and days outside the window are not scanned.
    logs = logs.filter(logs.timestamp >= _instant(since), logs.timestamp < _instant(until))
    parsed = filters.parse(filter)
    filters.check(parsed)
    counted, brought = (_marked(log_analytics.entries(logs, with_row=it), parsed, filter) for it in (False, True))
    ones = {
        "selected": counted.selected,
        "undecided": counted.undecided,
        "known": counted.selected & counted.rule.notnull(),
    }
    sums = {name: flag.ifelse(1, 0).sum().fill_null(0) for name, flag in ones.items()}
    counts = counted.aggregate(entries=counted.count(), **sums)
    rows = brought.filter(brought.selected & brought.rule.notnull()).select(entry=brought.row)
    return Query(_sql(counts), _sql(rows))


def _marked(entries: ir.Table, parsed: Filter, filter: str) -> ir.Table:
    """The entries with ``rule``, ``selected`` and ``undecided``."""
    import ibis

    from gpkit.filters import push
    from gpkit.logs.grammar import classified

    known = classified(entries)
    pushed = push(parsed, known)
    # Nothing would surely be selected, whatever the entries are. What is decided for some of them is counted there.
    if pushed.surely.equals(ibis.literal(False)) and not pushed.decides_all:
        raise SourceError(
            f"The warehouse cannot decide this filter: {filter}",
            "Part of it has no translation that means the same in BigQuery.",
            "Simplify it, or read from the API: gpkit logs api:PROJECT --filter F",
        )
    return known.mutate(selected=pushed.surely, undecided=~pushed.surely & ~pushed.never)


def dollars(size_bytes: int) -> float:
    """What a scan costs on demand, beyond the free TiB of a month."""
    return size_bytes / 2**40 * DOLLARS_A_TIB


def _sql(expression: ir.Table) -> str:
    import ibis

    return str(ibis.to_sql(expression, dialect="bigquery"))


def _instant(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _require_small(asked: list[int], limit_bytes: int, where: str) -> None:
    if sum(asked) > limit_bytes:
        size, limit = sum(asked) / 1e9, limit_bytes / 1e9
        raise SourceError(
            f"Reading {where} would scan {size:.1f} GB, more than the limit of {limit:.1f} GB.",
            f"That is {size / 1.0995e3:.3f} TiB × {DOLLARS_A_TIB} $ = {dollars(sum(asked)):.2f} $ on demand.",
            "Choose a shorter window, or a higher limit_bytes.",
        )


def _client(project: str) -> Client:
    try:
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud import bigquery
    except ImportError:
        raise TargetError(
            "BigQuery's client is not installed.", next_step="Install it: pip install 'gpkit[bigquery]'"
        ) from None
    try:
        return bigquery.Client(project=project)
    except DefaultCredentialsError:
        raise TargetError(
            f"There are no credentials for project '{project}'.",
            "BigQuery needs application default credentials with roles/bigquery.jobUser and access to the dataset.",
            "Run gcloud auth application-default login, or read an export: gpkit logs export.json",
        ) from None


def _has_nanos(client: Any, project: str, dataset: str, view: str) -> bool:
    from gpkit.logs.warehouse.log_analytics import NANOS

    where = f"{project}.{dataset}.{view}"
    with _told(where):
        columns = {field.name for field in client.get_table(where).schema}
    return columns >= set(NANOS.values())


def _dry(client: Any, sql: str, where: str) -> int:
    """How many bytes a query would scan."""
    from google.cloud.bigquery import QueryJobConfig

    with _told(where):
        job = client.query(sql, job_config=QueryJobConfig(dry_run=True, use_query_cache=False))
        return int(job.total_bytes_processed)


def _run(client: Any, sql: str, limit_bytes: int, where: str) -> list[Any]:
    """The rows of a query, which BigQuery itself stops above the limit."""
    from google.cloud.bigquery import QueryJobConfig

    with _told(where):
        return list(client.query(sql, job_config=QueryJobConfig(maximum_bytes_billed=limit_bytes)).result())


class _told:  # noqa: N801 - reads as a sentence where it is used
    """What BigQuery's client raises, as errors of ours."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        from google.api_core import exceptions

        if isinstance(error, (exceptions.Forbidden, exceptions.NotFound, exceptions.Unauthorized)):
            raise TargetError(
                f"BigQuery refused to read {self._where} ({type(error).__name__}).",
                "The dataset does not exist, or the account may not read it or may not run queries.",
                "Ask for roles/bigquery.jobUser and roles/logging.viewAccessor, or link the log bucket to a dataset.",
            ) from None
        if isinstance(error, exceptions.GoogleAPICallError):
            raise FarSideError(
                f"BigQuery failed on {self._where} ({type(error).__name__}).", next_step="Try again later."
            ) from None
