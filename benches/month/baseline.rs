//! The least that a verified replay can do: read the chunks, decompress them with libzstd, hash them with SHA-256.

use std::{fs, hint::black_box, path::PathBuf, time::Instant};

use minting::archive::{Archive, container};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{
    Result,
    figures::{Spent, cpu_seconds},
};

/// Decompresses all chunks of an archive on so many threads, with contexts and buffers that are used again, and hashes
/// the bodies if asked.
pub fn run(archive: &Archive, threads: usize, hash: bool) -> Result<Spent> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let chunks: Vec<(PathBuf, usize)> = archive
        .manifest()
        .chunks
        .iter()
        .map(|chunk| Ok((archive.path(&chunk.file), usize::try_from(chunk.body_bytes)?)))
        .collect::<Result<_>>()?;
    let longest = chunks.iter().map(|(_, len)| *len).max().unwrap_or_default();
    let (started, cpu) = (Instant::now(), cpu_seconds("self")?);
    pool.install(|| {
        chunks.par_iter().try_for_each_init(
            || (zstd::bulk::Decompressor::new(), Vec::with_capacity(longest)),
            |(decompressor, body), (path, len)| -> Result<()> {
                let file = fs::read(path)?;
                let frame = file.get(container::HEADER_LEN..).ok_or("a chunk without a frame")?;
                body.clear();
                let decompressor = decompressor.as_mut().map_err(|error| error.to_string())?;
                if decompressor.decompress_to_buffer(frame, body)? != *len {
                    return Err(
                        format!("{} has another length than its manifest says", path.display()).into()
                    );
                }
                if hash {
                    black_box(Sha256::digest(&body));
                }
                Ok(())
            },
        )
    })?;
    Ok(Spent { wall: started.elapsed().as_secs_f64(), cpu: cpu_seconds("self")? - cpu })
}
