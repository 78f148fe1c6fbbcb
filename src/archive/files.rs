//! Names of the files, and how a file gets there whole or not at all.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use super::{Error, Hash, Result};

/// The manifest, written last: a folder with it is a finished archive.
pub const MANIFEST: &str = "manifest.json";
/// Who exported when and from where; outside of every digest.
pub const PROVENANCE: &str = "provenance.json";
/// The plan of an export that is not finished.
pub const PLAN: &str = "export.json";
/// Held open by whoever writes into the folder.
pub const LOCK: &str = "export.lock";
/// Folders of an archive.
pub const FOLDERS: [&str; 4] = ["chunks", "state", "metadata", PROOFS];
/// Folder of the proofs, which most archives lack.
pub const PROOFS: &str = "proofs";
/// Ending of a file that is being written.
const TEMPORARY: &str = ".tmp";

fn short(hash: &Hash) -> String {
    hex::encode(hash).chars().take(8).collect()
}

/// `chunks/<first>-<last>-<start of the last block's hash>.tfa`
pub fn chunk_name(first: u32, last: u32, last_hash: &Hash) -> String {
    format!("chunks/{first:010}-{last:010}-{}.tfa", short(last_hash))
}

/// `chunks/<first>-<last>-<start of the last block's hash>-slim.tfa`
pub fn slim_name(first: u32, last: u32, last_hash: &Hash) -> String {
    format!("chunks/{first:010}-{last:010}-{}-slim.tfa", short(last_hash))
}

/// `state/<height>-<start of the block's hash>.tfa`
pub fn state_name(height: u32, block_hash: &Hash) -> String {
    format!("state/{height:010}-{}.tfa", short(block_hash))
}

/// `metadata/<spec version>-<start of the metadata's hash>.tfa`
pub fn metadata_name(spec_version: u32, metadata: &Hash) -> String {
    format!("metadata/{spec_version:05}-{}.tfa", short(metadata))
}

/// `proofs/<first>-<last>-<start of the last block's hash>.tfa`
pub fn block_proofs_name(first: u32, last: u32, last_hash: &Hash) -> String {
    format!("{PROOFS}/{first:010}-{last:010}-{}.tfa", short(last_hash))
}

/// `proofs/<height>-<start of the block's hash>.tfa`
pub fn state_proof_name(height: u32, block_hash: &Hash) -> String {
    format!("{PROOFS}/{height:010}-{}.tfa", short(block_hash))
}

/// `proofs/<height>-<start of the block's hash>-finality.tfa`
pub fn finality_name(height: u32, block_hash: &Hash) -> String {
    format!("{PROOFS}/{height:010}-{}-finality.tfa", short(block_hash))
}

/// Reads a whole file; `limit` bounds what is taken into memory.
///
/// # Errors
/// I/O errors, and a file longer than `limit`.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(path, limit, &mut bytes)?;
    Ok(bytes)
}

/// As [`read`], into memory that is used again.
///
/// # Errors
/// As [`read`].
pub fn read_into(path: &Path, limit: u64, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.clear();
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(limit.saturating_add(1)).read_to_end(bytes).map_err(Error::io("read", path))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(Error::damaged(path, format!("it is longer than the {limit} bytes allowed")));
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all: temporary name, fsync, read back, rename, fsync of
/// the folder.
///
/// # Errors
/// I/O errors; the temporary file is removed, an earlier file of that name stays as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_name(path);
    let result = write_to(&temporary, bytes).and_then(|()| {
        fs::rename(&temporary, path).map_err(Error::io("rename to", path))?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))
    });
    if result.is_err() {
        // The first error is the one to report; what stays is removed when the export is finished.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn write_to(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("write", path))?;
    drop(file);
    let limit = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if read(path, limit)? != bytes {
        return Err(Error::damaged(
            path,
            "what was written does not read back the same; the disk may be failing",
        ));
    }
    Ok(())
}

/// Makes what happened in a folder durable.
///
/// # Errors
/// I/O errors.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|f| f.sync_all()).map_err(Error::io("sync", folder))
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    PathBuf::from(name)
}

/// Names of the files in a folder, ascending, temporary ones left out; empty if there is no such folder.
///
/// # Errors
/// I/O errors.
pub fn list(folder: &Path) -> Result<Vec<String>> {
    let mut names = list_all(folder)?;
    names.retain(|name| !name.ends_with(TEMPORARY));
    Ok(names)
}

/// As [`list`], with temporary files.
///
/// # Errors
/// I/O errors.
pub fn list_all(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("list", folder)(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(Error::io("list", folder))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_earlier_file_and_no_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"two");
        assert!(read(&path, 2).is_err());
        // A folder in the place of the temporary file makes the next write fail.
        fs::create_dir(temporary_name(&path)).unwrap();
        assert!(write(&path, b"three").is_err());
        assert_eq!(read(&path, 3).unwrap(), b"two");
    }

    #[test]
    fn a_write_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let message = write(&folder.path().join("no/such/a"), b"x").unwrap_err().to_string();
        assert!(message.contains("no/such/a"), "{message}");
    }
}
