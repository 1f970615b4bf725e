//! Functions and operators over pg_lsn, xid8 and snapshots (functions-info.html, datatype-pg-lsn.html).

use rusqlite::types::ValueRef;

use super::args::stored;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;
use crate::types::system_ids::{Snapshot, parse_lsn, stored_lsn, stored_xid8, xid8_of};

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_lsn_mi", 2, |a| Ok((i128::from(lsn(a, 0)?) - i128::from(lsn(a, 1)?)).to_string().into())),
    Definition::pure("pg_lsn_pli", 2, |a| moved(a, "add", "to", Numeric::add)),
    Definition::pure("pg_lsn_mii", 2, |a| moved(a, "subtract", "from", Numeric::sub)),
    Definition::pure("pg_lsn_of_numeric", 1, |a| of_numeric(&a.numeric(0)?)),
    Definition::pure("pg_xid8_xid", 1, |a| Ok(i64::from(xid8(a, 0)? as u32).into())),
    Definition::pure("pg_snapshot_xmin", 1, |a| Ok(stored_xid8(snapshot(a, 0)?.xmin).into())),
    Definition::pure("pg_snapshot_xmax", 1, |a| Ok(stored_xid8(snapshot(a, 0)?.xmax).into())),
    Definition::stable("pg_current_snapshot", 0, current_snapshot),
    Definition::stable("pg_xact_status", 1, status),
    Definition::pure("pg_snapshot_sees", 2, |a| Ok(snapshot(a, 1)?.sees(xid8(a, 0)?).into())),
];

/// All that was numbered before this transaction is over; what others have written is seen as they commit.
fn current_snapshot(args: &Args<'_>) -> Result<Output> {
    let number = args.slot().with_session(|session| Ok(session.transaction_start))?;
    Ok(format!("{number}:{number}:").into())
}

/// What became of a transaction: those that are over are not remembered, as PostgreSQL forgets the old ones.
fn status(args: &Args<'_>) -> Result<Output> {
    let (number, current) = (xid8(args, 0)?, args.slot().with_session(|session| Ok(session.transaction_start))?);
    Ok(match number.cmp(&u64::try_from(current).unwrap_or_default()) {
        _ if matches!(number, 1 | 2) => Output::Static("committed"),
        std::cmp::Ordering::Less => Output::NULL,
        std::cmp::Ordering::Equal => Output::Static("in progress"),
        std::cmp::Ordering::Greater => {
            let message = format!("transaction ID {number} is in the future");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    })
}

fn lsn(args: &Args<'_>, index: usize) -> Result<u64> {
    parse_lsn(&args.text(index)?)
}

fn xid8(args: &Args<'_>, index: usize) -> Result<u64> {
    match args.raw(index) {
        ValueRef::Integer(value) => Ok(value as u64),
        value => xid8_of(stored(value)?),
    }
}

fn snapshot(args: &Args<'_>, index: usize) -> Result<Snapshot> {
    Snapshot::parse(&args.text(index)?)
}

/// A location and a number of bytes; NaN is refused by name.
fn moved(
    args: &Args<'_>,
    verb: &str,
    preposition: &str,
    operation: fn(&Numeric, &Numeric) -> Result<Numeric>,
) -> Result<Output> {
    let distance = args.numeric(1)?;
    if distance.is_nan() {
        let message = format!("cannot {verb} NaN {preposition} pg_lsn");
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    of_numeric(&operation(&Numeric::parse(&lsn(args, 0)?.to_string())?, &distance)?)
}

fn of_numeric(value: &Numeric) -> Result<Output> {
    if value.scale().is_none() {
        let name = if value.is_nan() { "NaN" } else { "infinity" };
        let message = format!("cannot convert {name} to pg_lsn");
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let lsn = value.round(0)?.to_string().parse::<u64>();
    let lsn = lsn.map_err(|_| Error::new(SqlState::INVALID_PARAMETER_VALUE, "pg_lsn out of range"))?;
    Ok(stored_lsn(lsn).into())
}
