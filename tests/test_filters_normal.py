"""One way of writing for all filters of one form: it reads back as the same tree, and twice is as once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpkit.filters import Filter, FilterError, normal, parse, predicate
from gpkit.filters.language.syntax import And, Anywhere, Call, Comparison, Node, Not, Or, Path, Present, Text
from gpkit.filters.writing.normal import canonical

from .filters_support import LOG, found

NORMAL = [
    ("  severity>=warning\n-- why\nAND (trace:*)", 'severity>="WARNING" AND trace:*'),
    ("severity = error", 'severity="ERROR"'),
    ("Severity=error", 'severity="ERROR"'),
    ("http_request.REQUEST_METHOD=GET", 'httpRequest.requestMethod="GET"'),
    ('"jsonPayload"."cup"=tea', 'jsonPayload.cup="tea"'),
    ('jsonPayload."a.b".c_d=1', 'jsonPayload."a.b".c_d="1"'),
    ("jsonPayload.NOT=1", 'jsonPayload."NOT"="1"'),
    ("a b OR c d", '"a" AND ("b" OR "c") AND "d"'),
    ("((a)) ((b AND c))", '"a" AND "b" AND "c"'),
    ("NOT (NOT a)", 'NOT (NOT "a")'),
    ("-(a OR b)", 'NOT ("a" OR "b")'),
    ("trace=(a OR -b)", 'trace="a" OR NOT trace="b"'),
    ("jsonPayload.x=NULL_VALUE", "jsonPayload.x=NULL_VALUE"),
    ('jsonPayload.x="NULL_VALUE"', 'jsonPayload.x="NULL_VALUE"'),
    ('textPayload="tab\\tq\\"b\\\\\nend"', 'textPayload="tab\\tq\\"b\\\\\\nend"'),
    (r'textPayload=~"\d\.\\w"', r'textPayload=~"\\d\\.\\w"'),
    ("LOG_ID(syslog)", 'log_id("syslog")'),
    ("source(projects/p)", "source(projects/p)"),
    ("Sample(insert_id, 0.25)", "sample(insertId, 0.25)"),
    ('search("tea")', 'SEARCH("tea")'),
    ('CAST(timestamp,string,timezone("UTC"))=x', 'cast(timestamp, STRING, TIMEZONE("UTC"))="x"'),
    ('REGEXP_EXTRACT(trace, "(\\d)")=x', 'regexp_extract(trace, "(\\\\d)")="x"'),
    ("kettle.cup=1", 'kettle.cup="1"'),
    ("-- nothing", ""),
]


@pytest.mark.parametrize(("text", "written"), NORMAL)
def test_a_filter_has_one_way_of_writing(text: str, written: str):
    assert normal(parse(text)) == written
    assert normal(parse(written)) == written


def test_filters_that_mean_different_things_are_written_differently():
    texts = [
        "trace=a",
        "trace=A",
        "trace:a",
        'labels."a.b"=c',
        "labels.ab=c",
        "a b",
        '"a b"',
        "NOT a b",
        "NOT (a b)",
        "a OR b",
    ]
    assert len({normal(parse(text)) for text in texts}) == len(texts)


ANY_TEXT = st.text(max_size=8) | st.sampled_from(
    ["AND", "OR", "NOT", "NULL_VALUE", "*", '"', "\\", "\n", "--", "a.b", "-1"]
)
PATHS = st.one_of(
    st.sampled_from([("severity",), ("textPayload",), ("httpRequest", "status"), ("AND",), ("kettle", "cup")]),
    st.tuples(st.just("jsonPayload"), ANY_TEXT),
    st.tuples(st.just("labels"), ANY_TEXT),
).map(lambda names: Path(names, (True,) * len(names)))
VALUES = st.builds(Text, ANY_TEXT, st.just(True)) | st.just(Text("NULL_VALUE", False))
COMPARISONS = st.builds(Comparison, PATHS, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":", "=~", "!~"]), VALUES)
LEAVES = st.one_of(
    st.builds(Anywhere, st.builds(Text, ANY_TEXT, st.just(True))),
    COMPARISONS.filter(lambda node: node.operator not in ("=~", "!~") or node.right.quoted),
    st.builds(Comparison, PATHS, st.just(":"), st.just(Present())),
    st.builds(lambda text: Call("log_id", (Text(text, True),)), ANY_TEXT),
    st.builds(lambda path, text: Call("SEARCH", (path, Text(text, True))), PATHS, ANY_TEXT),
    st.builds(
        lambda path, text: Comparison(Call("regexp_extract", (path, Text(text, True))), "=", Text("x", True)),
        PATHS,
        ANY_TEXT,
    ),
)
TREES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        parts.map(Not),
        st.lists(parts, min_size=2, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(parts, min_size=2, max_size=3).map(lambda some: Or(tuple(some))),
    ),
    max_leaves=8,
)


def joined(node: Node) -> Node:
    """The tree with conjunctions in conjunctions, and disjunctions in disjunctions, taken in: as it is read."""
    if isinstance(node, Not):
        return Not(joined(node.part))
    if not isinstance(node, And | Or):
        return node
    parts: list[Node] = []
    for part in map(joined, node.parts):
        parts.extend(part.parts if isinstance(part, type(node)) else (part,))
    return type(node)(tuple(parts))


@settings(max_examples=150)
@given(TREES)
def test_the_normal_form_reads_back_as_the_same_tree(tree: Node):
    written = normal(Filter("", tree))
    read = parse(written)
    assert read.tree is not None
    assert canonical(read.tree) == joined(canonical(tree))
    assert normal(read) == written


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b",
                '"c"',
                "AND",
                "OR",
                "NOT",
                "-",
                "(",
                ")",
                ":",
                "=",
                "=~",
                "labels.x",
                "*",
                "NULL_VALUE",
                "-5",
                '"\\""',
                'log_id("x")',
                "--",
                "\n",
            ]
        ),
        max_size=12,
    )
)
def test_whatever_is_read_keeps_its_tree_and_its_meaning_in_normal_form(pieces: list[str]):
    text = " ".join(pieces)
    try:
        read = parse(text)
    except FilterError:
        read = parse("")
    again = parse(normal(read))
    assert (again.tree and canonical(again.tree)) == (read.tree and canonical(read.tree))


@pytest.mark.parametrize(
    "text", ["severity>=warning chat", 'textPayload=~"t.*n" OR refused', "-(jsonPayload.count=9 OR 403)"]
)
def test_the_normal_form_selects_the_same_entries(text: str):
    assert found(normal(parse(text))) == found(text)
    assert 0 < sum(map(predicate(text), LOG)) < len(LOG)
