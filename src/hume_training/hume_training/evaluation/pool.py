"""Results of worker processes. An error of one of them ends the work with that error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from hume_core.errors import HumeError

_Result = TypeVar("_Result")


def finished(pool: ProcessPoolExecutor, futures: Iterable[Future[_Result]]) -> Iterator[Future[_Result]]:
    """Futures of a pool as they are done.

    Raises:
        HumeError: a worker raised it, or died. What has not begun is cancelled.
    """
    for future in as_completed(futures):
        try:
            future.result()
        except BrokenProcessPool as error:
            raise HumeError("a worker process died, perhaps for want of memory. Try fewer --workers") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        yield future
