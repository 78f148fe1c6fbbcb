//! The output folder: there as a whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{partial, run::RUN_JSON};

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The operating system refused.
    #[error("failed to {action} `{path}`{hint}; no results were written", hint = hint(.source))]
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
        io::ErrorKind::StorageFull => ": the disk is full; free some space",
        io::ErrorKind::PermissionDenied => ": no permission; choose another folder or change its rights",
        io::ErrorKind::ReadOnlyFilesystem => ": the file system is read-only; choose another folder",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            ": a file is in the way; choose another folder"
        }
        _ => "",
    }
}

fn error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError + use<> {
    let path = path.to_path_buf();
    move |source| OutputError::Io { action, path, source }
}

/// How the finished files get to their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Nothing is there: the staging folder is renamed.
    Rename,
    /// An empty folder is there, maybe a mount point: the files are moved into it, `run.json` last.
    MoveInto,
    /// An earlier run is there: it is exchanged for the staging folder.
    Exchange,
}

/// A folder that is being filled near its place, under a name that nothing else has.
#[derive(Debug)]
pub struct Output {
    place: PathBuf,
    way: Way,
    staging: PathBuf,
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    done: bool,
}

impl Output {
    /// Checks that the place may be taken, and makes a staging folder.
    ///
    /// # Errors
    /// The place is not empty and `overwrite` is not set, or it is and no run wrote it; I/O errors.
    pub fn create(place: &Path, overwrite: bool) -> Result<Output, OutputError> {
        let (place, way) = match fs::read_dir(place) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => (absent(place)?, Way::Rename),
            Err(e) => return Err(error("use", place)(e)),
            Ok(mut entries) => {
                let resolved = fs::canonicalize(place).map_err(error("use", place))?;
                let is_run = resolved.join(RUN_JSON).is_file() || partial::is_partial(&resolved);
                match (entries.next().is_none(), overwrite, is_run) {
                    (true, _, _) => (resolved, Way::MoveInto),
                    (false, false, _) => return Err(OutputError::Occupied(place.to_path_buf())),
                    (false, true, false) => return Err(OutputError::NotARun(place.to_path_buf())),
                    (false, true, true) => (resolved, Way::Exchange),
                }
            }
        };
        let near = if way == Way::MoveInto { place.join("run") } else { place.clone() };
        let staging = make_unique(&near)?;
        Ok(Output {
            place,
            way,
            staging: staging.clone(),
            folders: vec![staging],
            files: Vec::new(),
            done: false,
        })
    }

    /// Writes a file; folders in its name are made.
    ///
    /// # Errors
    /// I/O errors.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        self.write_all(&[(name, bytes)])
    }

    /// Writes files side by side, as making thousands of them takes as long as a replay. Folders in their names are made.
    ///
    /// # Errors
    /// I/O errors.
    pub fn write_all(&mut self, files: &[(&str, &[u8])]) -> Result<(), OutputError> {
        let known = self.files.len();
        for (name, _) in files {
            let path = self.staging.join(name);
            self.make_folder_of(&path)?;
            self.files.push(path);
        }
        let paths = self.files.get(known..).unwrap_or_default();
        let write = |(path, (_, bytes)): (&PathBuf, &(&str, &[u8]))| {
            let mut file = File::create(path).map_err(error("create", path))?;
            file.write_all(bytes).map_err(error("write", path))
        };
        // The first error is the one to report, whichever came first.
        let written: Vec<Result<(), OutputError>> = paths.par_iter().zip(files).map(write).collect();
        written.into_iter().collect()
    }

    fn make_folder_of(&mut self, path: &Path) -> Result<(), OutputError> {
        if let Some(folder) = path.parent().filter(|f| !self.folders.iter().any(|known| known == f)) {
            fs::create_dir_all(folder).map_err(error("create", folder))?;
            let made = folder.ancestors().take_while(|f| *f != self.staging).map(Path::to_path_buf);
            self.folders.extend(made.collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Puts the files in their place; an earlier run is gone only then.
    ///
    /// # Errors
    /// I/O errors.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.sync_all()?;
        match self.way {
            Way::Rename => fs::rename(&self.staging, &self.place).map_err(error("rename to", &self.place))?,
            Way::MoveInto => move_into(&self.staging, &self.place)?,
            Way::Exchange => exchange(&self.staging, &self.place)?,
        }
        let folder = if self.way == Way::MoveInto { Some(self.place.as_path()) } else { self.place.parent() };
        folder.map(sync).transpose()?;
        if self.way == Way::Rename {
            self.done = true;
        }
        Ok(())
    }
}

impl Drop for Output {
    /// Removes what this process made: what a failed run leaves, or the earlier run that was exchanged.
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

impl Output {
    /// Waits until everything is on the disk, in one step where the system can: syncing thousands of receipts one by
    /// one takes longer than a replay.
    fn sync_all(&self) -> Result<(), OutputError> {
        #[cfg(target_os = "linux")]
        {
            let staging = File::open(&self.staging).map_err(error("sync", &self.staging))?;
            if rustix::fs::syncfs(&staging).is_ok() {
                return Ok(());
            }
        }
        self.files.iter().chain(&self.folders).try_for_each(|path| sync(path))
    }
}

/// The path of a place where nothing is, in a folder that is made if need be.
fn absent(place: &Path) -> Result<PathBuf, OutputError> {
    let parent = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(error("create", parent))?;
    let parent = fs::canonicalize(parent).map_err(error("use", parent))?;
    let name = place.file_name().ok_or_else(|| error("use", place)(io::ErrorKind::InvalidInput.into()))?;
    Ok(parent.join(name))
}

/// Makes a hidden folder in the same folder as `near`, so that renaming does not cross file systems.
fn make_unique(near: &Path) -> Result<PathBuf, OutputError> {
    let name = near.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut number = 0u32;
    loop {
        let staging = near.with_file_name(format!(".{name}.{}-{number}.unfinished", std::process::id()));
        match fs::create_dir(&staging) {
            Ok(()) => return Ok(staging),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(e) => return Err(error("create", &staging)(e)),
        }
    }
}

/// Moves everything up into `place`; `run.json`, which makes a folder the output of a run, comes last.
fn move_into(staging: &Path, place: &Path) -> Result<(), OutputError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(staging).map_err(error("read", staging))? {
        names.push(entry.map_err(error("read", staging))?.file_name());
    }
    let run = [RUN_JSON.to_owned(), partial::name(RUN_JSON)];
    names.sort_by_key(|name| (run.iter().any(|run| name == run.as_str()), name.clone()));
    for name in names {
        let to = place.join(&name);
        fs::rename(staging.join(&name), &to).map_err(error("rename to", &to))?;
    }
    Ok(())
}

/// Exchanges two folders at once where the system can, so that one of the two runs is at the place at any moment.
fn exchange(staging: &Path, place: &Path) -> Result<(), OutputError> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, staging, CWD, place, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    let old = make_unique(place)?;
    fs::rename(place, &old).map_err(error("move", place))?;
    if let Err(e) = fs::rename(staging, place) {
        // Put back what was there; the first error is the one to report.
        let _ = fs::rename(&old, place);
        return Err(error("rename to", place)(e));
    }
    fs::remove_dir_all(&old).map_err(error("remove", &old))
}

