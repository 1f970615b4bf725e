//! The functions of large objects (lo-funcs.html, lo-interfaces.html).
//!
//! Must not know: how they are kept (`engine::large_objects`). Specification: be-fsstubs.c.

use rusqlite::Connection;

use super::{Args, Definition, Output};
use crate::catalog::acl::{Acl, AclKind, Privileges};
use crate::engine::large_objects::{self as objects, Descriptor};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::pg_type::Oid;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_lo_creat", 1, |a| create(a, Oid::INVALID)),
    Definition::stable("pg_lo_create", 1, |a| create(a, oid(a, 0)?)),
    Definition::stable("pg_lo_from_bytea", 2, from_bytea),
    Definition::stable("pg_lo_unlink", 1, unlink),
    Definition::stable("pg_lo_open", 2, open),
    Definition::stable("pg_lo_close", 1, |a| { descriptor(a)?; a.slot().with_session(|session| session.large_objects.close(a.int(0)?))?; Ok(0.into()) }),
    Definition::stable("pg_lo_read", 2, read),
    Definition::stable("pg_lo_write", 2, write),
    Definition::stable("pg_lo_lseek", 3, |a| { let at = seek(a)?; small(at, "lo_lseek", a) }),
    Definition::stable("pg_lo_lseek64", 3, |a| Ok(seek(a)?.into())),
    Definition::stable("pg_lo_tell", 1, |a| { let at = descriptor(a)?.offset; small(at, "lo_tell", a) }),
    Definition::stable("pg_lo_tell64", 1, |a| Ok(descriptor(a)?.offset.into())),
    Definition::stable("pg_lo_truncate", 2, truncate),
    Definition::stable("pg_lo_get", 1, |a| get(a, 0, -1)),
    Definition::stable("pg_lo_get", 3, |a| { let length = a.int(2)?; if length < 0 { return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "requested length cannot be negative")) } get(a, a.int(1)?, length) }),
    Definition::stable("pg_lo_put", 3, put),
    Definition::stable("pg_lo_file", -1, |_| Err(Error::unsupported("a large object from or to a file of the server"))),
];

fn oid(args: &Args<'_>, index: usize) -> Result<Oid> {
    Ok(Oid(u32::try_from(args.int(index)?).unwrap_or(0)))
}

/// Does something with the connection.
fn on<T>(args: &Args<'_>, body: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let (_, lease) = args.slot().linked()?;
    let entered = lease.enter();
    entered.with(body)
}

/// The same to the file, in a transaction that writes.
fn changing<T>(args: &Args<'_>, body: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    args.slot().refuse_to_repeat();
    let (link, lease) = args.slot().linked()?;
    let entered = lease.enter();
    if !entered.is_writing() {
        return Err(Error::unsupported("writing a large object where the statement only reads"));
    }
    link.set_savepoints(&entered)?;
    entered.with(body)
}

fn denied(oid: Oid) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for large object {}", oid.0))
}

/// The object must be there, and the role its owner's.
fn check_owner(args: &Args<'_>, of: Oid) -> Result<()> {
    let owner = on(args, |connection| objects::owner(connection, of))?.ok_or_else(|| objects::missing(of))?;
    args.slot().with_session(|session| {
        let (roles, role) = (session.roles(), session.role());
        if session.is_superuser() || roles.has_privileges_of(role, owner, owner) {
            return Ok(());
        }
        let message = format!("must be owner of large object {}", of.0);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    })
}

/// The object must be there, and the role have the privileges on it (inv_open).
fn check(args: &Args<'_>, of: Oid, wanted: Privileges) -> Result<()> {
    let found = on(args, |connection| Ok((objects::owner(connection, of)?, objects::acl(connection, of)?)))?;
    let owner = found.0.ok_or_else(|| objects::missing(of))?;
    args.slot().with_session(|session| {
        let holder = session.holder();
        let acl = found.1.unwrap_or_else(|| Acl::default_of(AclKind::LargeObject, owner));
        let may = holder.superuser || acl.mask(&holder, owner, wanted) == wanted;
        if may { Ok(()) } else { Err(denied(of)) }
    })
}

/// What reading takes, and what writing does.
const READS: Privileges = Privileges::SELECT;
const WRITES: Privileges = Privileges::SELECT.and(Privileges::UPDATE);

/// An open one, which may be moved: what moves it is not done again.
fn descriptor(args: &Args<'_>) -> Result<Descriptor> {
    args.slot().refuse_to_repeat();
    args.slot().with_session(|session| session.large_objects.get(args.int(0)?).cloned())
}

