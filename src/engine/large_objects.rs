//! Large objects: bytes by numbers, in pages.
//!
//! Owns: their tables in the file, which the first one makes, reading and writing them, and [`Descriptors`]. Must not know:
//! SQL functions, the wire. Specification: largeobjects.html; inv_api.c, be-fsstubs.c.

use rusqlite::{Connection, OptionalExtension, Result as SqliteResult, params};

use crate::catalog::acl::Acl;
use crate::catalog::store::allocate_oids;
use crate::engine::error_map::from_rusqlite;
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits};
use crate::types::pg_type::Oid;

/// LOBLKSIZE
pub(crate) const PAGE: i64 = 2048;
/// MAX_LARGE_OBJECT_SIZE
pub(crate) const MOST: i64 = i32::MAX as i64 * PAGE;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS main.__pg_largeobject_metadata (
    oid INTEGER PRIMARY KEY, owner INTEGER NOT NULL, acl TEXT);
CREATE TABLE IF NOT EXISTS main.__pg_largeobject (
    loid INTEGER NOT NULL, pageno INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (loid, pageno)) WITHOUT ROWID;
";

/// An open large object.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub oid: Oid,
    pub reads: bool,
    pub writes: bool,
    pub offset: i64,
    /// How many savepoints were open.
    depth: usize,
}

/// Those of a transaction, by number.
#[derive(Debug, Default)]
pub struct Descriptors(Vec<Option<Descriptor>>);

/// INV_WRITE and INV_READ
const WRITES: i64 = 0x20000;
const READS: i64 = 0x40000;

/// Whether what is opened so can be written to.
pub(crate) fn mode_writes(mode: i64) -> bool {
    mode & WRITES != 0
}

/// The most that are open at a time.
const MOST_OPEN: usize = 65536;

impl Descriptors {
    pub fn open(&mut self, oid: Oid, mode: i64, depth: usize) -> Result<i64> {
        let writes = mode & WRITES != 0;
        let reads = writes || mode & READS != 0;
        if !reads {
            return Err(invalid(format!("invalid flags for opening a large object: {mode}")));
        }
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if free >= MOST_OPEN {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many open large objects"));
        }
        if free == self.0.len() {
            self.0.push(None);
        }
        if let Some(place) = self.0.get_mut(free) {
            *place = Some(Descriptor { oid, reads, writes, offset: 0, depth });
        }
        Ok(free as i64)
    }

