"""Checking expressions: a small subset of Python expressions becomes the typed tree of `rules.syntax`."""

import ast
import warnings

from rules.bounds import EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX, OPTIONS_MAX
from rules.findings import Code, Ledger, did_you_mean, quoted
from rules.literals import number_problem
from rules.operators import Operators, Term, Untyped
from rules.resolution import NAMESPACES, Resolver
from rules.scopes import Macro, Scope
from rules.slips import slip_in
from rules.sources import Spot
from rules.syntax import (
    Condition,
    Has,
    InList,
    Junction,
    Literal,
    Mention,
    Negate,
    Node,
    Not,
    OneOf,
    Part,
    Read,
    inputs_of,
)
from rules.trees import Scalar

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FUNCTIONS = ("abs", "endswith", "has", "len", "lower", "max", "min", "round", "startswith")

_CONSTRUCTS: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "`:=`",
    ast.IfExp: "`if ... else`",
    ast.Subscript: "indexing",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Starred: "`*` before a value",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.Await: "`await`",
    ast.Yield: "`yield`",
    ast.YieldFrom: "`yield`",
    ast.Tuple: "a list of values outside `in`",
    ast.List: "a list of values outside `in`",
}


class _TooLargeError(Exception):
    """The expression goes beyond a bound; its finding has been reported."""


def check_condition(scalar: Scalar, scope: Scope, ledger: Ledger) -> Condition | None:
    """The condition a scalar writes, or None after findings."""
    checker = _Checker(scalar, scope, ledger)
    tree = checker.read()
    if tree is None:
        return None
    node = checker.operators.as_bool(tree, checker.whole_spot)
    if node is None:
        return None
    return Condition(scalar.value, node, checker.typed_mentions(node), checker.parts(node))


def check_macro(name: str, scalar: Scalar, scope: Scope, ledger: Ledger) -> Macro | None:
    """The macro a scalar writes, or None after findings."""
    checker = _Checker(scalar, scope, ledger)
    tree = checker.read()
    if tree is None:
        return None
    if isinstance(tree, Untyped):
        checker.operators.report_untyped(tree, checker.whole_spot)
        return None
    return Macro(name, tree, checker.nodes, checker.depth)


