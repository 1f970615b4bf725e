//! The one loop of a session: messages in, answers out.
//!
//! Owns: [`StateMachine`]: the states Ready, Drain and Done, the only writer of ErrorResponse and of ReadyForQuery, when
//! output leaves, the limits on idling. Must not know: rusqlite, SQL. The handlers of messages are in `session::query`
//! (simple), `session::extended`, what statements do in `session::execute` and `session::transaction`.
//! Specification: protocol-flow.html.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::debug_log::debug;
use crate::engine::context::{SessionContext, SharedContext, now};
use crate::engine::database::Database;
use crate::engine::databases::Databases;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::session::EngineSession;
use crate::error::{Error, ErrorFields, Severity, SqlState};
use crate::limits::memory;
use crate::limits::session::Limited;
use crate::protocol::backend;
use crate::protocol::codec;
use crate::protocol::conn::FramedConn;
use crate::protocol::message::FrontendMessage;
use crate::session::greeting;
use crate::session::redact;
use crate::session::repeat::Repeatable;
use crate::session::start::{SessionOptions, SessionStart};
use crate::session::state::{Session, TransactionStatus};
use crate::session::transaction::abort_locks;
use crate::settings::session::Timeouts;
use crate::sql::planner::PlanCache;

/// How long a worker waits awake for a client that holds the write ticket: about the time a client on the same machine
/// takes to read an answer and send the next statement. Other sessions of the worker wait with it, hence not longer.
const PROMPT: Duration = Duration::from_micros(60);

/// A client that keeps its session waiting for longer lets others have the session's places in the pool.
const RESTLESS: Duration = Duration::from_millis(50);

/// What the loop does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for the next message.
    Ready,
    /// Discards everything up to Sync, after an error in the extended protocol.
    Drain,
    /// The session is over.
    Done,
}

/// Why a handler stopped.
#[derive(Debug)]
pub enum Stop {
    /// The client is told, and the statement or the session ends.
    Error(Error),
    /// The socket is gone.
    Gone(io::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Gone(error)
    }
}

/// Result of a handler.
pub type Outcome<T> = Result<T, Stop>;

/// The client closed the connection in the middle of something.
pub(super) fn vanished() -> Stop {
    Stop::Gone(io::ErrorKind::ConnectionAborted.into())
}

/// What a session is made of.
pub(super) struct Parts {
    pub conn: FramedConn,
    pub engine: EngineSession,
    pub databases: Arc<Databases>,
    pub options: Arc<SessionOptions>,
    pub stopping: watch::Receiver<bool>,
    pub pid: i32,
}

/// Runs a session until its client leaves.
pub async fn run(start: SessionStart) {
    let backends = Arc::clone(&start.backends);
    let (mut parts, settings) = greeting::prepare(start);
    let registration = backends.register(parts.engine.interrupt_handle(), parts.engine.context());
    let settings = settings.and_then(|()| greeting::check_limits(parts.engine.context(), &backends));
    let key = registration.key();
    parts.pid = key.pid;
    let databases = Arc::clone(&parts.databases);
    let _counted = databases.metrics().sessions.enter();
    log::info!("session {}: {}", key.pid, greeting::describe(&lock(parts.engine.context())));
    let limits = parts.engine.limits();
    Limited::new(limits, StateMachine::new(parts).run(settings, key.secret)).await;
    log::info!("session {}: disconnected", key.pid);
}

/// Whether a client has been prompt of late: waiting awake for one that is not (its machine is busy) is a waste.
#[derive(Debug, Default)]
struct Promptness {
    /// How many more answers are not waited for.
    ignored: u8,
    /// How many are not after the next one that does not come.
    penalty: u8,
}

impl Promptness {
    fn is_expected(&mut self) -> bool {
        let expected = self.ignored == 0;
        self.ignored = self.ignored.saturating_sub(1);
        expected
    }

    fn note(&mut self, prompt: bool) {
        self.penalty = if prompt { 0 } else { (2 * self.penalty + 1).min(31) };
        self.ignored = self.penalty;
    }
}

/// The statement that is prepared, bound or run.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub text: Arc<str>,
    begun: Instant,
}

impl Running {
    /// It begins now.
    pub fn new(text: Arc<str>) -> Option<Self> {
        Some(Running { text, begun: Instant::now() })
    }
}

