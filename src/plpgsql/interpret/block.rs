//! Statements in a row, blocks, and the handlers of their exceptions.
//!
//! Must not know: what other statements do.

use std::rc::Rc;

use crate::error::{Error, Result, Severity};
use crate::limits::{session, stack};
use crate::plpgsql::context::{self, At};
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::tree::{Block, Body, Exceptions, Kind, Label, Root, Statement};
use crate::plpgsql::value::{DataType, Typed};
use crate::plpgsql::variables::Slot;
use crate::types::value::Value;

/// Where it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// At the next statement.
    Next,
    /// EXIT, CONTINUE: where [`Frame::exit`] says.
    Exit,
    Continue,
    Return,
}

/// What a statement takes, about, in the unit of `limits::session::work`.
const STATEMENT: usize = 16;

impl<'a> Frame<'a> {
    /// Runs statements until one leads elsewhere.
    pub fn body(&mut self, body: &'a Body) -> Result<Flow> {
        stack::check()?;
        let (line, at) = self.place.set(0, At::Nothing);
        self.place.set(line, at);
        for statement in body {
            self.place.set(statement.line, At::Statement(statement.kind.name()));
            session::work(STATEMENT)?;
            let flow = self.statement(statement)?;
            if flow != Flow::Next {
                self.place.set(line, at);
                return Ok(flow);
            }
        }
        self.place.set(line, at);
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &'a Statement) -> Result<Flow> {
        match &statement.kind {
            Kind::Assign { target, value } => self.assignment(target, value)?,
            Kind::If { branches, otherwise } => return self.stmt_if(branches, otherwise),
            Kind::ForInteger(stmt) => return self.for_integer(stmt),
            Kind::Block(block) => return self.block(block, statement.line),
            Kind::Case(stmt) => return self.case(stmt),
            Kind::Loop { label, body } => return self.stmt_loop(label, body),
            Kind::While { label, condition, body } => return self.stmt_while(label, condition, body),
            Kind::ForQuery { label, target, source, body } => return self.for_query(label, target, source, body),
            Kind::ForCursor { label, cursor, arguments, record, body } => {
                return self.for_cursor(label, *cursor, arguments.as_ref(), *record, body);
            }
            Kind::ForEach { label, target, slice, array, body } => {
                return self.for_each(label, target, *slice, array, body);
            }
            Kind::Exit { is_exit, label, condition } => {
                let goes = match condition {
                    Some(condition) => self.is_true(condition)?,
                    None => true,
                };
                if goes {
                    self.exit.clone_from(label);
                    return Ok(if *is_exit { Flow::Exit } else { Flow::Continue });
                }
            }
            Kind::Return(value) => {
                self.stmt_return(value)?;
                return Ok(Flow::Return);
            }
            Kind::ReturnNext(value) => self.return_next(value)?,
            Kind::ReturnQuery(source) => self.return_query(source)?,
            Kind::Raise(raise) => self.raise(raise)?,
            Kind::Assert { condition, message } => self.assert(condition, message.as_ref())?,
            Kind::Sql { query, into } => self.sql(query, into.as_ref())?,
            Kind::Execute { text, into, using } => self.execute(text, into.as_ref(), using)?,
            Kind::Perform(query) => self.perform(query)?,
            Kind::Call { query, arguments, .. } => self.stmt_call(query, arguments)?,
            Kind::GetDiagnostics { items, is_stacked } => self.diagnostics(items, *is_stacked)?,
            Kind::Open(open) => self.open(open)?,
            Kind::Fetch(fetch) => self.fetch(fetch)?,
            Kind::Close { cursor } => self.close(*cursor)?,
            Kind::Commit { chain } => self.host.commit(*chain)?,
            Kind::Rollback { chain } => self.host.rollback(*chain)?,
        }
        Ok(Flow::Next)
    }

    pub fn block(&mut self, block: &'a Block, line: u32) -> Result<Flow> {
        let at = At::Statement("statement block");
        self.initialize(block)?;
        let flow = match &block.exceptions {
            None => {
                self.place.set(line, at);
                self.body(&block.body)?
            }
            Some(exceptions) => self.guarded(block, exceptions, line)?,
        };
        self.place.set(line, at);
        if flow == Flow::Exit && self.exit.is_some() && self.exit == block.label {
            self.exit = None;
            return Ok(Flow::Next);
        }
        Ok(flow)
    }

