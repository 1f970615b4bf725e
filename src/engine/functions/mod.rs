//! PostgreSQL's functions, operators and collations inside SQLite: what the rows of `sql::{functions, operators,
//! casts}` call is registered here, once per connection.
//!
//! Owns: [`register`], [`ContextSlot`], and the small layer ([`Definition`], [`Args`], [`Output`]) every function is
//! written in. Must not know: SQL text, the wire, which connection belongs to whom (the engine tells it through the
//! slot). Each file beside this one is an area with one table of definitions.
//!
//! An error travels like this: a function returns our own [`Error`]; the layer keeps it in the connection's
//! [`ContextSlot`] and makes SQLite fail; whoever stepped the statement asks [`ContextSlot::take_error`] first.

mod admin;
mod aggregate;
mod any_text;
mod args;
mod arrays;
mod bits;
mod bytes;
mod capture;
mod catalog;
mod collations;
mod construct;
mod datetime;
mod degrees;
mod elements;
mod extension;
mod float;
mod formatting;
mod geometry;
mod integer;
mod io;
mod json;
mod json_text;
mod jsonb;
mod jsonpath;
mod large_object;
mod like;
#[cfg(test)]
mod limits_tests;
mod locale_case;
mod mac_address;
mod modifiers;
mod money;
mod network;
mod normalize;
mod numeric;
mod object_ids;
mod operator_ids;
mod partitions;
mod populate;
mod privileges;
mod quick;
mod range;
mod ranges;
#[cfg(test)]
mod recorded_tests;
mod regex;
mod routine;
pub(crate) mod row_lock;
mod rows;
mod server_info;
mod session;
mod sets;
mod spread;
mod strings;
mod subscripts;
mod support;
mod system_ids;
mod table_sample;
mod text_search;
mod transitions;
mod unnest;
mod xml;
mod xml_schema;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

pub(crate) use args::owned;
pub use args::{Args, Output};
pub(crate) use collations::{compare_values, is_known_locale};
pub(crate) use subscripts::with_member;

use crate::catalog::schema::CatalogSnapshot;
use crate::engine::constraint_timing::PendingKey;
use crate::engine::context::{SessionContext, SharedContext};
use crate::engine::functions::row_lock::AwaitedLock;
use crate::engine::partitioning::Router;
use crate::engine::pool::Lease;
use crate::engine::row_locks::{Strength, WholeTable};
use crate::engine::row_store::RowStore;
use crate::engine::sequences::SequenceRegistry;
use crate::engine::session_schema::SessionLink;
use crate::engine::triggers::Triggers;
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::sql::plan::Planned;
use crate::types::format::FormatSettings;
use crate::types::pg_type::Oid;

/// What a function may reach beyond its arguments, one per connection: the session that has borrowed the connection,
/// the database's sequences, and the place where an error waits for the engine. Cheap to clone.
#[derive(Clone, Default)]
pub struct ContextSlot(Arc<Slot>);

/// Asked by functions that wait (`pg_sleep`): an error ends the wait.
pub type InterruptPoll = Arc<dyn Fn() -> Result<()> + Send + Sync>;

