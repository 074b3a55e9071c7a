"""Imports point one way: a module imports only what stands above it."""

import ast

import pytest

# From the ground up. Rooms on one line may not import each other.
ORDER = [
    ["gpkit.errors"],
    ["gpkit.instants", "gpkit.plural"],
    ["gpkit.redaction"],
    ["gpkit.printing"],
    ["gpkit.protocol"],
    ["gpkit.tables"],
    ["gpkit.environments"],
    ["gpkit.filters"],
    ["gpkit.stack"],
    ["gpkit.cloud", "gpkit.cache"],
    ["gpkit.probe", "gpkit.entries"],
    ["gpkit.logs"],
    ["gpkit.timeline"],
    ["gpkit.analysis"],
    ["gpkit.findings"],
    ["gpkit.figures"],
    ["gpkit.investigation"],
    ["gpkit.history"],
    ["gpkit.report"],
    ["gpkit.runs"],
    ["gpkit.schedule"],
    ["gpkit.local"],
    ["gpkit.cli"],
    ["gpkit.__main__", "gpkit"],
]
# The rooms inside a room, likewise.
INNER = {
    "gpkit.filters": [["language"], ["meaning"], ["writing", "engines"]],
    "gpkit.runs": [["machine", "asking"], ["recording"], ["making"]],
}
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def room_of(module):
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 1 else "gpkit"


def modules(root):
    for path in sorted((root / "gpkit").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(path.read_text())


def imported(tree, known=frozenset()):
    """What a module imports from gpkit; ``from package import module`` names the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gpkit":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known or node.module == "gpkit" else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "gpkit")


def test_every_room_has_its_place(root):
    assert {room_of(name) for name, _ in modules(root)} <= set(LEVEL)


def test_imports_point_one_way(root):
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules(root)
        for target in imported(tree)
        if room_of(target) != room_of(name) and LEVEL.get(room_of(target), 99) >= LEVEL[room_of(name)]
    ]

    assert wrong == []


@pytest.mark.parametrize("room", INNER)
def test_imports_inside_a_room_point_one_way(root, room):
    level = {f"{room}.{name}": at for at, names in enumerate(INNER[room]) for name in names}
    known = {name for name, _ in modules(root)}
    inner = [(name, tree) for name, tree in modules(root) if name.startswith(f"{room}.")]
    wrong = [
        f"{name} imports {target}"
        for name, tree in inner
        for target in imported(tree, known)
        for here, there in [[".".join(each.split(".")[:3]) for each in (name, target)]]
        if there in level and here != there and level[there] >= level[here]
    ]

    assert wrong == []
    assert {".".join(name.split(".")[:3]) for name, _ in inner} == set(level)


def test_the_local_stack_is_imported_by_nobody(root):
    importers = [
        name for name, tree in modules(root) if room_of(name) != "gpkit.local"
        for target in imported(tree) if room_of(target) == "gpkit.local"
    ]  # fmt: skip

    assert importers == []


def test_no_module_imports_in_a_circle(root):
    edges = {}
    known = {name for name, _ in modules(root)}
    for name, tree in modules(root):
        # Those inside functions too; a room's own door apart, through which its modules name each other.
        own = name.rpartition(".")[0]
        edges[name] = {target for target in imported(tree, known) if target in known and target not in (name, own)}
    state = {}

    def visit(name, path):
        if state.get(name) == "done":
            return
        if state.get(name) == "open":
            pytest.fail(" → ".join([*path, name]))
        state[name] = "open"
        for target in edges[name]:
            visit(target, [*path, name])
        state[name] = "done"

    for name in edges:
        visit(name, [])


@pytest.mark.parametrize("banned", ["utils", "common", "base", "helpers", "misc"])
def test_no_module_is_named_for_nothing(root, banned):
    assert [name for name, _ in modules(root) if name.split(".")[-1] == banned] == []
