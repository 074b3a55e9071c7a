"""Write the table of the log grammar into ``docs/logs.md``: ``python docs/make_grammar.py``."""

from pathlib import Path

from gpkit.logs.grammar import Rule, grammar

PAGE = Path(__file__).with_name("logs.md")
BEGIN, END = "<!-- grammar -->\n", "<!-- /grammar -->"
HEAD = "| id | phase | reason | where | pattern | gen. | seen |\n|---|---|---|---|---|---|---|\n"


def table() -> str:
    """The rows of the grammar as a Markdown table."""
    return HEAD + "".join(_row(rule) for rule in grammar())


def _row(rule: Rule) -> str:
    pattern = f"status {', '.join(map(str, rule.status))}" if rule.status else f"`{rule.pattern}`"
    # A bar would end the cell, inside backticks too.
    pattern = pattern.replace("|", "\\|")
    cells = (f"`{rule.id}`", rule.phase, rule.reason or "", rule.field, pattern, rule.generation, rule.seen)
    return "| " + " | ".join(cells) + " |\n"


def page(old: str) -> str:
    """The page with its table renewed."""
    before, _, rest = old.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
