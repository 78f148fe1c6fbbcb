//! Runs the binaries, copies and spoils archives.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[path = "../common/ran.rs"]
mod ran;
pub use ran::{Ran, files};

fn run(program: &str, args: &[&str]) -> Ran {
    ran::ended(Command::new(program).args(args).output().unwrap())
}

/// Runs `minting-replay` with arguments divided by blanks; `{}` stands for the paths in order.
pub fn replay(args: &str, paths: &[&Path]) -> Ran {
    run(
        env!("CARGO_BIN_EXE_minting-replay"),
        &words(args, paths).iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// As [`replay`], for `minting-fetch`.
#[cfg(feature = "fetch")]
pub fn fetch(args: &str, paths: &[&Path]) -> Ran {
    run(
        env!("CARGO_BIN_EXE_minting-fetch"),
        &words(args, paths).iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn words(args: &str, paths: &[&Path]) -> Vec<String> {
    let mut paths = paths.iter();
    let mut word = |word: &str| match word {
        "{}" => paths.next().expect("a path for every {}").to_str().unwrap().to_string(),
        word => word.to_string(),
    };
    args.split_whitespace().map(&mut word).collect()
}

/// A folder in `testdata`.
pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// A copy of an archive of `testdata`, to be spoiled.
pub struct Spoiled {
    folder: tempfile::TempDir,
}

impl Spoiled {
    pub fn copy_of(name: &str) -> Spoiled {
        let folder = tempfile::tempdir().unwrap();
        copy(&testdata(name).join("archive"), &folder.path().join("archive"));
        Spoiled { folder }
    }

    pub fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// A place for results.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The only file in the archive whose name has this part.
    pub fn file(&self, part: &str) -> PathBuf {
        let all = files(&self.archive());
        let found: Vec<_> = all.keys().filter(|name| name.contains(part)).collect();
        let [name] = found.as_slice() else { panic!("{part} is in {found:?}") };
        self.archive().join(name)
    }
}
