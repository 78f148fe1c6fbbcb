//! Output bytes do not depend on threads, chunk size, which node answered, or whether an archive is slim.

use std::path::Path;

use minting::archive::{Merge, Provenance};
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
    // The second one has proofs, which are verified beside the fold.
    for name in ["small/archive", "proven/archive"] {
        let archive = testdata(name);
        let one = results(&archive, "--jobs 1");
        for jobs in ["2", "3", "8"] {
            assert!(results(&archive, &format!("--jobs {jobs}")) == one, "{name} --jobs {jobs}");
        }
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

/// `run.json` without the lines that identify the archive.
fn without_root(run: &[u8]) -> serde_json::Value {
    let mut run: serde_json::Value = serde_json::from_slice(run).unwrap();
    for line in ["archive_roots", "short_digest"] {
        assert!(run.as_object_mut().unwrap().remove(line).is_some());
    }
    run
}

/// As [`without_root`] of a run of the full archive, when a slim one was replayed: only how far it can be trusted differs.
fn of_slim(run: &[u8]) -> serde_json::Value {
    let mut run = without_root(run);
    assert_eq!(run["trust"]["level"], "state");
    run["trust"]["level"] = "content".into();
    run
}

#[test]
fn any_chunk_size_gives_the_same_bytes_but_for_the_archive_root() {
    let frozen = results(&testdata("upgrade/archive"), "");
    for chunk_blocks in [64, 1_000, 4_096] {
        let folder = tempfile::tempdir().unwrap();
        let (full, slim) = (folder.path().join("full"), folder.path().join("slim"));
        write::write(Scenario::new(upgrade()).unwrap(), &full, chunk_blocks).unwrap();
        support::replay("slim {} --out {} -q", &[&full, &slim]).exits(0);
        for (archive, jobs) in
            [&full, &slim].into_iter().flat_map(|archive| [1, 2, 3, 8].map(|j| (archive, j)))
        {
            let case = format!("chunks of {chunk_blocks}, {}, --jobs {jobs}", archive.display());
            let other = results(archive, &format!("--jobs {jobs}"));
            assert_eq!(other.keys().collect::<Vec<_>>(), frozen.keys().collect::<Vec<_>>(), "{case}");
            for (name, bytes) in other {
                match name.as_str() {
                    "run.json" if *archive == slim => {
                        assert_eq!(without_root(&bytes), of_slim(&frozen[&name]), "{case}");
                    }
                    "run.json" => assert_eq!(without_root(&bytes), without_root(&frozen[&name]), "{case}"),
                    _ => assert!(bytes == frozen[&name], "{case}: {name}"),
                }
            }
        }
    }
}

/// An archive whose events are as the chain has them is read by another way than one in columns.
#[test]
fn columns_give_the_results_of_raw_events() {
    for name in ["small", "upgrade", "hazards"] {
        let columns = testdata(&format!("{name}/archive"));
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("raw");
        let merge = Merge::of(std::slice::from_ref(&columns), Some(1_000)).unwrap();
        let provenance = Provenance::read(&columns).unwrap();
        merge.write(&raw, &provenance, |_| None, |_| ()).unwrap();
        let expected = results(&columns, "--accept-findings");
        for jobs in ["1", "3"] {
            let found = results(&raw, &format!("--accept-findings --jobs {jobs}"));
            for (name, bytes) in &expected {
                match name.as_str() {
                    "run.json" => assert_eq!(without_root(&found[name]), without_root(bytes)),
                    _ => assert!(found[name] == *bytes, "{name}"),
                }
            }
        }
    }
}
