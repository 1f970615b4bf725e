//! The types that extensions bring: which there are, and the forms of their values.
//!
//! Owns: [`Kind`], [`TYPES`] and how values of each kind are read, written and compared; one file per type. Must not know:
//! which database has which extension (`catalog::schema`), functions. Specification: contrib.html; pgvector's README.
//!
//! In PostgreSQL such a type has another OID in each database. Here it is fixed, below those of users' objects; clients
//! that look a type up by its name, as they must, see no difference.

mod citext;
pub mod hstore;
pub mod ltree;
pub mod polish;
pub mod query_int;
pub mod trigram;
pub mod vector;

use std::cmp::Ordering;
use std::sync::LazyLock;

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::bytes_text::parse_bytea;
use crate::types::encoding::{insufficient_data, put_as_text, utf8, write_failed};
use crate::types::extension::hstore::HStore;
use crate::types::extension::ltree::{LQuery, LtxtQuery};
use crate::types::extension::query_int::QueryInt;
use crate::types::extension::vector::Vector;
use crate::types::pg_type::{Oid, Repr, Scalar, TypeInfo};
use crate::types::value::{Value, ValueRef};

/// What the binary forms of ltree and its queries begin with.
const VERSION: u8 = 1;

/// How values of an extension's type are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// TEXT; collation `pg_citext`.
    Citext,
    /// TEXT as PostgreSQL prints it; collation `pg_hstore`.
    Hstore,
    /// TEXT as PostgreSQL prints it, which sorts as the paths do.
    Ltree,
    /// TEXT as PostgreSQL prints it.
    Lquery,
    Ltxtquery,
    QueryInt,
    /// BLOB.
    Vector,
    /// Types of index entries, of which there are no values.
    Opaque,
}

/// A type of an extension, and its array type.
#[derive(Debug)]
pub struct ExtensionType {
    /// The name of the extension.
    pub extension: &'static str,
    /// The type, then its array type.
    pub infos: [TypeInfo; 2],
}

macro_rules! extension_types {
    ($($oid:literal $name:literal of $extension:literal, $len:literal $category:literal $align:literal $storage:literal, $collation:literal, $kind:ident;)*) => {
        &[$(ExtensionType {
            extension: $extension,
            infos: [
                TypeInfo { oid: Oid($oid), name: $name, sql_name: $name, len: $len, kind: b'b', category: $category, preferred: false, element: Oid::INVALID, array: Oid($oid + 1), by_value: false, align: $align, storage: $storage, collation: Oid($collation), repr: Repr::scalar(Scalar::Extension(Kind::$kind)) },
                TypeInfo { oid: Oid($oid + 1), name: concat!("_", $name), sql_name: concat!($name, "[]"), len: -1, kind: b'b', category: b'A', preferred: false, element: Oid($oid), array: Oid::INVALID, by_value: false, align: $align, storage: b'x', collation: Oid($collation), repr: Repr::array(Oid($oid), Scalar::Extension(Kind::$kind)) },
            ],
        }),*]
    };
}

/// The OID of the first type. Its array type has the next number.
const FIRST: u32 = 13600;

