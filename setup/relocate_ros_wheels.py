"""Points the CMake files of the ROS wheels at this Python and this numpy.

The wheels carry the paths of the machine they were built on. Safe to run again.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy

BUILDER = r"/opt/python/cp\d+-cp\d+"
REPLACEMENTS = (
    (re.compile(BUILDER + r"/lib/python3\.\d+/site-packages/numpy/_core/include"), numpy.get_include()),
    (re.compile(BUILDER + r"/include/python3\.\d+"), sysconfig.get_path("include")),
)


def main() -> None:
    """Rewrite every CMake file below the environment's share folder."""
    for path in Path(sys.prefix).glob("share/*/cmake/*.cmake"):
        old = text = path.read_text(encoding="utf-8")
        for pattern, replacement in REPLACEMENTS:
            text = pattern.sub(replacement, text)
        if text != old:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
