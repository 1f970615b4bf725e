//! SQL statements, EXECUTE, PERFORM, CALL and GET DIAGNOSTICS.
//!
//! Must not know: what a statement of SQL does.

use std::sync::Arc;

use crate::error::{Error, Notice, Result, Severity, SqlState};
use crate::plpgsql::context;
use crate::plpgsql::function::ExtraCheck;
use crate::plpgsql::host::{Answer, Command, Output};
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::query::Query;
use crate::plpgsql::tree::{Diagnostic, Expression, Into, Place, Root};
use crate::plpgsql::value::{DataType, Typed};
use crate::plpgsql::variables::Variables;
use crate::types::value::Value;

impl Frame<'_> {
    /// exec_stmt_execsql
    pub fn sql(&mut self, query: &Query, into: Option<&Into>) -> Result<()> {
        let check = into.and_then(|_| self.host.extra_check(ExtraCheck::TooManyRows));
        let limit = into.map(|into| if into.strict || check.is_some() { 2 } else { 1 });
        let answer = self.run(query, limit)?;
        match answer.command {
            Command::CopyClient => return Err(copy()),
            Command::Transaction => {
                let message = "unsupported transaction command in PL/pgSQL";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            Command::Select | Command::Modify => self.set_found(answer.processed != 0),
            Command::SelectInto | Command::Utility => {}
        }
        self.processed = answer.processed;
        let Some(into) = into else {
            if answer.columns.is_none() {
                return Ok(());
            }
            let error = Error::new(SqlState::SYNTAX_ERROR, "query has no destination for result data");
            let hint = "If you want to discard the results of a SELECT, use PERFORM instead.";
            return Err(if answer.command == Command::Select { error.with_hint(hint) } else { error });
        };
        let is_strict = into.strict || answer.command == Command::Modify;
        let has_more = answer.rows.len() > 1 && (is_strict || check.is_some());
        let is_wrong = has_more || into.strict && answer.rows.is_empty();
        let parameters = match self.function.print_strict_params && is_wrong {
            true => self.query_parameters(query)?,
            false => None,
        };
        if has_more {
            let hint = "Make sure the query returns a single row, or use LIMIT 1.";
            let error = with_parameters(too_many_rows(), parameters.clone()).with_hint(hint);
            self.report(if is_strict { Severity::Error } else { check.unwrap_or(Severity::Error) }, error)?;
        }
        self.take_first(answer, into, parameters)
    }

    /// An error, or what is said as a warning instead.
    fn report(&mut self, severity: Severity, error: Error) -> Result<()> {
        if severity == Severity::Error {
            return Err(error);
        }
        self.host.notice(Notice { severity, context: Some(context::lines()), ..error.fields().clone() });
        Ok(())
    }

    /// strict_multi_assignment: that a row has as many columns as it is put into.
    pub(super) fn check_count(&mut self, given: usize, wanted: usize) -> Result<()> {
        if given == wanted {
            return Ok(());
        }
        let Some(severity) = self.host.extra_check(ExtraCheck::StrictMultiAssignment) else { return Ok(()) };
        let setting = if severity == Severity::Error { "extra_errors" } else { "extra_warnings" };
        let message = "number of source and target fields in assignment does not match";
        let error = Error::new(SqlState::DATATYPE_MISMATCH, message)
            .with_detail(format!("{} check of {setting} is active.", ExtraCheck::StrictMultiAssignment.name()))
            .with_hint("Make sure the query returns the exact list of columns.");
        // PostgreSQL says it for each that has no source.
        (given..wanted.max(given + 1)).try_for_each(|_| self.report(severity, error.clone()))
    }

    /// Puts the first row, or NULLs, into the target.
    fn take_first(&mut self, answer: Answer, into: &Into, parameters: Option<String>) -> Result<()> {
        let Some(columns) = answer.columns else {
            let message = "INTO used with a command that cannot return data";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        };
        let row = answer.rows.into_iter().next();
        if row.is_none() && into.strict {
            let error = Error::new(SqlState::NO_DATA_FOUND, "query returned no rows");
            return Err(with_parameters(error, parameters));
        }
        self.move_row(&into.target, &columns, row)
    }

    /// exec_stmt_dynexecute
    pub fn execute(&mut self, text: &Expression, into: Option<&Into>, using: &[Expression]) -> Result<()> {
        let (text, using) = self.dynamic(text, using)?;
        let answer = self.run_text(&text, &using)?;
        match answer.command {
            Command::CopyClient => return Err(copy()),
            Command::Transaction => {
                let message = "EXECUTE of transaction commands is not implemented";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            Command::SelectInto => {
                let message = "EXECUTE of SELECT ... INTO is not implemented";
                let hint = "You might want to use EXECUTE ... INTO or EXECUTE CREATE TABLE ... AS instead.";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(hint));
            }
            Command::Select | Command::Modify | Command::Utility => {}
        }
        self.processed = answer.processed;
        let Some(into) = into else { return Ok(()) };
        let is_wrong = into.strict && answer.rows.len() != 1;
        let parameters = match self.function.print_strict_params && is_wrong && !using.is_empty() {
            true => Some(self.using_parameters(&using)?),
            false => None,
        };
        if into.strict && answer.rows.len() > 1 {
            return Err(with_parameters(too_many_rows(), parameters));
        }
        self.take_first(answer, into, parameters)
    }

    pub fn perform(&mut self, query: &Query) -> Result<()> {
        let answer = self.run(query, None)?;
        if answer.command != Command::Select {
            let message = match answer.command {
                Command::SelectInto => "query is SELECT INTO, but it should be plain SELECT",
                _ => "query is not a SELECT",
            };
            let context = format!("query: {}", query.written);
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_context(context));
        }
        self.processed = answer.processed;
        self.set_found(answer.processed != 0);
        Ok(())
    }

    // ----- CALL

    pub fn stmt_call(&mut self, query: &Query, arguments: &[Option<Place>]) -> Result<()> {
        self.place.set_query(Some(Arc::clone(&query.context)));
        let variables = Variables { function: self.function, slots: &self.slots };
        let outputs = self.host.call(query, variables);
        self.place.set_query(None);
        let outputs = outputs.map_err(|error| query.failed(error))?;
        // All must be variables before one is set.
        let mut targets = Vec::with_capacity(outputs.len());
        for output in outputs {
            let place = arguments.get(output.argument).and_then(Option::as_ref).ok_or_else(|| not_writable(&output))?;
            self.check_assignable(&place.root)?;
            targets.push((&place.root, output.value));
        }
        targets.into_iter().try_for_each(|(root, value)| self.assign(root, value))
    }

    fn check_assignable(&self, root: &Root) -> Result<()> {
        let (Root::Variable(number) | Root::Field(number, _)) = root;
        let variable = self.variable(*number)?;
        if !variable.constant {
            return Ok(());
        }
        let message = format!("variable \"{}\" is declared CONSTANT", variable.name);
        Err(Error::new(SqlState::ERROR_IN_ASSIGNMENT, message))
    }

    // ----- GET DIAGNOSTICS

    pub fn diagnostics(&mut self, items: &[(Place, Diagnostic)], is_stacked: bool) -> Result<()> {
        let error = self.error.clone();
        if is_stacked && error.is_none() {
            let message = "GET STACKED DIAGNOSTICS cannot be used outside an exception handler";
            return Err(Error::new(SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER, message));
        }
        for (place, item) in items {
            let value = match (item, &error) {
                (Diagnostic::RowCount, _) => {
                    Typed::new(DataType::INT8, Value::Integer(i64::try_from(self.processed).unwrap_or(i64::MAX)))
                }
                (Diagnostic::Context, _) => Typed::new(DataType::TEXT, Value::Text(context::lines())),
                (item, Some(error)) => Typed::new(DataType::TEXT, Value::Text(self.diagnostic(*item, error))),
                (_, None) => Typed::new(DataType::TEXT, Value::Text(String::new())),
            };
            self.assign(&place.root, value)?;
        }
        Ok(())
    }

    /// What is known of the error that is handled; nothing is an empty text.
    fn diagnostic(&self, item: Diagnostic, error: &Error) -> String {
        let fields = error.fields();
        let field = match item {
            Diagnostic::ExceptionContext => return self.whole_context(error),
            Diagnostic::ReturnedSqlState => return fields.code.as_str().to_owned(),
            Diagnostic::MessageText => return fields.message.to_string(),
            Diagnostic::ExceptionDetail => &fields.detail,
            Diagnostic::ExceptionHint => &fields.hint,
            Diagnostic::ColumnName => &fields.column,
            Diagnostic::ConstraintName => &fields.constraint,
            Diagnostic::DataTypeName => &fields.data_type,
            Diagnostic::TableName => &fields.table,
            Diagnostic::SchemaName => &fields.schema,
            Diagnostic::RowCount | Diagnostic::Context => &None,
        };
        field.clone().unwrap_or_default()
    }

    // ----- #print_strict_params

    /// The scalar variables in a query (format_expr_params).
    fn query_parameters(&mut self, query: &Query) -> Result<Option<String>> {
        let mut shown = Vec::new();
        for root in self.variables().mentioned(query) {
            let name = match &root {
                Root::Variable(number) if self.variable(*number)?.data_type.is_row() => continue,
                Root::Variable(number) => self.variable(*number)?.name.clone(),
                Root::Field(_, field) => field.to_string(),
            };
            let value = self.direct(&root)?;
            shown.push(format!("{name} = {}", self.shown(&value)?));
        }
        Ok((!shown.is_empty()).then(|| format!("parameters: {}", shown.join(", "))))
    }

    /// The values of USING (format_preparedparamsdata).
    fn using_parameters(&mut self, using: &[Typed]) -> Result<String> {
        let mut shown = Vec::with_capacity(using.len());
        for (index, value) in using.iter().enumerate() {
            shown.push(format!("${} = {}", index + 1, self.shown(value)?));
        }
        Ok(format!("parameters: {}", shown.join(", ")))
    }

    fn shown(&mut self, value: &Typed) -> Result<String> {
        if value.value.is_null() {
            return Ok("NULL".to_owned());
        }
        Ok(format!("'{}'", self.text(value)?.replace('\'', "''")))
    }
}

fn with_parameters(error: Error, parameters: Option<String>) -> Error {
    match parameters {
        Some(parameters) => error.with_detail(parameters),
        None => error,
    }
}

fn too_many_rows() -> Error {
    Error::new(SqlState::TOO_MANY_ROWS, "query returned more than one row")
}

fn copy() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot COPY to/from client in PL/pgSQL")
}

fn not_writable(output: &Output) -> Error {
    let parameter = match &output.name {
        Some(name) => format!("\"{name}\""),
        None => output.place.to_string(),
    };
    let message =
        format!("procedure parameter {parameter} is an output parameter but corresponding argument is not writable");
    Error::new(SqlState::SYNTAX_ERROR, message)
}