#[derive(Default)]
struct Slot {
    session: Mutex<Option<SharedContext>>,
    interrupt: Mutex<Option<InterruptPoll>>,
    error: Mutex<Option<Error>>,
    /// Keys to be looked at again, see `engine::constraint_timing`.
    pending: Mutex<Vec<PendingKey>>,
    any_pending: AtomicBool,
    rechecking: AtomicBool,
    /// The keys of rows the running INSERT has proposed, and whether more than once.
    proposed: Mutex<HashMap<u64, bool>>,
    /// The keys of rows that it has changed instead.
    affected: Mutex<HashSet<u64>>,
    /// The rows that steps of the running statement have kept.
    kept: Mutex<Vec<KeptRows>>,
    /// The triggers of relations, ready to fire, as that version of the schema has them.
    triggers: Mutex<(u64, HashMap<Oid, Arc<Triggers>>)>,
    /// The statements of referential actions.
    actions: Mutex<(u64, HashMap<String, Arc<Planned>>)>,
    /// The trigger functions that run inside of each other, each with its transition tables.
    running_triggers: Mutex<Vec<Arc<[TransitionTable]>>>,
    trigger_depth: AtomicUsize,
    /// The relations whose rows are being changed one by one.
    in_use: Mutex<Vec<Oid>>,
    /// The running statement is all that its transaction has done: it need not wait for rows while others wait for it.
    gives_way: AtomicBool,
    /// Functions that would give something else each time ask the session's tape.
    taped: AtomicBool,
    /// A table all of whose rows are the transaction's: its changes are not asked about.
    whole_table: Mutex<Option<WholeTable>>,
    /// The lock that such a statement has failed for.
    awaited: Mutex<Option<AwaitedLock>>,
    /// While `engine::row_capture` runs a failed statement once more.
    capture: Mutex<Option<capture::Capture>>,
    /// The rows that the open transaction has inserted or updated, if they are wanted.
    noting: AtomicBool,
    /// Others had unique keys when it began, which they keep until it ends.
    keyed: AtomicBool,
    noted: Mutex<Vec<(Arc<str>, i64)>>,
    /// Of how many changed rows SQLite has told. Only the thread that uses the connection counts.
    told: AtomicU64,
    /// The router of the last table that a row was routed in, for COPY, which runs a statement for each.
    router: Mutex<Option<KnownRouter>>,
    /// What functions need that run statements themselves.
    link: Mutex<Option<Link>>,
    sequences: Arc<SequenceRegistry>,
}

/// The session, and its lease of the connection.
type Link = (Weak<SessionLink>, Weak<Lease>);

/// A router, and the catalog that it was made of.
struct KnownRouter {
    root: Oid,
    catalog: Arc<CatalogSnapshot>,
    router: Arc<Router>,
}

/// Rows that a step of a statement has kept for the steps after it.
pub(crate) type KeptRows = Arc<RowStore>;

/// The steps from this number on are the transition tables of the trigger function that runs.
pub(crate) const TRANSITIONS: usize = 1 << 20;

/// A transition table (REFERENCING NEW TABLE AS name).
pub(crate) struct TransitionTable {
    pub(crate) name: String,
    /// Whose rows they are.
    pub(crate) relation: Oid,
    pub(crate) rows: KeptRows,
}

/// With so many rows inserted and updated a transaction is not parked.
pub(crate) const MOST_NOTED: usize = 10_000;

