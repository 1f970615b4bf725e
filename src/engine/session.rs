//! One client session's side of the engine: its connection while it has one, its transaction, its cursors.
//!
//! Owns: [`EngineSession`]: lazy begin, write ticket, savepoints, commit with the durable watermark, rollback. Must
//! not know: messages, portals, PostgreSQL's aborted-block rule (that is `session`). DESIGN: connections are pooled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::ffi;

use crate::engine::connection::{Control, Entered};
use crate::engine::constraint_errors::Origin;
use crate::engine::constraint_timing::{self, Timing};
use crate::engine::context::{SessionContext, SharedContext, Wait, Waiting};
use crate::engine::cursor::Cursor;
use crate::engine::database::{Database, Ticket, Unsynced};
use crate::engine::error_map;
use crate::engine::foreign_key_errors;
use crate::engine::functions::{ContextSlot, InterruptPoll};
use crate::engine::gate::{Gate, Seen, overtaken};
use crate::engine::interrupt::InterruptHandle;
use crate::engine::journal::{Entry, Journal, Source};
use crate::engine::notifications::Pending;
use crate::engine::pool::{Lease, Lent, PlacesHeld};
use crate::engine::progress::Progress;
use crate::engine::remote::replica::ReadFrom;
use crate::engine::session_schema::{SessionLink, write_sequences};
use crate::engine::statement::Code;
use crate::engine::transaction::{Hold, Loss, Modes, Savepoints, WriteTransaction};
use crate::error::{Error, Result, SqlState};
use crate::limits::session::Limits;
use crate::sql::permission::PermissionEntry;
use crate::sql::plan::{LockWait, ProgramStep, SqliteStatement, TransactionModes};
use crate::storage::watermark::CommitSequence;
use crate::types::value::Value;

/// One client session's side of the engine.
pub struct EngineSession {
    pub(crate) hold: Hold,
    pub(super) savepoints: Savepoints,
    pub(super) modes: Modes,
    /// What the functions that its statements call know of it.
    pub(crate) link: Arc<SessionLink>,
    /// What the commit under way will say.
    pub(super) outgoing: Option<Pending>,
    /// It listens to something, or something has arrived that it listened to.
    pub(super) listening: bool,
    pub(crate) seen: Seen,
    /// See [`EngineSession::is_overtaken`].
    overtaken: bool,
    pub(crate) interrupt: InterruptHandle,
    /// Of what the session does outside of SQLite's virtual machine: planning, functions.
    progress: Arc<Progress>,
    poll: InterruptPoll,
    lock_timeout: Option<Duration>,
    /// See [`EngineSession::let_next_give_way`].
    gives_way: bool,
    /// It is an explicit block, which may idle.
    pub(super) may_idle: bool,
    /// What it has done, as long as it can be repeated.
    pub(super) journal: Option<Box<Journal>>,
    /// See [`EngineSession::repeat_next_from`].
    pub(super) source: Option<Source>,
    places: PlacesHeld,
    /// It asks whether the database is well.
    probes: bool,
    /// How many statements the session has run, and how many others had by its last commit.
    statements_run: u64,
    by_others: AtomicU64,
    pub(crate) context: SharedContext,
}

impl EngineSession {
    /// A session without a connection; it borrows one when a statement needs it.
    pub fn new(database: Arc<Database>, context: SharedContext) -> Self {
        Self::interrupted_by(database, context, InterruptHandle::default())
    }

    /// One that works for another one, with which it is interrupted.
    pub(crate) fn interrupted_by(database: Arc<Database>, context: SharedContext, interrupt: InterruptHandle) -> Self {
        let polled = interrupt.clone();
        let progress = Arc::new(Progress::default());
        progress.attach(Some(interrupt.clone()));
        EngineSession {
            hold: Hold::Nothing,
            savepoints: Savepoints::default(),
            modes: Modes::default(),
            link: SessionLink::new(&database, &context, interrupt.clone()),
            outgoing: None,
            listening: false,
            seen: Seen::new(Arc::clone(database.watermark())),
            overtaken: false,
            interrupt,
            progress,
            poll: Arc::new(move || {
                polled.look_for_client();
                polled.check()
            }),
            lock_timeout: None,
            gives_way: false,
            may_idle: false,
            journal: None,
            source: None,
            places: PlacesHeld::default(),
            probes: false,
            statements_run: 0,
            by_others: AtomicU64::new(0),
            context,
        }
    }

