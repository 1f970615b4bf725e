//! Running a portal: what each kind of plan does, and rows on their way to the client.
//!
//! Owns: [`Completion`], the dispatch over `sql::plan::Action`, the encoding of rows into the connection's output
//! buffer. Must not know: which protocol asked (`session::query`, `session::extended`), rusqlite.

use std::sync::Arc;

use crate::catalog::tables::source::database_oid;
use crate::engine::cursor::Cursor;
use crate::engine::journal::Source;
use crate::error::{Error, SqlState};
use crate::protocol::backend::{self, Message, ValueSlot};
use crate::protocol::message::Field;
use crate::session::charset::encode_value;
use crate::session::extended::check_result;
use crate::session::machine::{Outcome, StateMachine};
use crate::session::redact;
use crate::session::rows::{Rows, Step};
use crate::session::state::{Portal, PortalState, ResultFormats, RowSource};
use crate::sql::ddl::Ddl;
use crate::sql::explain::Explained;
use crate::sql::plan::{
    Action, CopyDirection, FieldDescription, LockWait, Plan, Planned, PreparedCommand, SessionCommand, SqliteStatement,
    Tag,
};
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::Repr;
use crate::types::value::{Value, ValueRef};

/// How a statement ended, for its last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// EmptyQueryResponse
    Empty,
    /// PortalSuspended
    Suspended,
    /// CommandComplete with this tag.
    Tag(&'static str),
    /// CommandComplete with a tag and a count.
    Counted(&'static str, u64),
}

/// Whether RowDescription is sent before the rows, as the simple protocol does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Describe {
    Yes,
    No,
}

/// "INSERT 0 5", without allocating.
pub(super) struct CountedTag {
    text: [u8; 40],
    length: usize,
}

impl CountedTag {
    pub(super) fn as_str(&self) -> &str {
        self.text.get(..self.length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("")
    }
}

impl std::fmt::Write for CountedTag {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.text.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A tag with its count.
pub(super) fn counted_tag(prefix: &str, rows: u64) -> CountedTag {
    let mut tag = CountedTag { text: [0; 40], length: 0 };
    // The buffer holds the longest prefix and the largest count.
    let _ = std::fmt::Write::write_fmt(&mut tag, format_args!("{prefix} {rows}"));
    tag
}

fn completion(tag: Tag, rows: u64) -> Completion {
    match tag {
        Tag::Select => Completion::Counted("SELECT", rows),
        Tag::Insert => Completion::Counted("INSERT 0", rows),
        Tag::Update => Completion::Counted("UPDATE", rows),
        Tag::Delete => Completion::Counted("DELETE", rows),
        Tag::Merge => Completion::Counted("MERGE", rows),
        Tag::Copy => Completion::Counted("COPY", rows),
        Tag::Fetch => Completion::Counted("FETCH", rows),
        Tag::Move => Completion::Counted("MOVE", rows),
        Tag::Fixed(tag) => Completion::Tag(tag),
    }
}

impl StateMachine {
    /// Runs a portal until its end, or until `max_rows` rows were sent (0 is no limit). The last message is the
    /// caller's, since a commit may come before it.
    pub(super) async fn run_portal(
        &mut self,
        portal: &mut Portal,
        max_rows: u32,
        describe: Describe,
    ) -> Outcome<Completion> {
        let plan = Arc::clone(&portal.planned.plan);
        let measured = self.context().catalog.has_extension("pg_stat_statements").then(std::time::Instant::now);
        // Again: the transaction that has begun meanwhile may have other limits.
        self.listen_to_cancel();
        let source = match std::mem::replace(&mut portal.state, PortalState::Done) {
            PortalState::Suspended(source) => source,
            PortalState::Completed => {
                portal.state = PortalState::Completed;
                return Ok(completion(plan.tag, 0));
            }
            PortalState::Done => {
                let message = format!("portal \"{}\" cannot be run", portal.name);
                return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).into());
            }
            PortalState::New => match self.start(portal, max_rows, describe).await? {
                Started::Rows(source) => source,
                Started::Finished(completion) => {
                    self.measured(measured, portal, &completion);
                    return Ok(completion);
                }
            },
        };
        let completion = self.send_rows(portal, source, max_rows).await?;
        if self.engine.can_be_overtaken() {
            Box::pin(self.engine.settle()).await?;
        }
        self.measured(measured, portal, &completion);
        Ok(completion)
    }

