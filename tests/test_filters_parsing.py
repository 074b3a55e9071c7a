"""A filter is read as the language is published, or refused with the place and the reason."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpkit.errors import CallerError
from gpkit.filters import FilterError, parse
from gpkit.filters.language.parsing import MAX_CHARS, MAX_DEPTH
from gpkit.filters.language.syntax import And, Anywhere, Call, Comparison, Filter, Node, Not, Or, Path, Present, Text

from .filters_support import found


def tree(text: str) -> Node:
    read = parse(text).tree
    assert read is not None
    return read


def shape(node: Node) -> str:
    """The tree as text: prefix operators, every value quoted."""
    match node:
        case And(parts):
            return f"and({', '.join(map(shape, parts))})"
        case Or(parts):
            return f"or({', '.join(map(shape, parts))})"
        case Not(part):
            return f"not({shape(part)})"
        case Anywhere(text):
            return f"'{text.value}'"
        case Call(name, arguments):
            return f"{name}({', '.join(map(argument_shape, arguments))})"
        case Comparison(left, operator, Present()):
            return f"{argument_shape(left)} {operator} *"
        case Comparison(left, operator, Text(value)):
            return f"{argument_shape(left)} {operator} '{value}'"
    raise AssertionError(node)


def argument_shape(argument: Path | Text | Call) -> str:
    if isinstance(argument, Path):
        return "/".join(argument.components)
    return shape(argument) if isinstance(argument, Call) else f"'{argument.value}'"


READ_AS = [
    # precedence and connectives
    ("kettle OR NOT cup AND NOT tea OR pot", "and(or('kettle', not('cup')), or(not('tea'), 'pot'))"),
    ("kettle cup\ntea", "and('kettle', 'cup', 'tea')"),
    ("(kettle AND cup) AND tea", "and('kettle', 'cup', 'tea')"),
    ("((kettle) OR (cup OR tea))", "or('kettle', 'cup', 'tea')"),
    ("trace=t1 spanId=s1 -insertId=i1", "and(trace = 't1', spanId = 's1', not(insertId = 'i1'))"),
    ("NOT (kettle OR cup)", "not(or('kettle', 'cup'))"),
    ("-(kettle cup)", "not(and('kettle', 'cup'))"),
    ("NOT(kettle)", "not('kettle')"),
    # lower case is a word
    ("severity>=INFO and textPayload:tea", "and(severity >= 'INFO', 'and', textPayload : 'tea')"),
    ("kettle or not", "and('kettle', 'or', 'not')"),
    ("ORDER ANDROID NOTE", "and('ORDER', 'ANDROID', 'NOTE')"),
    # keywords as values and as names
    ("severity = AND", "severity = 'AND'"),
    ("severity = NOT AND trace = OR", "and(severity = 'NOT', trace = 'OR')"),
    ('severity = "OR"', "severity = 'OR'"),
    ("jsonPayload.AND.NOT = 1", "jsonPayload/AND/NOT = '1'"),
    # values
    ("resource.type=cloud_run_job", "resource/type = 'cloud_run_job'"),
    ("protoPayload.serviceName=run.googleapis.com", "protoPayload/serviceName = 'run.googleapis.com'"),
    ("jsonPayload.ratio >= -3.2e-8", "jsonPayload/ratio >= '-3.2e-8'"),
    ("jsonPayload.ratio<1e+5", "jsonPayload/ratio < '1e+5'"),
    ("timestamp>=2026-03-01", "timestamp >= '2026-03-01'"),
    ("trace=projects/p/traces/1", "trace = 'projects/p/traces/1'"),
    ("storage.googleapis.com", "'storage.googleapis.com'"),
    ("-5", "'-5'"),
    ("cup-a--b!", "'cup-a--b!'"),
    (r'textPayload = "a\"b\\c\tд"', "textPayload = 'a\"b\\c\tд'"),
    (r'textPayload = "\x41\101\u0042\ud83d\ude00"', "textPayload = 'AAB😀'"),
    (r"textPayload : tea\"cup\.", "textPayload : 'tea\"cup.'"),
    ('textPayload = "two\nlines"', "textPayload = 'two\nlines'"),
    ("jsonPayload.note:*", "jsonPayload/note : *"),
    ("-jsonPayload.note:*", "not(jsonPayload/note : *)"),
    # groups on the right
    ("trace = (t1 OR t2)", "or(trace = 't1', trace = 't2')"),
    ('textPayload:("kettle" "cup")', "and(textPayload : 'kettle', textPayload : 'cup')"),
    ("textPayload:((kettle OR -cup) AND NOT tea)", "and(or(textPayload : 'kettle', not(textPayload : 'cup')), "
     "not(textPayload : 'tea'))"),
    ('trace=~("^a" OR "b$")', "or(trace =~ '^a', trace =~ 'b$')"),
    # paths
    ('labels."k8s.io/app" = web', "labels/k8s.io/app = 'web'"),
    (r'jsonPayload."\"cup\"":tea', "jsonPayload/\"cup\" : 'tea'"),
    (r'jsonPayload."\=" = tea', "jsonPayload/= = 'tea'"),
    ('"jsonPayload"."cup" = tea', "jsonPayload/cup = 'tea'"),
    ("protoPayload.@type:Audit", "protoPayload/@type : 'Audit'"),
    # regular expressions
    (r'trace =~ "\d+\.\"x\""', "trace =~ '\\d+\\.\"x\"'"),
    (r'trace =~ "\\d+\\."', "trace =~ '\\d+\\.'"),
    # comments
    ("kettle -- AND cup\ntea", "and('kettle', 'tea')"),
    ("-- all\nkettle --", "'kettle'"),
    ('"a -- b"', "'a -- b'"),
    ("trace=-- why\nt1", "trace = 't1'"),
    # functions
    ('log_id("run.googleapis.com/stderr")', "log_id('run.googleapis.com/stderr')"),
    ("source(projects/shop-test)", "source('projects/shop-test')"),
    ("Sample(insertId, 0.25)", "Sample(insertId, '0.25')"),
    ('SEARCH (textPayload, "tea")', "SEARCH(textPayload, 'tea')"),
    ('cast(timestamp, STRING, TIMEZONE("Europe/Paris")) =~ "^2026"',
     "cast(timestamp, 'STRING', TIMEZONE('Europe/Paris')) =~ '^2026'"),
    ('CAST(REGEXP_EXTRACT(trace, "(\\d+)"), INT64) < 5', "CAST(REGEXP_EXTRACT(trace, '(\\d+)'), 'INT64') < '5'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "read"), READ_AS)
def test_a_filter_is_read_as(text: str, read: str):
    assert shape(tree(text)) == read


@pytest.mark.parametrize("text", ["", "  \n\t ", "-- nothing", "--\n--"])
def test_what_says_nothing_selects_everything(text: str):
    assert parse(text) == Filter(text, None)
    assert len(found(text)) == 5


def test_positions_are_offsets_in_the_text():
    read = tree('kettle\n  trace = "x"')
    assert isinstance(read, And)
    second = read.parts[1]
    assert isinstance(second, Comparison)
    assert (second.at, second.left.at, second.right.at) == (9, 9, 17)


def test_whether_a_value_or_a_component_was_quoted_is_kept():
    read = tree('labels."a" = NULL_VALUE')
    assert isinstance(read, Comparison)
    assert isinstance(read.left, Path)
    assert read.left.quoted == (False, True)
    assert isinstance(read.right, Text)
    assert not read.right.quoted


A_TERM = "Expected a field, a search term, a function or '('."
A_VALUE = "Expected a value, a value in double quotes or a group of values in parentheses."
QUOTED = 'Texts are quoted with double quotes: "…".'

REFUSED = [
    ("severity>=INFO AND", 1, 19, "AND has nothing after it.", A_TERM),
    ("kettle OR\n", 2, 1, "OR has nothing after it.", A_TERM),
    ("NOT", 1, 4, "NOT has nothing after it.", A_TERM),
    ("AND kettle", 1, 1, "AND has nothing before it.", 'To find the word, quote it: "AND".'),
    ("kettle AND OR cup", 1, 12, "OR directly after AND.", A_TERM),
    ("NOT NOT kettle", 1, 5, "NOT directly after NOT.", A_TERM),
    ("- kettle", 1, 1, "a minus with nothing directly after it.", "-TERM is NOT TERM; a text is quoted."),
    ("trace=", 1, 7, "a value is missing after '='.", A_VALUE),
    ("(trace=)", 1, 8, "a value is missing after '='.", A_VALUE),
    ("trace= AND kettle:x", 1, 7, "a value is missing between '=' and AND.", A_VALUE),
    ('trace = NOT "t1"', 1, 8, "a value is missing between '=' and NOT.", A_VALUE),
    ("trace == t1", 1, 7, "'==' is no operator.", "Equality is one '='."),
    ("kettle && cup", 1, 8, "'&&' is no operator.", "Write AND."),
    ("kettle || cup", 1, 8, "'||' is no operator.", "Write OR."),
    ("!kettle", 1, 1, "'!' is no operator.", "Negation is written NOT or -, directly before what it negates."),
    ('trace:~"t1"', 1, 6, "':~' is no operator.", "A regular expression match is written =~."),
    ('trace~"t1"', 1, 6, "'~' is no operator.", "A regular expression match is written =~."),
    ("severity=>INFO", 1, 9, "'=>' is no operator.", "At least is written >=."),
    ("trace<>t1", 1, 6, "'<>' is no operator.", "Not equal is written !=."),
    ("trace='t1'", 1, 7, "a single quote begins nothing.", QUOTED),
    ("trace=“t1”", 1, 7, "“ is a typographic quote.", 'Texts are quoted with plain double quotes: "…".'),
    ('textPayload:"tea', 1, 13, "the quote that opens here is not closed.", 'A quote inside a value is written \\".'),
    ('labels."app = web', 1, 8, "the quote that opens here is not closed.", 'A quote inside a value is written \\".'),
    ('"tea""cup"', 1, 6, "two quoted texts touch.", 'A quote inside a text is written \\".'),
    ('tea"cup"', 1, 4, "'\"' touches the text before it.", "Put a blank between."),
    ("(kettle OR cup", 1, 1, "the parenthesis that opens here is not closed.", "Expected ')'."),
    ("kettle)", 1, 7, "this parenthesis closes nothing.", ""),
    ("kettle ()", 1, 9, "nothing stands between the parentheses.", A_TERM),
    ("insertId = ab:cd", 1, 14, "':' inside a bare value.", 'Write it in double quotes: "ab:cd".'),
    ("timestamp>=2026-03-01T10:00:00Z", 1, 25, "':' inside a bare value.",
     'Write it in double quotes: "2026-03-01T10:00:00Z".'),
    ("trace=+5", 1, 7, "a bare value cannot begin with '+'.", 'Write it in double quotes: "+5".'),
    ("trace=-tea", 1, 7, "a bare value cannot begin with '-'.", 'Write it in double quotes: "-tea".'),
    ("trace=.5", 1, 7, "a bare value cannot begin with '.'.", 'Write it in double quotes: ".5".'),
    ("tea*", 1, 4, "'*' is no wildcard.",
     'Part of a text: FIELD:"part". A pattern: FIELD=~"pattern". Presence: FIELD:*'),
    ("trace=*", 1, 7, "'*' after '='.", "Presence is written FIELD:* and nothing else takes '*'."),
    ("trace=~t1", 1, 8, "a regular expression is not quoted.", 'Write it in double quotes: "t1".'),
    (r'textPayload:"C:\dir"', 1, 16, r"'\d' is no escape of the language.", r"A backslash itself is written \\."),
    (r"trace=a\b", 1, 8, "this backslash escapes nothing.", r'Quote the text, and write a backslash as \\: "…".'),
    ('trace=t."x"', 1, 9, "a value is partly quoted.", "Put the whole value in double quotes."),
    ("kettle, cup", 1, 7, "a comma outside a function.", 'Alternatives are written ("a" OR "b").'),
    ("labels. app:*", 1, 7, "a dot with no name after it or before it.", "Quote a name or value that holds a dot."),
    ("kettle\u2003cup", 1, 7, "U+2003 is no plain blank.", "Replace it by a blank, or quote the text."),
    ("= t1", 1, 1, "nothing stands before '='.", "Expected a field."),
    ('trace=cast("x", STRING)', 1, 7, "cast(…) stands on the right of '='.",
     "A function can stand alone or on the left; on the right stand values."),
    ("trace=\ud800", 1, 7, "half of a surrogate pair is no character.", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "problem", "help_"), REFUSED)
def test_what_is_no_filter_is_refused_with_its_place_and_the_way_out(
    text: str, line: int, column: int, problem: str, help_: str
):
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.what == f"The filter is wrong at line {line}, column {column}: {problem}"
    assert (caught.value.line, caught.value.column, caught.value.kind) == (line, column, "syntax")
    assert help_ in str(caught.value)


def test_the_message_shows_the_line_with_a_caret_under_the_place():
    with pytest.raises(FilterError) as caught:
        parse("severity>=INFO\ntrace == t1 AND kettle")
    assert str(caught.value) == (
        "The filter is wrong at line 2, column 7: '==' is no operator.\n"
        "    trace == t1 AND kettle\n"
        "          ^\n"
        "Equality is one '='."
    )
    assert caught.value.expected == ()
    assert isinstance(caught.value, CallerError)
    assert caught.value.exit_code == 4


def test_a_long_line_is_cut_around_the_place():
    with pytest.raises(FilterError) as caught:
        parse("kettle " * 100 + "trace== " + "cup " * 100)
    shown, caret = str(caught.value).split("\n")[1:3]
    assert len(shown) < 130
    assert shown[caret.index("^") :].startswith("== cup")


def test_a_line_with_a_credential_is_not_shown():
    with pytest.raises(FilterError) as caught:
        parse('textPayload:"Authorization: Bearer abcdefgh12345678" AND')
    assert "abcdefgh" not in str(caught.value)
    assert "not shown" in str(caught.value)


def test_an_error_survives_a_process_boundary():
    with pytest.raises(FilterError) as caught:
        parse("trace=")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.expected == ("a value", "a value in double quotes", "a group of values in parentheses")


def test_a_filter_longer_than_the_service_takes_is_refused():
    assert parse("a " * (MAX_CHARS // 2)).tree is not None
    with pytest.raises(FilterError, match="it has 20001 characters; Cloud Logging takes at most 20000"):
        parse("a" * (MAX_CHARS + 1))


@pytest.mark.parametrize(
    ("first", "opening"), [("", "("), ("", "NOT ("), ("", "-("), ("", "tea ("), ("x=", "(a OR NOT (")]
)
def test_nesting_beyond_the_limit_is_refused_not_a_crash(first: str, opening: str):
    with pytest.raises(FilterError, match="nested deeper than 50"):
        parse(first + opening * 1500)


def test_nesting_up_to_the_limit_is_read_and_applied():
    text = "NOT (kettle OR cup " * MAX_DEPTH + ")" * MAX_DEPTH
    assert len(found(text)) in (0, 5)


@given(st.text(max_size=60) | st.text("ab\"\\().:=~!<>*-, \n'ANDORT5", max_size=40))
def test_any_text_is_a_filter_or_a_filter_error(text: str):
    try:
        parse(text)
    except FilterError as error:
        at, said = error.position, str(error)
    else:
        at, said = 0, "nothing"
    assert 0 <= at <= len(text)
    assert said