/// One session.
pub struct StateMachine {
    pub(super) conn: FramedConn,
    pub(super) engine: EngineSession,
    pub(super) context: SharedContext,
    pub(super) session: Session,
    pub(super) plans: Arc<PlanCache>,
    pub(super) databases: Arc<Databases>,
    pub(super) options: Arc<SessionOptions>,
    pub(super) timeouts: Timeouts,
    /// Resolves when the session is to end though the client does not say so. Polled while idle only.
    ended: Pin<Box<dyn Future<Output = Error> + Send>>,
    /// What waits in the output buffer is to leave before the next wait for a message.
    flush_due: bool,
    promptness: Promptness,
    pub(super) running: Option<Running>,
    /// The last statement, if it can be run again should its commit lose a race.
    pub(super) repeatable: Option<Repeatable>,
    pid: i32,
}

impl StateMachine {
    pub(super) fn new(start: Parts) -> Self {
        let Parts { mut conn, engine, databases, options, stopping, pid } = start;
        let context = Arc::clone(engine.context());
        let plans = Arc::clone(engine.database().plans());
        engine.interrupt_handle().watch(conn.peer());
        conn.limit_writes(options.client_write_timeout);
        let ended = Box::pin(ended(engine.interrupt_handle(), stopping));
        StateMachine {
            conn,
            engine,
            context,
            session: Session::default(),
            plans,
            databases,
            options,
            timeouts: Timeouts::default(),
            ended,
            flush_due: false,
            promptness: Promptness::default(),
            running: None,
            repeatable: None,
            pid,
        }
    }

    /// Serves the client until the session ends; an open transaction is rolled back then.
    async fn run(mut self, greeting: Result<(), Error>, secret: i32) {
        let outcome = match greeting {
            Ok(()) => match self.greet(secret).await {
                Ok(()) => self.serve().await,
                Err(stop) => Err(stop),
            },
            Err(refused) => self.fail(refused).await.map(drop),
        };
        self.session.close_portals();
        let open = self.session.status != TransactionStatus::Default;
        if open {
            self.databases.metrics().rollbacks.increment();
        }
        if let Err(error) = self.engine.rollback().await {
            log::error!("session {}: rollback at its end failed: {error}", self.pid);
        }
        if open {
            log::warn!("session {}: the client left in a transaction, which was rolled back", self.pid);
        }
        match outcome {
            Ok(()) => {}
            Err(Stop::Error(error)) => log::error!("session {}: {error}", self.pid),
            Err(Stop::Gone(error)) => {
                debug!("session {}: {error}", self.pid);
                return;
            }
        }
        // The client may be gone already; then there is nobody to tell.
        let _ = self.conn.shutdown().await;
    }

    async fn greet(&mut self, secret: i32) -> Outcome<()> {
        let reported: Vec<_> = self.context().settings.reported().collect();
        for (name, value) in reported {
            backend::parameter_status(self.conn.out(), name, &value);
        }
        backend::backend_key_data(self.conn.out(), self.pid, secret);
        self.ready().await
    }

    async fn serve(&mut self) -> Outcome<()> {
        let mut state = State::Ready;
        loop {
            let message = self.next_message().await?;
            state = match (state, message) {
                (_, None | Some(Ok(FrontendMessage::Terminate))) => State::Done,
                (State::Drain, Some(Ok(FrontendMessage::Sync))) => self.sync().await?,
                (State::Drain, Some(Ok(_))) => State::Drain,
                (state, Some(Err(error))) => Box::pin(self.malformed(state, error)).await?,
                (_, Some(Ok(message))) => self.dispatch(message).await?,
            };
            if state == State::Done {
                return Ok(());
            }
        }
    }

