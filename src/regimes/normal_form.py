"""Code in Python's own normal form: the same whatever its layout and comments, and whichever Python runs it."""

from __future__ import annotations

import ast
import inspect
from functools import lru_cache
from types import CodeType, FunctionType

# Arguments of `@claim` that are for readers: no verdict depends on them.
FOR_READERS = frozenset({"reference", "title", "symbols", "measures", "picture", "erratum"})

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def text_of(function: FunctionType) -> str:
    """The whole file in which a function is written; OSError if there is none."""
    return "".join(inspect.findsource(function)[0])


@lru_cache(maxsize=4096)
def definition(function: FunctionType, text: str) -> str:
    """A function's own definition in normal form, from the text of its file; its byte code if it is not in there."""
    node, code = _node(text, function.__code__), function.__code__
    if node is None:
        return repr((code.co_code.hex(), [one for one in code.co_consts if not inspect.iscode(one)], code.co_names))
    return _unparsed(node)


@lru_cache(maxsize=4096)
def reached(function: FunctionType, text: str) -> tuple[str, ...]:
    """A decorated function and every function, class and constant of its file that it uses, directly or through another.

    Decorators count, but for their arguments in `FOR_READERS` and the first, which is the paper. Imported names stay names.

    Arguments:
        function: the function.
        text: the text of its file.
    """
    node, bound = _node(text, function.__code__), _by_name(text)
    if node is None:
        return (definition(function, text),)
    found: dict[ast.AST, str] = {}
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found[one] = _unparsed(one)
        waiting += [statement for name in _used(one) for statement in bound.get(name, ())]
    return (found.pop(node), *sorted(found.values()))


@lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    """The syntax tree of a file, without what is for readers."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "claim":
                    call.args = []
                    call.keywords = [word for word in call.keywords if word.arg not in FOR_READERS]
    return tree


@lru_cache(maxsize=64)
def _by_name(text: str) -> dict[str, list[ast.stmt]]:
    """The statements of a file that define each name."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in _parsed(text).body:
        for name in _bound(statement):
            found.setdefault(name, []).append(statement)
    return found


@lru_cache(maxsize=64)
def _by_line(text: str) -> dict[tuple[int, bool], list[Definition]]:
    """The definitions of a file by the line on which they begin, lambdas apart."""
    found: dict[tuple[int, bool], list[Definition]] = {}
    for node in ast.walk(_parsed(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            line = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found.setdefault((line, False), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault((node.lineno, True), []).append(node)
    return found


def _unparsed(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node))


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of a file defines; imports define none."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    found = {one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return found.union(*(_bound(one) for one in ast.iter_child_nodes(statement) if isinstance(one, ast.stmt)))


def _used(node: ast.AST) -> set[str]:
    """Names that occur in a piece of code."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _node(text: str, code: CodeType) -> Definition | None:
    """The definition of a code object: the one that begins on its line; of several, the smallest around its instructions."""
    found = _by_line(text).get((code.co_firstlineno, code.co_name == "<lambda>"), [])
    if len(found) > 1:
        around = [node for node in found if isinstance(node, ast.Lambda) and _around(node, code)]
        return min(around or found, key=lambda node: len(_unparsed(node)))
    return found[0] if found else None


def _around(node: ast.Lambda, code: CodeType) -> bool:
    """Whether all instructions of a code object stem from a lambda's body."""
    body = node.body
    for first, last, left, right in code.co_positions():
        if first is None or last is None or left is None or right is None or (left, right) == (0, 0):
            continue
        if (first, left) < (body.lineno, body.col_offset) or (last, right) > (body.end_lineno or 0, body.end_col_offset or 0):
            return False
    return True
