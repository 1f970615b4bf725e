//! Rows that a statement keeps while it runs, one after the other. Many of them go to a file that nobody else sees.
//!
//! Owns: [`RowStore`], [`Rows`]. Must not know: whose rows they are. The file is made when it is needed, where SQLite's
//! temporary files are, and has no name.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::engine::error_map::disk_full;
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits};
use crate::types::value::{Value, ValueRef};

/// What is written and read at a time.
const CHUNK: usize = 128 << 10;

/// So many rows are passed before it is asked whether the statement is to go on.
const PASSED: usize = 1024;

/// What a list has in memory before the rest goes to the file.
const IN_MEMORY: usize = 4 << 20;

static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Where files are made from now on; once.
pub(crate) fn set_directory(directory: PathBuf) {
    let _ = DIRECTORY.set(directory);
}

/// A list of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowStore {
    chunks: Vec<Chunk>,
    /// The one that is being filled.
    last: Vec<u8>,
    rows: usize,
    in_memory: usize,
    file: Option<Arc<Spill>>,
}

/// Whole rows.
#[derive(Clone, Debug)]
enum Chunk {
    Memory(Arc<[u8]>),
    File { at: u64, length: usize },
}

#[derive(Debug)]
struct Spill {
    file: File,
    length: AtomicU64,
}

impl Spill {
    fn new() -> Result<Spill> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = DIRECTORY.get_or_init(std::env::temp_dir);
        let path = directory.join(format!("pgserver-rows-{}-{number}", std::process::id()));
        let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = opened.map_err(|error| failed("create", &error))?;
        std::fs::remove_file(&path).map_err(|error| failed("create", &error))?;
        Ok(Spill { file, length: AtomicU64::new(0) })
    }
}

fn failed(what: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull => disk_full(),
        _ => Error::new(SqlState::IO_ERROR, format!("could not {what} temporary file: {error}")),
    }
}

/// Before a row's values: how many they are, and how many bytes the whole row takes.
const HEAD: usize = 12;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

impl RowStore {
    /// A list of these rows.
    pub(crate) fn of(rows: &[Vec<Value>]) -> Result<RowStore> {
        let mut store = RowStore::default();
        rows.iter().try_for_each(|row| store.push(row.iter().map(Value::as_ref)))?;
        Ok(store)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn push<'v>(&mut self, values: impl Iterator<Item = ValueRef<'v>> + Clone) -> Result<()> {
        let size = values.clone().map(|value| 9 + value.text_size()).sum();
        limits::work(size)?;
        memory::reserve(size)?;
        let start = self.last.len();
        self.last.extend([0; HEAD]);
        let mut width = 0_u32;
        for value in values {
            width += 1;
            let (tag, bytes): (u8, &[u8]) = match value {
                ValueRef::Null => (NULL, &[]),
                ValueRef::Integer(value) => {
                    self.last.push(INTEGER);
                    self.last.extend(value.to_le_bytes());
                    continue;
                }
                ValueRef::Real(value) => {
                    self.last.push(REAL);
                    self.last.extend(value.to_le_bytes());
                    continue;
                }
                ValueRef::Text(text) => (TEXT, text.as_bytes()),
                ValueRef::Blob(bytes) => (BLOB, bytes),
            };
            self.last.push(tag);
            if tag != NULL {
                self.last.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
                self.last.extend(bytes);
            }
        }
        let length = (self.last.len() - start) as u64;
        if let Some((count, rest)) =
            self.last.get_mut(start..start + HEAD).and_then(|head| head.split_at_mut_checked(4))
        {
            count.copy_from_slice(&width.to_le_bytes());
            rest.copy_from_slice(&length.to_le_bytes());
        }
        self.rows += 1;
        if self.last.len() < CHUNK {
            return Ok(());
        }
        self.seal()
    }

    /// Adds another list's rows.
    pub(crate) fn append(&mut self, other: RowStore) -> Result<()> {
        if self.is_empty() {
            *self = other;
            return Ok(());
        }
        let mut rows = Rows::of(Arc::new(other.sealed()?));
        while rows.next()? {
            self.push((0..rows.width()).filter_map(|index| rows.value(index)))?;
        }
        Ok(())
    }

    /// The rows can be read, and no more come.
    pub(crate) fn sealed(mut self) -> Result<RowStore> {
        self.seal()?;
        self.last = Vec::new();
        Ok(self)
    }

    fn seal(&mut self) -> Result<()> {
        if self.last.is_empty() {
            return Ok(());
        }
        let length = self.last.len();
        if self.in_memory + length <= IN_MEMORY {
            self.in_memory += length;
            self.chunks.push(Chunk::Memory(Arc::from(self.last.as_slice())));
        } else {
            let file = match &self.file {
                Some(file) => Arc::clone(file),
                None => Arc::clone(self.file.insert(Arc::new(Spill::new()?))),
            };
            let at = file.length.fetch_add(length as u64, Ordering::Relaxed);
            file.file.write_all_at(&self.last, at).map_err(|error| failed("write", &error))?;
            self.chunks.push(Chunk::File { at, length });
        }
        self.last.clear();
        Ok(())
    }
}

/// A list's rows, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    store: Arc<RowStore>,
    /// The chunk to be read next.
    next: usize,
    chunk: Arc<[u8]>,
    /// Where the next row begins.
    at: usize,
    /// Where this row's values are.
    values: Vec<usize>,
}

impl Rows {
    /// Before the first row of a list that is sealed.
    pub(crate) fn of(store: Arc<RowStore>) -> Rows {
        Rows { store, ..Rows::default() }
    }