    async fn dispatch(&mut self, message: FrontendMessage) -> Outcome<State> {
        let outcome = match message {
            FrontendMessage::Query { sql } => return self.query(&sql).await,
            FrontendMessage::Sync => return self.sync().await,
            FrontendMessage::Parse { statement, sql, param_types } => self.parse(statement, &sql, param_types).await,
            FrontendMessage::Bind { portal, statement, param_formats, params, result_formats } => {
                self.bind(portal, &statement, &param_formats, &params, result_formats).await
            }
            FrontendMessage::DescribeStatement { name } => self.describe_statement(&name).await,
            FrontendMessage::DescribePortal { name } => self.describe_portal(&name),
            FrontendMessage::Execute { portal, max_rows } => self.execute(&portal, max_rows).await,
            FrontendMessage::CloseStatement { name } => {
                self.forget_statement(&name);
                backend::close_complete(self.conn.out());
                Ok(())
            }
            FrontendMessage::ClosePortal { name } => {
                // Dropping it ends its statement.
                drop(self.session.take_portal(&name));
                backend::close_complete(self.conn.out());
                Ok(())
            }
            FrontendMessage::Flush => {
                self.flush_due = true;
                Ok(())
            }
            // What a client still sends after a COPY that failed.
            FrontendMessage::CopyData(_) | FrontendMessage::CopyDone | FrontendMessage::CopyFail { .. } => Ok(()),
            FrontendMessage::Password(_) => {
                Err(Error::fatal(SqlState::PROTOCOL_VIOLATION, "invalid frontend message type 112").into())
            }
            FrontendMessage::FunctionCall { function, formats, args, result } => {
                self.session.pipelining = false;
                match Box::pin(self.function_call(function, &formats, &args, result)).await {
                    Ok(()) => {}
                    Err(Stop::Error(error)) => {
                        if Box::pin(self.fail(error)).await? == State::Done {
                            return Ok(State::Done);
                        }
                    }
                    Err(gone) => return Err(gone),
                }
                return self.ready_state().await;
            }
            FrontendMessage::Terminate => return Ok(State::Done),
        };
        match outcome {
            Ok(()) => Ok(State::Ready),
            Err(Stop::Error(error)) => Box::pin(self.fail(error)).await,
            Err(gone) => Err(gone),
        }
    }

    /// A message that cannot be decoded. Those of the extended protocol are skipped to Sync after it; the others get
    /// their ReadyForQuery, a malformed Sync too.
    async fn malformed(&mut self, state: State, error: Error) -> Outcome<State> {
        if error.message() == codec::INVALID_LENGTH {
            // PostgreSQL only logs this: whoever sends it does not speak the protocol.
            self.log_error(&error);
            return Ok(State::Done);
        }
        let extended = matches!(self.conn.last_tag(), b'P' | b'B' | b'E' | b'C' | b'D' | b'H');
        let fatal = error.severity() != Severity::Error;
        if state == State::Drain && !fatal && self.conn.last_tag() != b'S' {
            return Ok(State::Drain);
        }
        match self.fail(error).await? {
            State::Drain if !extended => self.ready_state().await,
            next => Ok(next),
        }
    }

    /// Sync: the end of an implicit transaction. An error here is told, and nothing is skipped after it.
    async fn sync(&mut self) -> Outcome<State> {
        self.session.pipelining = false;
        if !self.session.status.is_explicit() {
            match self.commit_or_repeat().await {
                Ok(None) => {}
                Ok(Some(completion)) => self.complete(completion),
                Err(Stop::Error(error)) => {
                    if Box::pin(self.fail(error)).await? == State::Done {
                        return Ok(State::Done);
                    }
                }
                Err(gone) => return Err(gone),
            }
        }
        self.ready_state().await
    }

    /// Writes ReadyForQuery; the loop goes on.
    pub(super) async fn ready_state(&mut self) -> Outcome<State> {
        self.ready().await?;
        Ok(State::Ready)
    }

    /// The only writer of ReadyForQuery, after the variables that changed.
    async fn ready(&mut self) -> Outcome<()> {
        let (changed, charset) = {
            let mut context = lock(&self.context);
            context.activity.state = self.session.status.activity();
            context.activity.idle_since = now();
            self.timeouts = context.settings.timeouts();
            let charset = context.settings.format().charset;
            let unreported = context.settings.has_unreported();
            (if unreported { context.settings.take_unreported() } else { Vec::new() }, charset)
        };
        self.conn.set_charset(charset);
        if self.session.status == TransactionStatus::Default {
            self.settle_memory();
            self.tell_notifications();
        }
        for (name, value) in changed {
            backend::parameter_status(self.conn.out(), name, &value);
        }
        backend::ready_for_query(self.conn.out(), self.session.status.indicator());
        self.flush_due = true;
        Ok(())
    }

