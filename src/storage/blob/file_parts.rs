//! A file that is uploaded, part by part.
//!
//! Owns: reading it. Must not know: where the parts go.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::storage::blob::{BlobError, BlobErrorKind};

/// An opened file. It must not change meanwhile; one that has become shorter is an error.
#[derive(Debug)]
pub struct FileParts {
    file: File,
    path: PathBuf,
    pub size: u64,
}

impl FileParts {
    pub async fn open(path: &Path) -> Result<Self, BlobError> {
        let file = File::open(path).await.map_err(|e| unreadable(path, &e))?;
        let size = file.metadata().await.map_err(|e| unreadable(path, &e))?.len();
        Ok(FileParts { file, path: path.to_owned(), size })
    }

    /// Some of its bytes.
    pub async fn read(&mut self, part: Range<u64>) -> Result<Bytes, BlobError> {
        let read = async {
            let length = usize::try_from(part.end - part.start).map_err(std::io::Error::other)?;
            let mut bytes = vec![0; length];
            self.file.seek(SeekFrom::Start(part.start)).await?;
            self.file.read_exact(&mut bytes).await?;
            Ok(bytes.into())
        };
        read.await.map_err(|e| unreadable(&self.path, &e))
    }

    /// All of them.
    pub async fn read_all(&mut self) -> Result<Bytes, BlobError> {
        self.read(0..self.size).await
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> BlobError {
    BlobError::new(BlobErrorKind::Invalid, format!("cannot read {}: {error}", path.display()))
}
