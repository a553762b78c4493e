#!/usr/bin/env bash
# Makes .venv, installs the pinned requirements, builds the colcon workspace. Does only what is not done yet.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"
setup="$root/setup"

say() { printf 'hume: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

find_python() {
  local candidate
  for candidate in "${HUME_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
      2>/dev/null && { command -v "$candidate"; return; }
  done
  die "no Python 3.10 to 3.13 with venv was found. Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv python3-dev), or set HUME_PYTHON=/path/to/python3"
}

check_tools() {
  [ "$(uname -m)" = x86_64 ] || [ -n "${ROS_DISTRO:-}" ] ||
    die "the ROS 2 wheels exist for x86_64 only; on $(uname -m) source a native ROS 2 first"
  local tool missing=()
  for tool in g++ cmake make; do command -v "$tool" >/dev/null 2>&1 || missing+=("$tool"); done
  [ ${#missing[@]} -eq 0 ] && return
  install_packages "building messages needs: ${missing[*]}" build-essential cmake
}

install_packages() {  # reason, then Debian packages
  local reason=$1; shift
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "$reason; installing $*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
  else
    die "$reason. Type: sudo apt-get install $*"
  fi
}

check_rendering() {
  [ "${MUJOCO_GL:-egl}" = egl ] || return 0
  ls /usr/lib/*/libEGL.so.1 >/dev/null 2>&1 && ls /usr/share/glvnd/egl_vendor.d/*.json >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ]; then
    install_packages "rendering needs EGL" libegl1 libegl-mesa0 libgl1-mesa-dri
  else
    say "rendering needs EGL. Type: sudo apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"
  fi
}

native_ros() { [ -n "${ROS_DISTRO:-}" ] && "$1" -c 'import rclpy' 2>/dev/null && command -v colcon >/dev/null 2>&1; }

make_venv() {
  local python=$1
  say "making .venv with $("$python" --version) (once; about two minutes with a warm pip cache)"
  rm -rf "$venv"
  local options=()
  native_ros "$python" && options+=(--system-site-packages)
  "$python" -m venv "${options[@]}" "$venv"
}

# The registry's plain torch for Linux brings several GB of CUDA. HUME_TORCH=cuda asks for it.
install_torch() {
  local pinned
  pinned=$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' "$setup/requirements.txt")
  "$venv/bin/python" -c "import importlib.metadata as m, sys; sys.exit('torch==' + m.version('torch').split('+')[0] != '$pinned')" 2>/dev/null && return
  [ "${HUME_TORCH:-cpu}" = cuda ] && return
  pip_install "$pinned+cpu" 2>/dev/null && return
  pip_install --retries 1 --timeout 10 --extra-index-url https://download.pytorch.org/whl/cpu "$pinned+cpu" 2>/dev/null && return
  say "no CPU build of $pinned could be reached; installing the default one, which is large"
}

pip_install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

install_requirements() {
  local files=(-r "$setup/requirements.txt" -r "$setup/requirements-dev.txt")
  native_ros "$venv/bin/python" || files+=(-r "$setup/requirements-ros.txt")
  say "installing pinned requirements"
  install_torch
  pip_install "${files[@]}" 2> >(grep -v '^WARNING: Location' >&2)
  native_ros "$venv/bin/python" || "$venv/bin/python" "$setup/relocate_ros_wheels.py"
}

build_workspace() {
  say "building the colcon workspace"
  mkdir -p "$root/log"
  local folders=(src)
  native_ros "$venv/bin/python" || folders+=(setup/interfaces)
  ( cd "$root"
    set +u; source "$venv/hume_env.sh"; set -u
    colcon --log-base log build --symlink-install --base-paths "${folders[@]}" \
      --cmake-args -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF "-DPython3_EXECUTABLE=$venv/bin/python" \
      > log/build.txt 2>&1 ) || { tail -n 40 "$root/log/build.txt" >&2; die "the build failed; the whole output is in log/build.txt"; }
}

stamp_of() { cat "$@" 2>/dev/null | sha256sum | cut -d' ' -f1; }

requirements_stamp() { stamp_of "$setup"/*.{sh,py,txt}; }

# Python files are linked, so only packaging, interfaces and the lists of data files need a build.
build_stamp() {
  ( cd "$root/src" && { cat {.,../setup/interfaces}/*/{package.xml,setup.py,setup.cfg,CMakeLists.txt,msg/*,srv/*,action/*}; ls -R hume_bringup/launch hume_bringup/config hume_bringup/urdf hume_bringup/worlds; } 2>/dev/null | sha256sum | cut -d' ' -f1 )
}

main() {
  mkdir -p "$root/log"
  exec 9>"$root/log/.bootstrap.lock"
  flock 9
  local wanted built
  wanted=$(requirements_stamp)
  if [ "$(cat "$venv/.requirements" 2>/dev/null)" != "$wanted" ]; then
    local python
    python=$(find_python)
    check_tools
    check_rendering
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -c '' 2>/dev/null || make_venv "$python"
    install_requirements
    "$venv/bin/python" "$setup/write_environment.py" "$root"
    printf '%s' "$wanted" > "$venv/.requirements"
    rm -f "$root/install/.built"
  fi
  built=$(build_stamp)
  if [ "$(cat "$root/install/.built" 2>/dev/null)" != "$built" ]; then
    build_workspace
    printf '%s' "$built" > "$root/install/.built"
  fi
}

main
