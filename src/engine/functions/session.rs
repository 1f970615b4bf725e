//! The session as SQL sees it: who, where, which settings; its sequences.
//!
//! Specification: functions-info.html, functions-admin.html#FUNCTIONS-ADMIN-SET, functions-sequence.html.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::regex::array_of_texts;
use super::{Args, Definition, Output};
use crate::catalog::acl::Privileges;
use crate::catalog::schema::{Relation, SequenceOptions};
use crate::catalog::tables::source::CursorPosition;
use crate::engine::context::SessionContext;
use crate::engine::routines::cursors::FunctionCursor;
use crate::engine::sequences::SequenceState;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;
use crate::types::system_ids::stored_xid8;
use crate::types::value::Value;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_current_database", 0, |a| in_session(a, |s| Ok(s.database.clone().into()))),
    Definition::stable("pg_current_user", 0, |a| in_session(a, |s| Ok(s.roles().name(s.role()).into()))),
    Definition::stable("pg_session_user", 0, |a| in_session(a, |s| Ok(s.roles().name(s.settings.identity().session).into()))),
    Definition::stable("pg_current_schema", 0, |a| in_session(a, |s| Ok(schemas(s, false).into_iter().next().into()))),
    Definition::stable("pg_current_schemas", 1, |a| { let implicit = a.bool(0)?; in_session(a, |s| Ok(array_of_texts(&schemas(s, implicit)).into())) }),
    Definition::stable("pg_current_query", 0, |a| in_session(a, |s| Ok(s.activity.query.as_deref().map(str::to_owned).into()))),
    Definition::stable("pg_version", 0, version),
    Definition::stable("pg_is_in_recovery", 0, |a| in_session(a, |s| Ok(s.in_recovery.into()))),
    Definition::stable("pg_is_wal_replay_paused", 0, replay_paused),
    Definition::stable("pg_trigger_depth", 0, |a| Ok(i64::try_from(a.slot().trigger_depth()).unwrap_or(i64::MAX).into())),
    Definition::stable("pg_backend_pid", 0, |a| in_session(a, |s| Ok(s.backend_pid.into()))),
    Definition::stable("pg_inet_client_addr", 0, |a| in_session(a, |s| Ok(s.client_address.map(|c| c.ip().to_string()).into()))),
    Definition::stable("pg_inet_client_port", 0, |a| in_session(a, |s| Ok(s.client_address.map(|c| i64::from(c.port())).into()))),
    Definition::stable("pg_inet_server_port", 0, |a| in_session(a, |s| Ok(s.server_address.map(|c| i64::from(c.port())).into()))),
    Definition::stable("pg_inet_server_addr", 0, |a| in_session(a, |s| Ok(s.server_address.map(|c| c.ip().to_string()).into()))),
    Definition::stable("pg_txid_current", 0, |a| in_session(a, |s| Ok(transaction_number(s).into()))),
    Definition::stable("pg_txid_current_if_assigned", 0, |a| in_session(a, |s| Ok(assigned_number(s).into()))),
    Definition::stable("pg_current_xact_id", 0, |a| in_session(a, |s| Ok(as_xid8(transaction_number(s)).into()))),
    Definition::stable("pg_current_xact_id_if_assigned", 0, |a| in_session(a, |s| Ok(assigned_number(s).map(as_xid8).into()))),
    Definition::stable("pg_current_setting", 1, |a| { let name = a.text(0)?; in_session(a, |s| Ok(s.settings.show(&name)?.into())) }),
    Definition::stable("pg_current_setting", 2, current_setting),
    Definition::stable("pg_set_config", 3, set_config).called_on_null(),
    Definition::stable("pg_current_of", 3, |args| current_of(args, |(_, row)| row)),
    Definition::stable("pg_current_table", 3, |args| current_of(args, |(table, _)| i64::from(table.0))),
    Definition::stable("pg_gen_random_uuid", 0, |_| Ok(random_uuid().into())).taped(),
    Definition::stable("pg_nextval", 1, nextval).taped(),
    Definition::stable("pg_currval", 1, currval).taped(),
    Definition::stable("pg_lastval", 0, lastval).taped(),
    Definition::stable("pg_setval", 2, |a| setval(a, true)).taped(),
    Definition::stable("pg_setval", 3, |a| setval(a, a.bool(2)?)).taped(),
    Definition::stable("pg_sequence_position", 1, |a| Ok(sequence_state(a)?.last_value.into())).taped(),
    Definition::stable("pg_sequence_is_called", 1, |a| Ok(sequence_state(a)?.is_called.into())).taped(),
];

