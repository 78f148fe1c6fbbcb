#!/usr/bin/env bash
# Makes testdata/ from the synthetic chain: frozen archives, and what a replay of them gives.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=target/release
