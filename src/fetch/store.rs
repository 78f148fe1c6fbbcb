//! The archive on disk, written beside the requests that are in flight.

use std::path::Path;

use tokio::task::{JoinHandle, spawn_blocking};

use super::error::Error;
use super::wire::to_hex;
use crate::archive::{self, ArchiveWriter, Finished, FolderLock, Plan, Provenance, files};
use crate::chain::event_shapes;

/// More than any plan takes.
const PLAN_BYTES_MAX: u64 = 1 << 20;
const WRITER_ENDED: Error = Error::Internal("writing ended early");

/// The writer, at work in a thread of its own, so that the next chunk is read while one is compressed.
///
/// At most one piece is being written and one is being read: that bounds the memory.
pub(super) struct Store {
    /// Ends with the writer when the last piece is on disk.
    at_work: JoinHandle<(ArchiveWriter, Result<(), Error>)>,
}

impl Store {
    /// Opens a folder for the plan; looks at all that is there.
    pub(super) async fn open(lock: FolderLock, plan: Plan) -> Result<Store, Error> {
        let open = move || -> Result<ArchiveWriter, Error> {
            other_chain(lock.folder(), &plan)?;
            Ok(ArchiveWriter::open_locked(lock, plan, event_shapes)?)
        };
        Ok(Store::idle(spawn_blocking(open).await.map_err(|_| WRITER_ENDED)??))
    }

    fn idle(writer: ArchiveWriter) -> Store {
        Store { at_work: spawn_blocking(move || (writer, Ok(()))) }
    }

    async fn writer(&mut self) -> Result<ArchiveWriter, Error> {
        let (writer, written) = (&mut self.at_work).await.map_err(|_| WRITER_ENDED)?;
        written.map(|()| writer)
    }

    /// Begins to write, as soon as what was put before is written.
    pub(super) async fn put<T>(&mut self, write: T) -> Result<(), Error>
    where
        T: FnOnce(&mut ArchiveWriter) -> archive::Result<()> + Send + 'static,
    {
        let mut writer = self.writer().await?;
        self.at_work = spawn_blocking(move || {
            let written = write(&mut writer).map_err(Error::from);
            (writer, written)
        });
        Ok(())
    }

    /// Asks the writer something, as soon as what was put before is written.
    pub(super) async fn ask<T>(&mut self, question: impl FnOnce(&ArchiveWriter) -> T) -> Result<T, Error> {
        let writer = self.writer().await?;
        let answer = question(&writer);
        *self = Store::idle(writer);
        Ok(answer)
    }

    pub(super) async fn finish(mut self, provenance: Provenance) -> Result<Finished, Error> {
        let writer = self.writer().await?;
        let finished = spawn_blocking(move || writer.finish(&provenance)).await;
        Ok(finished.map_err(|_| WRITER_ENDED)??)
    }
}

/// The plan of an unfinished export in a folder.
pub(super) fn unfinished(folder: &Path) -> Option<Plan> {
    let bytes = files::read(&folder.join(files::PLAN), PLAN_BYTES_MAX).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// An unfinished export of another chain gets a message of its own.
pub(super) fn other_chain(folder: &Path, plan: &Plan) -> Result<(), Error> {
    match unfinished(folder) {
        Some(earlier) if earlier.genesis != plan.genesis => Err(Error::OtherArchive {
            folder: folder.to_path_buf(),
            theirs: to_hex(&earlier.genesis),
            ours: to_hex(&plan.genesis),
        }),
        _ => Ok(()),
    }
}