    /// A statement has ended, in a database that has pg_stat_statements.
    fn measured(&self, since: Option<std::time::Instant>, portal: &Portal, completion: &Completion) {
        let rows = match completion {
            Completion::Counted(_, rows) => *rows,
            Completion::Tag(_) => 0,
            Completion::Empty | Completion::Suspended => return,
        };
        if let Some(since) = since {
            let context = self.context();
            let (role, database) = (context.role(), database_oid(&context.database));
            context.backends.statements.add(role, database, &redact::statement(&portal.text), since.elapsed(), rows);
        }
    }

    /// Does what the plan says, up to its first row.
    ///
    /// A future is as large as the largest that it waits for, and is copied each time one is made: what is not a query's
    /// usual way is boxed.
    pub(super) async fn start(&mut self, portal: &mut Portal, max_rows: u32, describe: Describe) -> Outcome<Started> {
        let first_of_transaction = self.engine.holds_nothing();
        let resumed = self.resume_for(&portal.planned.plan.action).await?;
        if self.lock_for(&portal.planned).await?
            || resumed && self.engine.catalog().version != portal.planned.catalog_version
        {
            let planned = self.plan_again(portal)?;
            if describe == Describe::No {
                check_result(&portal.planned.plan, &planned.plan)?;
            }
            portal.planned = planned;
        }
        let plan = Arc::clone(&portal.planned.plan);
        let finished = |completion| Ok(Started::Finished(completion));
        match &plan.action {
            Action::Empty => finished(Completion::Empty),
            Action::Sqlite(statement) => {
                self.session.queried = true;
                if self.session.cursors_shown || !self.session.portals.is_empty() {
                    self.show_cursors();
                }
                let gives_way = self.engine.holds_ticket() && (first_of_transaction || self.can_give_way(statement)?);
                self.repeat_from(portal);
                if gives_way {
                    self.engine.let_next_give_way();
                }
                let (notices, said) = {
                    let context = self.context();
                    (context.notices.len(), context.pending.position())
                };
                let mut opened = self.open(statement, &portal.params, &portal.planned.literals).await;
                // What changes rows, or locks them and waits, does so in its first step.
                let early = gives_way || statement.fires || plan.columns.is_some() && describe == Describe::Yes;
                let first = match &mut opened {
                    Ok(cursor) if early => Some(cursor.step()),
                    _ => None,
                };
                if gives_way && self.engine.is_blocked() {
                    drop(opened);
                    self.engine.wait_for_awaited()?;
                    self.unsay(notices, said);
                    return Box::pin(self.start(portal, max_rows, describe)).await;
                }
                let cursor = opened?;
                // RETURNING answers when all rows are written, a query from its start on.
                if early && (statement.target.is_some() || statement.fires) {
                    self.send_notices();
                }
                let silent = |error: &Error| statement.target.is_some() || found_in_planning(error);
                if !first.as_ref().is_some_and(|first| first.as_ref().is_err_and(silent)) {
                    self.describe(describe, plan.columns.as_deref(), &portal.formats);
                }
                let first = first.transpose()?;
                if plan.columns.is_none() {
                    return finished(self.run_without_rows(cursor, plan.tag, first)?);
                }
                Ok(Started::Rows(RowSource::Cursor(cursor, first)))
            }
            Action::Explain(explained) => {
                // Parameters need no values to be planned for.
                let nulls = vec![Value::Null; plan.params.len()];
                let params = if portal.params.is_empty() { &nulls } else { &portal.params };
                let lines = Box::pin(self.explain(explained, params, &portal.planned.literals)).await?;
                self.lines(describe, plan.columns.as_deref(), portal, lines)
            }
            Action::Transaction(command) => {
                let Tag::Fixed(tag) = plan.tag else { return Err(Error::internal("a transaction's tag").into()) };
                finished(Completion::Tag(Box::pin(self.transaction(command, tag)).await?))
            }
            Action::Variable(command) => match Box::pin(self.variable(command)).await? {
                None => finished(completion(plan.tag, 0)),
                Some(lines) => self.lines(describe, plan.columns.as_deref(), portal, lines),
            },
            Action::Ddl(ddl) => {
                if let Some(command) = ddl.stands_alone() {
                    self.refuse_in_block(command)?;
                }
                self.refuse_change_in_read_only(plan.tag)?;
                self.session.queried = true;
                match (Box::pin(self.change_schema(ddl)).await?, ddl) {
                    (Some(rows), _) => finished(Completion::Counted("SELECT", rows)),
                    (None, Ddl::CreateTableAs(create)) if create.materialized => {
                        finished(Completion::Tag("CREATE MATERIALIZED VIEW"))
                    }
                    (None, Ddl::CreateTableAs(_)) => finished(Completion::Tag("CREATE TABLE AS")),
                    (None, _) => finished(completion(plan.tag, 0)),
                }
            }
            Action::Database(command) => {
                self.refuse_change_in_read_only(plan.tag)?;
                self.engine.forget_journal();
                Box::pin(self.database(command)).await?;
                finished(completion(plan.tag, 0))
            }
            Action::Copy(copy) => {
                self.session.queried = true;
                let rows = Box::pin(self.copy(copy, &portal.planned.literals)).await?;
                finished(completion(plan.tag, rows))
            }
            Action::Prepared(PreparedCommand::Execute { name, arguments }) => {
                Box::pin(self.execute_prepared(portal, (name, arguments), max_rows, describe)).await
            }
            Action::Prepared(command) => {
                self.prepared(command)?;
                finished(completion(plan.tag, 0))
            }
            Action::Cursor(command) => {
                let simple = describe == Describe::Yes;
                Box::pin(self.cursor(command, portal, (simple, max_rows))).await
            }
            Action::Do(body) => {
                self.session.queried = true;
                Box::pin(self.run_block(body)).await?;
                finished(completion(plan.tag, 0))
            }
            Action::Call(call) => {
                self.session.queried = true;
                let literals = Arc::clone(&portal.planned.literals);
                let row = Box::pin(self.call_procedure(call, (&portal.params, &literals))).await?;
                match &plan.columns {
                    None => finished(completion(plan.tag, 0)),
                    Some(columns) => {
                        self.describe(describe, Some(columns), &portal.formats);
                        Ok(Started::Rows(RowSource::Fetched(Arc::clone(&plan), vec![row].into_iter())))
                    }
                }
            }
            Action::Session(command) => {
                Box::pin(self.session_command(command)).await?;
                finished(completion(plan.tag, 0))
            }
            Action::Maintenance(statements) => {
                let Tag::Fixed(tag) = plan.tag else { return Err(Error::internal("a utility's tag").into()) };
                Box::pin(self.maintenance(statements, tag)).await?;
                finished(Completion::Tag(tag))
            }
            Action::Accepted { requires_transaction, locks, permissions } => {
                if let Some(command) = requires_transaction
                    && !self.session.status.is_block()
                {
                    let message = format!("{command} can only be used in transaction blocks");
                    return Err(Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message).into());
                }
                self.engine.check_permissions(permissions)?;
                if let Some(wait) = locks {
                    Box::pin(self.engine.lock(wait)).await?;
                    // Who locks a table wants others to wait.
                    self.engine.forget_journal();
                }
                finished(completion(plan.tag, 0))
            }
        }
    }

    /// Repeats a parked transaction before it goes on, if what is to be done has anything to do with the database. Gives
    /// whether it was parked.
    async fn resume_for(&mut self, action: &Action) -> Outcome<bool> {
        let parked = self.engine.is_parked();
        let concerns = !matches!(
            action,
            Action::Empty
                | Action::Transaction(_)
                | Action::Variable(_)
                | Action::Session(
                    SessionCommand::Listen(_) | SessionCommand::Unlisten(_) | SessionCommand::Notify { .. }
                )
        );
        if parked && concerns {
            Box::pin(self.engine.resume()).await?;
        }
        Ok(parked && concerns)
    }

    /// Whether a statement that meets a lock of another transaction can let go of the ticket until that is free: the
    /// transaction is parked then, and the statement is run again.
    fn can_give_way(&mut self, statement: &SqliteStatement) -> Outcome<bool> {
        if !self.engine.may_be_parked() || !(statement.write || statement.locks_rows || statement.waits) {
            return Ok(false);
        }
        self.detach_results()?;
        Ok(self.engine.can_be_parked())
    }

    /// What a statement had to say that is run again is not said.
    fn unsay(&self, notices: usize, said: (usize, usize)) {
        let mut context = self.context();
        context.notices.truncate(notices);
        context.pending.forget_from(said);
    }

    /// Says what the statement that is opened next can be made of once more.
    pub(super) fn repeat_from(&mut self, portal: &Portal) {
        if self.engine.keeps_journal() {
            let (planned, text) = (portal.planned.clone(), Arc::clone(&portal.text));
            self.engine.repeat_next_from(Source { planned, text });
        }
    }

    /// Takes the write ticket for a plan that needs it. True if the schema has changed since the plan was made, perhaps by
    /// the session that had the ticket.
    pub(super) async fn lock_for(&mut self, planned: &Planned) -> Outcome<bool> {
        let wait = match planned.plan.lock_wait() {
            Some(wait) => wait,
            None if planned.plan.locks_rows() && !self.engine.locks_without_ticket() => &LockWait::Usual,
            None => return Ok(false),
        };
        match &planned.plan.action {
            Action::Sqlite(_) => self.refuse_change_in_read_only(planned.plan.tag)?,
            Action::Explain(Explained::Statement(explain)) => self.refuse_change_in_read_only(explain.tag)?,
            Action::Copy(copy) if copy.direction == CopyDirection::From => {
                self.refuse_change_in_read_only(Tag::Copy)?
            }
            _ => {}
        }
        self.engine.lock(wait).await?;
        let catalog = self.engine.catalog();
        let security = self.context().security(&catalog);
        Ok(catalog.version != planned.catalog_version || !planned.is_for(security.as_ref()))
    }

    /// Goes on with the portal of EXECUTE: it becomes the prepared statement's.
    async fn execute_prepared(
        &mut self,
        portal: &mut Portal,
        (name, arguments): (&str, &[String]),
        max_rows: u32,
        describe: Describe,
    ) -> Outcome<Started> {
        let (mut planned, params) = self.bind_prepared(name, arguments).await?;
        if self.lock_for(&planned).await? {
            planned = self.current_statement(name)?.planned.clone();
        }
        if matches!(planned.plan.action, Action::Prepared(PreparedCommand::Execute { .. })) {
            return Err(Error::unsupported("EXECUTE of an EXECUTE").into());
        }
        portal.planned = planned;
        portal.params = params;
        self.start(portal, max_rows, describe).await
    }

    /// Opens a statement.
    pub(super) async fn open(
        &mut self,
        statement: &SqliteStatement,
        params: &[Value],
        literals: &[Value],
    ) -> Outcome<Cursor> {
        if statement.write {
            self.detach_results()?;
        }
        Ok(self.engine.open(statement, params, literals).await?)
    }

    async fn change_schema(&mut self, ddl: &Ddl) -> Outcome<Option<u64>> {
        self.detach_results()?;
        Ok(self.engine.ddl(ddl).await?)
    }

    /// 25006, naming the command.
    pub(super) fn refuse_change_in_read_only(&self, tag: Tag) -> Outcome<()> {
        if !self.engine.is_read_only() {
            return Ok(());
        }
        let command = match tag {
            Tag::Insert => "INSERT",
            Tag::Update => "UPDATE",
            Tag::Delete => "DELETE",
            Tag::Merge => "MERGE",
            Tag::Copy => "COPY FROM",
            Tag::Fixed(tag) => tag,
            _ => return Ok(()),
        };
        let message = format!("cannot execute {command} in a read-only transaction");
        Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message).into())
    }

    /// Runs it to its end; `first` is the outcome of its first step, if that has been made.
    fn run_without_rows(&mut self, mut cursor: Cursor, tag: Tag, first: Option<bool>) -> Outcome<Completion> {
        let mut counted = None;
        let mut on_row = first.map_or_else(|| cursor.step(), Ok)?;
        while on_row {
            counted = match cursor.column(0) {
                ValueRef::Integer(rows) => u64::try_from(rows).ok(),
                _ => None,
            };
            on_row = cursor.step()?;
        }
        Ok(completion(tag, counted.unwrap_or_else(|| cursor.changes())))
    }

    fn lines(
        &mut self,
        describe: Describe,
        columns: Option<&[FieldDescription]>,
        portal: &Portal,
        lines: Vec<Vec<String>>,
    ) -> Outcome<Started> {
        self.describe(describe, columns, &portal.formats);
        Ok(Started::Rows(RowSource::Lines(lines.into_iter())))
    }

    fn describe(&mut self, describe: Describe, columns: Option<&[FieldDescription]>, formats: &ResultFormats) {
        if let (Describe::Yes, Some(columns)) = (describe, columns) {
            write_row_description(self, columns, formats);
        }
    }

    /// Sends rows until the limit or the end. A slow client suspends this, half stepped.
    async fn send_rows(&mut self, portal: &mut Portal, source: RowSource, max_rows: u32) -> Outcome<Completion> {
        let plan = Arc::clone(&portal.planned.plan);
        let columns = plan.columns.as_deref().unwrap_or(&[]);
        let limit = if max_rows == 0 { u64::MAX } else { u64::from(max_rows) };
        let (sent, rest) = match source {
            RowSource::Cursor(cursor, first) => {
                self.send_cursor((cursor, first), columns, &portal.formats, limit).await?
            }
            RowSource::Lines(lines) => Box::pin(self.send_lines(lines, limit)).await?,
            RowSource::Rows(rows) => Box::pin(self.send_kept(rows, columns, &portal.formats, limit)).await?,
            RowSource::Fetched(plan, rows) => Box::pin(self.send_fetched(plan, rows, &portal.formats, limit)).await?,
        };
        match rest {
            Some(source) => {
                portal.state = PortalState::Suspended(source);
                Ok(Completion::Suspended)
            }
            None => {
                // A cancel that came with the last row, perhaps from the statement itself.
                self.engine.interrupt.check()?;
                portal.state = PortalState::Completed;
                Ok(completion(plan.tag, sent))
            }
        }
    }

    async fn send_cursor(
        &mut self,
        (mut cursor, mut first): (Cursor, Option<bool>),
        columns: &[FieldDescription],
        formats: &ResultFormats,
        limit: u64,
    ) -> Outcome<(u64, Option<RowSource>)> {
        let settings = self.context().settings.shared_format();
        let mut sent = 0;
        while sent < limit {
            let on_row = match first.take() {
                Some(on_row) => on_row,
                None => cursor.step()?,
            };
            if !on_row {
                return Ok((sent, None));
            }
            if sent == 0 {
                self.send_notices();
            }
            write_row(|at| cursor.column(at), columns, formats, &settings, self.conn.out())?;
            sent += 1;
            if self.conn.is_full() {
                Box::pin(self.flush()).await?;
            }
        }
        Ok((sent, Some(RowSource::Cursor(cursor, None))))
    }

    /// Goes on with a cursor by the extended protocol.
    async fn send_kept(
        &mut self,
        mut rows: Box<Rows>,
        columns: &[FieldDescription],
        formats: &ResultFormats,
        limit: u64,
    ) -> Outcome<(u64, Option<RowSource>)> {
        let settings = self.context().settings.shared_format();
        let mut sent = 0;
        while sent < limit {
            if !rows.step(Step::Next)? {
                return Ok((sent, None));
            }
            let row = rows.current().unwrap_or(&[]);
            let value = |at: usize| row.get(at).map_or(ValueRef::Null, Value::as_ref);
            write_row(value, columns, formats, &settings, self.conn.out())?;
            sent += 1;
            self.flush_if_full().await?;
        }
        Ok((sent, Some(RowSource::Rows(rows))))
    }

    async fn send_fetched(
        &mut self,
        plan: Arc<Plan>,
        mut rows: std::vec::IntoIter<Vec<Value>>,
        formats: &ResultFormats,
        limit: u64,
    ) -> Outcome<(u64, Option<RowSource>)> {
        let settings = self.context().settings.shared_format();
        let columns = plan.columns.as_deref().unwrap_or(&[]);
        let mut sent = 0;
        while sent < limit {
            let Some(row) = rows.next() else { return Ok((sent, None)) };
            let value = |at: usize| row.get(at).map_or(ValueRef::Null, Value::as_ref);
            write_row(value, columns, formats, &settings, self.conn.out())?;
            sent += 1;
            self.flush_if_full().await?;
        }
        Ok((sent, Some(RowSource::Fetched(plan, rows))))
    }

    async fn send_lines(
        &mut self,
        mut lines: std::vec::IntoIter<Vec<String>>,
        limit: u64,
    ) -> Outcome<(u64, Option<RowSource>)> {
        let charset = self.context().settings.format().charset;
        let mut sent = 0;
        while sent < limit {
            let Some(line) = lines.next() else { return Ok((sent, None)) };
            let out = self.conn.out();
            let row = Message::begin(out, b'D');
            bytes::BufMut::put_u16(out, line.len() as u16);
            for value in &line {
                let slot = ValueSlot::begin(out);
                match charset {
                    Some(charset) => out.extend_from_slice(&charset.encode_message(value)),
                    None => out.extend_from_slice(value.as_bytes()),
                }
                slot.end(out);
            }
            row.end(out);
            sent += 1;
            self.flush_if_full().await?;
        }
        Ok((sent, Some(RowSource::Lines(lines))))
    }
}

