"""Writes .venv/hume_env.sh: what a shell has to source to work in this workspace."""

import shlex
import sys
import sysconfig
from pathlib import Path


def pypi_ros_lines(venv: Path) -> list[str]:
    """Settings that the ROS wheels need. None where a native ROS 2 is sourced."""
    site = Path(sysconfig.get_path("purelib"))
    if not (site / "rclpy").is_dir():
        return []
    libraries = [venv / "lib", *sorted(site.glob("ros_*.libs"))]
    joined = ":".join(str(path) for path in libraries)
    return [
        # Without these two the wheels start Python a second time to set the library path.
        f'export LD_LIBRARY_PATH={shlex.quote(joined)}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"',
        "export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1",
        f"export AMENT_PREFIX_PATH={shlex.quote(str(venv))}",
        f'export CMAKE_PREFIX_PATH={shlex.quote(str(venv))}"${{CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}}"',
        "export ROS_DISTRO=kilted ROS_VERSION=2 ROS_PYTHON_VERSION=3",
    ]


def main(root: Path) -> None:
    """Write the file for the workspace at `root`."""
    venv = root / ".venv"
    installed = root / "install" / "local_setup.bash"
    lines = [
        f"export VIRTUAL_ENV={shlex.quote(str(venv))}",
        'export PATH="$VIRTUAL_ENV/bin:$PATH"',
        *pypi_ros_lines(venv),
        f"if [ -f {shlex.quote(str(installed))} ]; then source {shlex.quote(str(installed))}; fi",
    ]
    (venv / "hume_env.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
