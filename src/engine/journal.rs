//! What a transaction has done since its first write, so that it can be done again: its statements with their values and
//! digests of their answers, its savepoints.
//!
//! Owns: [`Journal`], [`Answer`], [`Source`]. Must not know: when a transaction is repeated, and how (`engine::parking`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::session_schema::SchemaMark;
use crate::engine::transaction::Savepoints;
use crate::error::{Error, SqlState};
use crate::settings::Settings;
use crate::sql::plan::{Action, CursorCommand, Plan, Planned, SqliteStatement};
use crate::types::value::{Value, ValueRef};

/// What is kept of one transaction; one that has done more is not repeated.
const MOST_ENTRIES: usize = 1_000;
const MOST_BYTES: usize = 1 << 20;
const MOST_ROWS: u64 = 10_000;
const MOST_SETTINGS: usize = 16;

/// Others wait while it is repeated: one that has worked for longer is not.
const LONGEST: Duration = Duration::from_secs(1);

/// The statement that is opened next, as it can be planned and opened once more.
#[derive(Clone, Debug)]
pub struct Source {
    pub planned: Planned,
    pub text: Arc<str>,
}

/// The entries of a transaction, from its first write on.
pub(crate) struct Journal {
    pub(crate) entries: Vec<Entry>,
    /// The savepoints that were open then, and the schema as the session had it.
    pub(crate) savepoints: Savepoints,
    pub(crate) schema: SchemaMark,
    /// The variables as they were before each of their changes since then.
    pub(crate) settings: Vec<Settings>,
    /// The number of changes that is known of; `None` while there may be more.
    pub(crate) known_changes: Option<u64>,
    bytes: usize,
    pub(crate) work: Arc<Work>,
}

/// What the statements of a transaction have cost together.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// How long their first steps have taken, in which they change whatever they change.
    nanoseconds: AtomicU64,
    /// One has answered more rows than are looked at.
    too_many_rows: AtomicBool,
}

/// One thing that the transaction has done.
pub(crate) enum Entry {
    Statement(Box<Statement>),
    Savepoint(String),
    Release(String),
    RollbackTo(String),
}

/// A statement that was opened.
pub(crate) struct Statement {
    pub(crate) source: Source,
    pub(crate) params: Vec<Value>,
    /// current_query() and statement_timestamp().
    pub(crate) query: Option<Arc<str>>,
    pub(crate) started: i64,
    /// Which of [`Journal::settings`] it ran with; those of now if there is none of that number.
    pub(crate) settings: usize,
    /// Where the tape stood.
    pub(crate) drawn: usize,
    /// How many rows had been noted.
    pub(crate) noted: usize,
    pub(crate) answer: Arc<Answer>,
}

/// What a statement has answered so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    rows: AtomicU64,
    digest: AtomicU64,
    end: AtomicU8,
}

const OPEN: u8 = 0;
const ENDED: u8 = 1;
const FAILED: u8 = 2;
/// It has failed for what had nothing to do with the data: a cancel, a time limit, want of memory.
const STOPPED: u8 = 3;

/// Keeps an [`Answer`] while a statement runs.
pub(crate) struct Answering {
    answer: Arc<Answer>,
    work: Arc<Work>,
    hasher: DefaultHasher,
    /// The number of changed rows is part of it.
    counts: bool,
}

impl Journal {
    /// Of a transaction that is about to write.
    pub(crate) fn new(savepoints: Savepoints, schema: SchemaMark, changes: u64) -> Self {
        let (entries, settings) = (Vec::new(), Vec::new());
        Journal { entries, savepoints, schema, settings, known_changes: Some(changes), bytes: 0, work: Arc::default() }
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push(entry);
    }

    /// The last statement counts as not run.
    pub(crate) fn take_back(&mut self) -> Option<Box<Statement>> {
        match self.entries.pop() {
            Some(Entry::Statement(statement)) => Some(statement),
            Some(other) => {
                self.entries.push(other);
                None
            }
            None => None,
        }
    }

    /// The last entry, if it is a statement that was stopped.
    pub(crate) fn take_back_stopped(&mut self) -> Option<Box<Statement>> {
        match self.entries.last() {
            Some(Entry::Statement(statement)) if statement.answer.is(STOPPED) => self.take_back(),
            _ => None,
        }
    }

    /// The variables are about to change.
    pub(crate) fn keep_settings(&mut self, settings: &Settings) {
        self.settings.push(settings.clone());
        self.known_changes = None;
    }