/// In the order of their OIDs, without gaps. Files keep the numbers: none is ever given to another type.
#[rustfmt::skip]
pub static TYPES: &[ExtensionType] = extension_types! {
    13600 "citext" of "citext", -1 b'S' b'i' b'x', 100, Citext;
    13602 "hstore" of "hstore", -1 b'U' b'i' b'x', 0, Hstore;
    13604 "vector" of "vector", -1 b'U' b'i' b'e', 0, Vector;
    13606 "halfvec" of "vector", -1 b'U' b'i' b'x', 0, Opaque;
    13608 "sparsevec" of "vector", -1 b'U' b'i' b'x', 0, Opaque;
    13610 "ltree" of "ltree", -1 b'U' b'i' b'x', 0, Ltree;
    13612 "lquery" of "ltree", -1 b'U' b'i' b'x', 0, Lquery;
    13614 "ltxtquery" of "ltree", -1 b'U' b'i' b'x', 0, Ltxtquery;
    13616 "query_int" of "intarray", -1 b'U' b'i' b'p', 0, QueryInt;
    13618 "cube" of "cube", -1 b'U' b'd' b'p', 0, Opaque;
    13620 "ean13" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13622 "isbn13" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13624 "ismn13" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13626 "issn13" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13628 "isbn" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13630 "ismn" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13632 "issn" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13634 "upc" of "isn", 8 b'U' b'd' b'p', 0, Opaque;
    13636 "gtrgm" of "pg_trgm", -1 b'U' b'i' b'p', 0, Opaque;
    13638 "ghstore" of "hstore", -1 b'U' b'i' b'p', 0, Opaque;
    13640 "ltree_gist" of "ltree", -1 b'U' b'i' b'p', 0, Opaque;
    13642 "intbig_gkey" of "intarray", -1 b'U' b'i' b'p', 0, Opaque;
    13644 "gbtreekey2" of "btree_gist", 2 b'U' b'i' b'p', 0, Opaque;
    13646 "gbtreekey4" of "btree_gist", 4 b'U' b'i' b'p', 0, Opaque;
    13648 "gbtreekey8" of "btree_gist", 8 b'U' b'i' b'p', 0, Opaque;
    13650 "gbtreekey16" of "btree_gist", 16 b'U' b'i' b'p', 0, Opaque;
    13652 "gbtreekey32" of "btree_gist", 32 b'U' b'i' b'p', 0, Opaque;
    13654 "gbtreekey_var" of "btree_gist", -1 b'U' b'i' b'x', 0, Opaque;
};

impl Oid {
    pub const CITEXT: Oid = Oid(13600);
    pub const CITEXT_ARRAY: Oid = Oid(13601);
    pub const HSTORE: Oid = Oid(13602);
    pub const VECTOR: Oid = Oid(13604);
    pub const LTREE: Oid = Oid(13610);
    pub const LTREE_ARRAY: Oid = Oid(13611);
    pub const LQUERY: Oid = Oid(13612);
    pub const LQUERY_ARRAY: Oid = Oid(13613);
    pub const LTXTQUERY: Oid = Oid(13614);
    pub const QUERY_INT: Oid = Oid(13616);
}

/// The extension's type with that OID, or whose array type it is.
pub fn of_oid(oid: Oid) -> Option<&'static ExtensionType> {
    let place = usize::try_from(oid.0.checked_sub(FIRST)?).ok()? / 2;
    TYPES.get(place)
}

/// The same, as a type of its own.
pub fn info(oid: Oid) -> Option<&'static TypeInfo> {
    of_oid(oid)?.infos.iter().find(|info| info.oid == oid)
}

/// The type of that name, which may be an array's.
pub fn named(name: &str) -> Option<(&'static ExtensionType, &'static TypeInfo)> {
    static BY_NAME: LazyLock<std::collections::HashMap<&str, (&ExtensionType, &TypeInfo)>> = LazyLock::new(|| {
        let infos = TYPES.iter().flat_map(|of| of.infos.iter().map(move |info| (of, info)));
        infos.map(|(of, info)| (info.name, (of, info))).collect()
    });
    BY_NAME.get(name).copied()
}

