"""Parameters: what a notebook declares, and which values it takes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.errors import ParameterError, SourceError
from gpkit.instants import resolve, window
from gpkit.runs.asking.declarations import parse_cell
from gpkit.runs.asking.parameters import check, check_value, parse_value

CELL = '''
"""What the run takes."""
environment: str = "local"        # where: a file in parameters/environments
logs: str = ""                    # an export; empty means probe {path}
faults: str = "incident"          # what goes wrong {name or path}
attempts: int = 200               # planned attempts [1..10000]
rate_per_s: float = 20.0          # planned starts per second [0.01..]
carrier: str = "header"           # how the token travels {header|query|none}
is_strict: bool = False           # refuse what is doubtful
delays_ms: list[float] = [        # delays after open, ms [0..1000]
    0,
    5.5,
]
url: str = "wss://h/x?room=1"    # a default with = in it
which: str = ""                   # entries of the log {filter}
since: str = ""                   # first instant
until: str = ""                   # last instant
'''
DECLARED = {declaration.name: declaration for declaration in parse_cell(CELL, "handshake_race")}
NOW = datetime(2025, 9, 7, 13, 20, tzinfo=UTC)


def refusal(*, texts=None, values=None, folder=None) -> str:
    with pytest.raises((ParameterError, SourceError)) as caught:
        check("handshake_race", DECLARED.values(), texts=texts, values=values, folder=folder, now=NOW)
    return str(caught.value)


def test_a_declaration_has_type_default_help_and_constraint():
    attempts = DECLARED["attempts"]

    assert (attempts.type_name, attempts.default, attempts.help) == ("int", 200, "planned attempts")
    assert (attempts.low, attempts.high, attempts.constraint) == (1, 10000, "[1..10000]")
    assert DECLARED["carrier"].choices == ("header", "query", "none")
    assert DECLARED["logs"].is_path
    assert DECLARED["rate_per_s"].constraint == "[0.01..]"


def test_a_default_may_span_lines_and_hold_an_equals_sign():
    assert DECLARED["delays_ms"].default == [0, 5.5]
    assert DECLARED["delays_ms"].help == "delays after open, ms"
    assert DECLARED["url"].default == "wss://h/x?room=1"


@pytest.mark.parametrize(
    "cell",
    ["import os", "attempts = 5", "attempts: int", "a: int = f()", "a: dict = {}", "a, b = 1, 2", "a: int = ("],
)
def test_a_cell_that_holds_anything_but_declarations_is_refused(cell):
    with pytest.raises(ParameterError):
        parse_cell(cell, "handshake_race")


def test_the_cell_is_never_executed(tmp_path):
    with pytest.raises(ParameterError, match="default is not a literal"):
        parse_cell(f"a: str = open({str(tmp_path / 'made')!r}, 'w').name", "handshake_race")

    assert not (tmp_path / "made").exists()


def test_an_unknown_name_is_refused_with_the_nearest_and_the_list():
    assert refusal(texts={"rate_per": "5"}) == (
        "'rate_per' is not a parameter of handshake_race. Did you mean 'rate_per_s'?\n"
        "It takes: environment, logs, faults, attempts, rate_per_s, carrier, is_strict, delays_ms, url, which, since, "
        "until."
    )


def test_a_name_that_is_code_is_only_an_unknown_name():
    assert "is not a parameter" in refusal(texts={"attempts; import os": "5"})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("environment", "007", "007"),
        ("environment", "true", "true"),
        ("attempts", "007", 7),
        ("rate_per_s", "1e-1", 0.1),
        ("is_strict", "yes", True),
        ("is_strict", "FALSE", False),
        ("delays_ms", "0,5,20", [0.0, 5.0, 20.0]),
        ("delays_ms", "[0, 5]", [0.0, 5.0]),
        ("delays_ms", "", []),
    ],
)
def test_text_is_parsed_by_the_declared_type(name, text, value):
    parsed = parse_value(DECLARED[name], text)

    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("attempts", "1.0"),
        ("attempts", "many"),
        ("attempts", ""),
        ("attempts", "1_000"),
        ("attempts", "9" * 5000),
        ("rate_per_s", "nan"),
        ("rate_per_s", "inf"),
        ("is_strict", "1"),
        ("delays_ms", "0,x"),
    ],
)
def test_text_of_another_type_is_refused(name, text):
    with pytest.raises(ParameterError, match=f"^{name} takes "):
        parse_value(DECLARED[name], text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attempts", True),
        ("attempts", 2.0),
        ("environment", 7),
        ("is_strict", 1),
        ("delays_ms", 5),
        ("rate_per_s", 10**400),
    ],
)
def test_a_typed_value_of_another_type_is_refused(name, value):
    with pytest.raises(ParameterError, match=f"^{name} takes "):
        check_value(DECLARED[name], value)


def test_a_value_out_of_bounds_is_refused_with_the_bounds():
    assert refusal(texts={"attempts": "0"}) == "attempts = 0 is not possible. It must be in [1..10000]."
    assert refusal(values={"delays_ms": [1.0, -1.0]}).startswith("delays_ms = -1.0 is not possible.")


LISTS = """
carriers: list[str] = ["header"]  # {header|query|none}
rates: list[float] = [1.0]        # [0.5..10]
sizes: list[int] = [1]            # [1..]
steps: list[float] = [5]          # {0|5|20.0}
"""


@pytest.mark.parametrize(
    ("name", "text", "values", "says"),
    [
        ("carriers", "header,qery", ["header", "qery"], "carriers = 'qery' is not possible. Did you mean 'query'?"),
        ("rates", "1,0.4", [1.0, 0.4], "rates = 0.4 is not possible. It must be in [0.5..10]."),
        ("rates", "11,1", [11, 1], "rates = 11.0 is not possible. It must be in [0.5..10]."),
        ("steps", "5,6", [5, 6], "steps = 6.0 is not possible."),
        ("sizes", "2,0", [2, 0], "sizes = 0 is not possible. It must be in [1..]."),
    ],
)
def test_a_constraint_holds_for_each_item_of_a_list(name, text, values, says):
    declarations = parse_cell(LISTS, "n")

    for given_as in ({"texts": {name: text}}, {"values": {name: values}}):
        with pytest.raises(ParameterError) as caught:
            check("n", declarations, **given_as)
        assert str(caught.value).startswith(says)
    assert check("n", declarations, texts={"carriers": "none, query"})["carriers"] == ["none", "query"]
    assert check("n", declarations, texts={"steps": "0,5.0,20"})["steps"] == [0.0, 5.0, 20.0]


def test_a_default_that_breaks_its_own_constraint_is_refused():
    with pytest.raises(ParameterError, match=r"^rates = 0\.1 is not possible"):
        check("n", parse_cell("rates: list[float] = [1.0, 0.1]  # [0.5..10]", "n"))


def test_a_value_that_is_not_listed_is_refused_with_the_nearest():
    assert refusal(texts={"carrier": "heder"}) == (
        "carrier = 'heder' is not possible. Did you mean 'header'?\ncarrier is one of: header, query, none."
    )


def test_a_credential_is_refused_as_a_value_and_not_repeated():
    message = refusal(texts={"environment": "Authorization: Bearer s3cr3t-0123456789"})

    assert "holds a credential" in message
    assert "s3cr3t" not in message


def test_text_wins_over_a_file():
    checked = check("n", DECLARED.values(), texts={"attempts": "3"}, values={"attempts": 4, "rate_per_s": 2})

    assert (checked["attempts"], checked["rate_per_s"], checked["carrier"]) == (3, 2.0, "header")


def test_a_given_path_starts_at_the_callers_folder(tmp_path):
    (tmp_path / "entries.json").write_text("[{}]")

    checked = check("n", DECLARED.values(), texts={"logs": "entries.json"}, folder=tmp_path)

    assert checked["logs"] == str(tmp_path / "entries.json")


def test_a_missing_or_empty_file_is_refused_before_a_kernel_starts(tmp_path):
    (tmp_path / "empty.json").touch()

    assert refusal(texts={"logs": "gone.json"}, folder=tmp_path).startswith("gone.json does not exist.")
    assert refusal(texts={"logs": "empty.json"}, folder=tmp_path).startswith("empty.json is empty.")
    assert refusal(texts={"logs": "~nobody-here/x"}, folder=tmp_path).startswith("~nobody-here/x does not exist.")


def test_a_name_in_place_of_a_path_is_left_alone(tmp_path):
    (tmp_path / "mine.yaml").write_text("faults: []")

    assert check("n", DECLARED.values(), texts={"faults": "healthy"}, folder=tmp_path)["faults"] == "healthy"
    assert check("n", DECLARED.values(), texts={"faults": "mine.yaml"}, folder=tmp_path)["faults"] == str(
        tmp_path / "mine.yaml"
    )
    assert refusal(texts={"faults": "gone.yaml"}, folder=tmp_path).startswith("gone.yaml does not exist.")


def test_an_address_in_place_of_a_path_is_left_alone():
    assert check("n", DECLARED.values(), texts={"logs": "api:shop-prod"})["logs"] == "api:shop-prod"


@pytest.mark.parametrize(
    ("written", "absolute"),
    [
        ("-1h", "2025-09-07T12:20:00Z"),
        ("-90s", "2025-09-07T13:18:30Z"),
        ("-7d", "2025-08-31T13:20:00Z"),
        ("yesterday", "2025-09-06T00:00:00Z"),
        ("today", "2025-09-07T00:00:00Z"),
        ("2025-09-07T15:00:00+02:00", "2025-09-07T13:00:00Z"),
        ("2025-09-07", "2025-09-07T00:00:00Z"),
        ("", ""),
    ],
)
def test_a_time_becomes_absolute_utc(written, absolute):
    assert resolve({"since": written}, now=NOW) == {"since": absolute}


def test_relative_times_are_resolved_among_the_parameters():
    checked = check("n", DECLARED.values(), texts={"since": "-1h", "until": "now"}, now=NOW)

    assert (checked["since"], checked["until"]) == ("2025-09-07T12:20:00Z", "2025-09-07T13:20:00Z")


@pytest.mark.parametrize(
    ("since", "until"),
    [("soon", ""), ("now", "-1h"), ("-1h", "-1h"), ("-99999999999w", ""), ("2025-09-07T13:20:00.123456789Z", "")],
)
def test_an_impossible_window_is_refused(since, until):
    with pytest.raises(ParameterError):
        window(since, until, now=NOW)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused_and_never_anything_else(text):
    for declaration in DECLARED.values():
        try:
            value = parse_value(declaration, text)
        except ParameterError:
            continue
        assert check_value(declaration, value) == value


@given(st.text(max_size=60))
def test_any_cell_is_read_or_refused_and_never_anything_else(source):
    with contextlib.suppress(ParameterError):
        parse_cell(source, "n")


def test_a_wrong_filter_is_refused_before_a_kernel_starts():
    assert check("handshake_race", DECLARED.values(), texts={"which": "severity>=ERROR"})["which"] == "severity>=ERROR"
    assert refusal(texts={"which": "severity>="}).startswith("The filter is wrong at line 1, column 11: ")
