//! RAISE and ASSERT.
//!
//! Must not know: other statements.

use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::plpgsql::condition;
use crate::plpgsql::context;
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::tree::{Expression, Raise, RaiseOption};
use crate::types::value::Value;

/// What the options say.
#[derive(Default)]
struct Given {
    code: Option<SqlState>,
    /// The condition as it was written.
    condition: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    column: Option<String>,
    constraint: Option<String>,
    data_type: Option<String>,
    table: Option<String>,
    schema: Option<String>,
}

impl Frame<'_> {
    pub fn raise(&mut self, raise: &Raise) -> Result<()> {
        if raise.condition.is_none() && raise.message.is_none() && raise.options.is_empty() {
            return Err(match self.error.clone() {
                Some(error) => self.rethrow(&error),
                None => Error::new(
                    SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER,
                    "RAISE without parameters cannot be used outside an exception handler",
                ),
            });
        }
        let mut given = Given::default();
        if let Some((name, state)) = &raise.condition {
            (given.code, given.condition) = (Some(*state), Some(name.clone()));
        }
        if let Some(message) = &raise.message {
            given.message = Some(self.format(message, &raise.parameters)?);
        }
        for (option, expression) in &raise.options {
            self.raise_option(*option, expression, &mut given)?;
        }
        let fields = report(raise.severity, given);
        if raise.severity == Severity::Error {
            return Err(Error::of_fields(fields));
        }
        let context = context::lines();
        self.host.notice(ErrorFields { context: Some(context), ..fields });
        Ok(())
    }

    /// The message with its parameters for each single %.
    fn format(&mut self, message: &str, parameters: &[Expression]) -> Result<String> {
        let mut out = String::with_capacity(message.len());
        let mut parameters = parameters.iter();
        let mut rest = message;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            rest = after;
            if let Some(after) = after.strip_prefix('%') {
                out.push('%');
                rest = after;
            } else if let Some(parameter) = parameters.next() {
                let value = self.evaluate(parameter)?;
                match &value.value {
                    Value::Null => out.push_str("<NULL>"),
                    _ => out.push_str(&self.text(&value)?),
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn raise_option(&mut self, option: RaiseOption, expression: &Expression, given: &mut Given) -> Result<()> {
        let value = self.evaluate(expression)?;
        if value.value.is_null() {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "RAISE statement option cannot be null"));
        }
        let text = self.text(&value)?;
        let again = |name| Err(Error::new(SqlState::SYNTAX_ERROR, format!("RAISE option already specified: {name}")));
        let (field, name) = match option {
            RaiseOption::ErrorCode => {
                if given.code.is_some() {
                    return again("ERRCODE");
                }
                (given.code, given.condition) = (Some(condition::sql_state(&text)?), Some(text));
                return Ok(());
            }
            RaiseOption::Message => (&mut given.message, "MESSAGE"),
            RaiseOption::Detail => (&mut given.detail, "DETAIL"),
            RaiseOption::Hint => (&mut given.hint, "HINT"),
            RaiseOption::Column => (&mut given.column, "COLUMN"),
            RaiseOption::Constraint => (&mut given.constraint, "CONSTRAINT"),
            RaiseOption::DataType => (&mut given.data_type, "DATATYPE"),
            RaiseOption::Table => (&mut given.table, "TABLE"),
            RaiseOption::Schema => (&mut given.schema, "SCHEMA"),
        };
        if field.is_some() {
            return again(name);
        }
        *field = Some(text);
        Ok(())
    }

    pub fn assert(&mut self, condition: &Expression, message: Option<&Expression>) -> Result<()> {
        if !self.host.checks_asserts() || self.is_true(condition)? {
            return Ok(());
        }
        let mut text = None;
        if let Some(message) = message {
            let value = self.evaluate(message)?;
            if !value.value.is_null() {
                text = Some(self.text(&value)?);
            }
        }
        Err(Error::new(SqlState::ASSERT_FAILURE, text.unwrap_or_else(|| "assertion failed".to_owned())))
    }
}

/// The error or notice, with what is said if nothing was.
fn report(severity: Severity, given: Given) -> ErrorFields {
    let default = match severity {
        Severity::Error => SqlState::RAISE_EXCEPTION,
        Severity::Warning => SqlState::WARNING,
        _ => SqlState::SUCCESSFUL_COMPLETION,
    };
    let code = given.code.unwrap_or(default);
    let unnamed = match (given.code, severity) {
        // What was not said is 00000 below an error.
        (None, Severity::Warning) => SqlState::SUCCESSFUL_COMPLETION,
        _ => code,
    };
    let message = given.message.or(given.condition).unwrap_or_else(|| unnamed.as_str().to_owned());
    ErrorFields {
        detail: given.detail,
        hint: given.hint,
        column: given.column,
        constraint: given.constraint,
        data_type: given.data_type,
        table: given.table,
        schema: given.schema,
        ..ErrorFields::new(severity, code, message)
    }
}
