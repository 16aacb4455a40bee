"""Programs: the trees of many conditions as one sequence of different nodes, operands before what uses them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rules.syntax import Condition, Input, Node, inputs_of, walk


@dataclass(frozen=True, slots=True)
class Program:
    """`nodes` maps each different node to its number; `outcomes` are the numbers of the conditions' trees."""

    nodes: dict[Node, int]
    outcomes: tuple[int, ...]
    inputs: tuple[Input, ...]
    inputs_of: tuple[tuple[int, ...], ...]


def compile_program(conditions: Sequence[Condition]) -> Program:
    """What conditions have in common is in the program once."""
    nodes: dict[Node, int] = {}
    for condition in conditions:
        for node in walk(condition.tree):
            nodes.setdefault(node, len(nodes))
    reads = [inputs_of(condition.tree) for condition in conditions]
    inputs = {each: index for index, each in enumerate(dict.fromkeys(each for read in reads for each in read))}
    return Program(
        nodes,
        tuple(nodes[condition.tree] for condition in conditions),
        tuple(inputs),
        tuple(tuple(inputs[each] for each in read) for read in reads),
    )
