//! SQL-level cursors: DECLARE, FETCH, MOVE, CLOSE. A cursor is a portal that statements give a name and go through;
//! portals of the extended protocol are in the same namespace.
//!
//! Must not know: which rows are kept (`session::rows`). Specification: sql-declare.html, sql-fetch.html, sql-move.html,
//! sql-close.html; wording as in portalcmds.c.

use std::sync::Arc;

use crate::catalog::tables::source::{CursorPosition, CursorRow};
use crate::engine::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::session::execute::{Completion, Started, write_row, write_row_description};
use crate::session::machine::{Outcome, StateMachine, Stop, lock};
use crate::session::rows::Rows;
use crate::session::state::{Portal, PortalState, ResultFormats, RowSource};
use crate::sql::plan::{Action, CursorCommand, CursorOptions, FetchDirection, Plan, Planned, PositionedOn};
use crate::types::format::Format;
use crate::types::value::{Value, ValueRef};

/// How much of a cursor's result is read so that its transaction can be parked.
const READ_AHEAD: usize = 1 << 20;

impl StateMachine {
    /// DECLARE, FETCH, MOVE and CLOSE. `portal` is the statement's own; a FETCH in pieces of `max_rows` (0 is all) keeps
    /// its rows there.
    pub(super) async fn cursor(
        &mut self,
        command: &CursorCommand,
        portal: &mut Portal,
        (simple, max_rows): (bool, u32),
    ) -> Outcome<Started> {
        if let Some(started) = self.function_cursor(command, portal, simple)? {
            return Ok(started);
        }
        match command {
            CursorCommand::Declare { name, options, plan, positioned } => {
                self.declare(name, *options, (plan, positioned), portal).await?;
                Ok(Started::Finished(Completion::Tag("DECLARE CURSOR")))
            }
            CursorCommand::Fetch { name, direction, moves: true } => {
                let count = self.with_rows(name, |rows| go_through(rows, *direction))?;
                Ok(Started::Finished(Completion::Counted("MOVE", count)))
            }
            CursorCommand::Fetch { name, direction, moves: false } => {
                self.fetch(name, *direction, portal, (simple, max_rows)).await
            }
            CursorCommand::Close(Some(name)) => {
                drop(self.session.portals.remove(name).ok_or_else(|| no_cursor(name))?);
                Ok(Started::Finished(Completion::Tag("CLOSE CURSOR")))
            }
            CursorCommand::Close(None) => {
                self.session.portals.clear();
                Ok(Started::Finished(Completion::Tag("CLOSE CURSOR ALL")))
            }
        }
    }

    /// A cursor that a function has opened; `None` if it is no such one.
    fn function_cursor(
        &mut self,
        command: &CursorCommand,
        portal: &mut Portal,
        simple: bool,
    ) -> Outcome<Option<Started>> {
        let name = match command {
            CursorCommand::Fetch { name, .. } | CursorCommand::Close(Some(name)) => name,
            CursorCommand::Close(None) => {
                self.engine.function_cursors().close_all();
                return Ok(None);
            }
            CursorCommand::Declare { .. } => return Ok(None),
        };
        if self.session.portals.contains_key(name) {
            return Ok(None);
        }
        let (plan, rows) = {
            let mut cursors = self.engine.function_cursors();
            let Some(cursor) = cursors.get_mut(name) else { return Ok(None) };
            let CursorCommand::Fetch { direction, .. } = command else {
                cursors.close(name);
                return Ok(Some(Started::Finished(Completion::Tag("CLOSE CURSOR"))));
            };
            (Arc::clone(&cursor.plan), cursor.go(*direction)?)
        };
        if matches!(command, CursorCommand::Fetch { moves: true, .. }) {
            return Ok(Some(Started::Finished(Completion::Counted("MOVE", rows.len() as u64))));
        }
        if simple {
            write_row_description(self, plan.columns.as_deref().unwrap_or(&[]), &portal.formats);
        }
        Ok(Some(Started::Rows(RowSource::Fetched(plan, rows.into_iter()))))
    }