    /// Goes to the next row; whether there is one.
    pub(crate) fn next(&mut self) -> Result<bool> {
        self.next_with(None)
    }

    /// Goes to the next row that does not have another integer in a column.
    pub(crate) fn next_with(&mut self, wanted: Option<(usize, i64)>) -> Result<bool> {
        self.values.clear();
        let mut passed = 0;
        while self.to_row()? {
            match wanted {
                Some((column, number)) if self.differs(column, number) => {
                    let length = self.number_at(self.at + 4).and_then(|length| usize::try_from(length).ok());
                    self.at += length.unwrap_or_default().max(HEAD);
                    passed += 1;
                    if passed % PASSED == 0 {
                        limits::work(PASSED)?;
                    }
                }
                _ => {
                    self.find_values();
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Reads the next chunk if this one is at its end; whether there is a row.
    fn to_row(&mut self) -> Result<bool> {
        while self.at >= self.chunk.len() {
            let Some(chunk) = self.store.chunks.get(self.next) else { return Ok(false) };
            self.chunk = match chunk {
                Chunk::Memory(bytes) => Arc::clone(bytes),
                Chunk::File { at, length } => {
                    let mut bytes = vec![0; *length];
                    let file = self.store.file.as_ref().ok_or_else(|| Error::internal("rows without their file"))?;
                    file.file.read_exact_at(&mut bytes, *at).map_err(|error| failed("read", &error))?;
                    Arc::from(bytes)
                }
            };
            self.next += 1;
            self.at = 0;
        }
        Ok(true)
    }

    fn find_values(&mut self) {
        let width = self.length_at(self.at);
        let mut at = self.at + HEAD;
        for _ in 0..width {
            self.values.push(at);
            at = self.behind(at);
        }
        self.at = at;
    }

    /// Where the value behind another begins.
    fn behind(&self, at: usize) -> usize {
        at + match self.chunk.get(at) {
            Some(&(INTEGER | REAL)) => 9,
            Some(&(TEXT | BLOB)) => 5 + self.length_at(at + 1),
            _ => 1,
        }
    }

    /// Whether the row that begins here has another integer in that column.
    fn differs(&self, column: usize, number: i64) -> bool {
        let at = (0..column).fold(self.at + HEAD, |at, _| self.behind(at));
        self.chunk.get(at) == Some(&INTEGER) && self.number_at(at + 1) != Some(number)
    }

    fn number_at(&self, at: usize) -> Option<i64> {
        self.chunk.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes)
    }

    fn length_at(&self, at: usize) -> usize {
        let bytes = self.chunk.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, |bytes| u32::from_le_bytes(bytes) as usize)
    }

    /// How many values the row has.
    pub(crate) fn width(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn value(&self, index: usize) -> Option<ValueRef<'_>> {
        let at = *self.values.get(index)?;
        let bytes = || self.chunk.get(at + 5..at + 5 + self.length_at(at + 1)).unwrap_or_default();
        Some(match self.chunk.get(at) {
            Some(&INTEGER) => ValueRef::Integer(self.number_at(at + 1).unwrap_or_default()),
            Some(&REAL) => {
                ValueRef::Real(self.number_at(at + 1).map_or(0.0, |bits| f64::from_bits(bits.cast_unsigned())))
            }
            Some(&TEXT) => ValueRef::Text(std::str::from_utf8(bytes()).unwrap_or_default()),
            Some(&BLOB) => ValueRef::Blob(bytes()),
            _ => ValueRef::Null,
        })
    }

    pub(crate) fn integer(&self, index: usize) -> Option<i64> {
        if let Some(ValueRef::Integer(value)) = self.value(index) { Some(value) } else { None }
    }

    /// The row.
    pub(crate) fn row(&self) -> Vec<Value> {
        (0..self.width()).filter_map(|index| self.value(index)).map(|value| value.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_kept() {
        let row = |number: i64| {
            let text = "ä".repeat(usize::try_from(number % 400).unwrap());
            vec![Value::Integer(number), Value::Null, Value::Text(text), Value::Real(0.5), Value::Blob(vec![0, 255])]
        };
        let count = 3 * IN_MEMORY as i64 / 400;
        let mut store = RowStore::default();
        for number in 0..count {
            store.push(row(number).iter().map(Value::as_ref)).unwrap();
        }
        let store = store.sealed().unwrap();
        assert!(store.file.is_some());
        assert_eq!(store.len() as i64, count);
        let mut more = RowStore::of(&[vec![Value::Null]]).unwrap();
        more.append(store).unwrap();
        let mut rows = Rows::of(Arc::new(more.sealed().unwrap()));
        assert!(rows.next().unwrap());
        assert_eq!(rows.row(), [Value::Null]);
        for number in 0..count {
            assert!(rows.next().unwrap());
            assert_eq!(rows.row(), row(number));
        }
        assert!(!rows.next().unwrap());
        assert!(!rows.next().unwrap());
    }

    #[test]
    fn rows_of_another_number_are_passed() {
        let rows: Vec<Vec<Value>> =
            (0..100).map(|n| vec![Value::Null, Value::Integer(n % 7), Value::Integer(n)]).collect();
        let store = Arc::new(RowStore::of(&rows).unwrap().sealed().unwrap());
        let mut rows = Rows::of(store);
        let mut found = Vec::new();
        while rows.next_with(Some((1, 3))).unwrap() {
            found.extend(rows.integer(2));
        }
        assert_eq!(found, (3..100).step_by(7).collect::<Vec<i64>>());
    }
}