fn moved(args: &Args<'_>, offset: i64) -> Result<()> {
    args.slot().with_session(|session| {
        session.large_objects.get(args.int(0)?)?.offset = offset;
        Ok(())
    })
}

fn create(args: &Args<'_>, wanted: Oid) -> Result<Output> {
    let owner = args.slot().with_session(|session| Ok(session.role()))?;
    let made = changing(args, |connection| objects::create(connection, wanted, owner))?;
    Ok(i64::from(made.0).into())
}

fn from_bytea(args: &Args<'_>) -> Result<Output> {
    let (wanted, data) = (oid(args, 0)?, args.bytes(1)?);
    let owner = args.slot().with_session(|session| Ok(session.role()))?;
    let made = changing(args, |connection| {
        let made = objects::create(connection, wanted, owner)?;
        objects::write(connection, made, 0, &data)?;
        Ok(made)
    })?;
    Ok(i64::from(made.0).into())
}

fn unlink(args: &Args<'_>) -> Result<Output> {
    let of = oid(args, 0)?;
    check_owner(args, of)?;
    changing(args, |connection| objects::remove(connection, of))?;
    Ok(1.into())
}

fn open(args: &Args<'_>) -> Result<Output> {
    let (of, mode) = (oid(args, 0)?, args.int(1)?);
    check(args, of, if objects::mode_writes(mode) { WRITES } else { READS })?;
    args.slot().refuse_to_repeat();
    let number = args.slot().with_session(|session| {
        let depth = session.depth;
        session.large_objects.open(of, mode, depth)
    })?;
    Ok(number.into())
}

fn read(args: &Args<'_>) -> Result<Output> {
    let length = args.int(1)?.max(0);
    let open = descriptor(args)?;
    if !open.reads {
        let message = format!("large object descriptor {} was not opened for reading", args.int(0)?);
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    }
    let data = on(args, |connection| objects::read(connection, open.oid, open.offset, length))?;
    moved(args, open.offset + data.len() as i64)?;
    Ok(data.into())
}

fn writable(args: &Args<'_>) -> Result<Descriptor> {
    let open = descriptor(args)?;
    if !open.writes {
        let message = format!("large object descriptor {} was not opened for writing", args.int(0)?);
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    }
    if on(args, |connection| objects::owner(connection, open.oid))?.is_none() {
        return Err(objects::missing(open.oid));
    }
    Ok(open)
}

fn write(args: &Args<'_>) -> Result<Output> {
    let (open, data) = (writable(args)?, args.bytes(1)?);
    changing(args, |connection| objects::write(connection, open.oid, open.offset, &data))?;
    moved(args, open.offset + data.len() as i64)?;
    Ok((data.len() as i64).into())
}

fn seek(args: &Args<'_>) -> Result<i64> {
    let (open, offset, whence) = (descriptor(args)?, args.int(1)?, args.int(2)?);
    let target = on(args, |connection| objects::sought(connection, &open, offset, whence))?;
    moved(args, target)?;
    Ok(target)
}

/// A place as an integer.
fn small(at: i64, function: &str, args: &Args<'_>) -> Result<Output> {
    if i32::try_from(at).is_err() {
        let message = format!("{function} result out of range for large-object descriptor {}", args.int(0)?);
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
    }
    Ok(at.into())
}

fn truncate(args: &Args<'_>) -> Result<Output> {
    let (open, length) = (writable(args)?, args.int(1)?);
    changing(args, |connection| objects::truncate(connection, open.oid, length))?;
    Ok(0.into())
}

fn get(args: &Args<'_>, offset: i64, length: i64) -> Result<Output> {
    let of = oid(args, 0)?;
    check(args, of, READS)?;
    if !(0..=objects::MOST).contains(&offset) {
        let message = format!("invalid large object seek target: {offset}");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let data = on(args, |connection| {
        let left = (objects::size(connection, of)? - offset).max(0);
        let length = if length < 0 { left } else { left.min(length) };
        if length >= memory::MAX_VALUE as i64 {
            let message = "large object read request is too large";
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        objects::read(connection, of, offset, length)
    })?;
    Ok(data.into())
}

fn put(args: &Args<'_>) -> Result<Output> {
    let (of, offset, data) = (oid(args, 0)?, args.int(1)?, args.bytes(2)?);
    check(args, of, WRITES)?;
    if !(0..=objects::MOST).contains(&offset) {
        let message = format!("invalid large object seek target: {offset}");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    changing(args, |connection| objects::write(connection, of, offset, &data))?;
    Ok(Output::Static(""))
}