class _Checker:
    """Checks one expression. A method returns None where something is wrong and has been reported."""

    def __init__(self, scalar: Scalar, scope: Scope, ledger: Ledger) -> None:
        self.scalar = scalar
        self.scope = scope
        self.ledger = ledger
        self.text = "".join(" " if char.isspace() else char for char in scalar.value)
        self.lead = len(self.text) - len(self.text.lstrip())
        self.raw = self.text.lstrip().encode()
        self.nodes = 0
        self.depth = 0
        self.operators = Operators(scope, ledger)
        self.resolver = Resolver(scope, ledger)
        self.mentions: list[Mention] = []
        self._untyped: list[tuple[int, int, Untyped]] = []
        self._parts: dict[tuple[int, int], Node] = {}

    @property
    def whole_spot(self) -> Spot:
        return self.scalar.spot_of(self.lead, len(self.text.rstrip()))

    def parts(self, tree: Node) -> tuple[Part, ...]:
        """The parts of the finished tree that are conditions; a literal is none."""
        self._parts.setdefault((self.lead, len(self.text.rstrip())), tree)
        ordered = sorted(self._parts.items(), key=lambda part: (part[0][0], -part[0][1]))
        return tuple(Part(start, end, node) for (start, end), node in ordered if not isinstance(node, Literal))

    def read(self) -> Term | None:
        body = self._parse()
        if body is None:
            return None
        try:
            return self._visit(body, 1)
        except _TooLargeError:
            return None

    def _parse(self) -> ast.expr | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                body = ast.parse(self.raw.decode(), mode="eval").body
        except SyntaxError as error:
            at_end = error.offset is None or error.offset < 1 or (error.lineno or 1) > 1
            offset = len(self.text.rstrip()) if at_end else min((error.offset or 1) - 1 + self.lead, len(self.text))
            message = f"this is no expression: {error.msg}"
            self.ledger.report("bad-expression", self.scalar.spot_of(offset, offset), message, slip_in(self.text))
            return None
        except (ValueError, RecursionError, MemoryError, OverflowError, UnicodeError):
            self.ledger.report("bad-expression", self.scalar.spot, "this is no expression, or one nested too deeply")
            return None
        rest = self.raw[body.end_col_offset :].decode()
        if "#" in rest:
            at = len(self.text) - len(rest) + rest.index("#")
            self._report(
                "not-allowed", self.scalar.spot_of(at, len(self.text)), "a comment cannot stand in an expression"
            )
            return None
        return body

    def _range(self, node: ast.expr) -> tuple[int, int]:
        start = self.lead + len(self.raw[: node.col_offset].decode())
        return start, self.lead + len(self.raw[: node.end_col_offset].decode())

    def _spot(self, node: ast.expr) -> Spot:
        return self.scalar.spot_of(*self._range(node))

    def _report(self, code: Code, at: ast.expr | Spot, message: str, hint: str | None = None) -> None:
        self.ledger.report(code, at if isinstance(at, Spot) else self._spot(at), message, hint)

    def _grow(self, node: ast.expr, nodes: int, depth: int) -> None:
        """Counts what has been read, and stops at the bounds."""
        self.nodes += nodes
        self.depth = max(self.depth, depth)
        for count, most, what in (
            (self.depth, EXPRESSION_DEPTH_MAX, "levels"),
            (self.nodes, EXPRESSION_NODES_MAX, "terms"),
        ):
            if count > most:
                message = f"expected an expression of at most {most} {what}, with its macros put in"
                self._report("too-large", node, message)
                raise _TooLargeError

    def _visit(self, node: ast.expr, depth: int) -> Term | None:
        self._grow(node, 1, depth)
        match node:
            case ast.BoolOp():
                return self._junction(node, depth)
            case ast.UnaryOp(op=ast.Not()):
                operand = self._bool(node.operand, depth)
                return None if operand is None else Not(operand)
            case ast.UnaryOp(op=ast.USub()):
                return self._negation(node, depth)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                left, right = self._visit(node.left, depth + 1), self._visit(node.right, depth + 1)
                if left is None or right is None:
                    return None
                return self.operators.arithmetic(_OPERATORS[type(node.op)], left, right, self._spot(node))
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case ast.Name() | ast.Attribute():
                return self._name(node, depth)
            case ast.Constant():
                return self._constant(node)
        self._refuse(node)
        return None

    def _refuse(self, node: ast.expr) -> None:
        what = _CONSTRUCTS.get(type(node), "this")
        if isinstance(node, ast.BinOp | ast.UnaryOp):
            what = "this operator"
        self._report("not-allowed", node, f"{what} is not part of the rule language")

    def _bool(self, node: ast.expr, depth: int) -> Node | None:
        term = self._visit(node, depth + 1)
        condition = None if term is None else self.operators.as_bool(term, self._spot(node))
        if condition is not None:
            self._parts.setdefault(self._range(node), condition)
        return condition

    def _junction(self, node: ast.BoolOp, depth: int) -> Node | None:
        operands = [self._bool(value, depth) for value in node.values]
        present = tuple(operand for operand in operands if operand is not None)
        if len(present) < len(operands):
            return None
        return Junction("and" if isinstance(node.op, ast.And) else "or", present)

    def _negation(self, node: ast.UnaryOp, depth: int) -> Node | None:
        term = self._visit(node.operand, depth + 1)
        operand = None if term is None else self.operators.as_numeric(term, self._spot(node.operand))
        if isinstance(operand, Literal):
            return Literal(-operand.value, operand.type) if not isinstance(operand.value, str) else None
        return None if operand is None else Negate(operand, operand.type)

    def _constant(self, node: ast.Constant) -> Node | None:
        value = node.value
        if isinstance(value, bool):
            return Literal(value, "bool")
        if isinstance(value, str):
            return Literal(value, "text")
        if isinstance(value, int | float):
            problem = number_problem(value)
            if problem is None:
                return Literal(value, "number")
            self._report("bad-literal", node, f"this {problem}")
            return None
        self._report("not-allowed", node, f"`{type(value).__name__}` values are not part of the rule language")
        return None

    def _comparison(self, node: ast.Compare, depth: int) -> Node | None:
        """A chain `a < b < c` is `a < b and b < c`."""
        parts: list[Node | None] = []
        left, left_node = self._visit(node.left, depth + 1), node.left
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                parts.append(self._membership(left, left_node, right_node, isinstance(operator, ast.NotIn)))
                right: Term | None = None
            elif type(operator) in _COMPARISONS:
                right = self._visit(right_node, depth + 1)
                parts.append(self._compare(_COMPARISONS[type(operator)], left, right, left_node, right_node))
            else:
                self._report("not-allowed", node, "`is` is not part of the rule language", "use `==` or `has(...)`")
                return None
            if parts[-1] is not None:
                self._parts.setdefault((self._range(left_node)[0], self._range(right_node)[1]), parts[-1])
            left, left_node = right, right_node
        present = tuple(part for part in parts if part is not None)
        if len(present) < len(parts):
            return None
        return present[0] if len(present) == 1 else Junction("and", present)

    def _compare(
        self, symbol: str, left: Term | None, right: Term | None, left_node: ast.expr, right_node: ast.expr
    ) -> Node | None:
        if left is None or right is None:
            return None
        pair = Spot(self.scalar.source, self._spot(left_node).index, self._width(left_node, right_node))
        compared = self.operators.compare(symbol, left, right, pair)
        if compared is not None:
            self._check_type_names(compared.left, ((right_node, compared.right),))
            self._check_type_names(compared.right, ((left_node, compared.left),))
        return compared

    def _width(self, left: ast.expr, right: ast.expr) -> int:
        return self.scalar.spot_of(self._range(left)[0], self._range(right)[1]).width

    def _check_type_names(self, subject: Node, named: tuple[tuple[ast.expr, Node], ...]) -> None:
        """`type` is compared with names of types of event, and with ones that can come here."""
        if not isinstance(subject, Read) or subject.input != self.resolver.type_input:
            return
        for node, value in named:
            if isinstance(value, Literal) and isinstance(value.value, str):
                self.operators.check_event_name(value.value, self._spot(node))

    def _membership(self, term: Term | None, term_node: ast.expr, options: ast.expr, negated: bool) -> Node | None:
        operand = None if term is None else self.operators.as_type(term, "text", self._spot(term_node))
        within: Node | None = None
        if isinstance(options, ast.Tuple | ast.List):
            texts = self._texts(options)
            if operand is not None and texts is not None:
                named = tuple(
                    (element, Literal(text, "text")) for element, text in zip(options.elts, texts, strict=True)
                )
                self._check_type_names(operand, named)
                within = OneOf(operand, texts)
        elif isinstance(options, ast.Attribute) and isinstance(options.value, ast.Name) and options.value.id == "lists":
            found = self.resolver.list_input(options.attr, self._spot(options))
            if found is not None:
                self.mentions.append(Mention(*self._range(options), found))
            within = None if operand is None or found is None else InList(operand, found)
        else:
            hint = 'write `in lists.NAME` or `in ("a", "b")`'
            self._report(
                "type-mismatch", options, "expected a list of the pack or texts in parentheses after `in`", hint
            )
        return Not(within) if within is not None and negated else within

    def _texts(self, node: ast.Tuple | ast.List) -> tuple[str, ...] | None:
        texts: list[str] = []
        for element in node.elts:
            if isinstance(element, ast.Constant) and isinstance(element.value, str):
                texts.append(element.value)
            else:
                self._report("type-mismatch", element, "expected a text in quotes in the list after `in`")
        if not 1 <= len(node.elts) <= OPTIONS_MAX:
            message = f"expected 1 to {OPTIONS_MAX} texts after `in`, got {len(node.elts)}"
            self._report("too-large" if node.elts else "type-mismatch", node, message)
            return None
        return tuple(texts) if len(texts) == len(node.elts) else None

    def _call(self, node: ast.Call, depth: int) -> Node | None:
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS:
            name = node.func.id if isinstance(node.func, ast.Name) else "this"
            shown = quoted(name) if isinstance(node.func, ast.Name) else "what is called here"
            hint = did_you_mean(name, _FUNCTIONS) or f"the functions are {', '.join(_FUNCTIONS)}"
            self._report("unknown-function", node.func, f"{shown} is not a function of the rule language", hint)
            return None
        if node.keywords:
            self._report("not-allowed", node, f"`{node.func.id}` takes no named arguments")
            return None
        if node.func.id == "has":
            return self._has(node)
        terms = [self._visit(argument, depth + 1) for argument in node.args]
        present = [term for term in terms if term is not None]
        if len(present) < len(terms):
            return None
        return self.operators.call(node.func.id, present, [self._spot(each) for each in node.args], self._spot(node))

    def _has(self, node: ast.Call) -> Node | None:
        if len(node.args) != 1 or not isinstance(node.args[0], ast.Name | ast.Attribute):
            self._report("type-mismatch", node, "`has` takes the name of one field, feature or score")
            return None
        term = self._name(node.args[0], 1)
        if isinstance(term, Read):
            return Has(term.input)
        if isinstance(term, Untyped):
            self.operators.report_untyped(term, self._spot(node.args[0]))
        elif term is not None:
            self._report("type-mismatch", node.args[0], "`has` takes the name of one field, feature or score")
        return None

    def _name(self, node: ast.Name | ast.Attribute, depth: int) -> Term | None:
        path = _path(node)
        start, end = self._range(node)
        spot = self.scalar.spot_of(start, end)
        if not self.text[start:end].isascii():
            message = f"{quoted(self.text[start:end])} is no name: names have the letters a to z alone"
            self._report("unknown-field", spot, message)
            return None
        if path is None or (len(path) > 1 and path[0] not in NAMESPACES):
            hint = f"a dot follows {', '.join(NAMESPACES)} alone"
            self._report("not-allowed", spot, "an attribute of a value is not part of the rule language", hint)
            return None
        found = self.resolver.resolve(path, spot)
        if isinstance(found, Macro):
            self._grow(node, found.nodes, depth + found.depth)
            return found.tree
        self._mention(start, end, found)
        return found

    def _mention(self, start: int, end: int, found: Term | None) -> None:
        if isinstance(found, Read):
            self.mentions.append(Mention(start, end, found.input))
        elif isinstance(found, Literal):
            self.mentions.append(Mention(start, end, found))
        elif isinstance(found, Untyped):
            self._untyped.append((start, end, found))

    def typed_mentions(self, tree: Node) -> tuple[Mention, ...]:
        """The mentions in order, with what had no type in the one that the finished tree gives it."""
        reads = {(read.kind, read.name): read for read in inputs_of(tree)}
        typed = [Mention(start, end, reads[found.kind, found.name]) for start, end, found in self._untyped]
        return tuple(sorted([*self.mentions, *typed], key=lambda mention: mention.start))


def _path(node: ast.expr) -> tuple[str, ...] | None:
    """`a.b.c` as its names, None for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < 4:
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None
