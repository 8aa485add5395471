"""What YAML parsers complain about, in plain words."""

import re

import yaml

from exporter.config.problems import quoted

# Two parsers, one written in C and one in Python, say the same in different words.
_WORDS = (
    (r"mapping values are not allowed", 'a ":" where no key can be: check the indentation, or put the value in quotes'),
    (r"sequence entries are not allowed", 'a "-" where no list can begin: put it on a line of its own'),
    (r"could not find expected ':'", 'a key without ":" after it'),
    (r"expected ',' or '[\]}]'", "a bracket that is not closed, or a comma that is missing"),
    (r"unexpected end of stream", "a quotation mark that is not closed"),
    (r"unknown escape", "a backslash that means nothing between \" and \": write it twice, or use ' and ' instead"),
    (r"<block end>|expected key|expected '-' indicator", "something that does not fit: check the indentation and the quotes"),
    (r"node content", "a bracket or a comma too many"),
    (r"expected (chomping|comment)", 'text after "|" or ">": begin it on the next line'),
    (r"tag", 'a "!" at the start of a value: put the value in quotes'),
    (r"alphabetic or numeric", 'a "*" or "&" at the start of a value: put the value in quotes'),
)
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE


def unprintable(text: str) -> tuple[int, str] | None:
    """Return the line of the first character that YAML does not allow, and what to say of it; or None."""
    match = _UNPRINTABLE.search(text)
    if match is None:
        return None
    line, column = _position(text, match.start())
    return line, f"a character that YAML does not allow in column {column} (U+{ord(match.group()):04X}): remove it"


def syntax_problem(error: Exception, text: str) -> tuple[int | None, str]:
    """Return the line of what a parser did not understand, and what to say of it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return None, "is not YAML"
    problem = str(getattr(error, "problem", ""))
    char = text[mark.index : mark.index + 1]
    line, column = mark.line + 1, mark.column + 1
    if "cannot start any token" in problem:
        words = (
            "a tab: indent with spaces" if char == "\t" else f"{quoted(char)} at the start of a value: put the value in quotes"
        )
    else:
        words = next((words for pattern, words in _WORDS if re.search(pattern, problem)), problem)
    opened = getattr(error, "context_mark", None)
    if "not closed" in words and opened is not None:
        line, column = opened.line + 1, opened.column + 1
    return line, f"not YAML from column {column} on: {words}"


def _position(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