/// The data behind these locks is valid after any panic, so a poisoned lock is used as it is.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ContextSlot {
    /// The slot of a connection to the database that owns `sequences`; no session yet.
    pub fn new(sequences: Arc<SequenceRegistry>) -> Self {
        ContextSlot(Arc::new(Slot { sequences, ..Slot::default() }))
    }

    /// A session borrows the connection; `interrupt` fails when its running statement is to be cancelled. An error
    /// left by the session before is dropped.
    pub fn enter(&self, session: SharedContext, interrupt: Option<InterruptPoll>) {
        *lock(&self.0.session) = Some(session);
        *lock(&self.0.interrupt) = interrupt;
        *lock(&self.0.error) = None;
    }

    /// The session lets functions run statements on the connection.
    pub(crate) fn link(&self, session: &Arc<SessionLink>, lease: &Arc<Lease>) {
        *lock(&self.0.link) = Some((Arc::downgrade(session), Arc::downgrade(lease)));
    }

    /// The session and its connection, for a function that runs statements; XX000 outside of a session.
    pub(crate) fn linked(&self) -> Result<(Arc<SessionLink>, Arc<Lease>)> {
        let link = lock(&self.0.link);
        let linked = link.as_ref().and_then(|(session, lease)| session.upgrade().zip(lease.upgrade()));
        linked.ok_or_else(|| Error::internal("a function needs a session and there is none"))
    }

    /// The session gives the connection back.
    pub fn leave(&self) {
        *lock(&self.0.router) = None;
        *lock(&self.0.link) = None;
        *lock(&self.0.session) = None;
        *lock(&self.0.interrupt) = None;
    }

    /// The error a function raised since the last call, if any. When a step of a statement fails, this is the real
    /// reason; SQLite's own code and message are only its shadow.
    pub fn take_error(&self) -> Option<Error> {
        lock(&self.0.error).take()
    }

    /// A statement begins; whether it is to fail for a lock that another transaction has, rather than wait for it.
    pub(crate) fn give_way(&self, gives_way: bool) {
        self.0.gives_way.store(gives_way, Ordering::Relaxed);
    }

    /// A statement begins; whether its transaction may be repeated, or is just being repeated.
    pub(crate) fn set_taped(&self, taped: bool) {
        self.0.taped.store(taped, Ordering::Relaxed);
    }

    /// A transaction begins that writes; whether its rows are noted, and whether unique keys may be others'.
    pub(crate) fn note_rows(&self, noting: bool, keyed: bool) {
        self.0.keyed.store(keyed, Ordering::Relaxed);
        if self.0.noting.swap(noting, Ordering::Relaxed) {
            *lock(&self.0.noted) = Vec::new();
        }
    }

    /// The rows noted from that number on.
    pub(crate) fn noted_rows(&self, from: usize) -> Vec<(Arc<str>, i64)> {
        lock(&self.0.noted).get(from..).unwrap_or_default().to_vec()
    }

    /// What was noted from that number on counts no more.
    pub(crate) fn forget_noted(&self, from: usize) {
        lock(&self.0.noted).truncate(from);
    }

    /// Whether unique keys may be others'.
    fn is_keyed(&self) -> bool {
        self.0.keyed.load(Ordering::Relaxed)
    }

    /// How many rows were noted.
    pub(crate) fn count_noted(&self) -> usize {
        if self.0.noting.load(Ordering::Relaxed) { lock(&self.0.noted).len() } else { 0 }
    }

    /// Of how many changed rows SQLite has told.
    pub(crate) fn count_told(&self) -> u64 {
        self.0.told.load(Ordering::Relaxed)
    }

    fn note_told(&self) {
        self.0.told.store(self.count_told().wrapping_add(1), Ordering::Relaxed);
    }

    fn note_row(&self, table: &str, row: i64) {
        if !self.0.noting.load(Ordering::Relaxed) {
            return;
        }
        let noted = &mut *lock(&self.0.noted);
        if noted.len() < MOST_NOTED {
            let same = noted.last().map(|(last, _)| last).filter(|last| ***last == *table).cloned();
            noted.push((same.unwrap_or_else(|| table.into()), row));
        }
    }

    fn is_taped(&self) -> bool {
        self.0.taped.load(Ordering::Relaxed)
    }

    /// What runs cannot be repeated (`engine::tape`).
    pub(crate) fn refuse_to_repeat(&self) {
        if self.is_taped() {
            // Outside of a session nothing is repeated.
            let _ = self.with_session(|session| {
                session.tape.refuse();
                Ok(())
            });
        }
    }

    /// The router of a partitioned table.
    fn router(&self, root: Oid) -> Result<Arc<Router>> {
        let catalog = self.with_session(|session| Ok(Arc::clone(&session.catalog)))?;
        let mut known = lock(&self.0.router);
        if let Some(known) = known.as_ref().filter(|known| known.root == root && Arc::ptr_eq(&known.catalog, &catalog))
        {
            return Ok(Arc::clone(&known.router));
        }
        let router = Arc::new(Router::of(&catalog, root));
        *known = Some(KnownRouter { root, catalog, router: Arc::clone(&router) });
        Ok(router)
    }

    fn put_whole_table(&self, table: Option<WholeTable>) {
        if table.is_some() {
            *lock(&self.0.whole_table) = table;
        }
    }

    fn has_whole_table(&self, table: &str, strength: Strength) -> bool {
        lock(&self.0.whole_table).as_ref().is_some_and(|whole| whole.has(table, strength))
    }

    fn gives_way(&self) -> bool {
        self.0.gives_way.load(Ordering::Relaxed)
    }

    /// A statement that gives way has met this lock of another transaction; the error that it ends with.
    fn put_awaited(&self, awaited: AwaitedLock) -> Error {
        *lock(&self.0.awaited) = Some(awaited);
        // No handler for all errors takes it for its own.
        Error::new(SqlState::QUERY_CANCELED, "a statement that gives way was not run again")
    }

    /// Whether there is a lock for which a statement has failed that gives way.
    pub(crate) fn is_blocked(&self) -> bool {
        lock(&self.0.awaited).is_some()
    }

    /// The lock for which the last statement has failed that gives way.
    pub(crate) fn take_awaited(&self) -> Option<AwaitedLock> {
        lock(&self.0.awaited).take()
    }

    /// The error that was left while a statement ran to its end: of a row that could not be locked.
    pub(crate) fn left_error(&self) -> Result<()> {
        self.take_error().map_or(Ok(()), Err)
    }

    /// Whether a function has left an error that was not taken yet.
    pub(crate) fn has_failed(&self) -> bool {
        lock(&self.0.error).is_some()
    }

    /// Keeps an error for [`take_error`](Self::take_error) and gives what makes SQLite fail. Virtual tables use it too.
    pub fn fail(&self, error: Error) -> rusqlite::Error {
        let shadow = rusqlite::Error::UserFunctionError(error.message().replace('\0', "").into());
        *lock(&self.0.error) = Some(error);
        shadow
    }

    /// Reads or changes the session's state; XX000 outside of a session.
    pub fn with_session<T>(&self, body: impl FnOnce(&mut SessionContext) -> Result<T>) -> Result<T> {
        let session = self.session()?;
        body(&mut lock(&session))
    }

    /// The session; XX000 outside of one.
    pub fn session(&self) -> Result<SharedContext> {
        let session = lock(&self.0.session).clone();
        session.ok_or_else(|| Error::internal("a function needs a session and there is none"))
    }

    /// How values look as text in the session; the defaults outside of one.
    pub fn with_format<T>(&self, body: impl FnOnce(&FormatSettings) -> Result<T>) -> Result<T> {
        let session = lock(&self.0.session).clone();
        match session {
            Some(session) => body(lock(&session).settings.format()),
            None => body(&FormatSettings::default()),
        }
    }

    /// Fails when the running statement is to be cancelled.
    pub fn check_interrupt(&self) -> Result<()> {
        let poll = lock(&self.0.interrupt).clone();
        poll.map_or(Ok(()), |poll| poll())
    }

    /// A statement runs inside of another one: what that has kept is put aside.
    pub(crate) fn take_kept_rows(&self) -> Vec<KeptRows> {
        std::mem::take(&mut *lock(&self.0.kept))
    }

    /// Puts back what [`Self::take_kept_rows`] gave.
    pub(crate) fn put_kept_rows(&self, kept: Vec<KeptRows>) {
        *lock(&self.0.kept) = kept;
    }

    /// The triggers of a relation, if they are known for that version of the schema.
    pub(crate) fn known_triggers(&self, version: u64, relation: Oid) -> Option<Arc<Triggers>> {
        let known = lock(&self.0.triggers);
        known.1.get(&relation).filter(|_| known.0 == version).cloned()
    }

    /// Remembers them.
    pub(crate) fn know_triggers(&self, version: u64, triggers: Arc<Triggers>) {
        let mut known = lock(&self.0.triggers);
        if known.0 != version {
            *known = (version, HashMap::new());
        }
        known.1.insert(triggers.relation.oid, triggers);
    }

    /// The plan of a referential action's statement.
    pub(crate) fn known_action(&self, version: u64, text: &str) -> Option<Arc<Planned>> {
        let known = lock(&self.0.actions);
        known.1.get(text).filter(|_| known.0 == version).cloned()
    }

    /// Remembers it.
    pub(crate) fn know_action(&self, version: u64, text: &str, planned: Arc<Planned>) {
        let mut known = lock(&self.0.actions);
        if known.0 != version {
            *known = (version, HashMap::new());
        }
        known.1.insert(text.to_owned(), planned);
    }

    /// A trigger function runs as long as the result lives.
    pub(crate) fn enter_trigger(&self, tables: Arc<[TransitionTable]>) -> InTrigger {
        lock(&self.0.running_triggers).push(tables);
        self.0.trigger_depth.fetch_add(1, Ordering::Relaxed);
        InTrigger(self.clone())
    }

    /// A relation's rows are changed one by one as long as the result lives.
    pub(crate) fn use_relation(&self, relation: Oid) -> InUse {
        lock(&self.0.in_use).push(relation);
        InUse(self.clone(), relation)
    }

    /// Whether they are.
    pub(crate) fn is_in_use(&self, relation: Oid) -> bool {
        lock(&self.0.in_use).contains(&relation)
    }

    /// The transition tables of the innermost trigger function.
    pub(crate) fn transition_tables(&self) -> Arc<[TransitionTable]> {
        match self.trigger_depth() {
            0 => Arc::default(),
            _ => lock(&self.0.running_triggers).last().cloned().unwrap_or_default(),
        }
    }

    /// How many trigger functions run inside of each other (pg_trigger_depth).
    pub(crate) fn trigger_depth(&self) -> usize {
        self.0.trigger_depth.load(Ordering::Relaxed)
    }

    /// A statement begins whose steps keep so many lists of rows.
    pub(crate) fn make_room_for_rows(&self, lists: usize) {
        let mut kept = lock(&self.0.kept);
        kept.clear();
        kept.resize_with(lists, KeptRows::default);
    }

    /// Adds rows to those of a list.
    pub(crate) fn keep_rows(&self, list: usize, rows: RowStore) -> Result<()> {
        let mut all = lock(&self.0.kept);
        let Some(kept) = all.get_mut(list) else { return Ok(()) };
        let mut together = Arc::unwrap_or_clone(std::mem::take(kept));
        together.append(rows)?;
        *kept = Arc::new(together.sealed()?);
        Ok(())
    }

    /// Puts other rows in the place of a list's.
    pub(crate) fn replace_rows(&self, list: usize, rows: RowStore) {
        if let Some(kept) = lock(&self.0.kept).get_mut(list) {
            *kept = Arc::new(rows);
        }
    }

    /// The rows of a list.
    pub(crate) fn kept_rows(&self, step: usize) -> Option<KeptRows> {
        if let Some(number) = step.checked_sub(TRANSITIONS) {
            return self.transition_tables().get(number).map(|table| Arc::clone(&table.rows));
        }
        lock(&self.0.kept).get(step).cloned()
    }

    /// Another writing statement begins: it has proposed no rows yet.
    pub(crate) fn forget_proposed_keys(&self) {
        // Most statements propose none; a map that was large gives its memory back.
        let mut proposed = lock(&self.0.proposed);
        if !proposed.is_empty() {
            *proposed = HashMap::new();
        }
        let mut affected = lock(&self.0.affected);
        if !affected.is_empty() {
            *affected = HashSet::new();
        }
    }

    fn note_affected(&self, key: u64) {
        lock(&self.0.affected).insert(key);
    }

    fn is_affected(&self, key: u64) -> bool {
        lock(&self.0.affected).contains(&key)
    }

    fn propose_key(&self, key: u64) {
        lock(&self.0.proposed).entry(key).and_modify(|twice| *twice = true).or_insert(false);
    }

    fn is_proposed_twice(&self, key: u64) -> bool {
        lock(&self.0.proposed).get(&key).copied().unwrap_or(false)
    }

    /// A unique constraint that is not checked at once has a duplicate.
    pub(crate) fn put_pending_keys(&self, keys: Vec<PendingKey>) {
        if !keys.is_empty() {
            lock(&self.0.pending).extend(keys);
            self.0.any_pending.store(true, Ordering::Relaxed);
        }
    }

    /// Whether rows are looked at again for exclusion constraints that are due.
    pub(crate) fn is_rechecking(&self) -> bool {
        self.0.rechecking.load(Ordering::Relaxed)
    }

    pub(crate) fn set_rechecking(&self, rechecking: bool) {
        self.0.rechecking.store(rechecking, Ordering::Relaxed);
    }

    /// The keys noted since the last call.
    pub(crate) fn take_pending_keys(&self) -> Vec<PendingKey> {
        if !self.0.any_pending.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.0.pending))
    }

    /// The database's sequences.
    pub fn sequences(&self) -> &Arc<SequenceRegistry> {
        &self.0.sequences
    }
}

