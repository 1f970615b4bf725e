//! Whole database files in the store: where a restore begins.
//!
//! Owns: [`upload`], [`download`]. Must not know: when a base is made (`log::gc`), the manifest.
//!
//! Both stream: memory stays the same however large the file is.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::storage::blob::{BlobErrorKind, BlobStore, Body, Metadata, Precondition};
use crate::storage::log::delta::Digest;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::Parts;
use crate::storage::log::manifest::Base;
use crate::storage::log::retry::patiently;

/// zstd's level: bases are read seldom and kept long.
const LEVEL: i32 = 3;

/// Compresses a file into `scratch` and uploads that under a key nobody else uses. Gives the object's size and hash.
pub async fn upload(store: &Arc<dyn BlobStore>, key: &str, file: &Path, scratch: &Path) -> Result<(u64, Digest)> {
    let (from, to) = (file.to_owned(), scratch.to_owned());
    let (size, digest) = run(move || compress(&from, &to)).await?;
    let nothing = Metadata::new();
    let put = || store.put(key, Body::File(scratch.to_owned()), Precondition::Absent, &nothing);
    match patiently(put).await {
        Ok(_) => {}
        // The key has a random part, so what is there is the echo of an attempt whose answer was lost.
        Err(error) if error.kind == BlobErrorKind::PreconditionFailed => {}
        Err(error) => return Err(error.into()),
    }
    std::fs::remove_file(scratch)?;
    Ok((size, digest))
}

/// Writes a base to a new file.
pub async fn download(store: &Arc<dyn BlobStore>, base: &Base, into: &Path) -> Result<()> {
    let (parts, mut received) = mpsc::channel::<Bytes>(2);
    let path = into.to_owned();
    let writing = spawn_blocking(move || -> io::Result<Digest> {
        let mut decoder = zstd::stream::write::Decoder::new(File::create(path)?)?;
        let mut hasher = blake3::Hasher::new();
        while let Some(part) = received.blocking_recv() {
            hasher.update(&part);
            decoder.write_all(&part)?;
        }
        decoder.flush()?;
        Ok(Digest(*hasher.finalize().as_bytes()))
    });
    let fetched = send_parts(Parts::of(store, &base.key, base.size), parts).await;
    let written = writing.await.map_err(|error| LogError::Local(io::Error::other(error)))?;
    fetched?;
    let digest = written.map_err(|error| match error.raw_os_error() {
        Some(_) => LogError::Local(error),
        None => LogError::damaged(&base.key, error),
    })?;
    if digest == base.blake3 { Ok(()) } else { Err(LogError::damaged(&base.key, "its hash is wrong")) }
}

async fn send_parts(mut from: Parts, to: mpsc::Sender<Bytes>) -> Result<()> {
    while let Some(part) = from.next().await? {
        // That nobody receives any more shows in the result of who did.
        let _ = to.send(part).await;
    }
    Ok(())
}

/// Runs what blocks where that disturbs nobody.
pub(super) async fn run<T: Send + 'static>(body: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(body).await.map_err(|error| LogError::Local(io::Error::other(error)))?
}

/// Counts and hashes what goes through.
struct Measured {
    file: File,
    size: u64,
    hasher: blake3::Hasher,
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn compress(from: &Path, to: &Path) -> Result<(u64, Digest)> {
    let out = Measured { file: File::create(to)?, size: 0, hasher: blake3::Hasher::new() };
    let mut encoder = zstd::stream::write::Encoder::new(out, LEVEL)?;
    let mut file = File::open(from)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => encoder.write_all(buffer.get(..length).unwrap_or_default())?,
        }
    }
    let out = encoder.finish()?;
    Ok((out.size, Digest(*out.hasher.finalize().as_bytes())))
}
