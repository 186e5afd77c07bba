#!/bin/sh
# The tests of the live page in a real browser:  run.sh MOONBEAM MODEL SAMPLES BUILD_FOLDER [NAME]
# Needs node, npm and chromium (tools/install-packages browser). playwright-core is fetched once into the build
# folder; where it cannot be had, the test is skipped and says so.
set -eu

moonbeam=$1 model=$2 samples=$3 build=$4
here=$(cd "$(dirname "$0")" && pwd)
version=1.65.1

for tool in node npm; do
  command -v $tool >/dev/null || { echo "skipped: no $tool here (tools/install-packages browser)"; exit 0; }
done
chromium=${CHROMIUM:-$(command -v chromium || true)}
[ -n "$chromium" ] || { echo "skipped: no chromium here (tools/install-packages browser)"; exit 0; }

if [ ! -d "$build/node_modules/playwright-core" ]; then
  mkdir -p "$build"
  npm install --prefix "$build" --no-save --no-audit --no-fund --silent "playwright-core@$version" >&2 ||
    { echo "skipped: playwright-core $version could not be fetched"; exit 0; }
fi

MOONBEAM=$moonbeam MODEL=$model SAMPLES=$samples PLAYWRIGHT=$build CHROMIUM=$chromium \
  exec node "$here/page_test.mjs" "${5:-}"