/// See [`ContextSlot::use_relation`].
pub(crate) struct InUse(ContextSlot, Oid);

impl Drop for InUse {
    fn drop(&mut self) {
        let mut used = lock(&self.0.0.in_use);
        if let Some(place) = used.iter().rposition(|relation| *relation == self.1) {
            used.remove(place);
        }
    }
}

/// See [`ContextSlot::enter_trigger`].
pub(crate) struct InTrigger(ContextSlot);

impl Drop for InTrigger {
    fn drop(&mut self) {
        lock(&self.0.0.running_triggers).pop();
        self.0.0.trigger_depth.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What runs when SQLite calls a function.
pub type Body = fn(&Args<'_>) -> Result<Output>;

/// One function as SQLite knows it. Names that start with `pg_` are ours; SQLite's own functions keep theirs.
#[derive(Clone, Copy)]
pub struct Definition {
    name: &'static str,
    /// Number of arguments; -1 for any.
    arity: i32,
    /// NULL in, NULL out, without running the body.
    strict: bool,
    /// Depends on nothing but its arguments: allowed in indexes, CHECK and generated columns.
    deterministic: bool,
    /// It gives something else each time, or does something outside of the database: in a transaction that is repeated it
    /// gives what it gave before, and does nothing.
    taped: bool,
    body: Body,
    quick: Option<quick::Quick>,
}

impl Definition {
    /// A strict function of nothing but its arguments (provolatile i).
    pub const fn pure(name: &'static str, arity: i32, body: Body) -> Self {
        Definition { name, arity, strict: true, deterministic: true, taped: false, body, quick: None }
    }

    /// A strict function that also depends on the session, the clock or chance (provolatile s and v).
    pub const fn stable(name: &'static str, arity: i32, body: Body) -> Self {
        Definition { name, arity, strict: true, deterministic: false, taped: false, body, quick: None }
    }

    /// The same function of two integers, with a short way for most of them.
    const fn quick(self, quick: quick::Quick) -> Self {
        Definition { quick: Some(quick), ..self }
    }

    /// The same function, volatile: see `engine::tape`.
    pub const fn taped(self) -> Self {
        Definition { taped: true, ..self }
    }

    /// The same function, called on NULL arguments too.
    pub const fn called_on_null(self) -> Self {
        Definition { strict: false, ..self }
    }
}

/// Registers a table of functions.
pub fn register_all(connection: &Connection, slot: &ContextSlot, definitions: &[Definition]) -> Result<()> {
    definitions.iter().try_for_each(|definition| {
        let Definition { name, arity, strict, deterministic, taped, body, quick } = *definition;
        if let Some(quick) = quick {
            return quick::register(connection, slot, name, (quick, body));
        }
        let signature = Signature { name, arity, strict, deterministic };
        match taped {
            true => register_one(connection, slot, signature, move |args| on_tape(args, name, body)),
            false => register_one(connection, slot, signature, body),
        }
    })
}

/// What the function gives, or has given if the transaction is repeated.
fn on_tape(args: &Args<'_>, name: &'static str, body: Body) -> Result<Output> {
    if !args.slot().is_taped() {
        return body(args);
    }
    if let Some(known) = args.slot().with_session(|session| Ok(session.tape.again(name)))? {
        return known.map(Output::Value);
    }
    let output = body(args);
    let kept = output.as_ref().map(Output::kept).map_err(Error::clone);
    args.slot().with_session(|session| {
        session.tape.keep(name, kept);
        Ok(())
    })?;
    output
}

/// A function's properties without its body; see [`Definition`].
struct Signature<'n> {
    name: &'n str,
    arity: i32,
    strict: bool,
    deterministic: bool,
}

fn register_one(
    connection: &Connection,
    slot: &ContextSlot,
    signature: Signature<'_>,
    body: impl Fn(&Args<'_>) -> Result<Output> + Send + 'static,
) -> Result<()> {
    let Signature { name, arity, strict, deterministic } = signature;
    let mut flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    if deterministic {
        flags |= FunctionFlags::SQLITE_DETERMINISTIC;
    }
    let slot = slot.clone();
    connection
        .create_scalar_function(name, arity, flags, move |context| {
            let args = Args::new(context, &slot);
            if strict && args.any_null() {
                return Ok(Output::NULL);
            }
            let called = limits::begin(args.size()).and_then(|()| body(&args)).and_then(Output::checked);
            called.map_err(|error| slot.fail(error))
        })
        .map_err(|error| registration_failed(name, &error))
}

fn registration_failed(name: &str, error: &rusqlite::Error) -> Error {
    Error::internal(format_args!("SQLite refused to register {name}: {error}"))
}

/// The areas' tables.
#[rustfmt::skip]
static AREAS: &[&[Definition]] = &[
    construct::FUNCTIONS,
    table_sample::FUNCTIONS,
    spread::FUNCTIONS,
    sets::packing::FUNCTIONS,
    rows::FUNCTIONS,
    subscripts::FUNCTIONS,
    support::FUNCTIONS,
    transitions::FUNCTIONS,
    populate::FUNCTIONS,
    catalog::FUNCTIONS,
    privileges::FUNCTIONS,
    server_info::FUNCTIONS,
    integer::FUNCTIONS,
    float::FUNCTIONS,
    degrees::FUNCTIONS,
    normalize::FUNCTIONS,
    numeric::FUNCTIONS,
    locale_case::FUNCTIONS,
    strings::FUNCTIONS,
    bits::FUNCTIONS,
    bytes::FUNCTIONS,
    like::FUNCTIONS,
    regex::FUNCTIONS,
    json::FUNCTIONS,
    jsonb::FUNCTIONS,
    jsonpath::FUNCTIONS,
    arrays::FUNCTIONS,
    datetime::FUNCTIONS,
    range::FUNCTIONS,
    formatting::FUNCTIONS,
    geometry::FUNCTIONS,
    network::FUNCTIONS,
    text_search::FUNCTIONS,
    mac_address::FUNCTIONS,
    money::FUNCTIONS,
    system_ids::FUNCTIONS,
    ranges::FUNCTIONS,
    extension::FUNCTIONS,
    extension::cipher::FUNCTIONS,
    extension::pgp::FUNCTIONS,
    extension::crypt::FUNCTIONS,
    extension::hstore::FUNCTIONS,
    extension::intarray::FUNCTIONS,
    extension::ltree::FUNCTIONS,
    extension::trigrams::FUNCTIONS,
    extension::vector::FUNCTIONS,
    xml::FUNCTIONS,
    xml_schema::FUNCTIONS,
    large_object::FUNCTIONS,
    modifiers::FUNCTIONS,
    any_text::FUNCTIONS,
    session::FUNCTIONS,
    admin::FUNCTIONS,
    partitions::FUNCTIONS,
    row_lock::FUNCTIONS,
];

/// Registers every function, collation and set-returning function on a new connection. Call it after the slot has
/// been created and before any statement is prepared; functions that need a session ask the slot when they run.
pub fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    server_info::note_start();
    for definitions in AREAS {
        register_all(connection, slot, definitions)?;
    }
    collations::register(connection)?;
    unnest::register(connection, slot).map_err(|e| Error::internal(format_args!("pg_unnest: {e}")))?;
    io::register(connection, slot)?;
    routine::register(connection, slot)?;
    aggregate::register(connection, slot)?;
    extension::vector::register(connection, slot)?;
    sets::register(connection, slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates expressions in SQLite's dialect on a fresh connection; the expected text is the stored value as
    /// SQLite prints it, NULL, or the SQLSTATE and message of the error.
    pub(super) fn assert_values(expectations: &[(&str, &str)]) {
        assert_values_in(ContextSlot::default(), expectations);
    }

    /// The same, in whatever session the slot has.
    pub(super) fn assert_values_in(slot: ContextSlot, expectations: &[(&str, &str)]) {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection, &slot).unwrap();
        for (expression, expected) in expectations {
            assert_eq!(evaluate(&connection, &slot, expression), *expected, "{expression}");
        }
    }

    fn evaluate(connection: &Connection, slot: &ContextSlot, expression: &str) -> String {
        let value = connection
            .query_row(&format!("SELECT CAST({expression} AS TEXT)"), [], |row| row.get::<_, Option<String>>(0));
        match (value, slot.take_error()) {
            (Ok(text), None) => text.unwrap_or_else(|| "NULL".to_owned()),
            (_, Some(error)) => format!("{} {}", error.code().as_str(), error.message()),
            (Err(error), None) => error.to_string(),
        }
    }
}
