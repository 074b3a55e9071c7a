"""Log entries, wherever they are → one table, each entry once, with what it covers. The one way in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gpkit.entries import Entries, Extractor, Part, Problem, assemble, selected_by, selection
from gpkit.environments import Environment
from gpkit.errors import SourceError
from gpkit.filters import Filter, doubts, masked, parse
from gpkit.logs.files import load_file, part_of
from gpkit.logs.finding import Found, find
from gpkit.logs.sources import API, BIGQUERY, FILES, SINK, Source, dataset_of, require_window, source
from gpkit.redaction import redact


def read(
    sources: str | Path | Iterable[str | Path],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    filter: str | Filter = "",
    environment: Environment | None = None,
    offline: bool = False,
    mask_contacts: bool | None = None,
    progress: Callable[[str], None] | None = None,
) -> Entries:
    """Read log entries.

    Args:
        sources: Files, folders or patterns: JSON arrays, one object a line, or wrapped by a script; plain, gzip, zstd,
            bzip2 or xz. Files may overlap: each entry is kept once, and of two copies the one with its payload.
            Or one of ``api:PROJECT`` (the Cloud Logging API, by way of the cache), ``bigquery:PROJECT.DATASET`` (Log
            Analytics) and ``gs://BUCKET/PREFIX/*.json`` (sink files, wherever fsspec reaches).
        since: Only entries at or after this instant. The API and a warehouse need it, and ``until``.
        until: Only entries before this instant.
        filter: Only entries that this filter selects: Cloud Logging's language, or what :mod:`gpkit.filters` composes;
            empty for all.
        environment: Where its project, credentials and masking are configured.
        offline: Read a project's log from the cache alone.
        mask_contacts: Mask client addresses and e-mail addresses; null for what the environment says.
        progress: Told now and then how far a fetch is, as a sentence.

    Returns:
        One row for each entry, oldest first. The same filter selects the same entries wherever they are read from.

    Raises:
        SourceError: A source leads nowhere, or a named file is no log export, and why.
        FilterError: The filter is wrong, or asks for what cannot be had there.
        ParameterError: The window is missing or too large for the source.
        FarSideError: The far side refused, or was not to be reached.
    """
    target = environment or Environment(name="")
    if mask_contacts is not None:
        target = dataclasses.replace(target, mask_contacts=mask_contacts)
    text = filter if isinstance(filter, str) else filter.text
    asked = _Asked(target, since, until, text, offline, progress)
    given = _given(sources)
    far = [one for one in given if one.kind != FILES]
    if not far:
        return _told(_read_files([one.name for one in given], asked), text)
    if len(given) > 1:
        raise SourceError(f"'{far[0].name}' stands beside other sources.", next_step="Read one of them at a time.")
    if offline and far[0].kind != API:
        raise SourceError(
            f"'{far[0].name}' is not held in the cache: only what came through the API is.",
            next_step="Read it without offline, or save it once: gpkit logs SOURCE -o entries.parquet",
        )
    require_window(far[0], since, until)
    read_far = {API: _read_api, BIGQUERY: _read_bigquery, SINK: _read_sink}[far[0].kind]
    return _told(read_far(far[0].name, asked), text)


def _told(entries: Entries, filter: str) -> Entries:
    """The entries, whose coverage says what was selected, and what of the filter can hardly be meant."""
    coverage = entries.coverage
    notes = (*coverage.notes, *(doubts(parse(filter)) if filter.strip() else ()))
    selected = selected_by([one.filter for one in coverage.written_with], redact(filter.strip()))
    return dataclasses.replace(entries, coverage=dataclasses.replace(coverage, notes=notes, filter=selected))


@dataclass(frozen=True)
class _Asked:
    """What the caller asked for, beside the source."""

    target: Environment
    since: datetime | None
    until: datetime | None
    filter: str
    offline: bool
    progress: Callable[[str], None] | None


def _given(sources: str | Path | Iterable[str | Path]) -> list[Source]:
    listed = [sources] if isinstance(sources, (str, Path)) else list(sources)
    return [Source(FILES, str(one)) if isinstance(one, Path) else source(one) for one in listed]


def _read_files(paths: list[str], asked: _Asked) -> Entries:
    chosen = selection(asked.filter)
    found = find(paths)
    with Extractor(mask_contacts=asked.target.mask_contacts, selection=chosen) as extractor:
        parts, problems = _load_all(extractor, found, is_export=chosen is None)
    return _assembled(parts, problems, asked, is_selection=chosen is not None)


def _read_api(project: str, asked: _Asked) -> Entries:
    from gpkit.logs.fetching import fetch

    tell = asked.progress
    return fetch(
        asked.target,
        asked.since,
        asked.until,
        asked.filter,
        offline=asked.offline,
        progress=None if tell is None else lambda at: tell(str(at)),
        project=project,
    )


def _read_bigquery(name: str, asked: _Asked) -> Entries:
    from gpkit.logs.warehouse import bigquery

    project, dataset, view = dataset_of(name)
    masks = asked.target.mask_contacts
    window = (asked.since, asked.until)
    return bigquery.read(project, dataset, *window, asked.filter, view=view or bigquery.VIEW, mask_contacts=masks)


def _read_sink(address: str, asked: _Asked) -> Entries:
    from gpkit.logs import sink

    chosen = selection(asked.filter)
    with Extractor(mask_contacts=asked.target.mask_contacts, selection=chosen) as extractor:
        parts, problems = sink.load(address, extractor, is_export=chosen is None, progress=asked.progress)
    return _assembled(parts, problems, asked, is_selection=chosen is not None)


def _assembled(parts: list[Part], problems: list[Problem], asked: _Asked, *, is_selection: bool) -> Entries:
    """The entries of files, whose coverage says where the filter asks for what is masked in them."""
    names = ", ".join(dict.fromkeys(part.name for part in parts if part.is_table))
    altered = ", ".join(masked(parse(asked.filter))) if names and is_selection else ""
    note = (
        f"{names}: contacts and credentials were masked when it was written, so what the filter says of {altered} may "
        "select other entries there than in the raw log."
    )
    return assemble(
        parts,
        since=asked.since,
        until=asked.until,
        problems=problems,
        notes=[note] if altered else [],
        is_selection=is_selection,
    )


def _load_all(extractor: Extractor, found: list[Found], *, is_export: bool) -> tuple[list[Part], list[Problem]]:
    loaded: list[Part] = []
    problems: list[Problem] = []
    refusals: list[SourceError] = []
    for file in found:
        try:
            table, cuttings = load_file(extractor, file.path)
        except SourceError as error:
            if file.named:
                raise
            refusals.append(error)
            why = str(error).splitlines()[0].removeprefix(f"{file.path.name} ").rstrip(".")
            problems.append(Problem(file.path.name, None, why))
            continue
        loaded.append(part_of(file.path.name, table, cuttings, is_export=is_export))
        problems += cuttings.problems
    if not loaded:
        raise refusals[0]
    return loaded, problems
