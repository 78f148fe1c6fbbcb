//! Output bytes do not depend on threads, chunk size, which node answered, or whether an archive is slim.

use std::path::Path;

use simchain::{Options, Scenario, write};

use crate::support::{self, files, testdata};

fn results(archive: &Path, options: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    support::replay(&format!("run {{}} --period 81 --out {{}} {options}"), &[archive, &out]).exits(0);
    files(&out)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let archive = testdata("small/archive");
    let one = results(&archive, "--jobs 1");
    for jobs in ["2", "3", "8"] {
        assert!(results(&archive, &format!("--jobs {jobs}")) == one, "--jobs {jobs}");
    }
}

/// The options of `testdata/upgrade`.
fn upgrade() -> Options {
    Options {
        scenario: simchain::scenario::Kind::Small,
        period: 81,
        block_time: 1_200,
        nodes: Some(12),
        seed: 1,
        upgrade: true,
    }
}

#[test]
fn any_chunk_size_gives_the_same_bytes_but_for_the_archive_root() {
    let frozen = results(&testdata("upgrade/archive"), "");
    for (chunk_blocks, is_slim) in [(64, false), (64, true), (1_000, false), (1_000, true), (4_096, true)] {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        write::write(Scenario::new(upgrade()).unwrap(), &archive, chunk_blocks).unwrap();
        let slim = folder.path().join("slim");
        if is_slim {
            support::replay("slim {} --out {} -q", &[&archive, &slim]).exits(0);
        }
        let mut other = results(if is_slim { &slim } else { &archive }, "--jobs 3");
        assert_eq!(other.keys().collect::<Vec<_>>(), frozen.keys().collect::<Vec<_>>());
        let without_root = |run: Vec<u8>| {
            let mut run: serde_json::Value = serde_json::from_slice(&run).unwrap();
            for line in ["archive_roots", "short_digest"] {
                assert!(run.as_object_mut().unwrap().remove(line).is_some());
            }
            run
        };
        let run = without_root(other.remove("run.json").unwrap());
        assert_eq!(run, without_root(frozen["run.json"].clone()), "chunks of {chunk_blocks}");
        for (name, bytes) in other {
            assert!(bytes == frozen[&name], "chunks of {chunk_blocks}: {name}");
        }
    }
}
