#!/bin/sh
# Runs on this machine, by the Command of components/host_check.py: starts the check of one host, which reads its question from
# standard input.
#
# Finds Python as the SDK's own pulumi-resource-pulumi-python does. The engine sets PULUMI_RUNTIME_* for every plugin, from the
# runtime options in Pulumi.yaml. The path of the interpreter is no input of the Command: it would differ between two machines, and
# each `up` from another one would ask every host again.
if [ -z "${PULUMI_RUNTIME_VIRTUALENV:-}" ]; then
  case ${PULUMI_RUNTIME_TOOLCHAIN:-} in
    uv) PULUMI_RUNTIME_VIRTUALENV=.venv ;;
    poetry) PULUMI_RUNTIME_VIRTUALENV=$(poetry env info --path) ;;
  esac
fi
if [ -n "${PULUMI_RUNTIME_VIRTUALENV:-}" ]; then
  unset PYTHONHOME
  python=$PULUMI_RUNTIME_VIRTUALENV/bin/python
else
  python=${PULUMI_PYTHON_CMD:-python3}
fi
exec "$python" -m ipvlan.checks.host_check