/// Whether the error of a first step is of the kind that PostgreSQL meets while it folds constants, that is, before
/// RowDescription. Where it is not (the first row of a table divides by zero), clients see no difference. What has a context
/// has happened inside a function.
fn found_in_planning(error: &Error) -> bool {
    let while_it_runs = [
        SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
        SqlState::INVALID_ARGUMENT_FOR_NTILE,
        SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE,
    ];
    let folded = error.code().0.starts_with(b"22") && !while_it_runs.contains(&error.code());
    (folded || error.code() == SqlState::UNDEFINED_TABLE) && error.fields().context.is_none()
}

/// What starting a statement gives.
pub(super) enum Started {
    Rows(RowSource),
    Finished(Completion),
}

/// Writes RowDescription.
pub(super) fn write_row_description(machine: &mut StateMachine, columns: &[FieldDescription], formats: &ResultFormats) {
    let fields = columns.iter().enumerate().map(|(at, column)| Field {
        name: &column.name,
        table_oid: column.table_oid,
        attribute: column.attribute,
        type_oid: column.type_oid,
        type_len: column.type_len,
        typmod: column.typmod,
        format: formats.of(at),
    });
    backend::row_description(machine.conn.out(), fields);
}

/// Writes a DataRow.
pub(super) fn write_row<'v>(
    value: impl Fn(usize) -> ValueRef<'v>,
    columns: &[FieldDescription],
    formats: &ResultFormats,
    settings: &FormatSettings,
    out: &mut bytes::BytesMut,
) -> crate::error::Result<()> {
    let row = Message::begin(out, b'D');
    match encode_row(&row, value, columns, formats, settings, out) {
        Ok(()) => row.end(out),
        Err(error) => {
            row.abandon(out);
            return Err(error);
        }
    }
    Ok(())
}