    /// The same, for one statement that asks whether the database is well: it has a connection when nobody else gets one.
    pub fn probe(database: Arc<Database>, context: SharedContext) -> Self {
        let mut session = Self::new(database, context);
        session.probes = true;
        session
    }

    /// Whether it keeps connections of the pool while it waits for its client: snapshots, open portals.
    pub fn holds_places(&self) -> bool {
        self.places.count() > 0
    }

    /// It waits for its client: until the result is dropped, others have its places in the pool.
    pub fn rest(&self) -> Lent {
        self.link.database.pool().places().lend(self.places.count())
    }

    /// The database.
    pub fn database(&self) -> &Arc<Database> {
        &self.link.database
    }

    /// The functions' view of this session.
    pub fn context(&self) -> &SharedContext {
        &self.context
    }

    /// The handle by which another task interrupts this session's running statement or wait (57014).
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.interrupt.clone()
    }

    /// What the session may take, for the future that runs it.
    pub fn limits(&self) -> Arc<Limits> {
        let progress = Arc::clone(&self.progress);
        Limits::new(move |turn| progress.check(turn))
    }

    /// A statement begins: from now on it can be cancelled and its time runs. Call before the statement's first
    /// use of the engine; `None` is no limit.
    pub fn start_statement(&mut self, statement_timeout: Option<Duration>, lock_timeout: Option<Duration>) {
        self.lock_timeout = lock_timeout;
        self.progress.begin();
        self.interrupt.start(statement_timeout.map(|timeout| Instant::now() + timeout));
    }

    /// The statement has ended; a cancel request that comes later is dropped.
    pub fn finish_statement(&mut self) {
        self.interrupt.finish();
    }

    /// Sets the modes of the transaction that is starting (BEGIN, or the implicit one); touches SQLite only for
    /// BEGIN IMMEDIATE / EXCLUSIVE. What is `None` is PostgreSQL's default: READ COMMITTED, READ WRITE.
    pub async fn begin(&mut self, modes: TransactionModes) -> Result<()> {
        self.modes = Modes::from(modes);
        self.overtaken = false;
        if self.modes.immediate { Box::pin(self.ensure_write()).await } else { Ok(()) }
    }

    /// SET TRANSACTION before the first statement: replaces the modes of the transaction.
    pub async fn set_modes(&mut self, modes: TransactionModes) -> Result<()> {
        self.begin(modes).await
    }

    /// Opens a statement: borrows a connection, takes the ticket and begins a write transaction if it writes, binds,
    /// and gives the cursor, not stepped yet. `params` and `literals` are what the statement's binds refer to.
    /// Waiting for the ticket honours lock_timeout (55P03), statement_timeout and cancel (57014).
    pub async fn open(&mut self, statement: &SqliteStatement, params: &[Value], literals: &[Value]) -> Result<Cursor> {
        let source = self.source.take();
        self.check_permissions(&statement.permissions)?;
        let mut reading = None;
        if statement.write || statement.locks_rows && !self.locks_without_ticket() {
            self.lock(&statement.wait).await?;
        } else {
            self.ensure_readable().await?;
            if statement.locks_rows {
                self.refuse_if_read_only("SELECT FOR UPDATE")?;
                // Before the snapshot is taken.
                reading = Some(self.link.database.row_locks().begin_reading(self.pid()));
            }
        }
        let (lease, gate) = match &self.hold {
            Hold::Write(write) => (Arc::clone(&write.lease), Gate::Provisional(self.seen.clone(), write.begun)),
            Hold::Snapshot(lease) => (Arc::clone(lease), Gate::Snapshot(self.seen.clone())),
            Hold::Lost(loss) => return Err(loss.error()),
            Hold::Parked => return Err(Error::internal("a parked transaction reads")),
            Hold::Nothing => self.read(reading.is_some()).await?,
        };
        lease.slot().give_way(std::mem::take(&mut self.gives_way));
        let so_far = (statement.target.is_some(), lease.slot().count_noted());
        let answering = self.note_statement(source, params, so_far);
        lease.slot().set_taped(answering.is_some());
        let origin = statement.write.then(|| Box::new(self.origin(statement, params, literals)));
        let timing = || Arc::clone(&self.link.schema().timing);
        let of_step = |step: &ProgramStep| Origin::new(Arc::clone(&self.context), timing(), step.target);
        let step_origins = statement.before.iter().map(of_step).collect();
        match Cursor::open(lease, statement, params, literals, gate, origin, step_origins) {
            Ok(cursor) => Ok(cursor.locking(reading).answering(answering)),
            Err(error) => {
                if let Some(mut answering) = answering {
                    answering.failed(&error);
                }
                Err(error)
            }
        }
    }

    /// The next statement is all that the transaction has done, and can be run again: it is to fail for a row that another
    /// transaction has, rather than keep the ticket while it waits.
    pub fn let_next_give_way(&mut self) {
        self.gives_way = true;
    }

    /// After the first step of a statement that was to give way: whether it has met a row that another transaction has.
    pub fn is_blocked(&self) -> bool {
        let Hold::Write(write) = &self.hold else { return false };
        write.lease.slot().give_way(false);
        write.lease.slot().is_blocked()
    }

    /// Gives the ticket up after such a statement, which counts as not run; the row is free when this returns. Nothing reads
    /// on its connection any more.
    pub fn wait_for_awaited(&mut self) -> Result<()> {
        let Hold::Write(write) = &self.hold else { return Ok(()) };
        let Some(row) = write.lease.slot().take_awaited() else { return Ok(()) };
        match self.journal.is_some() {
            true => self.park_before_last()?,
            false => self.roll_back_locally(),
        }
        // The connection that writes is somebody else's from here on.
        let slot = ContextSlot::default();
        slot.enter(Arc::clone(&self.context), Some(Arc::clone(&self.poll)));
        row.wait(&slot)
    }

    /// Whether rows can be locked by a statement that has no write ticket. Not in a snapshot that is kept, which can be
    /// older than the rows; not where what is read is not the latest commit.
    pub fn locks_without_ticket(&self) -> bool {
        !self.modes.snapshot && matches!(self.hold, Hold::Nothing) && self.link.database.replica().is_none()
    }

    fn refuse_if_read_only(&self, command: &str) -> Result<()> {
        if !self.modes.read_only {
            return Ok(());
        }
        let message = format!("cannot execute {command} in a read-only transaction");
        Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message))
    }

    /// 42501 unless the session's current role may do all of it.
    pub fn check_permissions(&self, entries: &[PermissionEntry]) -> Result<()> {
        if entries.is_empty() || self.lock_context().needs_no_permission(entries) {
            return Ok(());
        }
        let catalog = self.catalog();
        self.lock_context().check_permissions(&catalog, entries)
    }

    /// The error as the session's current role may see it.
    pub fn shown_error(&self, error: Error) -> Error {
        let catalog = self.catalog();
        self.lock_context().shown_error(&catalog, error)
    }

    /// Takes the write ticket and begins the write transaction now, as writing statements, LOCK TABLE and SELECT FOR
    /// UPDATE need it.
    pub async fn lock(&mut self, wait: &LockWait) -> Result<()> {
        let LockWait::Never(subject) = wait else { return self.ensure_write().await };
        let usual = self.lock_timeout.replace(MOMENT);
        let outcome = self.ensure_write().await;
        self.lock_timeout = usual;
        outcome.map_err(|error| match error.code() {
            SqlState::LOCK_NOT_AVAILABLE => {
                Error::new(SqlState::LOCK_NOT_AVAILABLE, format!("could not obtain lock on {subject}"))
            }
            _ => error,
        })
    }

    /// Whether the transaction has nothing open yet.
    pub fn holds_nothing(&self) -> bool {
        matches!(self.hold, Hold::Nothing)
    }

    /// Whether this session holds the write ticket, and so keeps every other writer waiting.
    pub fn holds_ticket(&self) -> bool {
        matches!(self.hold, Hold::Write(_))
    }

    /// Whether the transaction is READ ONLY: the session refuses what writes with the command's name (25006); `open`
    /// refuses it too, without.
    pub fn is_read_only(&self) -> bool {
        self.modes.read_only
    }

    /// Ends the transaction and waits until it is durable. All cursors of it must be closed or are closed. After an
    /// error the transaction has been rolled back.
    pub async fn commit(&mut self) -> Result<()> {
        let pending = self.outgoing.take();
        if self.is_parked() {
            Box::pin(self.resume()).await.inspect_err(|_| self.end_transaction())?;
        }
        let fired = self.fire_deferred();
        let outcome = match fired.and(self.act_on_commit().await) {
            Ok(()) => self.check_room(pending.as_ref()).and_then(|()| self.commit_locally()),
            Err(error) => Err(error),
        };
        if let (Ok(committed), Some(pending)) = (&outcome, pending) {
            // While the ticket is still ours, so that others hear of commits in their order.
            self.publish(pending, committed.as_ref().map_or(0, |(sequence, _)| *sequence));
        }
        if outcome.is_ok() {
            self.link.database.row_locks().committed(self.pid());
            self.hold = Hold::Nothing;
            self.link.schema().committed();
        }
        self.end_transaction();
        if let Some((sequence, unsynced)) = outcome? {
            if let Some(unsynced) = unsynced {
                unsynced.sync_here();
            }
            let settled = self.seen.wait_for_commit(sequence).await;
            self.overtaken = settled.as_ref().is_err_and(|error| error.code() == SqlState::SERIALIZATION_FAILURE);
            return settled;
        }
        Ok(())
    }

    /// Whether another instance of the server can commit first.
    pub fn can_be_overtaken(&self) -> bool {
        self.link.database.replica().is_some()
    }

    /// Whether nothing was wrong with the last transaction but that another instance has committed first.
    pub fn is_overtaken(&self) -> bool {
        self.overtaken
    }

    /// Where another instance can commit first: waits until everything read so far is durable. It is an error that
    /// belongs to the statement, told before its end. (Elsewhere what was read cannot be lost, and [`gate`](Self::gate)
    /// waits for all at once.) Who holds the write ticket gives way if it is wanted meanwhile: until others have it, nobody
    /// finds out.
    pub async fn settle(&mut self) -> Result<()> {
        if !self.can_be_overtaken() {
            return Ok(());
        }
        tokio::select! {
            biased;
            settled = self.seen.wait() => return settled,
            () = self.must_give_way() => {}
        }
        self.give_way();
        self.seen.wait().await?;
        Err(overtaken())
    }

    /// Undoes the transaction and gives up what it holds.
    pub async fn rollback(&mut self) -> Result<()> {
        self.end_transaction();
        Ok(())
    }

    /// A statement of the block has failed: undoes what PostgreSQL would undo at once, so that a failed block holds up
    /// nobody while its client makes up its mind: everything if there is no savepoint, else back to the innermost.
    pub async fn abort(&mut self) -> Result<()> {
        self.forget_stopped();
        match self.savepoints.innermost().map(str::to_owned) {
            Some(name) => {
                // A lost transaction stays so until ROLLBACK.
                let _ = self.rollback_to(&name).await;
            }
            None => self.roll_back_locally(),
        }
        Ok(())
    }

    /// SAVEPOINT; remembered until the first write.
    pub async fn savepoint(&mut self, name: &str) -> Result<()> {
        self.notice_loss();
        let entered = enter(&self.hold)?;
        self.savepoints.set(name, self.link.schema().mark(), entered.as_ref())?;
        drop(entered);
        self.note_entry(|| Entry::Savepoint(name.to_owned()));
        Ok(())
    }

    /// RELEASE; 3B001 when there is none of that name.
    pub async fn release(&mut self, name: &str) -> Result<()> {
        self.notice_loss();
        let entered = enter(&self.hold)?;
        self.savepoints.release(name, entered.as_ref())?;
        drop(entered);
        self.note_entry(|| Entry::Release(name.to_owned()));
        self.link.database.row_locks().released_savepoint(self.pid(), self.savepoints.count());
        Ok(())
    }

    /// ROLLBACK TO; 3B001 when there is none of that name.
    pub async fn rollback_to(&mut self, name: &str) -> Result<()> {
        self.notice_loss();
        let entered = enter(&self.hold)?;
        let mark = self.savepoints.rollback_to(name, entered.as_ref())?;
        drop(entered);
        self.note_entry(|| Entry::RollbackTo(name.to_owned()));
        self.database().row_locks().rolled_back_to(self.pid(), self.savepoints.count().saturating_sub(1));
        self.link.undo_schema(mark);
        match enter(&self.hold)? {
            Some(entered) if self.holds_ticket() => self.timing().apply(&entered),
            _ => Ok(()),
        }
    }

    /// Waits until everything this session has read since the last call is durable (the output gate). Cheap when
    /// nothing is pending. Call before bytes of a statement's outcome leave. Cancel does not shorten it: what was
    /// answered could not be taken back. False if the session ends before: nothing may leave any more. An error if what
    /// was read has been overtaken, so that what was answered must not leave.
    pub async fn gate(&mut self) -> Result<bool> {
        tokio::select! {
            biased;
            outcome = self.seen.wait() => outcome.map(|()| true),
            _ = self.interrupt.terminated() => Ok(false),
            () = given_up(&self.interrupt) => Ok(false),
        }
    }

    /// Whether [`gate`](Self::gate) has nothing to wait for.
    pub fn is_gate_open(&self) -> bool {
        self.seen.is_durable()
    }

    /// The write ticket; while the session waits for it others can see that.
    pub(super) async fn ticket(&self) -> Result<Ticket> {
        let pid = self.pid();
        if let Some(ticket) = self.link.database.try_ticket(pid) {
            return Ok(ticket);
        }
        let _waiting = Waiting::new(&self.context, Wait::WriteTicket);
        Box::pin(self.link.database.ticket(pid, &self.interrupt, self.lock_timeout)).await
    }

    pub(super) fn pid(&self) -> i32 {
        self.lock_context().backend_pid
    }

    pub(crate) fn lock_context(&self) -> MutexGuard<'_, SessionContext> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn timing(&self) -> Arc<Timing> {
        Arc::clone(&self.link.schema().timing)
    }

    pub(super) fn pinned(&self) -> Option<Arc<Lease>> {
        self.link.schema().pinned.clone()
    }

    pub(super) fn origin(&self, statement: &SqliteStatement, params: &[Value], literals: &[Value]) -> Origin {
        let origin = Origin::new(Arc::clone(&self.context), self.timing(), statement.target);
        let mut origin = origin.in_steps(&statement.before);
        origin.set_keys(statement, params, literals);
        origin
    }

    /// A connection for one statement, or the session's own.
    async fn borrow(&self) -> Result<Arc<Lease>> {
        if let Some(pinned) = self.pinned() {
            return Ok(pinned);
        }
        let pool = self.link.database.pool();
        let own = if self.probes { pool.probe()? } else { None };
        let lease = match own {
            Some(lease) => lease,
            None => pool.reader(&self.interrupt, &self.places).await?,
        };
        Ok(self.attach(lease))
    }

    /// A connection to read with outside of a transaction, and what the output has to wait for. `latest` asks for the latest
    /// commit, durable or not, where that cannot be lost.
    pub(crate) async fn read(&self, latest: bool) -> Result<(Arc<Lease>, Gate)> {
        let lease = self.borrow().await?;
        let gate = match self.link.database.replica() {
            None => {
                // The transaction of another cursor or of its own must not be mixed up with this read's.
                let may = !latest && self.pinned().is_none();
                match may && self.link.database.begin_durable(&lease, self.seen.stamp()) {
                    true => Gate::Durable,
                    false => Gate::Snapshot(self.seen.clone()),
                }
            }
            // The transaction of another cursor or of its own must not be mixed up with this read's.
            Some(replica) if self.pinned().is_some() => Gate::Kept(self.seen.clone(), Arc::clone(replica)),
            Some(replica) => match replica.begin_read(&lease, ReadFrom::Durable)? {
                ReadFrom::Durable => Gate::Durable,
                ReadFrom::Latest => Gate::Snapshot(self.seen.clone()),
            },
        };
        Ok((lease, gate))
    }

    /// The connection to write with; the caller has the ticket.
    pub(super) fn writer_lease(&self) -> Result<Arc<Lease>> {
        if let Some(pinned) = self.pinned() {
            pinned.follow()?;
            return Ok(pinned);
        }
        let lease = self.link.database.pool().writer()?;
        Ok(self.attach(lease))
    }

    pub(super) fn attach(&self, lease: Lease) -> Arc<Lease> {
        lease.slot().enter(Arc::clone(&self.context), Some(Arc::clone(&self.poll)));
        lease.progress().attach(Some(self.interrupt.clone()));
        let lease = Arc::new(lease);
        lease.slot().link(&self.link, &lease);
        lease
    }

    /// A transaction that promises one snapshot takes it before its first read.
    pub(crate) async fn ensure_readable(&mut self) -> Result<()> {
        self.notice_loss();
        if self.is_parked() {
            return Box::pin(self.resume()).await;
        }
        if !self.modes.snapshot || !matches!(self.hold, Hold::Nothing) {
            return Ok(());
        }
        let lease = self.borrow().await?;
        match self.link.database.replica() {
            None => {
                self.open_transaction(&lease, &[Control::Begin, Control::Pin])?;
                self.seen.note_snapshot();
            }
            Some(replica) => {
                // One that may write later has to see what it would write upon.
                let wanted = if self.modes.read_only { ReadFrom::Durable } else { ReadFrom::Latest };
                if replica.begin_read(&lease, wanted)? == ReadFrom::Latest {
                    self.seen.note_snapshot();
                }
                self.open_transaction(&lease, &[])?;
            }
        }
        self.hold = Hold::Snapshot(lease);
        Ok(())
    }

    /// The first write takes the ticket and begins the write transaction.
    pub(crate) async fn ensure_write(&mut self) -> Result<()> {
        self.notice_loss();
        match self.hold {
            Hold::Write(_) => return Ok(()),
            Hold::Lost(loss) => return Err(loss.error()),
            Hold::Parked => return Box::pin(self.resume()).await,
            Hold::Nothing | Hold::Snapshot(_) => {}
        }
        self.refuse_if_read_only("this statement")?;
        self.link.database.check_writable()?;
        self.link.database.check_space()?;
        let ticket = self.ticket().await?;
        let lease = match &self.hold {
            Hold::Snapshot(lease) => {
                let entered = lease.enter();
                entered.control(Control::Upgrade).map_err(|code| entered.error(code))?;
                drop(entered);
                Arc::clone(lease)
            }
            _ => {
                let lease = self.writer_lease()?;
                self.open_transaction(&lease, &[Control::BeginImmediate])?;
                lease
            }
        };
        lease.slot().take_pending_keys();
        let timing = self.timing();
        if *timing != Timing::default() {
            timing.apply(&lease.enter())?;
        }
        let begun = self.seen.now();
        if matches!(self.hold, Hold::Nothing) {
            self.begin_journal();
        }
        let keyed = self.link.database.row_locks().has_keys();
        lease.slot().note_rows(keyed || self.journal.is_some(), keyed);
        self.hold = Hold::Write(WriteTransaction { lease, _ticket: ticket, begun });
        Ok(())
    }

    /// Begins a transaction in SQLite and sets the savepoints so far; undone if that fails halfway.
    pub(super) fn open_transaction(&self, lease: &Lease, steps: &[Control]) -> Result<()> {
        let entered = lease.enter();
        let begun = steps
            .iter()
            .try_for_each(|step| entered.control(*step).map_err(|code| entered.error(code)))
            .and_then(|()| self.savepoints.materialise(&entered));
        if begun.is_err() && !entered.is_autocommit() {
            // The first error is the one to tell.
            let _ = entered.control(Control::Rollback);
        }
        begun
    }

    /// Resolves when another instance's commits have overtaken what the open write transaction stands on.
    pub async fn must_give_way(&self) {
        match self.link.database.replica() {
            Some(replica) if self.holds_ticket() => replica.evicted().await,
            _ => std::future::pending().await,
        }
    }

    /// Lets an overtaken write transaction go at once: others wait for the ticket it holds.
    pub fn give_way(&mut self) {
        self.roll_back_locally();
        self.hold = Hold::Lost(Loss::Overtaken);
        self.overtaken = true;
    }

    /// SQLite rolls a transaction back by itself when a writing statement is interrupted or runs out of space.
    pub(super) fn notice_loss(&mut self) {
        if self.holds_ticket() && self.link.database.replica().is_some_and(|replica| replica.is_evicting()) {
            return self.give_way();
        }
        let gone = match &self.hold {
            Hold::Snapshot(lease) => lease.enter().is_autocommit(),
            Hold::Write(write) => write.lease.enter().is_autocommit(),
            Hold::Nothing | Hold::Parked | Hold::Lost(_) => false,
        };
        if gone {
            self.link.database.row_locks().rolled_back(self.pid());
            self.hold = Hold::Lost(Loss::Failed);
        }
    }

    /// COMMIT in SQLite. Gives the commit's number if there was anything to commit.
    fn commit_locally(&mut self) -> Result<Option<Committed>> {
        self.notice_loss();
        match &self.hold {
            Hold::Nothing => Ok(None),
            Hold::Parked => Err(Error::internal("a parked transaction commits")),
            Hold::Lost(loss) => Err(loss.error()),
            Hold::Snapshot(lease) => {
                let entered = lease.enter();
                entered.control(Control::Commit).map_err(|code| entered.error(code))?;
                Ok(None)
            }
            Hold::Write(write) => {
                constraint_timing::check_at_commit(&write.lease.enter(), &self.context)?;
                self.check_size(write)?;
                let (sequence, unsynced) = self.commit_write(write)?;
                let unsynced = if self.was_alone() { unsynced } else { None };
                Ok(Some((sequence, unsynced)))
            }
        }
    }

    /// What could not become durable is not committed.
    fn check_size(&self, write: &WriteTransaction) -> Result<()> {
        let Some(replica) = self.link.database.replica() else { return Ok(()) };
        let entered = write.lease.enter();
        let pages =
            entered.with(|database| database.query_row("PRAGMA main.page_count", [], |row| row.get::<_, u32>(0)));
        replica.check_size(pages.map_err(error_map::from_rusqlite)?.into())
    }

    /// Whether no other session has run anything since this one's last commit, and none waits for the ticket.
    fn was_alone(&self) -> bool {
        let by_others = self.link.database.statements_run().wrapping_sub(self.statements_run);
        self.by_others.swap(by_others, Ordering::Relaxed) == by_others && !self.link.database.watermark().has_queue()
    }

    /// A statement of the session has been counted among those that the server has run.
    pub fn count_statement(&mut self) {
        self.statements_run += 1;
    }

    fn commit_write(&self, write: &WriteTransaction) -> Result<Committed> {
        let entered = write.lease.enter();
        let moved = self.link.database.sequences().take_dirty();
        let outcome = write_sequences(&entered, &moved).and_then(|()| {
            let mut outcome = Ok(());
            let committed = self.link.database.commit_unsynced(|sequence| match entered.commit() {
                Ok(frames) => {
                    self.publish_schema(sequence);
                    frames
                }
                Err(code) => {
                    outcome = Err(code);
                    0
                }
            });
            outcome.map(|()| committed)
        });
        outcome.map_err(|code| {
            self.link.database.sequences().put_back(moved);
            self.seen.note(write.begun);
            self.commit_error(&write.lease, &entered, code)
        })
    }

    fn commit_error(&self, lease: &Lease, entered: &Entered<'_>, code: Code) -> Error {
        lease.note_failure(code);
        if code & 0xff == ffi::SQLITE_CONSTRAINT {
            foreign_key_errors::of_commit(entered, &self.context)
        } else {
            entered.error(code)
        }
    }

    pub(super) fn roll_back_locally(&mut self) {
        self.forget_journal();
        let (lease, begun) = match &self.hold {
            Hold::Snapshot(lease) => (lease, None),
            Hold::Write(write) => (&write.lease, Some(write.begun)),
            Hold::Nothing | Hold::Parked | Hold::Lost(_) => {
                self.link.database.row_locks().rolled_back(self.pid());
                self.hold = Hold::Nothing;
                return self.link.undo_schema(None);
            }
        };
        let entered = lease.enter();
        if !entered.is_autocommit()
            && let Err(code) = entered.control(Control::Rollback)
        {
            // The lease sees to it that such a connection is not used again.
            log::error!("database \"{}\": ROLLBACK failed: {}", self.link.database.name(), entered.error(code));
        }
        drop(entered);
        if let Some(begun) = begun
            && self.link.database.replica().is_none()
        {
            self.seen.note(begun);
        }
        self.link.database.row_locks().rolled_back(self.pid());
        self.hold = Hold::Nothing;
        self.link.undo_schema(None);
    }

    fn end_transaction(&mut self) {
        // After a COMMIT that succeeded there is nothing left to undo.
        self.roll_back_locally();
        self.may_idle = false;
        self.savepoints.clear();
        self.modes = Modes::default();
        self.link.forget_blocks();
        self.link.cursors().end_transaction();
    }
}

