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

# Proofs of one block in six and of both states, in both layouts of a trie: a runtime upgrade in the middle, behind which the
# whole state is written again. The validators change between the two states, and sign a block behind the end. What a node proves
# lies beside what is written without one, and has the same chunks and states; nobody needs to know when it was asked.
chain=(--upgrade --block-time 1200 --nodes 12 --state-version migrated --justify-every 50 --new-authority-at 1200)
write proven --chunk-blocks 1024 "${chain[@]}"
"$bin/simchain" serve "${chain[@]}" > "$work/ready" &
node=$!
trap 'kill "$node" 2>/dev/null; rm -rf "$work"' EXIT
until grep -q '^READY ' "$work/ready"; do sleep 0.1; done
"$bin/minting-fetch" period 81 --proofs sample:6 --own-node --chunk-blocks 1024 --out "$work/proven" --quiet \
  --rpc "http://127.0.0.1:$(sed 's/^READY //' "$work/ready")"
kill "$node"
for part in chunks state metadata; do diff -r "testdata/proven/archive/$part" "$work/proven/$part"; done
cp "$work/proven/manifest.json" testdata/proven/archive/manifest.json
cp -r "$work/proven/proofs" testdata/proven/archive/proofs
"$bin/minting-replay" check testdata/proven/archive --json \
  | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)[0]["authorities"], indent=2))' \
  > testdata/proven/validators.json
replay proven --authorities testdata/proven/validators.json

# What the frozen archives give, as `minting-replay test` compares it, and the seeds that fuzzing takes from them.
printf 'period = 81\nprevious = "previous"\npaid = ["paid.txt"]\n' > testdata/small/expected.toml
printf 'period = 81\naccept_findings = true\n' > testdata/hazards/expected.toml
printf 'period = 81\n' > testdata/upgrade/expected.toml
printf 'period = 81\nauthorities = "validators.json"\nreached = "finality"\n' > testdata/proven/expected.toml
"$bin/minting-replay" test testdata --bless
cargo run --quiet --locked --release -p minting-fuzz -- seeds
