//! One writer for each folder: a lock that the system releases when its holder ends, however it ends.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use super::super::{Error, Result, files};

/// The right to write into a folder, as long as this lives.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    made_folder: bool,
    file: Option<File>,
}

impl FolderLock {
    /// Makes the folder if need be and locks it; that also shows whether the folder can be written.
    ///
    /// # Errors
    /// Somebody else writes into the folder; it holds something that is no export; I/O errors.
    pub fn take(folder: &Path) -> Result<FolderLock> {
        let made_folder = !folder.exists();
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        if made_folder && let Some(parent) = folder.parent() {
            files::sync_folder(parent)?;
        }
        let has_plan = folder.join(files::PLAN).exists() || folder.join(files::MANIFEST).exists();
        if !has_plan && !is_unused(folder)? {
            let what = "is not empty and not an unfinished export; choose another folder".into();
            return Err(Error::Occupied { path: folder.to_path_buf(), what });
        }
        let path = folder.join(files::LOCK);
        // Whoever held the lock before may have removed the file between opening and locking it here.
        for _ in 0..16 {
            let file = open(&path).map_err(Error::io("create", &path))?;
            let is_locked = match file {
                Some(file) => try_lock(&file).map_err(Error::io("lock", &path))?.then_some(file),
                None => None,
            };
            let Some(file) = is_locked else {
                let what = "is being written by another minting-fetch; wait for it, or choose another folder";
                return Err(Error::Occupied { path: folder.to_path_buf(), what: what.into() });
            };
            if is_at(&file, &path) {
                return Ok(FolderLock { folder: folder.to_path_buf(), made_folder, file: Some(file) });
            }
        }
        Err(Error::Occupied {
            path: folder.to_path_buf(),
            what: "is locked and unlocked all the time".into(),
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The name goes while the lock is still held, so that nobody else's lock is removed. A file that
        // stays has no meaning.
        let _ = fs::remove_file(self.folder.join(files::LOCK));
        drop(self.file.take());
        if self.made_folder {
            // Succeeds only if nothing was written into it.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Whether a folder holds nothing, but for a lock that somebody left.
pub(super) fn is_unused(folder: &Path) -> Result<bool> {
    Ok(files::list(folder)?.iter().all(|name| name == files::LOCK))
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<Option<File>> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path).map(Some)
}

/// Locks without waiting; false if somebody else has the lock.
#[cfg(unix)]
fn try_lock(file: &File) -> std::io::Result<bool> {
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether the open file is the one that has this name now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (named.dev(), named.ino())
}

/// A file that is opened for nobody else is a lock; none if somebody has it open.
#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;
    const SHARING_VIOLATION: i32 = 32;
    match OpenOptions::new().write(true).create(true).truncate(false).share_mode(0).open(path) {
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        opened => opened.map(Some),
    }
}

#[cfg(windows)]
fn try_lock(_: &File) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(windows)]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_until_the_first_one_ends() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("archive");
        let lock = FolderLock::take(&folder).unwrap();
        let message = FolderLock::take(&folder).unwrap_err().to_string();
        assert!(message.contains("another minting-fetch"), "{message}");
        drop(lock);
        assert!(!folder.exists(), "a folder that was made for nothing is removed");
        FolderLock::take(&folder).unwrap();
    }

    #[test]
    fn a_lock_that_was_left_behind_is_no_obstacle_and_strange_files_are_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(files::LOCK), b"").unwrap();
        drop(FolderLock::take(folder.path()).unwrap());
        assert!(files::list(folder.path()).unwrap().is_empty());
        fs::write(folder.path().join("mine"), b"").unwrap();
        let message = FolderLock::take(folder.path()).unwrap_err().to_string();
        assert!(message.contains("not empty"), "{message}");
        assert_eq!(files::list(folder.path()).unwrap(), ["mine"]);
    }
}
