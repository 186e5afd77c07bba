#!/bin/sh
# Installs the Python package mcp into an environment below the build folder and runs mcp_client.py with it.
#
#   mcp_client.sh PYTHON ENVIRONMENT PROGRAM MODEL
set -eu
here=$(dirname "$0")
python=$1 environment=$2 program=$3 model=$4
if [ ! -x "$environment/bin/python" ]; then
  "$python" -m venv "$environment" || { echo "skipped: python3 makes no environment (python3-venv)"; exit 0; }
fi
if ! "$environment/bin/python" -c 'import mcp' 2>/dev/null; then
  "$environment/bin/python" -m pip install --quiet mcp 
fi
exec "$environment/bin/python" "$here/mcp_client.py" "$program" "$model" "$model/samples"
