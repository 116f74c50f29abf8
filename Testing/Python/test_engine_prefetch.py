"""Batches made ahead: in order, with their errors, and without a thread that stays behind."""

import threading
from itertools import count

import pytest

from XRayAILib.learning.prefetch import Prefetch


def making() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "batches"]


def test_they_come_in_order_and_the_thread_ends():
    with Prefetch(iter(range(50))) as ahead:
        assert list(ahead) == list(range(50))
    assert not making()


def test_only_a_few_are_made_ahead_of_an_endless_stream():
    made: list[int] = []

    def stream():
        for number in count():
            made.append(number)
            yield number

    with Prefetch(stream(), ahead=2) as ahead:
        items = iter(ahead)
        assert [next(items) for _ in range(3)] == [0, 1, 2]
    # Two that lie ready, and one that waits for room.
    assert len(made) <= 3 + 2 + 1
    assert not making()


def test_an_error_is_raised_where_the_batch_would_have_been_used():
    def stream():
        yield 1
        raise OSError("the drive is off")

    seen = []
    with pytest.raises(OSError, match="the drive is off"), Prefetch(stream()) as ahead:
        seen.extend(ahead)
    assert seen == [1] and not making()
