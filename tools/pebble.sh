#!/bin/sh
# Builds the certificate authority that the tests of ACME run against, and its name server, into .build/bin. Both come
# through the Go module proxy. Without them those tests are skipped and say so.
set -eu
cd "$(dirname "$0")/.."
VERSION=v2.10.3
command -v go >/dev/null 2>&1 || PATH="$PATH:/usr/local/go/bin"
if ! command -v go >/dev/null 2>&1; then
  echo 'pebble.sh: there is no go; the tests of ACME will be skipped' >&2
  exit 0
fi
mkdir -p .build/bin
GOBIN="$PWD/.build/bin" go install "github.com/letsencrypt/pebble/v2/cmd/pebble@$VERSION" "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@$VERSION"
