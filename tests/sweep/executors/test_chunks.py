from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regimes.sweep.executors.chunks import chunks

COSTS = st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=60)


@given(costs=COSTS, number=st.integers(1, 20))
def test_every_task_is_in_one_chunk_and_none_is_overloaded(costs: list[float], number: int) -> None:
    tasks = list(range(len(costs)))
    dealt = chunks(tasks, number, lambda task: costs[task])
    assert sorted(task for chunk in dealt for task in chunk) == tasks
    assert len(dealt) == min(number, (len(costs) + 1) // 2), "a job for each task is too many"
    assert all(chunk and chunk == sorted(chunk) for chunk in dealt)
    # Greedy scheduling (Graham 1966): no chunk exceeds a fair share of the load by more than one task.
    load = [costs[task] / sum(costs) + 1 / len(costs) for task in tasks]
    fair = sum(load) / len(dealt)
    assert all(sum(load[task] for task in chunk) <= fair + max(load) + 1e-9 for chunk in dealt)


def test_a_costly_task_has_its_chunk_almost_for_itself() -> None:
    dealt = chunks(list(range(101)), 4, lambda task: 1000.0 if task == 7 else 1.0)
    (with_it,) = [chunk for chunk in dealt if 7 in chunk]
    assert len(with_it) == 1
    assert {len(chunk) for chunk in dealt if 7 not in chunk} <= {33, 34}


def test_tasks_that_cost_the_same_are_dealt_evenly() -> None:
    assert sorted(map(len, chunks(list("abcdefghij"), 3, lambda task: 1.0))) == [3, 3, 4]
    assert chunks([], 3, lambda task: 1.0) == []