    pub fn get(&mut self, number: i64) -> Result<&mut Descriptor> {
        let found = usize::try_from(number).ok().and_then(|place| self.0.get_mut(place)?.as_mut());
        found.ok_or_else(|| {
            let message = format!("invalid large-object descriptor: {number}");
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    pub fn close(&mut self, number: i64) -> Result<()> {
        self.get(number)?;
        if let Some(place) = usize::try_from(number).ok().and_then(|place| self.0.get_mut(place)) {
            *place = None;
        }
        Ok(())
    }

    /// The transaction has ended.
    pub fn close_all(&mut self) {
        self.0 = Vec::new();
    }

    /// It has gone back to where that many savepoints were open.
    pub fn roll_back_to(&mut self, depth: usize) {
        self.0
            .iter_mut()
            .filter(|open| open.as_ref().is_some_and(|open| open.depth > depth))
            .for_each(|open| *open = None);
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// 42704
pub(crate) fn missing(oid: Oid) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("large object {} does not exist", oid.0))
}

fn has_tables(connection: &Connection) -> Result<bool> {
    let known = connection.table_exists(Some("main"), "__pg_largeobject_metadata").map_err(from_rusqlite)?;
    if known {
        return Ok(true);
    }
    // Another connection may have made them since this one has read the schema, which only a statement finds out.
    let sql = "SELECT 1 FROM main.sqlite_schema WHERE name = '__pg_largeobject_metadata'";
    connection.prepare(sql).and_then(|mut statement| statement.exists([])).map_err(from_rusqlite)
}

/// Who owns it; `None` if it is not there.
pub(crate) fn owner(connection: &Connection, oid: Oid) -> Result<Option<Oid>> {
    if !has_tables(connection)? {
        return Ok(None);
    }
    let mut statement =
        connection.prepare("SELECT owner FROM main.__pg_largeobject_metadata WHERE oid = ?1").map_err(from_rusqlite)?;
    statement.query_row([oid.0], |row| row.get(0).map(Oid)).optional().map_err(from_rusqlite)
}

/// Older files have no lists of privileges.
fn has_lists(connection: &Connection) -> Result<bool> {
    let sql = "SELECT 1 FROM pragma_table_info('__pg_largeobject_metadata', 'main') WHERE name = 'acl'";
    connection.prepare(sql).and_then(|mut statement| statement.exists([])).map_err(from_rusqlite)
}

/// The privileges that were granted on it; `None` if nothing was ever said.
pub(crate) fn acl(connection: &Connection, oid: Oid) -> Result<Option<Acl>> {
    if !has_tables(connection)? || !has_lists(connection)? {
        return Ok(None);
    }
    let sql = "SELECT acl FROM main.__pg_largeobject_metadata WHERE oid = ?1";
    let mut statement = connection.prepare(sql).map_err(from_rusqlite)?;
    let found = statement.query_row([oid.0], |row| row.get::<_, Option<String>>(0)).optional();
    Ok(found.map_err(from_rusqlite)?.flatten().map(|text| Acl::from_stored(&text)))
}

/// Keeps them.
pub(crate) fn set_acl(connection: &Connection, oid: Oid, acl: &Acl) -> Result<()> {
    if !has_lists(connection)? {
        let sql = "ALTER TABLE main.__pg_largeobject_metadata ADD COLUMN acl TEXT";
        connection.execute_batch(sql).map_err(from_rusqlite)?;
    }
    let sql = "UPDATE main.__pg_largeobject_metadata SET acl = ?2 WHERE oid = ?1";
    connection.execute(sql, params![oid.0, acl.to_stored()]).map(drop).map_err(from_rusqlite)
}

/// All of them, with their owners and what was granted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<(Oid, Oid, Option<Acl>)>> {
    if !has_tables(connection)? {
        return Ok(Vec::new());
    }
    let lists = if has_lists(connection)? { "acl" } else { "NULL" };
    let read = || -> SqliteResult<Vec<_>> {
        let sql = format!("SELECT oid, owner, {lists} FROM main.__pg_largeobject_metadata ORDER BY oid");
        let mut statement = connection.prepare(&sql)?;
        let list = |text: Option<String>| text.map(|text| Acl::from_stored(&text));
        statement.query_map([], |row| Ok((Oid(row.get(0)?), Oid(row.get(1)?), list(row.get(2)?))))?.collect()
    };
    read().map_err(from_rusqlite)
}

/// The pages of all of them.
pub(crate) fn pages(connection: &Connection) -> Result<Vec<(Oid, i64, Vec<u8>)>> {
    let mut found = Vec::new();
    if !has_tables(connection)? {
        return Ok(found);
    }
    let sql = "SELECT loid, pageno, data FROM main.__pg_largeobject ORDER BY loid, pageno";
    let mut statement = connection.prepare(sql).map_err(from_rusqlite)?;
    let mut rows = statement.query([]).map_err(from_rusqlite)?;
    while let Some(row) = rows.next().map_err(from_rusqlite)? {
        memory::reserve(PAGE as usize)?;
        let read = || -> SqliteResult<_> { Ok((Oid(row.get(0)?), row.get(1)?, row.get(2)?)) };
        found.push(read().map_err(from_rusqlite)?);
    }
    Ok(found)
}

/// Makes one: of that number, or of a free one.
pub(crate) fn create(connection: &Connection, wanted: Oid, owner_of_it: Oid) -> Result<Oid> {
    if !has_tables(connection)? {
        connection.execute_batch(TABLES).map_err(from_rusqlite)?;
    }
    let mut oid = wanted;
    while oid == Oid::INVALID || wanted == Oid::INVALID && owner(connection, oid)?.is_some() {
        oid = allocate_oids(connection, 1).map_err(from_rusqlite)?;
    }
    if owner(connection, oid)?.is_some() {
        let message = "duplicate key value violates unique constraint \"pg_largeobject_metadata_oid_index\"";
        let error = Error::new(SqlState::UNIQUE_VIOLATION, message)
            .with_schema("pg_catalog")
            .with_table("pg_largeobject_metadata")
            .with_constraint("pg_largeobject_metadata_oid_index");
        return Err(error.with_detail(format!("Key (oid)=({}) already exists.", oid.0)));
    }
    let sql = "INSERT INTO main.__pg_largeobject_metadata (oid, owner) VALUES (?1, ?2)";
    connection.execute(sql, [oid.0, owner_of_it.0]).map_err(from_rusqlite)?;
    Ok(oid)
}

/// Gives it to another role.
pub(crate) fn set_owner(connection: &Connection, oid: Oid, owner: Oid) -> Result<()> {
    if let (Some(old), Some(acl)) = (self::owner(connection, oid)?, acl(connection, oid)?) {
        set_acl(connection, oid, &acl.with_owner(old, owner))?;
    }
    let sql = "UPDATE main.__pg_largeobject_metadata SET owner = ?2 WHERE oid = ?1";
    connection.execute(sql, [oid.0, owner.0]).map(drop).map_err(from_rusqlite)
}

/// It has to be there.
pub(crate) fn remove(connection: &Connection, oid: Oid) -> Result<()> {
    for sql in [
        "DELETE FROM main.__pg_largeobject WHERE loid = ?1",
        "DELETE FROM main.__pg_largeobject_metadata WHERE oid = ?1",
        "DELETE FROM main.__pg_description WHERE class = 2613 AND object = ?1",
    ] {
        connection.execute(sql, [oid.0]).map_err(from_rusqlite)?;
    }
    Ok(())
}

/// inv_getsize
pub(crate) fn size(connection: &Connection, oid: Oid) -> Result<i64> {
    let sql =
        "SELECT pageno * 2048 + length(data) FROM main.__pg_largeobject WHERE loid = ?1 ORDER BY pageno DESC LIMIT 1";
    let mut statement = connection.prepare(sql).map_err(from_rusqlite)?;
    let found = statement.query_row([oid.0], |row| row.get(0)).optional().map_err(from_rusqlite)?;
    Ok(found.unwrap_or(0))
}

/// At most that many bytes from there on; what was never written is zero.
pub(crate) fn read(connection: &Connection, oid: Oid, offset: i64, length: i64) -> Result<Vec<u8>> {
    let end = offset.saturating_add(length).min(size(connection, oid)?);
    let Ok(length) = usize::try_from(end - offset) else { return Ok(Vec::new()) };
    memory::reserve(length)?;
    let mut out = vec![0; length];
    let sql = "SELECT pageno, data FROM main.__pg_largeobject WHERE loid = ?1 AND pageno BETWEEN ?2 AND ?3";
    let mut statement = connection.prepare(sql).map_err(from_rusqlite)?;
    let mut rows = statement.query(params![oid.0, offset / PAGE, end / PAGE]).map_err(from_rusqlite)?;
    while let Some(row) = rows.next().map_err(from_rusqlite)? {
        limits::work(PAGE as usize)?;
        let page: (i64, Vec<u8>) = (|| Ok((row.get(0)?, row.get(1)?)))().map_err(from_rusqlite)?;
        // Where the page begins, seen from what is read.
        let start = page.0 * PAGE - offset;
        let skipped = usize::try_from(-start).unwrap_or(0);
        let place = usize::try_from(start).unwrap_or(0);
        let data = page.1.get(skipped..).unwrap_or(&[]);
        if let Some(target) = out.get_mut(place..) {
            target.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
        }
    }
    Ok(out)
}

/// inv_write
pub(crate) fn write(connection: &Connection, oid: Oid, offset: i64, data: &[u8]) -> Result<()> {
    let size = data.len() as i64;
    if offset.saturating_add(size) > MOST {
        return Err(invalid(format!("invalid large object write request size: {size}")));
    }
    let read_page = "SELECT data FROM main.__pg_largeobject WHERE loid = ?1 AND pageno = ?2";
    let put_page = "INSERT OR REPLACE INTO main.__pg_largeobject (loid, pageno, data) VALUES (?1, ?2, ?3)";
    let mut read_page = connection.prepare(read_page).map_err(from_rusqlite)?;
    let mut put_page = connection.prepare(put_page).map_err(from_rusqlite)?;
    let (mut rest, mut at) = (data, offset);
    while !rest.is_empty() {
        limits::work(PAGE as usize)?;
        let (number, place) = (at / PAGE, (at % PAGE) as usize);
        let (now, later) = rest.split_at(rest.len().min(PAGE as usize - place));
        let page: Option<Vec<u8>> =
            read_page.query_row(params![oid.0, number], |row| row.get(0)).optional().map_err(from_rusqlite)?;
        let mut page = page.unwrap_or_default();
        page.resize(page.len().max(place + now.len()), 0);
        if let Some(target) = page.get_mut(place..place + now.len()) {
            target.copy_from_slice(now);
        }
        put_page.execute(params![oid.0, number, page]).map_err(from_rusqlite)?;
        at += now.len() as i64;
        rest = later;
    }
    Ok(())
}

/// inv_truncate: shorter, or longer by zeros.
pub(crate) fn truncate(connection: &Connection, oid: Oid, length: i64) -> Result<()> {
    if !(0..=MOST).contains(&length) {
        return Err(invalid(format!("invalid large object truncation target: {length}")));
    }
    let (number, rest) = (length / PAGE, length % PAGE);
    let delete = "DELETE FROM main.__pg_largeobject WHERE loid = ?1 AND pageno > ?2";
    connection.execute(delete, params![oid.0, number]).map_err(from_rusqlite)?;
    // The last page is there, be it of zeros.
    let put = "INSERT INTO main.__pg_largeobject (loid, pageno, data) VALUES (?1, ?2, zeroblob(?3))
        ON CONFLICT (loid, pageno) DO UPDATE SET data = CASE WHEN length(data) >= ?3 THEN substr(data, 1, ?3)
            ELSE CAST(data || zeroblob(?3 - length(data)) AS BLOB) END";
    connection.execute(put, params![oid.0, number, rest]).map(drop).map_err(from_rusqlite)
}

/// inv_seek: from the start, from where it is, from the end.
pub(crate) fn sought(connection: &Connection, open: &Descriptor, offset: i64, whence: i64) -> Result<i64> {
    let from = match whence {
        0 => 0,
        1 => open.offset,
        2 => size(connection, open.oid)?,
        _ => return Err(invalid(format!("invalid whence setting: {whence}"))),
    };
    let target = from.wrapping_add(offset);
    match (0..=MOST).contains(&target) {
        true => Ok(target),
        false => Err(invalid(format!("invalid large object seek target: {target}"))),
    }
}