    /// Between transactions what the session has is what it keeps: much of what it allocated is shared by now.
    fn settle_memory(&self) {
        if let Some(statements) = self.session.bytes() {
            memory::settle(statements + self.context().settings.bytes());
        }
    }

    /// Writes the notifications that have arrived. Only between transactions.
    fn tell_notifications(&mut self) {
        for heard in self.engine.hear() {
            backend::notification(self.conn.out(), heard.pid, &heard.note.channel, &heard.note.payload);
            self.flush_due = true;
        }
    }

    /// The only writer of ErrorResponse: tells the client, and moves the transaction.
    pub(super) async fn fail(&mut self, error: Error) -> Outcome<State> {
        self.repeatable = None;
        // What failed may have failed because of what does not exist any more.
        let error = self.engine.settle().await.err().unwrap_or(error);
        let error = self.engine.shown_error(error);
        self.log_error(&error);
        self.databases.metrics().error(error.code());
        let conflict = error.code() == SqlState::SERIALIZATION_FAILURE;
        self.session.conflicted |= conflict && self.session.status != TransactionStatus::Default;
        self.end_statement();
        match self.session.status {
            TransactionStatus::Default | TransactionStatus::Failed => {}
            TransactionStatus::Started | TransactionStatus::InTransactionImplicit => self.roll_back().await?,
            TransactionStatus::InTransaction => {
                if self.session.savepoints.is_empty() {
                    self.session.close_portals();
                }
                self.session.status = TransactionStatus::Failed;
                abort_locks(&mut self.context(), self.session.savepoints.len());
                self.engine.abort().await?;
            }
        }
        self.send_notices();
        backend::error_response(self.conn.out(), error.fields());
        self.flush_due = true;
        if error.severity() == Severity::Error {
            return Ok(State::Drain);
        }
        self.flush().await?;
        Ok(State::Done)
    }

    /// The statement is over, well or not: its time is up, and how long it took is known.
    pub(super) fn end_statement(&mut self) {
        self.engine.finish_statement();
        let Some(Running { text, begun }) = self.running.take() else { return };
        let elapsed = begun.elapsed();
        self.databases.metrics().statements.observe(elapsed);
        self.engine.count_statement();
        if elapsed >= self.options.slow_query {
            let millis = elapsed.as_secs_f64() * 1000.0;
            log::warn!("session {}: slow query, {millis:.1} ms: {}", self.pid, redact::statement(&text));
        }
    }

    fn log_error(&self, error: &Error) {
        let text = self.running.as_ref().map_or("", |running| &running.text);
        let statement = redact::statement(text);
        let client = self.context().client_address;
        let client = client.map_or_else(|| "local".to_owned(), |address| address.to_string());
        log::info!(
            "session {} ({client}, {:?}): {}: {} ({}){}{statement}",
            self.pid,
            self.session.status,
            error.severity().as_str(),
            redact::message(error, text),
            error.code().as_str(),
            if statement.is_empty() { "" } else { " in: " },
        );
    }

    /// Sends what SQL functions and the session itself have had to remark.
    pub(super) fn send_notices(&mut self) {
        let mut context = lock(&self.context);
        if context.notices.is_empty() {
            return;
        }
        for notice in std::mem::take(&mut context.notices) {
            if context.settings.wants_notice(notice.severity) {
                backend::notice_response(self.conn.out(), &notice);
            }
        }
    }

    /// Raises a warning, sent before the statement's CommandComplete.
    pub(super) fn warn(&self, code: SqlState, message: impl Into<std::borrow::Cow<'static, str>>) {
        self.context().notices.push(ErrorFields::new(Severity::Warning, code, message));
    }

