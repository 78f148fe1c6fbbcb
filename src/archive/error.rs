//! What can be wrong with an archive; every message names the file and says what to do.

use std::{io, path::PathBuf};

use super::container::{MAJOR, MINOR};

/// Result of an operation on an archive.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an archive could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("failed to {action} `{path}`{hint}", hint = io_hint(.source))]
    Io {
        /// What was tried, as a verb: `read`, `create`, …
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder is not an archive.
    #[error(
        "`{path}` is not an archive: it has no manifest.json; \
         an interrupted export is finished by running the same minting-fetch command again"
    )]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// A later program wrote the file.
    #[error(
        "`{path}` has format version {major}.{minor}, this program reads {MAJOR}.0 to {MAJOR}.{MINOR}: \
         install a minting-replay that reads format {major}.{minor}"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
    /// The file is not what the manifest or the format says.
    #[error(
        "`{path}` is damaged: {what}; get the file again from where the archive came from, or export it again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file in a folder of the archive that does not belong to it.
    #[error("`{path}` is not listed in the manifest; remove it")]
    Stranger {
        /// The file.
        path: PathBuf,
    },
    /// The caller gave the writer something that does not belong into this archive.
    #[error("cannot put {item} into the archive: {what}")]
    Refused {
        /// What was to be written.
        item: String,
        /// Why it does not fit.
        what: String,
    },
    /// The output folder holds something else.
    #[error("`{path}` {what}")]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What it holds and what to do.
        what: String,
    },
    /// Two archives say different things about the same.
    #[error(
        "`{one}` and `{other}` disagree about {what}; export that part once more from a node that you trust, \
         and leave the archive out that differs from it"
    )]
    Disagree {
        /// An archive.
        one: PathBuf,
        /// Another one.
        other: PathBuf,
        /// About what, and how.
        what: String,
    },
    /// The archive does not hold what was asked for.
    #[error("{0}")]
    Missing(String),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, what: impl Into<String>) -> Error {
        Error::Damaged { path: path.into(), what: what.into() }
    }
}

/// What a person can do about the usual refusals of an operating system.
fn io_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => ": the disk is full; free some space and run the same command again",
        io::ErrorKind::PermissionDenied => ": no permission; choose another folder or change its rights",
        io::ErrorKind::ReadOnlyFilesystem => ": the file system is read-only; choose another folder",
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            ": a file is in the way; choose another folder"
        }
        _ => "",
    }
}