impl Kind {
    /// The name of the type.
    pub fn name(self) -> &'static str {
        let is_it =
            |of: &&ExtensionType| of.infos.iter().any(|info| info.repr == Repr::scalar(Scalar::Extension(self)));
        TYPES.iter().find(is_it).map_or("", |of| of.infos.first().map_or("", |info| info.name))
    }

    /// The collations of values and of arrays of them.
    pub fn collations(self) -> (Option<&'static str>, &'static str) {
        match self {
            Kind::Citext => (Some("pg_citext"), "pg_citext_array"),
            Kind::Hstore => (Some("pg_hstore"), "pg_hstore_array"),
            _ => (None, "pg_array"),
        }
    }

    /// Those with collations of their own.
    pub const COLLATED: &'static [Kind] = &[Kind::Citext, Kind::Hstore];

    /// Whether there is a b-tree operator class.
    pub fn has_order(self) -> bool {
        matches!(self, Kind::Citext | Kind::Hstore | Kind::Ltree | Kind::Vector)
    }

    /// Whether stored values are BLOBs.
    pub fn is_blob(self) -> bool {
        self == Kind::Vector
    }

    /// How two stored values that are texts compare.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Kind::Citext => citext::compare(a, b),
            Kind::Hstore => hstore::compare(a, b),
            _ => a.cmp(b),
        }
    }

    /// Reads the text form.
    pub fn parse(self, text: &str) -> Result<Value> {
        match self {
            Kind::Citext => Ok(Value::Text(text.to_owned())),
            Kind::Hstore => Ok(Value::Text(HStore::parse(text)?.to_text())),
            Kind::Ltree => ltree::check(text).map(|()| Value::Text(text.to_owned())),
            Kind::Lquery => Ok(Value::Text(LQuery::parse(text)?.to_text())),
            Kind::Ltxtquery => Ok(Value::Text(LtxtQuery::parse(text)?.to_text()?)),
            Kind::QueryInt => Ok(Value::Text(QueryInt::parse(text)?.to_text()?)),
            Kind::Vector => Ok(Value::Blob(Vector::parse(text)?.to_stored())),
            Kind::Opaque => Err(self.without_values("accept")),
        }
    }

    /// Appends the text form.
    pub(super) fn encode_text(self, value: ValueRef<'_>, out: &mut BytesMut) -> Result<()> {
        match (self, value) {
            (Kind::Vector, ValueRef::Blob(stored)) => Vector::from_stored(stored)?.write(out).map_err(write_failed),
            // As an element of an array is kept.
            (Kind::Vector, ValueRef::Text(hex)) => {
                Vector::from_stored(&parse_bytea(hex)?)?.write(out).map_err(write_failed)
            }
            _ => put_as_text(value, out),
        }
    }

    /// Appends the binary form.
    pub(super) fn encode_binary(self, value: ValueRef<'_>, out: &mut BytesMut) -> Result<()> {
        match (self, value) {
            (Kind::Hstore, ValueRef::Text(stored)) => HStore::parse(stored)?.write_binary(out),
            (Kind::Vector, ValueRef::Blob(stored)) => Vector::from_stored(stored)?.write_binary(out),
            (Kind::Ltree | Kind::Lquery | Kind::Ltxtquery, _) => {
                out.put_u8(VERSION);
                put_as_text(value, out)?;
            }
            (Kind::QueryInt, _) => return Err(self.without_binary("output")),
            (Kind::Opaque, _) => return Err(self.without_values("display")),
            _ => put_as_text(value, out)?,
        }
        Ok(())
    }

    /// Reads the binary form.
    pub(super) fn decode_binary(self, bytes: &[u8]) -> Result<Value> {
        match self {
            Kind::Citext => Ok(Value::Text(utf8(bytes)?.to_owned())),
            Kind::Hstore => Ok(Value::Text(HStore::read_binary(bytes)?.to_text())),
            Kind::Ltree | Kind::Lquery | Kind::Ltxtquery => match bytes.split_first() {
                Some((&VERSION, text)) => self.parse(utf8(text)?),
                Some((version, _)) => {
                    let message = format!("unsupported {} version number {version}", self.name());
                    Err(Error::new(SqlState::INTERNAL_ERROR, message))
                }
                None => Err(insufficient_data()),
            },
            Kind::QueryInt => Err(self.without_binary("input")),
            Kind::Vector => Ok(Value::Blob(Vector::read_binary(bytes)?.to_stored())),
            Kind::Opaque => Err(self.without_values("accept")),
        }
    }

    fn without_binary(self, what: &str) -> Error {
        let message = format!("no binary {what} function available for type {}", self.name());
        Error::new(SqlState::UNDEFINED_FUNCTION, message)
    }

    fn without_values(self, what: &str) -> Error {
        let message = format!("cannot {what} a value of type {}", self.name());
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_found_by_their_numbers() {
        for (of, place) in TYPES.iter().zip(0u32..) {
            assert_eq!(of.infos[0].oid, Oid(FIRST + 2 * place));
            assert_eq!(info(of.infos[1].oid).map(|info| info.name), Some(of.infos[1].name));
        }
        assert!(info(Oid(FIRST - 1)).is_none());
    }
}
