//! SET, RESET and SHOW.
//!
//! Specification: sql-set.html, flatten_set_variable_args in guc.c.

use crate::error::{Error, Result};
use crate::sql::analyze::type_name::builtin_typmod;
use crate::sql::plan::{TransactionCommand, VariableCommand};
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr};
use crate::sql::syntax::ast::statement::{VariableSetKind, VariableSetStmt};
use crate::sql::utility::Utility;
use crate::sql::utility::transaction::modes;
use crate::types::datetime::Stored;
use crate::types::format::FormatSettings;
use crate::types::interval::Interval;

pub(super) fn set<'s>(stmt: &VariableSetStmt) -> Result<Utility<'s>> {
    let set = |name: &str, value| VariableCommand::Set { name: name.to_owned(), value, local: stmt.is_local };
    let command = match &stmt.kind {
        VariableSetKind::Value { name, args } => set(name, Some(flattened(name, args)?)),
        VariableSetKind::Default { name } => set(name, None),
        VariableSetKind::Current { .. } => return Err(Error::unsupported("SET … FROM CURRENT")),
        VariableSetKind::Snapshot(_) => return Err(Error::unsupported("SET TRANSACTION SNAPSHOT")),
        VariableSetKind::Modes { session, modes: given } => {
            let modes = modes(given)?;
            let command = match session {
                true => TransactionCommand::SetCharacteristics(modes),
                false => TransactionCommand::SetTransaction(modes),
            };
            return Ok(Utility::Transaction(command, "SET"));
        }
        VariableSetKind::Reset { name } => {
            return Ok(Utility::Variable(VariableCommand::Reset { name: name.clone() }, "RESET"));
        }
        VariableSetKind::ResetAll => return Ok(Utility::Variable(VariableCommand::ResetAll, "RESET")),
    };
    Ok(Utility::Variable(command, "SET"))
}

pub(super) fn show<'s>(name: &str) -> Utility<'s> {
    let command = match name {
        "all" => VariableCommand::ShowAll,
        name => VariableCommand::Show { name: name.to_owned() },
    };
    Utility::Variable(command, "SHOW")
}

/// The values as one text.
pub(in crate::sql) fn flattened(name: &str, args: &[Expr]) -> Result<String> {
    let texts = args.iter().map(|arg| value(name, arg)).collect::<Result<Vec<_>>>()?;
    Ok(texts.join(", "))
}

/// One value; in lists of identifiers one keeps its quotes where it needs them.
fn value(variable: &str, arg: &Expr) -> Result<String> {
    let text = match arg {
        Expr::Const(AConst { value: ConstValue::String(text) | ConstValue::Float(text), .. }) => text.clone(),
        Expr::Const(AConst { value: ConstValue::Integer(number), .. }) => number.to_string(),
        Expr::TypeCast(cast) => match &cast.arg {
            Expr::Const(AConst { value: ConstValue::String(text), .. }) => {
                let typmod = builtin_typmod(&cast.type_name)?;
                let interval = Interval::parse_with_typmod(text, &FormatSettings::default(), typmod)?;
                return Ok(format!("INTERVAL '{}'", interval.to_stored()?));
            }
            _ => return Err(Error::internal("a setting's value that is no constant")),
        },
        _ => return Err(Error::internal("a setting's value that is no constant")),
    };
    let plain = text.chars().all(|ch| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '_')
        && text.chars().next().is_some_and(|ch| !ch.is_ascii_digit());
    if variable == "search_path" && !plain {
        return Ok(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    Ok(text)
}