    async fn declare(
        &mut self,
        name: &str,
        options: CursorOptions,
        (plan, positioned): (&Arc<Plan>, &PositionedOn),
        declaring: &mut Portal,
    ) -> Outcome<()> {
        if !options.hold && !self.session.status.is_block() {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message).into());
        }
        if self.session.portals.contains_key(name) {
            let message = format!("cursor \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, message).into());
        }
        let Action::Sqlite(statement) = &plan.action else { return Err(Error::internal("a cursor's query").into()) };
        self.session.queried = true;
        self.repeat_from(declaring);
        let mut cursor = self.open(statement, &declaring.params, &[]).await?;
        // The first step takes the snapshot: the cursor sees what there is now. What goes wrong is for the first FETCH.
        let first = cursor.step();
        let mut options = options;
        if statement.write {
            // FOR UPDATE goes forward only.
            options.scroll = options.scroll.or(Some(false));
        }
        let rows = Rows::new(cursor, Some(first), options.scroll);
        let (text, created, catalog_version) = {
            let context = self.context();
            (context.activity.query.clone().unwrap_or_default(), context.statement_start, context.catalog.version)
        };
        let format = if options.binary { Format::Binary } else { Format::Text };
        self.session.keep_portal(Portal {
            name: name.to_owned(),
            text,
            planned: Planned {
                plan: Arc::clone(plan),
                literals: Arc::new([]),
                bytes: 0,
                catalog_version,
                security: None,
            },
            params: Vec::new(),
            formats: ResultFormats::All(format),
            state: PortalState::Suspended(RowSource::Rows(Box::new(rows))),
            depth: self.session.savepoints.len(),
            options,
            held: false,
            positioned: positioned.clone(),
            created,
        });
        Ok(())
    }

    async fn fetch(
        &mut self,
        name: &str,
        direction: FetchDirection,
        portal: &mut Portal,
        (simple, max_rows): (bool, u32),
    ) -> Outcome<Started> {
        // Out of the session while it is read from: an error leaves it unusable, as it does in PostgreSQL.
        let mut source = self.session.portals.remove(name).ok_or_else(|| no_cursor(name))?;
        let plan = Arc::clone(&source.planned.plan);
        let columns = plan.columns.as_deref().unwrap_or(&[]);
        if simple && source.options.binary {
            portal.formats = ResultFormats::All(Format::Binary);
        }
        let state = std::mem::replace(&mut source.state, PortalState::Done);
        let rows = self.rows_of(name, state, &mut source).await;
        let failed = |machine: &mut Self, source: Portal, error: Error| {
            machine.session.keep_portal(source);
            Err(error.into())
        };
        let mut rows = match rows {
            Ok(rows) => rows,
            Err(Stop::Error(error)) => return failed(self, source, error),
            Err(gone) => return Err(gone),
        };
        // What goes wrong up to the first row is told without a description of rows.
        let begun = rows.begin(direction).and_then(|(step, limit)| {
            let first = limit > 0 && rows.step(step)?;
            Ok((step, limit, first))
        });
        let (step, limit, mut on_row) = match begun {
            Ok(begun) => begun,
            Err(error) => return failed(self, source, error),
        };
        if simple {
            write_row_description(self, columns, &portal.formats);
        }
        let settings = self.context().settings.shared_format();
        let (mut count, mut later) = (0, Vec::new());
        while on_row && let Some(row) = rows.current() {
            count += 1;
            if max_rows > 0 {
                let bytes = row.iter().map(|value| value.as_ref().text_size() + size_of::<Value>()).sum();
                if let Err(error) = memory::reserve(bytes) {
                    return failed(self, source, error);
                }
                later.push(row.to_vec());
            } else {
                let value = |at: usize| row.get(at).map_or(ValueRef::Null, Value::as_ref);
                if let Err(error) = write_row(value, columns, &portal.formats, &settings, self.conn.out()) {
                    return failed(self, source, error);
                }
                self.flush_if_full().await?;
            }
            on_row = match if count < limit { rows.step(step) } else { Ok(false) } {
                Ok(on_row) => on_row,
                Err(error) => return failed(self, source, error),
            };
        }
        source.state = PortalState::Suspended(RowSource::Rows(rows));
        self.session.keep_portal(source);
        if max_rows > 0 {
            return Ok(Started::Rows(RowSource::Fetched(plan, later.into_iter())));
        }
        Ok(Started::Finished(Completion::Counted("FETCH", count)))
    }

    /// The rows of a cursor or a portal, which begins to run if it has not.
    async fn rows_of(&mut self, name: &str, state: PortalState, portal: &mut Portal) -> Outcome<Box<Rows>> {
        match state {
            PortalState::Suspended(RowSource::Rows(rows)) => Ok(rows),
            PortalState::Suspended(RowSource::Cursor(cursor, first)) => {
                Ok(Box::new(Rows::new(cursor, first.map(Ok), Some(false))))
            }
            PortalState::New => {
                let plan = Arc::clone(&portal.planned.plan);
                let Action::Sqlite(statement) = &plan.action else { return Err(cannot_run(name).into()) };
                self.repeat_from(portal);
                let cursor = self.open(statement, &portal.params, &portal.planned.literals).await?;
                Ok(Box::new(Rows::new(cursor, None, Some(false))))
            }
            _ => Err(cannot_run(name).into()),
        }
    }

    /// Does something to the rows of a cursor; if that fails the cursor cannot be used any more.
    fn with_rows<T>(&mut self, name: &str, body: impl FnOnce(&mut Rows) -> Result<T>) -> Result<T> {
        let portal = self.session.portals.get_mut(name).ok_or_else(|| no_cursor(name))?;
        let mut rows = match std::mem::replace(&mut portal.state, PortalState::Done) {
            PortalState::Suspended(RowSource::Rows(rows)) => rows,
            PortalState::Suspended(RowSource::Cursor(cursor, first)) => {
                Box::new(Rows::new(cursor, first.map(Ok), Some(false)))
            }
            _ => return Err(cannot_run(name)),
        };
        let outcome = body(&mut rows)?;
        portal.state = PortalState::Suspended(RowSource::Rows(rows));
        Ok(outcome)
    }

    /// Before the transaction commits: reads the rows of the cursors WITH HOLD, which go on without it.
    pub(super) fn hold_cursors(&mut self) -> Result<()> {
        for portal in self.session.portals.values_mut().filter(|portal| portal.options.hold && !portal.held) {
            if let PortalState::Suspended(RowSource::Rows(rows)) = &mut portal.state {
                rows.read_all()?;
            }
            (portal.held, portal.depth) = (true, 0);
        }
        Ok(())
    }

    /// Before this session changes something: reads the rest of the results that would see the change, which a cursor
    /// does not.
    pub(super) fn detach_results(&mut self) -> Result<()> {
        self.each_disturbed(Rows::read_all)
    }

    /// Before the transaction is parked: reads the rest of the results on its connection, up to so many bytes each, and lets
    /// go of those that have ended.
    fn read_ahead(&mut self, limit: usize) {
        let read = self.each_disturbed(|rows| {
            rows.read_ahead(limit);
            Ok(())
        });
        debug_assert!(read.is_ok());
    }

    /// Every result that has not been read to its end and would see a change.
    fn each_disturbed(&mut self, read: impl Fn(&mut Rows) -> Result<()>) -> Result<()> {
        let portals = self.session.portals.values_mut().chain(self.session.unnamed_portal.as_mut());
        for portal in portals {
            if !statement_of(portal).is_some_and(|cursor| self.engine.would_disturb(cursor)) {
                continue;
            }
            let mut rows = match std::mem::replace(&mut portal.state, PortalState::Done) {
                PortalState::Suspended(RowSource::Rows(rows)) => rows,
                PortalState::Suspended(RowSource::Cursor(cursor, first)) => {
                    Box::new(Rows::new(cursor, first.map(Ok), Some(false)))
                }
                _ => continue,
            };
            read(&mut rows)?;
            portal.state = PortalState::Suspended(RowSource::Rows(rows));
        }
        Ok(())
    }

    /// Others want to write, and the client idles: they can, if the transaction can be repeated.
    pub(super) fn park(&mut self) {
        if self.engine.may_be_parked() {
            self.read_ahead(READ_AHEAD);
            self.engine.park();
        }
    }

    /// pg_cursors is about to be asked, perhaps.
    pub(super) fn show_cursors(&mut self) {
        let shown = |portal: &Portal| CursorRow {
            name: portal.name.clone(),
            statement: Arc::clone(&portal.text),
            holdable: portal.options.hold,
            binary: portal.options.binary,
            scrollable: portal.options.scroll != Some(false),
            created: portal.created,
            held: portal.held,
            positions: positions(portal),
            locks: portal.positioned.locks,
        };
        let mut cursors: Vec<CursorRow> = self.session.portals.values().map(shown).collect();
        cursors.sort_by(|a, b| a.name.cmp(&b.name));
        self.session.cursors_shown = !cursors.is_empty();
        lock(&self.context).cursors = cursors;
    }
}

/// The statement that a portal's rows are read from.
fn statement_of(portal: &Portal) -> Option<&Cursor> {
    match &portal.state {
        PortalState::Suspended(RowSource::Rows(rows)) => rows.statement(),
        PortalState::Suspended(RowSource::Cursor(cursor, _)) => Some(cursor),
        _ => None,
    }
}

/// The rows of tables that a cursor is on.
fn positions(portal: &Portal) -> Vec<CursorPosition> {
    let row = match &portal.state {
        PortalState::Suspended(RowSource::Rows(rows)) => rows.current(),
        _ => None,
    };
    let columns = portal.planned.plan.columns.as_deref().map_or(0, <[_]>::len);
    portal.positioned.at(columns, row)
}

/// MOVE: how many rows it passes; for one that goes to a place, whether there is a row.
fn go_through(rows: &mut Rows, direction: FetchDirection) -> Result<u64> {
    let (step, limit) = rows.begin(direction)?;
    let mut count = 0;
    while count < limit && rows.step(step)? {
        count += 1;
    }
    Ok(count)
}

fn no_cursor(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

fn cannot_run(name: &str) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("portal \"{name}\" cannot be run"))
}
