# Everything here needs Rust and a C compiler; `ci` and `conformance` also need what .ci/run installs.
CARGO ?= cargo
PYTHON ?= python3
DEMO := target/demo
# nextest closes with one summary; plain cargo does as well where it is not installed.
TEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo "nextest run" || echo "test --lib --bins --tests")
# What must not be in the replayer: it links no async runtime, no HTTP and no socket code.
NETWORK := tokio|hyper|rustls|socket2|mio|jsonrpsee

FUZZ_SECONDS := 300

.PHONY: demo test lint fmt ci testdata docs parquet bench bench-size bench-fetch soak fuzz frozen conformance coverage reader deps audit oracle clean

## demo: replays a frozen archive into payouts and shows the result
demo:
	$(CARGO) build --quiet --locked --release --no-default-features --bin minting-replay
	rm -rf $(DEMO)
	target/release/minting-replay run testdata/small/archive --period 81 --out $(DEMO) \
	  --previous testdata/small/previous --paid testdata/small/paid.txt

## test: all tests; those that need MINTING_SHARED are skipped, out loud, without it
test:
	$(CARGO) $(TEST) --locked --workspace

## lint: formatting and lints, warnings are errors
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked -p minting --no-default-features --all-targets -- -D warnings
	$(CARGO) clippy --locked -p minting --no-default-features --features parquet --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all

## deps: the replayer links no network code; licences and sources are as deny.toml says
deps:
	@if $(CARGO) tree --locked -p minting --no-default-features -e normal --prefix none | grep -E '^($(NETWORK))[a-z0-9_-]* '; \
	  then echo "error: the replayer would link network code" >&2; exit 1; \
	  else echo "deps: no $(NETWORK) without the feature fetch"; fi
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check bans licenses sources; \
	  else echo "deps: LEFT OUT cargo deny, which is not installed"; fi

## audit: known vulnerabilities; asks the RustSec database, so it needs the network
audit:
	$(CARGO) deny --locked check advisories

## reader: the independent reader in Python agrees with testdata
reader:
	@for archive in testdata/*/archive; do $(PYTHON) tools/read_archive.py "$$archive" || exit 1; done

## oracle: proofs and tries agree with those of Substrate (sp-trie) on random states; ROUNDS of them
oracle: ROUNDS ?= 100
oracle:
	$(CARGO) fmt --manifest-path tools/trie-oracle/Cargo.toml --check
	$(CARGO) run --quiet --locked --manifest-path tools/trie-oracle/Cargo.toml --target-dir target/oracle -- --rounds $(ROUNDS)

## testdata: makes the frozen archives and the expected outputs again; look at the difference before committing
testdata:
	$(CARGO) build --locked --release --workspace
	tools/testdata.sh

## parquet: exports of events and results, read back with pyarrow where it is installed
parquet:
	PYTHON=$(PYTHON) $(CARGO) test --locked --no-default-features --features parquet --test parquet

## docs: writes the output of every command in docs/commands and the README again; look at the difference
docs:
	DOCS=overwrite $(CARGO) test --locked --test docs pages

## bench: how fast the parts of a replay are, and how a whole month compares to decompressing and hashing it alone
bench:
	$(CARGO) bench --locked --bench replay
	$(CARGO) bench --locked --bench month -- --raw $(BENCH)

## bench-size: bytes of an uptime report by level, chunks and layout; BENCH="--months 0.1" for less than a month
bench-size:
	$(CARGO) bench --locked --bench month -- size $(BENCH)

## bench-fetch: how fast an export is and what it costs, beside the way of the reference; BENCH="--endpoints 3" for more nodes to ask
bench-fetch:
	$(CARGO) bench --locked --bench fetch -- $(BENCH)

## soak: random faults and kills for SECONDS (an hour unless given), beginning with SEED if given
soak: SECONDS ?= 3600
soak:
	SOAK_SECONDS=$(SECONDS) $(if $(SEED),SOAK_SEED=$(SEED)) $(CARGO) test --locked --test faults -- --nocapture random_faults

## fuzz: feeds mutated input to everything that reads what others wrote, FUZZ_SECONDS for each target
fuzz:
	$(CARGO) run --quiet --locked --release -p minting-fuzz -- run --seconds $(FUZZ_SECONDS)

## frozen: replays the frozen archives as others do in their continuous tests
frozen:
	$(CARGO) build --quiet --locked --release --no-default-features --bin minting-replay
	target/release/minting-replay test testdata

## conformance: recorded chains, every runtime and outputs of the reference implementation, from MINTING_SHARED
conformance:
	@test -n "$(MINTING_SHARED)" || { echo "error: conformance needs MINTING_SHARED, the folder of the recorded chains" >&2; exit 1; }
	$(CARGO) build --locked --release -p minting
	$(PYTHON) $(MINTING_SHARED)/oracle/run.py --bin target/release --history $(MINTING_SHARED)/oracle/history
	$(PYTHON) $(MINTING_SHARED)/oracle/run.py --bin target/release --hazards /nonexistent --bugs
	$(PYTHON) tools/verify_oracle.py --bin target/release --oracle $(MINTING_SHARED)/oracle
	$(PYTHON) $(MINTING_SHARED)/chains/run.py --bin target/release
	$(PYTHON) tools/proofs.py --bin target/release --chains $(MINTING_SHARED)/chains
	$(CARGO) test --locked --test runtimes
	$(CARGO) run --quiet --locked --example coverage -- $(MINTING_SHARED)/metadata/blobs | diff docs/coverage.md -

## coverage: writes the table of what every runtime has, from the metadata in MINTING_SHARED
coverage:
	$(CARGO) run --quiet --locked --example coverage -- $(MINTING_SHARED)/metadata/blobs >docs/coverage.md

## ci: what .ci/run calls; the tests come last, so that their summary is what one sees
ci: lint deps demo frozen reader parquet oracle
ifdef MINTING_SHARED
	$(MAKE) conformance
else
	@echo "ci: LEFT OUT conformance, because MINTING_SHARED is not set"
endif
	$(MAKE) test

clean:
	$(CARGO) clean
