//! The trigger functions that PostgreSQL comes with.
//!
//! Owns: [`built_in`]. Specification: functions-trigger.html, textsearch-features.html#TEXTSEARCH-UPDATE-TRIGGERS.

use crate::engine::triggers::Firing;
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::call::{Trigger, TriggerOperation, TriggerWhen};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// A function of a trigger: the row it returns.
pub(crate) type Function = fn(Trigger, &Firing<'_>) -> Result<Option<Vec<Value>>>;

static FUNCTIONS: &[(Oid, Function)] = &[(Oid(1291), suppress_redundant_updates)];

/// The built-in trigger function of that OID.
pub(crate) fn built_in(oid: Oid) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == oid).map(|(_, function)| *function)
}

fn violated(message: impl Into<String>) -> Error {
    Error::new(SqlState::TRIGGER_PROTOCOL_VIOLATED, message.into())
}

/// suppress_redundant_updates_trigger(): nothing is updated that would stay as it is.
fn suppress_redundant_updates(trigger: Trigger, _: &Firing<'_>) -> Result<Option<Vec<Value>>> {
    const NAME: &str = "suppress_redundant_updates_trigger";
    if trigger.operation != TriggerOperation::Update {
        return Err(violated(format!("{NAME}: must be called for update")));
    }
    if trigger.when != TriggerWhen::Before {
        return Err(violated(format!("{NAME}: must be called before update")));
    }
    if !trigger.for_each_row {
        return Err(violated(format!("{NAME}: must be called for each row")));
    }
    let Trigger { old, new, .. } = trigger;
    Ok(if old == new { None } else { new })
}