fn sync(path: &Path) -> Result<(), OutputError> {
    File::open(path).and_then(|f| f.sync_all()).map_err(error("sync", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(place: &Path, overwrite: bool, text: &[u8]) -> Output {
        let mut output = Output::create(place, overwrite).unwrap();
        output.write("receipts/81/x", text).unwrap();
        output.write(RUN_JSON, text).unwrap();
        output
    }

    /// Names of everything in a folder, hidden or not.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_appears_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a/out");
        let output = write(&place, false, b"1");
        assert!(!place.exists());
        output.finish().unwrap();
        assert_eq!(fs::read(place.join("receipts/81/x")).unwrap(), b"1");
        assert_eq!(names(&folder.path().join("a")), ["out"]);
    }

    #[test]
    fn an_empty_folder_is_filled_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        fs::create_dir(&place).unwrap();
        std::os::unix::fs::symlink(&place, folder.path().join("link")).unwrap();
        write(&folder.path().join("link"), false, b"1").finish().unwrap();
        assert_eq!(names(&place), ["receipts", RUN_JSON]);
        assert!(folder.path().join("link").is_symlink());
    }

    #[test]
    fn a_failed_run_leaves_the_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        write(&place, false, b"one").finish().unwrap();
        assert!(matches!(Output::create(&place, false), Err(OutputError::Occupied(_))));
        drop(write(&place, true, b"two"));
        assert_eq!(fs::read(place.join(RUN_JSON)).unwrap(), b"one");
        write(&place, true, b"two").finish().unwrap();
        assert_eq!(fs::read(place.join(RUN_JSON)).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn what_no_run_wrote_is_neither_overwritten_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), b"").unwrap();
        assert!(matches!(Output::create(folder.path(), true), Err(OutputError::NotARun(_))));
        // Hidden neighbours that look like ours are not ours.
        let mine = folder.path().join(format!(".out.{}-0.unfinished", std::process::id()));
        fs::create_dir(&mine).unwrap();
        write(&folder.path().join("out"), false, b"1").finish().unwrap();
        assert!(mine.is_dir());
    }

    #[test]
    fn two_runs_at_once_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let (one, two) = (write(&place, false, b"one"), write(&place, false, b"two"));
        one.finish().unwrap();
        assert!(two.finish().is_err());
        assert_eq!(fs::read(place.join("receipts/81/x")).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["out"]);
    }
}
