"""Writers of one process stand in line for SQLite's lock."""

import time
from threading import Thread

from app.kernel.engines import Line


def test_it_is_given_in_the_order_in_which_it_was_asked_for():
    line, given = Line(), []
    assert line.acquire(0)

    def ask(name):
        assert line.acquire(10)
        given.append(name)
        line.release()

    threads = []
    for name in range(8):
        threads.append(Thread(target=ask, args=(name,)))
        threads[-1].start()
        while len(line._waiting) <= name:
            time.sleep(0.001)
    line.release()
    for thread in threads:
        thread.join(10)
    assert given == list(range(8))
    assert line.acquire(0)


def test_whoever_gives_up_is_passed_over():
    line = Line()
    assert line.acquire(0)
    assert not line.acquire(0.01)
    line.release()
    assert line.acquire(0)
    assert not line.acquire(0.01)