impl Drop for EngineSession {
    /// A client that vanished in the middle of its transaction.
    fn drop(&mut self) {
        if self.holds_ticket() {
            let (pid, name) = (self.pid(), self.link.database.name());
            log::info!("database \"{name}\": backend {pid} ended inside a transaction, which is rolled back");
        }
        self.roll_back_locally();
        self.link.schema().pinned = None;
        if self.listening {
            self.link.database.notifications().forget(self.pid());
        }
    }
}

/// The number of a commit, and what the disk's sink has not heard of yet.
type Committed = (CommitSequence, Option<Unsynced>);

/// How long NOWAIT waits for the write ticket: single statements of others, which in PostgreSQL would lock other rows,
/// are over by then; a transaction that stays open is not.
const MOMENT: Duration = Duration::from_millis(50);

/// How long a client that says no more may wait for its answer, in case it has only closed its sending side.
const HALF_CLOSED: Duration = Duration::from_secs(5);

async fn given_up(interrupt: &InterruptHandle) {
    interrupt.client_gone().await;
    tokio::time::sleep(HALF_CLOSED).await;
}

/// The connection with the open transaction, if there is one; an error if it was lost.
fn enter(hold: &Hold) -> Result<Option<Entered<'_>>> {
    match hold {
        Hold::Nothing | Hold::Parked => Ok(None),
        Hold::Snapshot(lease) => Ok(Some(lease.enter())),
        Hold::Write(write) => Ok(Some(write.lease.enter())),
        Hold::Lost(loss) => Err(loss.error()),
    }
}
