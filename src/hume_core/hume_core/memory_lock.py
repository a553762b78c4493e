"""Keeping a process in memory: what it uses, and nothing that it has only reserved.

A page that is not in memory stops the thread that needs it. How long depends on where the page is:

- A page of a program or library comes from the disk, which takes milliseconds where that is busy. The code for an
  emergency runs seldom, so it is what the kernel gives up first. Mapped files are therefore read in and locked at once.
- A page that was never written is a page of zeros, which takes about a microsecond. The kernel cannot swap it out, as
  there is nothing in it. Thread stacks, arenas and buffers are mostly such pages: 8 MB for each of twenty threads. They
  are locked as they are used (`MCL_ONFAULT`, since Linux 4.4), and then stay.

What is used again and again must not be given back between, or it would fault each time. So freed memory stays with the
process. A thread with deadlines has its stack locked, and memory for what it allocates, before it begins.
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterator
from pathlib import Path

# sys/mman.h and malloc.h of Linux
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = -1

_AS_USED = ("/dev/shm/", "openblas")
"""Parts of the names of files of which little is used. The middleware maps 17 MB of every process that it talks to.
OpenBLAS has its kernels for every kind of processor, and the control core goes through them once before it moves."""

_STACK = 256 * 1024
"""Of a thread with deadlines, bytes. Python's own calls take none of it, and publishing takes some 10 kB."""
_HEAP = 1024 * 1024
"""For what a thread with deadlines allocates, bytes."""
_PTHREAD_ATTR_T = 64
"""Size of the largest, bytes."""


def lock_memory() -> str:
    """Lock what the process uses now and from now on. Call it once everything is loaded.

    Only where later allocations cannot fail for it: without a limit, or as root.

    Returns:
        Why it was refused, or "".
    """
    try:
        soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        if soft != resource.RLIM_INFINITY and os.geteuid() != 0:
            return f"the memlock limit is {soft} bytes"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
            return os.strerror(ctypes.get_errno())
        _keep_freed_memory(libc)
        for start, size in _mapped_files():
            # A file that was cut short since has pages that cannot be read. The rest of it is locked.
            libc.mlock(ctypes.c_void_p(start), ctypes.c_size_t(size))
    except (OSError, AttributeError) as error:
        return str(error)
    return ""


def prepare_thread() -> None:
    """Have what the calling thread will use in memory, if the system allows: stack and heap. Never raises.

    Not for the main thread, whose stack grows as it is used.
    """
    try:
        libc = ctypes.CDLL(None)
        _lock_stack(libc)
        # Once written and given back, it serves what this thread allocates, as nothing is returned to the system.
        libc.malloc.restype = ctypes.c_void_p
        reserve = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(_HEAP)))
        if reserve.value is not None:
            ctypes.memset(reserve, 0, _HEAP)
            libc.free(reserve)
    except (OSError, AttributeError):
        return


def _lock_stack(libc: ctypes.CDLL) -> None:
    libc.pthread_self.restype = ctypes.c_void_p
    attributes = ctypes.create_string_buffer(_PTHREAD_ATTR_T)
    lowest, size = ctypes.c_void_p(), ctypes.c_size_t()
    if libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes) != 0:
        return
    libc.pthread_attr_getstack(attributes, ctypes.byref(lowest), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    # It grows downwards, from its highest address.
    locked = min(_STACK, size.value)
    libc.mlock(ctypes.c_void_p((lowest.value or 0) + size.value - locked), ctypes.c_size_t(locked))


def _keep_freed_memory(libc: ctypes.CDLL) -> None:
    """From now on `free` keeps memory for the next `malloc`. Only glibc gives it back otherwise."""
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
        mallopt(_M_MMAP_MAX, 0)


def _mapped_files() -> Iterator[tuple[int, int]]:
    """Address and size in bytes of each readable mapping of a file, but for those of which little is used."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        addresses, permissions, *_, name = [*line.split(maxsplit=5), ""][:6]
        locked = name.startswith("/") and not any(part in name for part in _AS_USED)
        if locked and permissions.startswith("r"):
            start, end = (int(address, 16) for address in addresses.split("-"))
            yield start, end - start
