"""What a text names as a source of log entries."""

import pytest

from gpkit.errors import ParameterError, SourceError
from gpkit.logs.sources import API, BIGQUERY, FILES, SINK, Source, is_address, require_window, source


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("export.json", Source(FILES, "export.json")),
        ("logs/2025-09-*.json", Source(FILES, "logs/2025-09-*.json")),
        ("C:/logs/export.json", Source(FILES, "C:/logs/export.json")),
        ("./api:shop", Source(FILES, "./api:shop")),
        ("2025-09-07T13:00.json", Source(FILES, "2025-09-07T13:00.json")),
        ("api:shop-prod", Source(API, "shop-prod")),
        ("API:shop-prod", Source(API, "shop-prod")),
        ("api:example.com:shop-prod", Source(API, "example.com:shop-prod")),
        ("api:", Source(API, "")),
        ("bigquery:shop-prod.logs", Source(BIGQUERY, "shop-prod.logs")),
        ("bigquery:shop-prod.logs._AllLogs", Source(BIGQUERY, "shop-prod.logs._AllLogs")),
        ("gs://bucket/prefix/*.json", Source(SINK, "gs://bucket/prefix/*.json")),
        ("memory://here/a.json", Source(SINK, "memory://here/a.json")),
    ],
)
def test_a_text_names_one_source(text, named):
    assert source(text) == named
    assert is_address(text) == (named.kind != FILES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api:Shop Prod", "'Shop Prod' is no project id.\nWrite api:PROJECT, as in api:shop-prod."),
        (
            "bigquery:shop",
            "'shop' is no dataset.\nWrite bigquery:PROJECT.DATASET, as in bigquery:shop.logs.",
        ),
        (
            "bigqery:shop.logs",
            "'bigqery:' names no source of log entries. Did you mean 'bigquery'?\n"
            "A source is a file, api:PROJECT, bigquery:PROJECT.DATASET or an address such as gs://BUCKET/PREFIX/*.json.",
        ),
    ],
)
def test_an_address_of_no_known_kind_is_refused_with_the_nearest(text, message):
    with pytest.raises(SourceError) as refused:
        source(text)

    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["api:shop", "bigquery:shop.logs"])
@pytest.mark.parametrize(
    ("since", "until", "lacking"), [("", "", "since and until"), ("-1h", "", "until"), ("", "now", "since")]
)
def test_a_projects_log_has_no_end_of_its_own(text, since, until, lacking):
    with pytest.raises(ParameterError, match=f"has no {lacking}\\."):
        require_window(source(text), since, until)


@pytest.mark.parametrize("text", ["export.json", "gs://bucket/*.json"])
def test_files_need_no_window(text):
    require_window(source(text), "", "")
