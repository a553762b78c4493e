"""Locking memory: what is used is locked, what is only reserved takes none. Each time in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

_PROLOGUE = """
import ctypes, json, mmap, re, threading
from hume_core.memory_lock import lock_memory, prepare_thread

def mappings():
    found, fields = [], {}
    for line in open("/proc/self/smaps"):
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            addresses, permissions, _, _, _, *name = line.split()
            start, end = (int(part, 16) for part in addresses.split("-"))
            fields = {"start": start, "end": end, "permissions": permissions, "name": " ".join(name)}
            found.append(fields)
        else:
            key, _, value = line.partition(":")
            fields[key] = value.split() if key == "VmFlags" else value.split()[0]
    return found

def around(address):
    return next(each for each in mappings() if each["start"] <= address < each["end"])

refused = lock_memory()
"""


def _run(program: str) -> Any:
    """What a program that has locked its memory prints, or why that is not allowed here."""
    code = _PROLOGUE + textwrap.dedent(program) + "\nprint(json.dumps(refused or result))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)


@pytest.mark.parametrize("touched", [0, 1, 5])
def test_memory_that_is_reserved_later_is_locked_as_it_is_used(touched: int) -> None:
    found = _run(
        f"""
        reserved = mmap.mmap(-1, 64 * 1024 * 1024, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        first = ctypes.addressof(ctypes.c_char.from_buffer(reserved))
        for page in range({touched}):
            reserved[page * 8 * mmap.PAGESIZE] = 1
        found = {{}}
        for page in range({touched} * 8 + 8):
            each = around(first + page * mmap.PAGESIZE)
            found[each["start"]] = each["VmFlags"]
        result = [list(found.values()), refused]
        """
    )
    if isinstance(found, str):
        assert "memlock limit" in found
        return
    flags, refused = found
    assert refused == ""
    assert all("lo" in each for each in flags)


def test_reserved_memory_is_not_taken_and_files_are_read_in_whole() -> None:
    found = _run(
        """
        reserved = mmap.mmap(-1, 64 * 1024 * 1024, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        reserved[0] = 1
        own = around(ctypes.addressof(ctypes.c_char.from_buffer(reserved)))
        library = [each for each in mappings() if "/_ctypes" in each["name"] and each["permissions"][0] == "r"]
        result = {"reserved": own["Rss"], "size": own["Size"], "library": [[x["Rss"], x["Size"]] for x in library]}
        """
    )
    if isinstance(found, str):
        assert "memlock limit" in found
        return
    assert int(found["reserved"]) < int(found["size"]) / 2
    assert found["library"]
    assert all(resident == size for resident, size in found["library"])


def test_stack_of_a_thread_is_locked_to_its_depth() -> None:
    found = _run(
        """
        def whole():
            return {each["start"] for each in mappings() if each["Rss"] == each["Size"] == "256" and not each["name"]}

        def run(locks):
            before = whole()
            if locks:
                prepare_thread()
            new.append(len(whole() - before))

        new = []
        for locks in (False, True):
            thread = threading.Thread(target=run, args=(locks,))
            thread.start()
            thread.join()
        result = new
        """
    )
    assert found == [0, 1] or "memlock limit" in found
