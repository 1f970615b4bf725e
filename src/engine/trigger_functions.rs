//! The trigger functions that PostgreSQL comes with.
//!
//! Owns: [`built_in`]. Specification: functions-trigger.html, textsearch-features.html#TEXTSEARCH-UPDATE-TRIGGERS.

use crate::engine::triggers::Firing;
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::call::{Trigger, TriggerOperation, TriggerWhen};
use crate::types::pg_type::Oid;
use crate::types::text_search::configuration as configurations;
use crate::types::text_search::document::Indexer;
use crate::types::value::Value;

/// A function of a trigger: the row it returns.
pub(crate) type Function = fn(Trigger, &Firing<'_>) -> Result<Option<Vec<Value>>>;

static FUNCTIONS: &[(Oid, Function)] = &[
    (Oid(1291), suppress_redundant_updates),
    (Oid(3752), |trigger, _| update_tsvector(trigger, false)),
    (Oid(3753), |trigger, _| update_tsvector(trigger, true)),
];

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

/// tsvector_update_trigger(tsvector column, configuration, text columns …), and with `by_column` the one that finds the
/// configuration in a column.
fn update_tsvector(trigger: Trigger, by_column: bool) -> Result<Option<Vec<Value>>> {
    let refused = |what: &str| Err(Error::new(SqlState::INTERNAL_ERROR, format!("tsvector_update_trigger: {what}")));
    if !trigger.for_each_row {
        return refused("must be fired for row");
    }
    if trigger.when != TriggerWhen::Before {
        return refused("must be fired BEFORE event");
    }
    if !matches!(trigger.operation, TriggerOperation::Insert | TriggerOperation::Update) {
        return refused("must be fired for INSERT or UPDATE");
    }
    let [target, configuration, texts @ ..] = trigger.arguments.as_slice() else {
        return refused("arguments must be tsvector_field, ts_config, text_field1, ...)");
    };
    if texts.is_empty() {
        return refused("arguments must be tsvector_field, ts_config, text_field1, ...)");
    }
    let column = |name: &str, what: &str| {
        let place = trigger.columns.iter().position(|column| column.name == name);
        let missing = || Error::new(SqlState::UNDEFINED_COLUMN, format!("{what} \"{name}\" does not exist"));
        let place = place.ok_or_else(missing)?;
        let type_oid = trigger.columns.get(place).map_or(Oid::INVALID, |column| column.data_type.oid);
        Ok::<_, Error>((place, type_oid))
    };
    let mismatch = |name: &str, wanted: &str| {
        Err(Error::new(SqlState::DATATYPE_MISMATCH, format!("column \"{name}\" is not of {wanted} type")))
    };
    let (target_place, target_type) = column(target, "tsvector column")?;
    if target_type != Oid::TSVECTOR {
        return mismatch(target, "tsvector");
    }
    let new = trigger.new.as_deref().unwrap_or_default();
    let configuration = match by_column {
        true => {
            let (place, type_oid) = column(configuration, "configuration column")?;
            if type_oid != Oid::REGCONFIG {
                return mismatch(configuration, "regconfig");
            }
            match new.get(place) {
                Some(Value::Integer(oid)) => {
                    u32::try_from(*oid).ok().and_then(|oid| configurations::configuration(Oid(oid)))
                }
                _ => {
                    let message = format!("configuration column \"{configuration}\" must not be null");
                    return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
                }
            }
        }
        false => match configuration.split_once('.') {
            Some(("pg_catalog", name)) => configurations::named(name),
            Some(_) => None,
            None => {
                let message = format!("text search configuration name \"{configuration}\" must be schema-qualified");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        },
    };
    let Some(found) = configuration else {
        let name = trigger.arguments.get(1).map_or("", String::as_str);
        let message = format!("text search configuration \"{name}\" does not exist");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    let mut document = Indexer::new(found);
    let mut is_needed = trigger.operation == TriggerOperation::Insert;
    for name in texts {
        let (place, type_oid) = column(name, "column")?;
        if ![Oid::TEXT, Oid::VARCHAR, Oid::BPCHAR].contains(&type_oid) {
            return mismatch(name, "a character");
        }
        is_needed |= trigger.old.as_ref().and_then(|old| old.get(place)) != new.get(place);
        if let Some(Value::Text(text)) = new.get(place) {
            document.add(text)?;
        }
    }
    let document = document.finish()?.to_string();
    let mut new = trigger.new;
    if let Some(slot) = new.as_mut().and_then(|new| new.get_mut(target_place)).filter(|_| is_needed) {
        *slot = Value::Text(document);
    }
    Ok(new)
}
