#!/usr/bin/env bash
# Says which programs the tests lack and installs them where that is allowed. Tests that lack one are skipped with
# their reason; with CALLCHECK_REQUIRE_ALL=1 they fail.
set -euo pipefail

if command -v turnserver >/dev/null 2>&1; then
  exit 0
fi
echo "the relay tests need coturn (turnserver), which is not installed" >&2
if [ "${CALLCHECK_NO_INSTALL:-}" = 1 ]; then
  echo "  CALLCHECK_NO_INSTALL=1: not installing it" >&2
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif ! command -v brew >/dev/null 2>&1; then
    echo "  not root: install it yourself, such as with: sudo apt-get install coturn" >&2
    exit 0
  fi
fi

install() {
  if command -v apt-get >/dev/null 2>&1; then
    # The test starts its own server; the package must not start one. An administrator's own policy is left alone.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
      "${as_root[@]}" chmod +x "$policy"
      trap '"${as_root[@]}" rm -f "$policy"' EXIT
    fi
    "${as_root[@]}" apt-get update -q || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends coturn
  elif command -v dnf >/dev/null 2>&1; then
    "${as_root[@]}" dnf install -y -q coturn
  elif command -v pacman >/dev/null 2>&1; then
    "${as_root[@]}" pacman -S --noconfirm --needed coturn
  elif command -v apk >/dev/null 2>&1; then
    "${as_root[@]}" apk add coturn
  elif command -v brew >/dev/null 2>&1; then
    brew install coturn
  else
    echo "  no package manager that is known here: install coturn yourself" >&2
  fi
}

echo "  installing it" >&2
if ! install </dev/null >&2; then
  echo "  that did not work: install coturn yourself" >&2
fi
exit 0
