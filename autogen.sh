#!/bin/sh
# Makes ./configure from configure.ac. Run once after a checkout; scripts/test and scripts/demo do it for you.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all
