# To be sourced. Undoes what a workspace's hume_env.sh set in this shell: another clone's ROS would pass for a native one.
leave_workspace() {
  [ -f "${VIRTUAL_ENV:-}/hume_env.sh" ] || return 0
  local left=${VIRTUAL_ENV%/.venv} name entry kept
  for name in PATH LD_LIBRARY_PATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH; do
    kept=
    while IFS= read -r -d: entry; do
      case "$entry" in "" | "$left"/*) ;; *) kept+="${kept:+:}$entry" ;; esac
    done <<< "${!name:-}:"
    if [ -n "$kept" ]; then export "$name=$kept"; else unset "$name"; fi
  done
  [ -z "${_ROS_WHEELS_BOOTSTRAP_COMPLETE:-}" ] ||
    unset _ROS_WHEELS_BOOTSTRAP_COMPLETE ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION
  unset VIRTUAL_ENV
}
