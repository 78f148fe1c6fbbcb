//! The output folder: there as a whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The operating system refused.
    #[error("failed to {action} `{path}`{hint}; nothing was changed in the output folder", hint = hint(.source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something is there already.
    #[error(
        "`{0}` is not empty; choose another --out, or replace an earlier run as a whole with --overwrite"
    )]
    Occupied(PathBuf),
    /// Overwriting would remove something that no run wrote.
    #[error(
        "`{0}` holds no run.json, so --overwrite does not replace it: it is not the output of an earlier run"
    )]
    NotARun(PathBuf),
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => ": the disk is full",
        io::ErrorKind::PermissionDenied => ": no permission",
        io::ErrorKind::ReadOnlyFilesystem => ": the file system is read-only",
        _ => "",
    }
}

fn error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError + use<> {
    let path = path.to_path_buf();
    move |source| OutputError::Io { action, path, source }
}

/// A folder that is being filled beside its place.
#[derive(Debug)]
pub struct Output {
    place: PathBuf,
    staging: PathBuf,
    folders: Vec<PathBuf>,
    done: bool,
}

impl Output {
    /// Checks that the place may be taken, and makes a folder beside it.
    ///
    /// # Errors
    /// The place is not empty and `overwrite` is not set, or it is and no run wrote it; I/O errors.
    pub fn create(place: &Path, overwrite: bool) -> Result<Output, OutputError> {
        if !is_free(place)? {
            if !overwrite {
                return Err(OutputError::Occupied(place.to_path_buf()));
            }
            if !place.join(super::run::RUN_JSON).is_file() {
                return Err(OutputError::NotARun(place.to_path_buf()));
            }
        }
        if let Some(parent) = place.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(error("create", parent))?;
        }
        let staging = beside(place, "new");
        // A run that was killed may have left one.
        remove(&staging)?;
        fs::create_dir(&staging).map_err(error("create", &staging))?;
        Ok(Output {
            place: place.to_path_buf(),
            staging: staging.clone(),
            folders: vec![staging],
            done: false,
        })
    }

    /// Writes a file; folders in its name are made.
    ///
    /// # Errors
    /// I/O errors.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let path = self.staging.join(name);
        if let Some(folder) = path.parent().filter(|f| !self.folders.iter().any(|known| known == f)) {
            fs::create_dir_all(folder).map_err(error("create", folder))?;
            let made = folder.ancestors().take_while(|f| *f != self.staging).map(Path::to_path_buf);
            self.folders.extend(made.collect::<Vec<_>>());
        }
        let mut file = File::create(&path).map_err(error("create", &path))?;
        file.write_all(bytes).map_err(error("write", &path))?;
        file.sync_all().map_err(error("write", &path))
    }

    /// Puts the folder in its place; what was there before is gone only then.
    ///
    /// # Errors
    /// I/O errors.
    pub fn finish(mut self) -> Result<(), OutputError> {
        for folder in &self.folders {
            sync(folder)?;
        }
        let old = beside(&self.place, "old");
        remove(&old)?;
        let replaced = self.place.exists();
        if replaced {
            fs::rename(&self.place, &old).map_err(error("move", &self.place))?;
        }
        if let Err(e) = fs::rename(&self.staging, &self.place) {
            if replaced {
                // Put back what was there; the first error is the one to report.
                let _ = fs::rename(&old, &self.place);
            }
            return Err(error("rename to", &self.place)(e));
        }
        self.done = true;
        let parent = self.place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync(parent)?;
        remove(&old)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.done {
            // Nothing of a run that failed is left.
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

/// Whether there is nothing at the place, or an empty folder.
fn is_free(place: &Path) -> Result<bool, OutputError> {
    match fs::read_dir(place) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(error("read", place)(e)),
    }
}

/// A hidden name in the same folder, so that renaming does not cross file systems.
fn beside(place: &Path, ending: &str) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.{ending}"))
}

fn remove(folder: &Path) -> Result<(), OutputError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(error("remove", folder)(e)),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), OutputError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(error("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_appears_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a/out");
        let mut output = Output::create(&place, false).unwrap();
        output.write("receipts/81/x", b"1").unwrap();
        assert!(!place.exists());
        output.write("run.json", b"{}").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(place.join("receipts/81/x")).unwrap(), b"1");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_run_leaves_the_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let mut output = Output::create(&place, false).unwrap();
        output.write("run.json", b"one").unwrap();
        output.finish().unwrap();
        assert!(matches!(Output::create(&place, false), Err(OutputError::Occupied(_))));
        let mut output = Output::create(&place, true).unwrap();
        output.write("run.json", b"two").unwrap();
        drop(output);
        assert_eq!(fs::read(place.join("run.json")).unwrap(), b"one");
        let mut output = Output::create(&place, true).unwrap();
        output.write("run.json", b"two").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(place.join("run.json")).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_no_run_wrote_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), b"").unwrap();
        assert!(matches!(Output::create(folder.path(), true), Err(OutputError::NotARun(_))));
    }
}
