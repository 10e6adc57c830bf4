#!/usr/bin/env bash
# Says which programs the tests lack and installs them where that is allowed. Tests that lack one are skipped with
# their reason; with CALLCHECK_REQUIRE_ALL=1 they fail.
set -euo pipefail

has() {
  command -v "$1" >/dev/null 2>&1
}

missing=()
if ! has turnserver; then
  echo "the relay tests need coturn (turnserver), which is not installed" >&2
  missing+=(coturn)
fi
if [ ! -e "${CHROME:-}" ] && ! has chromium && ! has chromium-browser && ! has google-chrome-stable && ! has chrome; then
  echo "the tests with a real browser need Chromium, which is not installed" >&2
  missing+=(chromium)
fi
if [ "$(uname)" = Linux ] && [ "$(id -u)" -eq 0 ] && ! has ip; then
  echo "the tests of networks that block something need ip (iproute2), which is not installed" >&2
  missing+=(iproute2)
fi
if [ "$(uname)" = Linux ] && [ "$(id -u)" -eq 0 ] && ! has nft; then
  echo "the tests of networks behind a NAT need nft (nftables), which is not installed" >&2
  missing+=(nftables)
fi
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi
if [ "${CALLCHECK_NO_INSTALL:-}" = 1 ]; then
  echo "  CALLCHECK_NO_INSTALL=1: not installing ${missing[*]}" >&2
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if has sudo && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif ! has brew; then
    echo "  not root: install them yourself, such as with: sudo apt-get install ${missing[*]}" >&2
    exit 0
  fi
fi

install() {
  if has apt-get; then
    # The test starts its own server; the package must not start one. An administrator's own policy is left alone.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
      "${as_root[@]}" chmod +x "$policy"
      trap '"${as_root[@]}" rm -f "$policy"' EXIT
    fi
    "${as_root[@]}" apt-get update -q || true
    # One at a time: what one system lacks must not keep the others away.
    for package in "$@"; do
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$package" ||
        echo "  $package could not be installed" >&2
    done
  elif has dnf; then
    "${as_root[@]}" dnf install -y -q "$@"
  elif has pacman; then
    "${as_root[@]}" pacman -S --noconfirm --needed "$@"
  elif has apk; then
    "${as_root[@]}" apk add "$@"
  elif has brew; then
    brew install "$@"
  else
    echo "  no package manager that is known here: install ${missing[*]} yourself" >&2
  fi
}

echo "  installing ${missing[*]}" >&2
if ! install "${missing[@]}" </dev/null >&2; then
  echo "  that did not work: install ${missing[*]} yourself" >&2
fi
exit 0
