#!/usr/bin/env bash
# Makes testdata/ anew: frozen archives of the synthetic chain, and what a replay of them gives. The outcome of every
# node is checked against the hand-written table in tests/frozen.rs; look at the difference before committing.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="$PWD/target/release"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# write NAME OPTION...: an archive in testdata/NAME/archive, without the time at which it was made.
write() {
  local name="$1"
  shift
  rm -rf "testdata/$name"
  mkdir -p "testdata/$name"
  "$bin/simchain" write --out "testdata/$name/archive" "$@"
}

# replay NAME OPTION...: the results in testdata/NAME/expected.
replay() {
  local name="$1"
  shift
  "$bin/minting-replay" run "testdata/$name/archive" --period 81 --out "testdata/$name/expected" "$@" || [ $? -eq 3 ]
}

# Every behaviour of a node once. Some receipts of the period before were paid, the others are paid again.
write small --block-time 1200
"$bin/simchain" write --out "$work/before" --period 80 --block-time 1200 --nodes 12
"$bin/minting-replay" run "$work/before" --period 80 --rules r81 --out "$work/results"
mkdir -p testdata/small/previous/receipts
cp -r "$work/results/receipts/80" testdata/small/previous/receipts/80
ls testdata/small/previous/receipts/80 | sort | head -6 > testdata/small/paid.txt
replay small --previous testdata/small/previous --paid testdata/small/paid.txt

# Data on which the reference implementation stops.
write hazards --scenario hazards --block-time 1200
replay hazards
mv testdata/hazards/expected testdata/hazards/withheld
replay hazards --accept-findings

# A runtime upgrade in the middle, with other pallet and event indices.
write upgrade --upgrade --block-time 1200 --nodes 12
replay upgrade

# What the frozen archives give, as `minting-replay test` compares it, and the seeds that fuzzing takes from them.
printf 'period = 81\nprevious = "previous"\npaid = ["paid.txt"]\n' > testdata/small/expected.toml
printf 'period = 81\naccept_findings = true\n' > testdata/hazards/expected.toml
printf 'period = 81\n' > testdata/upgrade/expected.toml
"$bin/minting-replay" test testdata --bless
cargo run --quiet --locked --release -p minting-fuzz -- seeds
