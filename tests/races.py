"""Calls that run at the same moment, each in a thread with a session of its own."""

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from app.kernel.db import db


def together(app: Flask, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the calls at once; answers in their order, an exception in place of an answer.

    The test's own transaction is committed first.  Each call opens its transaction itself.
    """
    db.session.commit()
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        with app.app_context():
            barrier.wait(30)
            try:
                return call()
            except Exception as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = [pool.submit(contextvars.Context().run, run, call) for call in calls]
        return [answer.result(120) for answer in answers]
