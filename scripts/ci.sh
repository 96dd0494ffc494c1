#!/usr/bin/env bash
# npm run ci: runs all checks and tests on a clean checkout, and prints which ones it skipped and why.
# The end-to-end tests need Docker, kind, Pulumi and its plugins. The last line is "N passed, N failed".
# TEST_MYSQL_IMAGE, TEST_FLUENTD_IMAGE and the E2E_… variables of tests/e2e/checkout.ts choose images.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
root=$PWD passed=0 failed=0
# Colour codes would break the sed patterns below.
export FORCE_COLOR=0
export PATH="$HOME/.pulumi/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run SECONDS COMMAND…: shows the output, and leaves it in $work/log. A command that hangs is killed.
run() {
  local seconds=$1 start=$SECONDS status; shift
  # A file, because a pipe would stay open as long as any process that a test has left.
  : >"$work/log"
  timeout --kill-after=10 "$seconds" "$@" >>"$work/log" 2>&1 &
  tail --pid=$! --lines=+1 --follow "$work/log"
  wait $!
  status=$?
  [ "$status" != 124 ] || echo "Killed after $seconds s."
  echo "--- $((SECONDS - start)) s"
  return "$status"
}

# step NAME SECONDS COMMAND…: counts a command as one test.
step() {
  local name=$1; shift
  echo "=== $name"
  if run "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $name"; fi
}

# tests NAME SECONDS COMMAND…: counts each test that mocha reports.
tests() {
  local name=$1 status ok bad; shift
  echo "=== $name"
  run "$@"
  status=$?
  ok=$(sed -n 's/^ *\([0-9]*\) passing.*/\1/p' "$work/log" | tail -n 1)
  bad=$(sed -n 's/^ *\([0-9]*\) failing.*/\1/p' "$work/log" | tail -n 1)
  [ "$status" = 0 ] || [ "${bad:-0}" != 0 ] || bad=1
  passed=$((passed + ${ok:-0})) failed=$((failed + ${bad:-0}))
}

skip() { echo "=== SKIPPED: $1: $2"; }

# Prints why this machine cannot run a stack, or nothing.
missing() {
  local package version
  docker info >/dev/null 2>&1 || { echo "no Docker engine"; return; }
  command -v kind >/dev/null || { echo "no kind on PATH"; return; }
  command -v pulumi >/dev/null || { echo "no Pulumi CLI in ~/.pulumi/bin or on PATH"; return; }
  for package in command docker kubernetes random; do
    version=$(node -p "require('@pulumi/$package/package.json').version")
    [ -d "$HOME/.pulumi/plugins/resource-$package-v$version" ] ||
      { echo "no Pulumi plugin $package v$version in ~/.pulumi/plugins"; return; }
  done
}

git clone --quiet "$root" "$work/checkout" && cd "$work/checkout" || exit 1
step "npm ci" 300 npm ci --no-audit --no-fund
step "npm run format:check" 120 npm run --silent format:check
step "npm run types" 120 npm run --silent types
step "npm run lint" 300 npm run --silent lint
tests "npm test" 900 npm test
tests "npm run test:security" 600 npm run --silent test:security

reason=$(missing)
if [ -n "$reason" ]; then
  skip "npm run test:e2e" "$reason"
else
  [ -z "${E2E_WITHOUT_LOGGING:-}" ] || skip "tests/e2e/logging.test.ts" "$E2E_WITHOUT_LOGGING"
  tests "npm run test:e2e" 3300 npm run --silent test:e2e
fi
skip "npm run test:chaos" "it takes half an hour. The nightly workflow runs it"

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
