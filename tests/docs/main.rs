//! The pages about commands, and the README, show what the programs print.
//!
//! A fenced block `console` holds commands after `$ ` with what they print, both standard output and standard error.
//! Each page is run in a folder of its own, see `docs/commands/README.md`; `[..]` stands for what differs between
//! runs. The last command of a block `console exit=1` exits so, all others exit with 0. `make docs` writes the pages
//! again.

#![cfg(all(unix, feature = "fetch"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod page;
mod services;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use page::Page;
use services::Services;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Pages in the order of their names, and the README.
fn pages() -> Vec<std::path::PathBuf> {
    let folder = Path::new(ROOT).join("docs/commands");
    let mut pages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(Path::new(ROOT).join("README.md"));
    pages.sort();
    pages
}

#[test]
fn pages_show_what_the_programs_print() {
    let services = Services::start();
    let is_written = std::env::var_os("DOCS").is_some_and(|value| value == "overwrite");
    let printed: Vec<_> = std::thread::scope(|scope| {
        let run = |path: std::path::PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            let printed = Page::parse(&text).run(&services);
            (path, text, printed)
        };
        let all: Vec<_> = pages().into_iter().map(|path| scope.spawn(move || run(path))).collect();
        all.into_iter().map(|page| page.join().unwrap()).collect()
    });
    let mut different = Vec::new();
    for (path, text, printed) in printed {
        if printed == text {
            continue;
        }
        if is_written {
            fs::write(&path, printed).unwrap();
        } else {
            different.push(format!("{}:\n{}", path.display(), difference(&text, &printed)));
        }
    }
    assert!(different.is_empty(), "{}\n`make docs` writes the pages again", different.join("\n"));
}

/// The lines that differ, from the first one on.
fn difference(text: &str, printed: &str) -> String {
    let same = text.lines().zip(printed.lines()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.lines().skip(same).take(8).collect::<Vec<_>>().join("\n  ");
    format!("line {}, page:\n  {}\nprinted:\n  {}", same + 1, part(text), part(printed))
}

#[test]
fn every_command_has_a_page() {
    let written: BTreeSet<String> = pages()
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    let mut expected = BTreeSet::new();
    for program in [env!("CARGO_BIN_EXE_minting-replay"), env!("CARGO_BIN_EXE_minting-fetch")] {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(program).args(["man", "--out"]).arg(folder.path()).output().unwrap();
        assert!(made.status.success());
        for page in fs::read_dir(folder.path()).unwrap() {
            let name = page.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
            expected.insert(name);
        }
    }
    let missing: Vec<_> = expected
        .iter()
        .filter(|name| {
            // Commands of commands are on the page of the outer one, and `help` needs none.
            let mut outer = name.as_str();
            while !written.contains(outer) {
                match outer.rsplit_once('-') {
                    Some((shorter, _)) if shorter.matches('-').count() >= 2 => outer = shorter,
                    _ => {
                        return !name.contains("-help")
                            && !["minting-replay", "minting-fetch"].contains(&name.as_str());
                    }
                }
            }
            false
        })
        .collect();
    assert!(missing.is_empty(), "docs/commands/ has no page for {missing:?}");
}