/// Writes a row's values behind the DataRow's head.
fn encode_row<'v>(
    row: &Message,
    value: impl Fn(usize) -> ValueRef<'v>,
    columns: &[FieldDescription],
    formats: &ResultFormats,
    settings: &FormatSettings,
    out: &mut bytes::BytesMut,
) -> crate::error::Result<()> {
    bytes::BufMut::put_u16(out, columns.len() as u16);
    for (at, column) in columns.iter().enumerate() {
        let format: Format = formats.of(at);
        encode_column(row, value(at), (column.repr, format), settings, out)?;
    }
    row.room(out, 0)
}

/// Writes a value of a row with its length.
pub(super) fn encode_column(
    row: &Message,
    value: ValueRef<'_>,
    (repr, format): (Repr, Format),
    settings: &FormatSettings,
    out: &mut bytes::BytesMut,
) -> crate::error::Result<()> {
    if let ValueRef::Null = value {
        backend::null(out);
        return Ok(());
    }
    row.room(out, value.text_size())?;
    let slot = ValueSlot::begin(out);
    let start = out.len();
    encoding::encode(repr, format, value, settings, out)?;
    if let Some(charset) = settings.charset {
        encode_value(charset, repr, format, start, out)?;
    }
    slot.end(out);
    Ok(())
}