fn in_session(args: &Args<'_>, body: impl FnOnce(&mut SessionContext) -> Result<Output>) -> Result<Output> {
    args.slot().with_session(body)
}

/// The number of the transaction, which has one from now on.
fn transaction_number(session: &mut SessionContext) -> i64 {
    session.numbered_transaction = session.transaction_start;
    session.transaction_start
}

/// The number of a transaction that was asked for it, or that has written.
fn assigned_number(session: &mut SessionContext) -> Option<i64> {
    let writes = session.writer.load(Ordering::Relaxed) == session.backend_pid;
    (writes || session.numbered_transaction == session.transaction_start).then_some(session.transaction_start)
}

fn as_xid8(number: i64) -> Value {
    stored_xid8(u64::try_from(number).unwrap_or_default())
}

/// The row of a table that a cursor is on, and the table that has it: pg_current_of(cursor, table's OID, its name),
/// pg_current_table(…).
fn current_of(args: &Args<'_>, part: fn((Oid, i64)) -> i64) -> Result<Output> {
    let (name, table) = (args.text(0)?, args.int(1)?);
    // Where the cursor stands when the transaction is repeated is not where it stood.
    args.slot().refuse_to_repeat();
    let of_function = match args.slot().linked() {
        Ok((link, _)) => link.cursors().get(&name).map(FunctionCursor::positions),
        Err(_) => None,
    };
    in_session(args, |session| {
        let known = session.cursors.iter().find(|cursor| cursor.name == *name);
        let (positions, locks) = match (known, of_function) {
            (Some(cursor), _) if cursor.held => {
                let message = format!("cursor \"{name}\" is held from a previous transaction");
                return Err(Error::new(SqlState::INVALID_CURSOR_STATE, message));
            }
            (Some(cursor), _) => (cursor.positions.clone(), cursor.locks),
            (None, Some(of_function)) => of_function,
            (None, None) => {
                let message = format!("cursor \"{name}\" does not exist");
                return Err(Error::new(SqlState::INVALID_CURSOR_NAME, message));
            }
        };
        let is_member =
            |of: Oid| session.catalog.members(of).into_iter().any(|member| i64::from(member.oid.0) == table);
        let mut scans = positions.iter().filter(|at| i64::from(at.table.0) == table || is_member(at.table));
        let refused = match (scans.next(), scans.next()) {
            (Some(CursorPosition { row: None, .. }), None) => format!("cursor \"{name}\" is not positioned on a row"),
            (Some(at), None) => {
                let own = |(member, _): &(Oid, i64)| i64::from(at.table.0) == table || i64::from(member.0) == table;
                return Ok(at.row.filter(own).map_or(Value::Null.into(), |row| part(row).into()));
            }
            (found, _) => {
                let shown = args.text(2)?;
                match (locks, found) {
                    (true, Some(_)) => {
                        format!("cursor \"{name}\" has multiple FOR UPDATE/SHARE references to table \"{shown}\"")
                    }
                    (true, None) => {
                        format!("cursor \"{name}\" does not have a FOR UPDATE/SHARE reference to table \"{shown}\"")
                    }
                    (false, _) => format!("cursor \"{name}\" is not a simply updatable scan of table \"{shown}\""),
                }
            }
        };
        Err(Error::new(SqlState::INVALID_CURSOR_STATE, refused))
    })
}

/// A standby cannot be told to pause.
fn replay_paused(args: &Args<'_>) -> Result<Output> {
    in_session(args, |session| match session.in_recovery {
        true => Ok(false.into()),
        false => Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is not in progress")
            .with_hint("Recovery control functions can only be executed during recovery.")),
    })
}

/// The schemas of the search path that exist; those that are searched without being named only if `implicit`.
fn schemas(session: &SessionContext, implicit: bool) -> Vec<String> {
    let path = if implicit { session.settings.search_path() } else { session.settings.schemas_named() };
    let shown = |name: &String| name != "pg_temp" && session.catalog.has_schema(name);
    path.into_iter().filter(shown).collect()
}

fn version(args: &Args<'_>) -> Result<Output> {
    in_session(args, |session| {
        let shown = session.settings.show("server_version")?;
        Ok(format!(
            "PostgreSQL {shown} on {}-{}, pgserver {}, SQLite {}, {}-bit",
            std::env::consts::ARCH,
            std::env::consts::OS,
            env!("CARGO_PKG_VERSION"),
            rusqlite::version(),
            usize::BITS
        )
        .into())
    })
}