    /// Waits until what the output tells of is durable, and writes it to the socket.
    pub(super) async fn flush(&mut self) -> Outcome<()> {
        self.flush_due = false;
        // Nearly always there is nothing to wait for.
        if self.engine.is_gate_open() && self.conn.flush_at_once()? {
            return Ok(());
        }
        match self.engine.gate().await {
            Ok(true) => {}
            Ok(false) => return Err(vanished()),
            Err(error) => return Err(self.break_gate(error).await),
        }
        let interrupt = self.engine.interrupt_handle();
        let stall_limit = self.engine.holds_ticket().then_some(self.options.idle_writer_timeout);
        let rest_after = self.engine.holds_places().then_some(RESTLESS);
        let mut flushing = std::pin::pin!(self.conn.flush());
        let (mut stalled, mut rest_due) = (std::pin::pin!(passed(stall_limit)), std::pin::pin!(passed(rest_after)));
        let mut resting = None;
        let why = loop {
            tokio::select! {
                biased;
                flushed = &mut flushing => match flushed {
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => break "takes no output",
                    flushed => return Ok(flushed?),
                },
                // A client that takes nothing could not be told, either.
                _ = interrupt.terminated() => return Err(Stop::Gone(io::ErrorKind::TimedOut.into())),
                () = &mut stalled => break "takes no output and keeps others from writing",
                () = &mut rest_due, if resting.is_none() => resting = Some(self.engine.rest()),
            }
        };
        log::warn!("session {}: the client {why}", self.pid);
        Err(Stop::Gone(io::ErrorKind::TimedOut.into()))
    }

    /// What waits for the socket tells of commits that do not exist: it is never sent, and the session ends, because
    /// nobody could say which of its answers still hold.
    async fn break_gate(&mut self, error: Error) -> Stop {
        self.log_error(&error);
        self.conn.out().clear();
        let fatal = Error::fatal(error.code(), error.message().to_owned());
        backend::error_response(self.conn.out(), fatal.fields());
        // Gone or not, there is nobody else to tell.
        let _ = self.conn.flush().await;
        Stop::Gone(io::ErrorKind::ConnectionAborted.into())
    }

    /// Flushes if so much waits that it should not grow further.
    pub(super) async fn flush_if_full(&mut self) -> Outcome<()> {
        if self.conn.is_full() { Box::pin(self.flush()).await } else { Ok(()) }
    }

    /// The next message; output leaves first unless more messages have arrived already, so that a pipelined batch is
    /// answered with one write.
    async fn next_message(&mut self) -> Outcome<Option<crate::error::Result<FrontendMessage>>> {
        loop {
            if !self.conn.is_full()
                && let Some(message) = self.conn.received()
            {
                return Ok(Some(message));
            }
            if self.flush_due && !self.conn.has_message() || self.conn.is_full() {
                self.flush().await?;
            }
            match self.await_message().await? {
                Some(message) => return Ok(message),
                None => self.tell_notifications(),
            }
        }
    }

    /// Waits for the next message; `None` if a notification has come before it.
    async fn await_message(&mut self) -> Outcome<Option<Option<crate::error::Result<FrontendMessage>>>> {
        if self.engine.holds_ticket() && self.engine.database().watermark().has_queue() {
            self.await_promptly();
        }
        let begun = Instant::now();
        let may_be_parked = self.engine.may_be_parked();
        let mut idle = std::pin::pin!(idled(self.idle_limit(may_be_parked), begun));
        let mut obstructing = std::pin::pin!(self.obstructing());
        let patience = self.timeouts.writer_patience.filter(|_| may_be_parked);
        let mut wanted = std::pin::pin!(wanted(Arc::clone(self.engine.database()), patience));
        let mut parked = false;
        let mut rest_due = std::pin::pin!(passed(self.engine.holds_places().then_some(RESTLESS)));
        let mut resting = None;
        let may_hear = self.session.status == TransactionStatus::Default;
        let stopped = loop {
            let ended = self.ended.as_mut();
            tokio::select! {
                biased;
                message = self.conn.recv() => return Ok(Some(message?)),
                () = self.engine.something_to_hear(), if may_hear => return Ok(None),
                error = ended => break error,
                error = &mut idle => break error,
                error = &mut obstructing => break error,
                () = &mut wanted, if !parked => {
                    (parked, resting) = (true, None);
                    self.park();
                    // Other limits are for who does not keep others from writing.
                    idle.set(idled(self.idle_limit(false), begun));
                    obstructing.set(self.obstructing());
                    continue;
                }
                () = &mut rest_due, if resting.is_none() => {
                    resting = Some(self.engine.rest());
                    continue;
                }
                () = self.engine.must_give_way() => {}
            }
            resting = None;
            self.session.close_portals();
            self.engine.give_way();
        };
        Box::pin(self.fail(stopped)).await?;
        Ok(Some(None))
    }

