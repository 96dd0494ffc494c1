#!/usr/bin/env bash
# npm run ci: runs all checks and tests on a clean checkout, and prints which ones it skipped and why.
# The end-to-end tests need Docker, kind, Pulumi and its plugins. The last line is "N passed, N failed".
# TEST_MYSQL_IMAGE, TEST_FLUENTD_IMAGE and the E2E_… variables of tests/e2e/checkout.ts choose images.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
root=$PWD passed=0 failed=0
# Time limit of the whole run in seconds.
limit=3400
# Colour codes would break the sed patterns below.
export FORCE_COLOR=0
export PATH="$HOME/.pulumi/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# step NAME COMMAND…: counts a command as one test.
step() {
  local name=$1; shift
  echo "=== $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $name"; fi
}

# tests NAME COMMAND…: counts each test that mocha reports.
tests() {
  local name=$1 status ok bad; shift
  echo "=== $name"
  "$@" 2>&1 | tee "$work/log"
  status=${PIPESTATUS[0]}
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
step "npm ci" npm ci --no-audit --no-fund
tests "npm test" npm test
tests "npm run test:security" npm run --silent test:security
step "npm run format:check" npm run --silent format:check
step "npm run lint" npm run --silent lint
step "npm run types" npm run --silent types

reason=$(missing)
if [ -n "$reason" ]; then
  skip "npm run test:e2e, npm run test:chaos" "$reason"
else
  [ -z "${E2E_WITHOUT_LOGGING:-}" ] || skip "tests/e2e/logging.test.ts" "$E2E_WITHOUT_LOGGING"
  tests "npm run test:e2e" npm run --silent test:e2e
  # The chaos tests take 950 s, and 120 s for each killed `up`.
  kills=$(((limit - SECONDS - 950) / 120))
  if [ "$kills" -lt 0 ]; then
    skip "npm run test:chaos" "it would exceed the limit of $((limit / 60)) minutes. Run it by hand"
  else
    [ "$kills" -le 3 ] || kills=3
    [ "$kills" -gt 0 ] || skip "tests/chaos/kills.test.ts" "no time is left. Run it by hand"
    tests "npm run test:chaos" env CHAOS_KILLS="$kills" npm run --silent test:chaos
  fi
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