    /// Sets the variables that a block declares.
    fn initialize(&mut self, block: &'a Block) -> Result<()> {
        for number in &block.variables {
            let variable = self.variable(*number)?;
            self.place.set(variable.line, At::Phase("during statement block local variable initialization"));
            let is_row = variable.data_type.is_row();
            if is_row {
                if variable.default.is_none() {
                    self.move_null(*number)?;
                }
            } else {
                self.set(*number, Value::Null);
            }
            match (&variable.default, &variable.cursor) {
                (Some(default), _) => self.assign_expression(&Root::Variable(*number), default)?,
                (None, Some(_)) => self.set(*number, Value::Text(variable.name.clone())),
                // A domain may refuse NULL.
                (None, None) if !is_row && variable.data_type.is_domain() => {
                    self.assign(&Root::Variable(*number), Typed::new(DataType::UNKNOWN, Value::Null))?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// The body in a subtransaction.
    fn guarded(&mut self, block: &'a Block, exceptions: &'a Exceptions, line: u32) -> Result<Flow> {
        self.place.set(line, At::Phase("during statement block entry"));
        self.host.begin_block()?;
        let handled = self.error.clone();
        self.place.set(line, At::Statement("statement block"));
        let result = self.body(&block.body).and_then(|flow| {
            self.place.set(line, At::Phase("during statement block exit"));
            self.host.release_block()?;
            Ok(flow)
        });
        let error = match result {
            Ok(flow) => return Ok(flow),
            Err(error) => error,
        };
        let error = self.placed(error);
        self.place.set(line, At::Phase("during exception cleanup"));
        self.host.rollback_block()?;
        let is_for = |error: &Error| error.severity() == Severity::Error;
        let mut handlers = exceptions.handlers.iter().filter(|_| is_for(&error));
        let handler =
            handlers.find(|handler| handler.conditions.iter().any(|condition| condition.matches(error.code())));
        let Some(handler) = handler else {
            self.is_placed = true;
            return Err(error);
        };
        self.set(exceptions.sqlstate, Value::Text(error.code().as_str().to_owned()));
        self.set(exceptions.sqlerrm, Value::Text(error.message().to_owned()));
        self.error = Some(Rc::new(error));
        self.place.set(line, At::Statement("statement block"));
        let flow = self.body(&handler.body);
        self.error = handled;
        flow
    }

    /// The error with this function's line of context.
    pub fn placed(&mut self, error: Error) -> Error {
        match std::mem::take(&mut self.is_placed) {
            true => error,
            false => error.within(self.place.line()),
        }
    }

    /// The error that is handled, again.
    pub fn rethrow(&mut self, error: &Error) -> Error {
        self.is_placed = true;
        error.clone()
    }

    /// The context of the error that is handled: that of all functions around.
    pub fn whole_context(&self, error: &Error) -> String {
        let own = error.fields().context.clone().unwrap_or_default();
        let outer = context::outer_lines();
        if outer.is_empty() { own } else { format!("{own}\n{outer}") }
    }

    // ----- loops

    /// After a loop's body: where the loop goes on; `None` for its next round (LOOP_RC_PROCESSING).
    #[inline]
    pub fn after_body(&mut self, flow: Flow, label: &Label) -> Option<Flow> {
        if flow == Flow::Next {
            return None;
        }
        if flow == Flow::Return {
            return Some(flow);
        }
        let is_mine = self.exit.is_none() || self.exit == *label;
        if !is_mine {
            return Some(flow);
        }
        self.exit = None;
        if flow == Flow::Exit { Some(Flow::Next) } else { None }
    }
}

impl Slot {
    /// What a variable is before it is set.
    pub(super) fn empty(variable: &crate::plpgsql::function::Variable) -> Slot {
        match variable.data_type.is_row() {
            true => Slot::Record(None, variable.columns.clone()),
            false => Slot::Scalar(Value::Null),
        }
    }
}