fn current_setting(args: &Args<'_>) -> Result<Output> {
    let (name, missing_ok) = (args.text(0)?, args.bool(1)?);
    in_session(args, |session| match session.settings.show(&name) {
        Err(error) if missing_ok && error.code() == SqlState::UNDEFINED_OBJECT => Ok(Output::NULL),
        value => Ok(value?.into()),
    })
}

fn set_config(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "SET requires parameter name"));
    }
    let (name, value, local) = (args.text(0)?, args.text(1)?, !args.is_null(2) && args.bool(2)?);
    let value = if args.is_null(1) { None } else { Some(&*value) };
    in_session(args, |session| Ok(session.set_variable(&name, value, local)?.into()))
}

/// A random UUID, version 4.
fn random_uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// The sequence that argument 0 is the OID of.
fn sequence(session: &SessionContext, oid: Oid) -> Result<(&Arc<Relation>, &SequenceOptions)> {
    let relation = session
        .catalog
        .relations
        .get(&oid)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("could not open relation with OID {oid}")))?;
    match &relation.sequence {
        Some(options) => Ok((relation, options)),
        None => Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", relation.name))),
    }
}

/// What currval and lastval need.
const READS: &[Privileges] = &[Privileges::SELECT, Privileges::USAGE];

/// The sequence, if the current role has one of the privileges on it.
fn allowed_sequence(
    session: &mut SessionContext,
    oid: Oid,
    any_of: &[Privileges],
) -> Result<(Arc<Relation>, SequenceOptions)> {
    let (relation, options) = sequence(session, oid).map(|(relation, options)| (Arc::clone(relation), *options))?;
    session.check_sequence(&relation, any_of)?;
    Ok((relation, options))
}

fn oid(args: &Args<'_>) -> Result<Oid> {
    Ok(Oid(args.int(0)? as u32))
}

fn nextval(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args)?;
    in_session(args, |session| {
        let (relation, options) = allowed_sequence(session, oid, &[Privileges::USAGE, Privileges::UPDATE])?;
        let value = match options.cache {
            ..=1 => args.slot().sequences().nextval(oid, &relation.name, &options)?,
            _ => {
                let cached = session.cached_values.get(&oid).copied();
                let (value, cached) = args.slot().sequences().nextval_cached(oid, &relation.name, &options, cached)?;
                session.cached_values.insert(oid, cached);
                value
            }
        };
        session.sequence_values.insert(oid, value);
        session.last_sequence = Some(oid);
        Ok(value.into())
    })
}

fn not_yet(message: String) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

fn currval(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args)?;
    in_session(args, |session| {
        let (relation, _) = allowed_sequence(session, oid, READS)?;
        let value = session.sequence_values.get(&oid).copied();
        value.map(Output::from).ok_or_else(|| {
            not_yet(format!("currval of sequence \"{}\" is not yet defined in this session", relation.name))
        })
    })
}

fn lastval(args: &Args<'_>) -> Result<Output> {
    in_session(args, |session| {
        let last = session.last_sequence.filter(|oid| session.catalog.relations.contains_key(oid));
        if let Some(oid) = last {
            allowed_sequence(session, oid, READS)?;
        }
        let value = last.and_then(|oid| session.sequence_values.get(&oid).copied());
        value.map(Output::from).ok_or_else(|| not_yet("lastval is not yet defined in this session".to_owned()))
    })
}

fn setval(args: &Args<'_>, is_called: bool) -> Result<Output> {
    let (oid, last_value) = (oid(args)?, args.int(1)?);
    in_session(args, |session| {
        let (relation, options) = allowed_sequence(session, oid, &[Privileges::UPDATE])?;
        let state = SequenceState { last_value, is_called };
        args.slot().sequences().setval(oid, &relation.name, &options, state)?;
        session.cached_values.remove(&oid);
        if is_called {
            session.sequence_values.insert(oid, last_value);
        }
        Ok(last_value.into())
    })
}

/// Where the sequence stands; where it starts if it was never used.
fn sequence_state(args: &Args<'_>) -> Result<SequenceState> {
    let oid = oid(args)?;
    args.slot().with_session(|session| {
        let (_, options) = sequence(session, oid)?;
        Ok(args.slot().sequences().state(oid).unwrap_or_else(|| SequenceState::initial(options)))
    })
}