    /// Whether it is short enough to be repeated while others wait.
    pub(crate) fn is_short(&self) -> bool {
        let spent = Duration::from_nanos(self.work.nanoseconds.load(Ordering::Relaxed));
        self.fits() && spent < LONGEST && !self.work.too_many_rows.load(Ordering::Relaxed)
    }

    /// Whether as much can be kept.
    pub(crate) fn fits(&self) -> bool {
        self.entries.len() <= MOST_ENTRIES && self.bytes <= MOST_BYTES && self.settings.len() <= MOST_SETTINGS
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Entry::Statement(statement) => {
                let params = statement.params.iter().chain(statement.source.planned.literals.iter());
                let params: usize = params.map(|value| value.as_ref().text_size() + size_of::<Value>()).sum();
                size_of::<Statement>() + size_of::<Answer>() + statement.source.text.len() + params
            }
            Entry::Savepoint(name) | Entry::Release(name) | Entry::RollbackTo(name) => name.len() + size_of::<Entry>(),
        }
    }
}

/// What of a plan a cursor of the engine is opened for.
pub(crate) fn opened(plan: &Plan) -> Option<&SqliteStatement> {
    match &plan.action {
        Action::Sqlite(statement) => Some(statement),
        Action::Cursor(CursorCommand::Declare { plan, .. }) => match &plan.action {
            Action::Sqlite(statement) => Some(statement),
            _ => None,
        },
        _ => None,
    }
}

impl Answer {
    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Whether it goes on after its rows.
    pub(crate) fn is_open(&self) -> bool {
        self.is(OPEN)
    }

    fn is(&self, end: u8) -> bool {
        self.end.load(Ordering::Relaxed) == end
    }

    /// Whether another one says the same.
    pub(crate) fn is_same(&self, other: &Answer) -> bool {
        let of = |answer: &Answer| {
            (answer.rows(), answer.digest.load(Ordering::Relaxed), answer.end.load(Ordering::Relaxed))
        };
        of(self) == of(other)
    }
}

impl Answering {
    pub(crate) fn new(answer: Arc<Answer>, work: Arc<Work>, counts: bool) -> Self {
        Answering { answer, work, hasher: DefaultHasher::new(), counts }
    }

    /// The first step has taken so long.
    pub(crate) fn took(&self, time: Duration) {
        // More than five centuries fit.
        self.work.nanoseconds.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// A row was answered.
    pub(crate) fn row<'v>(&mut self, values: impl Iterator<Item = ValueRef<'v>>) {
        let rows = self.answer.rows();
        // One with more is not repeated.
        if rows >= MOST_ROWS {
            self.work.too_many_rows.store(true, Ordering::Relaxed);
            return;
        }
        values.for_each(|value| hash(value, &mut self.hasher));
        self.answer.rows.store(rows + 1, Ordering::Relaxed);
        self.settle(OPEN);
    }

    /// There are no more rows.
    pub(crate) fn ended(&mut self, changes: u64) {
        if self.counts {
            changes.hash(&mut self.hasher);
        }
        self.settle(ENDED);
    }

    /// It has failed.
    pub(crate) fn failed(&mut self, error: &Error) {
        let (code, fields) = (error.code(), error.fields());
        (code, &fields.message, &fields.detail).hash(&mut self.hasher);
        self.settle(if is_about_data(code) { FAILED } else { STOPPED });
    }

    fn settle(&self, end: u8) {
        self.answer.digest.store(self.hasher.finish(), Ordering::Relaxed);
        self.answer.end.store(end, Ordering::Relaxed);
    }
}

fn hash(value: ValueRef<'_>, hasher: &mut DefaultHasher) {
    match value {
        ValueRef::Null => 0u8.hash(hasher),
        ValueRef::Integer(number) => (1u8, number).hash(hasher),
        ValueRef::Real(number) => (2u8, number.to_bits()).hash(hasher),
        ValueRef::Text(text) => (3u8, text).hash(hasher),
        ValueRef::Blob(bytes) => (4u8, bytes).hash(hasher),
    }
}

/// Whether an error says something about the data, and comes again where those are the same.
fn is_about_data(code: SqlState) -> bool {
    let by_circumstances: [&[u8]; 6] = [b"57", b"53", b"55P03", b"40", b"58", b"XX"];
    !by_circumstances.iter().any(|class| code.0.starts_with(class))
}
