"""Tasks in chunks of similar planned cost, one chunk for each job."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TypeVar

Task = TypeVar("Task")


def chunks(tasks: Sequence[Task], number: int, cost: Callable[[Task], float]) -> list[list[Task]]:
    """Deal tasks into at most so many chunks, the costliest first and each to the chunk with the least load so far.

    A load is the share of the planned cost plus the share of the number of tasks, since the plan is a guess: if it is right,
    and if in truth every task costs the same, the largest chunk is at most about twice a fair share (Graham 1969, the longest
    processing time rule).

    Arguments:
        tasks: the tasks, in the order in which they should be done.
        number: chunks at most; there are never more than half as many as tasks, since a job has its own cost.
        cost: a task's planned cost, positive, in any unit.

    Returns:
        Chunks without empty ones, the tasks of each in the order given.
    """
    costs = [cost(task) for task in tasks]
    total = sum(costs) or 1.0
    heap: list[tuple[float, int]] = [(0.0, index) for index in range(min(number, (len(tasks) + 1) // 2))]
    dealt: list[list[int]] = [[] for _ in heap]
    for position in sorted(range(len(tasks)), key=lambda position: -costs[position]):
        load, index = heapq.heappop(heap)
        dealt[index].append(position)
        heapq.heappush(heap, (load + costs[position] / total + 1 / len(tasks), index))
    return [[tasks[position] for position in sorted(chunk)] for chunk in dealt]