    /// Waits a moment, awake, for the next message of a client that keeps other writers waiting: parking this worker
    /// and waking it again costs more than a prompt client takes to answer, and every waiting writer pays for it.
    fn await_promptly(&mut self) {
        if !self.promptness.is_expected() {
            return;
        }
        let started = Instant::now();
        while !self.conn.has_message() && !self.conn.poll_socket() {
            if started.elapsed() >= PROMPT {
                return self.promptness.note(false);
            }
            std::hint::spin_loop();
        }
        self.promptness.note(true);
    }

    /// How long the client may be silent now, and what it is told then.
    fn idle_limit(&self, may_be_parked: bool) -> Option<(Duration, SqlState, &'static str)> {
        if self.session.status == TransactionStatus::Default {
            let message = "terminating connection due to idle-session timeout";
            return self.timeouts.idle_session.map(|limit| (limit, SqlState::IDLE_SESSION_TIMEOUT, message));
        }
        let parks = may_be_parked && self.timeouts.writer_patience.is_some();
        let holding = (self.engine.holds_ticket() && !parks).then_some(self.options.idle_writer_timeout);
        // In the middle of a pipeline only a session that is in others' way is limited.
        let own = self.timeouts.idle_in_transaction.filter(|_| self.session.status.is_explicit());
        let limit = own.or(holding)?;
        Some((limit, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, IDLE_IN_TRANSACTION))
    }

    /// Resolves when others have waited for too long for a row that the session's transaction has, and have kept everybody
    /// from writing meanwhile.
    fn obstructing(&self) -> impl Future<Output = Error> + Send + use<> {
        let (limit, pid, database) = (self.options.idle_writer_timeout, self.pid, Arc::clone(self.engine.database()));
        let idles = self.session.status.is_explicit() && !self.engine.holds_ticket();
        let has_rows = idles && database.row_locks().has_locked(pid);
        async move {
            if !has_rows {
                return std::future::pending().await;
            }
            loop {
                let waits = || database.row_locks().waits_for(database.writer().load(Ordering::Relaxed), pid);
                let waited = waits();
                tokio::time::sleep(limit).await;
                if waited && waits() {
                    return Error::fatal(SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, IDLE_IN_TRANSACTION);
                }
            }
        }
    }

    /// The functions' view of this session.
    pub(super) fn context(&self) -> MutexGuard<'_, SessionContext> {
        lock(&self.context)
    }

    /// The session's number.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }
}

/// What a client is told that has idled in its transaction for too long.
const IDLE_IN_TRANSACTION: &str = "terminating connection due to idle-in-transaction timeout";

/// Resolves when a client has been silent for longer than it may be.
async fn idled(limit: Option<(Duration, SqlState, &'static str)>, begun: Instant) -> Error {
    match limit {
        None => std::future::pending().await,
        Some((limit, code, message)) => {
            tokio::time::sleep_until((begun + limit).into()).await;
            Error::fatal(code, message)
        }
    }
}

/// Resolves when somebody waits for the write ticket after so long.
async fn wanted(database: Arc<Database>, patience: Option<Duration>) {
    match patience {
        None => std::future::pending().await,
        Some(patience) => {
            tokio::time::sleep(patience).await;
            database.ticket_is_wanted().await;
        }
    }
}

async fn passed(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Resolves when the session is to end: it was terminated, or the server stops.
async fn ended(interrupt: InterruptHandle, mut stopping: watch::Receiver<bool>) -> Error {
    tokio::select! {
        error = interrupt.terminated() => error,
        Ok(_) = stopping.wait_for(|stopping| *stopping) => {
            Error::fatal(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
        }
    }
}

/// A panic while the lock was held ended that session; the data are plain values.
pub(super) fn lock(context: &SharedContext) -> MutexGuard<'_, SessionContext> {
    context.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Promptness;

    #[test]
    fn a_client_that_is_not_prompt_is_waited_for_awake_less_and_less() {
        let mut promptness = Promptness::default();
        let mut asked = Vec::new();
        for answer in 0..200 {
            if promptness.is_expected() {
                asked.push(answer);
                promptness.note(answer >= 150);
            }
        }
        assert_eq!(asked[..6], [0, 2, 6, 14, 30, 62]);
        assert_eq!(asked[asked.len() - 3..], [197, 198, 199]);
    }
}
