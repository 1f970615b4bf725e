//! PostgreSQL's data types: OIDs, names, categories, and how each is stored in SQLite.
//!
//! Owns: [`Oid`], [`Scalar`], [`Repr`], [`TypeInfo`] and the static table of built-in types. Must not know: values'
//! encodings (`types::encoding`), user-defined types (`catalog::schema`).
//! Specification: catalog-pg-type.html; the OIDs are those of PostgreSQL 15's pg_type.dat.

use std::fmt;

use crate::types::extension::{self, Kind};
use crate::types::row_type::Row;

/// An object identifier (datatype-oid.html).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Oid(pub u32);

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How one value is stored in SQLite and encoded on the wire. Several PostgreSQL types share one (text, varchar, name
/// and enums are all `Text`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// INTEGER 0 or 1.
    Bool,
    /// INTEGER.
    Int2,
    /// INTEGER.
    Int4,
    /// INTEGER.
    Int8,
    /// INTEGER, unsigned 32 bits (oid, xid, cid).
    Oid,
    /// INTEGER holding the OID of a function, relation, type …; shown by name.
    RegClass,
    RegType,
    RegProc,
    RegProcedure,
    RegNamespace,
    RegRole,
    RegConfig,
    RegDictionary,
    RegOper,
    RegOperator,
    RegCollation,
    /// REAL rounded to single precision; NaN is TEXT 'NaN' (SQLite makes a NaN NULL), which sorts after every number.
    Float4,
    /// REAL; NaN as for Float4; infinities are REAL.
    Float8,
    /// TEXT, canonical decimal with its display scale ("1.50"), or 'NaN', 'Infinity', '-Infinity'. Ordered and compared
    /// by the collation `pg_numeric`.
    Numeric,
    /// TEXT: text, varchar, name, enums, unknown, xml.
    Text,
    /// TEXT without trailing blanks beyond the declared length kept as PostgreSQL keeps them (padded); collation RTRIM.
    BpChar,
    /// TEXT of one byte: the type "char".
    Char,
    /// BLOB.
    Bytea,
    /// TEXT, canonical lower case with hyphens.
    Uuid,
    /// TEXT 'YYYY-MM-DD', or 'infinity' / '-infinity'.
    Date,
    /// TEXT 'HH:MM:SS[.ffffff]', trailing zeros of the fraction removed.
    Time,
    /// TEXT 'HH:MM:SS[.ffffff]+HH[:MM[:SS]]'; collation `pg_timetz`.
    TimeTz,
    /// TEXT 'YYYY-MM-DD HH:MM:SS[.ffffff]', or 'infinity' / '-infinity'.
    Timestamp,
    /// TEXT 'YYYY-MM-DD HH:MM:SS[.ffffff]+00', always UTC, or 'infinity' / '-infinity'.
    TimestampTz,
    /// TEXT in PostgreSQL's own `postgres` interval style ('1 year 2 mons 3 days 04:05:06.7'); collation `pg_interval`.
    Interval,
    /// TEXT as the client sent it.
    Json,
    /// TEXT normalised as PostgreSQL prints jsonb.
    Jsonb,
    /// TEXT: a path as PostgreSQL prints it.
    JsonPath,
    /// TEXT as PostgreSQL prints it; collation `pg_tsvector`.
    TsVector,
    /// TEXT as PostgreSQL prints it; collation `pg_tsquery`.
    TsQuery,
    /// TEXT: an address, with "/bits" unless that is the whole address; collation `pg_network`.
    Inet,
    /// TEXT: a network, always with "/bits"; collation `pg_network`.
    Cidr,
    /// TEXT: the digits 0 and 1 of a bit or varbit; sorts as text.
    Bit,
    /// TEXT: the range as PostgreSQL writes it, its bounds in the stored form of the subtype; collation
    /// `pg_range_…`.
    Range(RangeOf),
    /// TEXT: such ranges in braces; the same collation.
    Multirange(RangeOf),
    /// TEXT: geometric types, as PostgreSQL writes them with the shortest digits. They have no order of their own.
    Point,
    Lseg,
    Line,
    Box,
    Path,
    Polygon,
    Circle,
    /// INTEGER: cents.
    Money,
    /// TEXT: bytes in lower-case hexadecimal with colons; sorts as text.
    MacAddr,
    /// The same, of eight bytes.
    MacAddr8,
    /// TEXT: both halves in eight upper-case hexadecimal digits; sorts as text.
    PgLsn,
    /// INTEGER, and from 2^63 on TEXT of twenty digits: SQLite sorts texts behind numbers.
    Xid8,
    /// INTEGER: the block, then sixteen bits of the offset.
    Tid,
    /// TEXT: pg_snapshot and txid_snapshot.
    Snapshot,
    /// Always NULL or the empty string.
    Void,
    /// A row whose type is not known: the pseudo-type record.
    Record,
    /// TEXT: a JSON array with a place for each attribute, as the row type numbers them. Its parts are as in arrays, but
    /// arrays and rows in it are strings; a collation by the fields' types.
    Row(Row),
    /// int2vector: TEXT holding a JSON array as arrays do, shown blank-separated ("1 2").
    IntVector,
    /// oidvector: the same, of OIDs.
    OidVector,
    /// A type of an extension.
    Extension(Kind),
}

/// What a range type is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RangeOf {
    /// A built-in type.
    pub subtype: Oid,
    /// Whether its values are discrete: bounds are brought to the form [ ).
    pub discrete: bool,
}

impl RangeOf {
    /// How bounds are stored.
    pub fn scalar(self) -> Scalar {
        type_info(self.subtype).map_or(Scalar::Text, |info| info.repr.scalar)
    }

    pub(crate) const fn continuous(subtype: Oid) -> Self {
        RangeOf { subtype, discrete: false }
    }

    const fn discrete(subtype: Oid) -> Self {
        RangeOf { subtype, discrete: true }
    }
}

impl Scalar {
    /// The range type's own facts, for a range or multirange.
    pub fn range(self) -> Option<RangeOf> {
        match self {
            Scalar::Range(of) | Scalar::Multirange(of) => Some(of),
            _ => None,
        }
    }

    /// What stands between the elements of an array's text form (typdelim).
    pub fn delimiter(self) -> u8 {
        if self == Scalar::Box { b';' } else { b',' }
    }

    /// Whether values are stored as BLOB.
    pub fn is_blob(self) -> bool {
        match self {
            Scalar::Extension(kind) => kind.is_blob(),
            other => other == Scalar::Bytea,
        }
    }

    /// Whether values are stored as INTEGER.
    pub fn is_integer(self) -> bool {
        use Scalar::*;
        matches!(self, Bool | Int2 | Int4 | Int8 | Oid | Money | Tid) || self.names_object()
    }

    /// Whether a text means this or that by the session's settings or the catalog.
    pub fn depends_on_session(self) -> bool {
        use Scalar::*;
        match self {
            Range(of) | Multirange(of) => of.scalar().depends_on_session(),
            Row(row) => row.present().any(|field| field.info.repr.scalar.depends_on_session()),
            Date | Time | TimeTz | Timestamp | TimestampTz | Interval => true,
            other => other.names_object(),
        }
    }

    /// Whether values are OIDs of objects, shown by name.
    pub fn names_object(self) -> bool {
        use Scalar::*;
        matches!(self, RegClass | RegType | RegProc | RegProcedure | RegNamespace | RegRole | RegConfig)
            || matches!(self, RegDictionary | RegOper | RegOperator | RegCollation)
    }
}

/// How a type is stored and encoded: a scalar, or a one- or more-dimensional array of one.
///
/// An array is stored as TEXT holding a JSON array (nested for more dimensions) whose elements are: numbers for
/// integers and floats, true/false for bool, strings otherwise (bytea as '\x…' hex, numeric as its decimal string,
/// float NaN and infinities as strings), null for NULL. No blanks: "[1,2,null]". Lower bounds are always 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// The scalar, or the array's element.
    pub scalar: Scalar,
    /// For an array: the OID of the element type, which its binary form carries.
    pub array_of: Option<Oid>,
}

impl Repr {
    /// A scalar's representation.
    pub const fn scalar(scalar: Scalar) -> Self {
        Repr { scalar, array_of: None }
    }

    /// An array's representation.
    pub const fn array(element: Oid, scalar: Scalar) -> Self {
        Repr { scalar, array_of: Some(element) }
    }
}

impl Oid {
    /// No object; an unspecified type.
    pub const INVALID: Oid = Oid(0);
    #[doc = "`bool`"]
    pub const BOOL: Oid = Oid(16);
    #[doc = "`bytea`"]
    pub const BYTEA: Oid = Oid(17);
    #[doc = "`char`"]
    pub const CHAR: Oid = Oid(18);
    #[doc = "`name`"]
    pub const NAME: Oid = Oid(19);
    #[doc = "`int8`"]
    pub const INT8: Oid = Oid(20);
    #[doc = "`int2`"]
    pub const INT2: Oid = Oid(21);
    #[doc = "`int2vector`"]
    pub const INT2VECTOR: Oid = Oid(22);
    #[doc = "`int4`"]
    pub const INT4: Oid = Oid(23);
    #[doc = "`regproc`"]
    pub const REGPROC: Oid = Oid(24);
    #[doc = "`text`"]
    pub const TEXT: Oid = Oid(25);
    #[doc = "`oid`"]
    pub const OID: Oid = Oid(26);
    #[doc = "`tid`"]
    pub const TID: Oid = Oid(27);
    #[doc = "`xid`"]
    pub const XID: Oid = Oid(28);
    #[doc = "`cid`"]
    pub const CID: Oid = Oid(29);
    #[doc = "`oidvector`"]
    pub const OIDVECTOR: Oid = Oid(30);
    #[doc = "`json`"]
    pub const JSON: Oid = Oid(114);
    #[doc = "`xml`"]
    pub const XML: Oid = Oid(142);
    #[doc = "`_xml`"]
    pub const XML_ARRAY: Oid = Oid(143);
    #[doc = "`_json`"]
    pub const JSON_ARRAY: Oid = Oid(199);
    #[doc = "`_xid8`"]
    pub const XID8_ARRAY: Oid = Oid(271);
    #[doc = "`point`"]
    pub const POINT: Oid = Oid(600);
    #[doc = "`lseg`"]
    pub const LSEG: Oid = Oid(601);
    #[doc = "`path`"]
    pub const PATH: Oid = Oid(602);
    #[doc = "`box`"]
    pub const BOX: Oid = Oid(603);
    #[doc = "`polygon`"]
    pub const POLYGON: Oid = Oid(604);
    #[doc = "`line`"]
    pub const LINE: Oid = Oid(628);
    #[doc = "`_line`"]
    pub const LINE_ARRAY: Oid = Oid(629);
    #[doc = "`cidr`"]
    pub const CIDR: Oid = Oid(650);
    #[doc = "`_cidr`"]
    pub const CIDR_ARRAY: Oid = Oid(651);
    #[doc = "`float4`"]
    pub const FLOAT4: Oid = Oid(700);
    #[doc = "`float8`"]
    pub const FLOAT8: Oid = Oid(701);
    #[doc = "`unknown`"]
    pub const UNKNOWN: Oid = Oid(705);
    #[doc = "`circle`"]
    pub const CIRCLE: Oid = Oid(718);
    #[doc = "`_circle`"]
    pub const CIRCLE_ARRAY: Oid = Oid(719);
    #[doc = "`macaddr8`"]
    pub const MACADDR8: Oid = Oid(774);
    #[doc = "`_macaddr8`"]
    pub const MACADDR8_ARRAY: Oid = Oid(775);
    #[doc = "`money`"]
    pub const MONEY: Oid = Oid(790);
    #[doc = "`_money`"]
    pub const MONEY_ARRAY: Oid = Oid(791);
    #[doc = "`macaddr`"]
    pub const MACADDR: Oid = Oid(829);
    #[doc = "`inet`"]
    pub const INET: Oid = Oid(869);
    #[doc = "`_bool`"]
    pub const BOOL_ARRAY: Oid = Oid(1000);
    #[doc = "`_bytea`"]
    pub const BYTEA_ARRAY: Oid = Oid(1001);
    #[doc = "`_char`"]
    pub const CHAR_ARRAY: Oid = Oid(1002);
    #[doc = "`_name`"]
    pub const NAME_ARRAY: Oid = Oid(1003);
    #[doc = "`_int2`"]
    pub const INT2_ARRAY: Oid = Oid(1005);
    #[doc = "`_int2vector`"]
    pub const INT2VECTOR_ARRAY: Oid = Oid(1006);
    #[doc = "`_int4`"]
    pub const INT4_ARRAY: Oid = Oid(1007);
    #[doc = "`_text`"]
    pub const TEXT_ARRAY: Oid = Oid(1009);
    #[doc = "`_tid`"]
    pub const TID_ARRAY: Oid = Oid(1010);
    #[doc = "`_xid`"]
    pub const XID_ARRAY: Oid = Oid(1011);
    #[doc = "`_cid`"]
    pub const CID_ARRAY: Oid = Oid(1012);
    #[doc = "`_oidvector`"]
    pub const OIDVECTOR_ARRAY: Oid = Oid(1013);
    #[doc = "`_bpchar`"]
    pub const BPCHAR_ARRAY: Oid = Oid(1014);
    #[doc = "`_varchar`"]
    pub const VARCHAR_ARRAY: Oid = Oid(1015);
    #[doc = "`_int8`"]
    pub const INT8_ARRAY: Oid = Oid(1016);
    #[doc = "`_point`"]
    pub const POINT_ARRAY: Oid = Oid(1017);
    #[doc = "`_lseg`"]
    pub const LSEG_ARRAY: Oid = Oid(1018);
    #[doc = "`_path`"]
    pub const PATH_ARRAY: Oid = Oid(1019);
    #[doc = "`_box`"]
    pub const BOX_ARRAY: Oid = Oid(1020);
    #[doc = "`_float4`"]
    pub const FLOAT4_ARRAY: Oid = Oid(1021);
    #[doc = "`_float8`"]
    pub const FLOAT8_ARRAY: Oid = Oid(1022);
    #[doc = "`_polygon`"]
    pub const POLYGON_ARRAY: Oid = Oid(1027);
    #[doc = "`_oid`"]
    pub const OID_ARRAY: Oid = Oid(1028);
    #[doc = "`_macaddr`"]
    pub const MACADDR_ARRAY: Oid = Oid(1040);
    #[doc = "`_inet`"]
    pub const INET_ARRAY: Oid = Oid(1041);
    #[doc = "`bpchar`"]
    pub const BPCHAR: Oid = Oid(1042);
    #[doc = "`varchar`"]
    pub const VARCHAR: Oid = Oid(1043);
    #[doc = "`date`"]
    pub const DATE: Oid = Oid(1082);
    #[doc = "`time`"]
    pub const TIME: Oid = Oid(1083);
    #[doc = "`timestamp`"]
    pub const TIMESTAMP: Oid = Oid(1114);
    #[doc = "`_timestamp`"]
    pub const TIMESTAMP_ARRAY: Oid = Oid(1115);
    #[doc = "`_date`"]
    pub const DATE_ARRAY: Oid = Oid(1182);
    #[doc = "`_time`"]
    pub const TIME_ARRAY: Oid = Oid(1183);
    #[doc = "`timestamptz`"]
    pub const TIMESTAMPTZ: Oid = Oid(1184);
    #[doc = "`_timestamptz`"]
    pub const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);
    #[doc = "`interval`"]
    pub const INTERVAL: Oid = Oid(1186);
    #[doc = "`_interval`"]
    pub const INTERVAL_ARRAY: Oid = Oid(1187);
    #[doc = "`_numeric`"]
    pub const NUMERIC_ARRAY: Oid = Oid(1231);
    #[doc = "`_cstring`"]
    pub const CSTRING_ARRAY: Oid = Oid(1263);
    #[doc = "`timetz`"]
    pub const TIMETZ: Oid = Oid(1266);
    #[doc = "`_timetz`"]
    pub const TIMETZ_ARRAY: Oid = Oid(1270);
    #[doc = "`bit`"]
    pub const BIT: Oid = Oid(1560);
    #[doc = "`_bit`"]
    pub const BIT_ARRAY: Oid = Oid(1561);
    #[doc = "`varbit`"]
    pub const VARBIT: Oid = Oid(1562);
    #[doc = "`_varbit`"]
    pub const VARBIT_ARRAY: Oid = Oid(1563);
    #[doc = "`numeric`"]
    pub const NUMERIC: Oid = Oid(1700);
    #[doc = "`regprocedure`"]
    pub const REGPROCEDURE: Oid = Oid(2202);
    #[doc = "`regoper`"]
    pub const REGOPER: Oid = Oid(2203);
    #[doc = "`regoperator`"]
    pub const REGOPERATOR: Oid = Oid(2204);
    #[doc = "`regclass`"]
    pub const REGCLASS: Oid = Oid(2205);
    #[doc = "`regtype`"]
    pub const REGTYPE: Oid = Oid(2206);
    #[doc = "`record`"]
    pub const RECORD: Oid = Oid(2249);
    #[doc = "`cstring`"]
    pub const CSTRING: Oid = Oid(2275);
    #[doc = "`any`"]
    pub const ANY: Oid = Oid(2276);
    #[doc = "`anyarray`"]
    pub const ANYARRAY: Oid = Oid(2277);
    #[doc = "`void`"]
    pub const VOID: Oid = Oid(2278);
    #[doc = "`trigger`"]
    pub const TRIGGER: Oid = Oid(2279);
    #[doc = "`anyelement`"]
    pub const ANYELEMENT: Oid = Oid(2283);
    #[doc = "`_record`"]
    pub const RECORD_ARRAY: Oid = Oid(2287);
    #[doc = "`anynonarray`"]
    pub const ANYNONARRAY: Oid = Oid(2776);
    pub const ANYCOMPATIBLE: Oid = Oid(5077);
    pub const ANYCOMPATIBLEARRAY: Oid = Oid(5078);
    #[doc = "`_txid_snapshot`"]
    pub const TXID_SNAPSHOT_ARRAY: Oid = Oid(2949);
    #[doc = "`uuid`"]
    pub const UUID: Oid = Oid(2950);
    #[doc = "`_uuid`"]
    pub const UUID_ARRAY: Oid = Oid(2951);
    #[doc = "`txid_snapshot`"]
    pub const TXID_SNAPSHOT: Oid = Oid(2970);
    #[doc = "`pg_lsn`"]
    pub const PG_LSN: Oid = Oid(3220);
    #[doc = "`_pg_lsn`"]
    pub const PG_LSN_ARRAY: Oid = Oid(3221);
    #[doc = "`anyenum`"]
    pub const ANYENUM: Oid = Oid(3500);
    #[doc = "`tsvector`"]
    pub const TSVECTOR: Oid = Oid(3614);
    #[doc = "`tsquery`"]
    pub const TSQUERY: Oid = Oid(3615);
    #[doc = "`_tsvector`"]
    pub const TSVECTOR_ARRAY: Oid = Oid(3643);
    #[doc = "`_tsquery`"]
    pub const TSQUERY_ARRAY: Oid = Oid(3645);
    #[doc = "`regconfig`"]
    pub const REGCONFIG: Oid = Oid(3734);
    #[doc = "`regdictionary`"]
    pub const REGDICTIONARY: Oid = Oid(3769);
    #[doc = "`_regdictionary`"]
    pub const REGDICTIONARY_ARRAY: Oid = Oid(3770);
    #[doc = "`jsonb`"]
    pub const JSONB: Oid = Oid(3802);
    #[doc = "`_jsonb`"]
    pub const JSONB_ARRAY: Oid = Oid(3807);
    #[doc = "`jsonpath`"]
    pub const JSONPATH: Oid = Oid(4072);
    #[doc = "`_jsonpath`"]
    pub const JSONPATH_ARRAY: Oid = Oid(4073);
    #[doc = "`anyrange`"]
    pub const ANYRANGE: Oid = Oid(3831);
    #[doc = "`int4range`"]
    pub const INT4RANGE: Oid = Oid(3904);
    #[doc = "`_int4range`"]
    pub const INT4RANGE_ARRAY: Oid = Oid(3905);
    #[doc = "`numrange`"]
    pub const NUMRANGE: Oid = Oid(3906);
    #[doc = "`_numrange`"]
    pub const NUMRANGE_ARRAY: Oid = Oid(3907);
    #[doc = "`tsrange`"]
    pub const TSRANGE: Oid = Oid(3908);
    #[doc = "`_tsrange`"]
    pub const TSRANGE_ARRAY: Oid = Oid(3909);
    #[doc = "`tstzrange`"]
    pub const TSTZRANGE: Oid = Oid(3910);
    #[doc = "`_tstzrange`"]
    pub const TSTZRANGE_ARRAY: Oid = Oid(3911);
    #[doc = "`daterange`"]
    pub const DATERANGE: Oid = Oid(3912);
    #[doc = "`_daterange`"]
    pub const DATERANGE_ARRAY: Oid = Oid(3913);
    #[doc = "`int8range`"]
    pub const INT8RANGE: Oid = Oid(3926);
    #[doc = "`_int8range`"]
    pub const INT8RANGE_ARRAY: Oid = Oid(3927);
    #[doc = "`regnamespace`"]
    pub const REGNAMESPACE: Oid = Oid(4089);
    #[doc = "`regrole`"]
    pub const REGROLE: Oid = Oid(4096);
    #[doc = "`regcollation`"]
    pub const REGCOLLATION: Oid = Oid(4191);
    #[doc = "`int4multirange`"]
    pub const INT4MULTIRANGE: Oid = Oid(4451);
    #[doc = "`nummultirange`"]
    pub const NUMMULTIRANGE: Oid = Oid(4532);
    #[doc = "`tsmultirange`"]
    pub const TSMULTIRANGE: Oid = Oid(4533);
    #[doc = "`tstzmultirange`"]
    pub const TSTZMULTIRANGE: Oid = Oid(4534);
    #[doc = "`datemultirange`"]
    pub const DATEMULTIRANGE: Oid = Oid(4535);
    #[doc = "`int8multirange`"]
    pub const INT8MULTIRANGE: Oid = Oid(4536);
    #[doc = "`anymultirange`"]
    pub const ANYMULTIRANGE: Oid = Oid(4537);
    #[doc = "`pg_snapshot`"]
    pub const PG_SNAPSHOT: Oid = Oid(5038);
    #[doc = "`_pg_snapshot`"]
    pub const PG_SNAPSHOT_ARRAY: Oid = Oid(5039);
    #[doc = "`xid8`"]
    pub const XID8: Oid = Oid(5069);
    #[doc = "`_int4multirange`"]
    pub const INT4MULTIRANGE_ARRAY: Oid = Oid(6150);
    #[doc = "`_nummultirange`"]
    pub const NUMMULTIRANGE_ARRAY: Oid = Oid(6151);
    #[doc = "`_tsmultirange`"]
    pub const TSMULTIRANGE_ARRAY: Oid = Oid(6152);
    #[doc = "`_tstzmultirange`"]
    pub const TSTZMULTIRANGE_ARRAY: Oid = Oid(6153);
    #[doc = "`_datemultirange`"]
    pub const DATEMULTIRANGE_ARRAY: Oid = Oid(6155);
    #[doc = "`_int8multirange`"]
    pub const INT8MULTIRANGE_ARRAY: Oid = Oid(6157);
    /// The first OID given to an object a user made (transam.h, FirstNormalObjectId).
    pub const FIRST_NORMAL: Oid = Oid(16384);
    /// The role that a server is set up with (pg_authid.dat).
    pub const BOOTSTRAP_SUPERUSER: Oid = Oid(10);
}

/// One row of the built-in part of pg_type.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    pub oid: Oid,
    /// typname: "int4".
    pub name: &'static str,
    /// What format_type() prints without a modifier: "integer".
    pub sql_name: &'static str,
    /// typlen: bytes, or -1 (varlena), -2 (cstring).
    pub len: i16,
    /// typtype: b base, p pseudo.
    pub kind: u8,
    /// typcategory.
    pub category: u8,
    /// typispreferred.
    pub preferred: bool,
    /// typelem; for arrays the element type.
    pub element: Oid,
    /// typarray.
    pub array: Oid,
    /// typbyval.
    pub by_value: bool,
    /// typalign.
    pub align: u8,
    /// typstorage.
    pub storage: u8,
    /// typcollation.
    pub collation: Oid,
    /// How values are stored and encoded.
    pub repr: Repr,
}

impl TypeInfo {
    /// Whether this is a true array type (category A, variable length).
    pub fn is_array(&self) -> bool {
        self.repr.array_of.is_some()
    }
}

/// The type with this OID: a built-in one, or an extension's.
pub fn type_info(oid: Oid) -> Option<&'static TypeInfo> {
    let found = TYPES.binary_search_by_key(&oid, |t| t.oid).ok().and_then(|i| TYPES.get(i));
    found.or_else(|| extension::info(oid))
}

/// The built-in type with this internal name ("int4", "_int4").
pub fn type_by_name(name: &str) -> Option<&'static TypeInfo> {
    TYPES.iter().find(|t| t.name == name)
}

/// The type with this internal name, an extension's too.
pub fn any_type(name: &str) -> Option<&'static TypeInfo> {
    type_by_name(name).or_else(|| extension::named(name).map(|(_, info)| info))
}

/// Every type: the built-in ones, then extensions'.
pub fn all_types() -> impl Iterator<Item = &'static TypeInfo> {
    TYPES.iter().chain(extension::TYPES.iter().flat_map(|of| &of.infos))
}

/// Every built-in type, by OID. Recorded from PostgreSQL 15's pg_type.
#[rustfmt::skip]
pub static TYPES: &[TypeInfo] = &[
    TypeInfo { oid: Oid(16), name: "bool", sql_name: "boolean", len: 1, kind: b'b', category: b'B', preferred: true, element: Oid(0), array: Oid(1000), by_value: true, align: b'c', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Bool) },
    TypeInfo { oid: Oid(17), name: "bytea", sql_name: "bytea", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(1001), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Bytea) },
    TypeInfo { oid: Oid(18), name: "char", sql_name: "\"char\"", len: 1, kind: b'b', category: b'Z', preferred: false, element: Oid(0), array: Oid(1002), by_value: true, align: b'c', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Char) },
    TypeInfo { oid: Oid(19), name: "name", sql_name: "name", len: 64, kind: b'b', category: b'S', preferred: false, element: Oid(18), array: Oid(1003), by_value: false, align: b'c', storage: b'p', collation: Oid(950), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(20), name: "int8", sql_name: "bigint", len: 8, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(1016), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Int8) },
    TypeInfo { oid: Oid(21), name: "int2", sql_name: "smallint", len: 2, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(1005), by_value: true, align: b's', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Int2) },
    TypeInfo { oid: Oid(22), name: "int2vector", sql_name: "int2vector", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(21), array: Oid(1006), by_value: false, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::IntVector) },
    TypeInfo { oid: Oid(23), name: "int4", sql_name: "integer", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(1007), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Int4) },
    TypeInfo { oid: Oid(24), name: "regproc", sql_name: "regproc", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(1008), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegProc) },
    TypeInfo { oid: Oid(25), name: "text", sql_name: "text", len: -1, kind: b'b', category: b'S', preferred: true, element: Oid(0), array: Oid(1009), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(26), name: "oid", sql_name: "oid", len: 4, kind: b'b', category: b'N', preferred: true, element: Oid(0), array: Oid(1028), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Oid) },
    TypeInfo { oid: Oid(27), name: "tid", sql_name: "tid", len: 6, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(1010), by_value: false, align: b's', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Tid) },
    TypeInfo { oid: Oid(28), name: "xid", sql_name: "xid", len: 4, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(1011), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Oid) },
    TypeInfo { oid: Oid(29), name: "cid", sql_name: "cid", len: 4, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(1012), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Oid) },
    TypeInfo { oid: Oid(30), name: "oidvector", sql_name: "oidvector", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(26), array: Oid(1013), by_value: false, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::OidVector) },
    TypeInfo { oid: Oid(114), name: "json", sql_name: "json", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(199), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Json) },
    TypeInfo { oid: Oid(142), name: "xml", sql_name: "xml", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(143), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(143), name: "_xml", sql_name: "xml[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(142), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(142), Scalar::Text) },
    TypeInfo { oid: Oid(194), name: "pg_node_tree", sql_name: "pg_node_tree", len: -1, kind: b'b', category: b'Z', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(199), name: "_json", sql_name: "json[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(114), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(114), Scalar::Json) },
    TypeInfo { oid: Oid(271), name: "_xid8", sql_name: "xid8[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(5069), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(5069), Scalar::Xid8) },
    TypeInfo { oid: Oid(600), name: "point", sql_name: "point", len: 16, kind: b'b', category: b'G', preferred: false, element: Oid(701), array: Oid(1017), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Point) },
    TypeInfo { oid: Oid(601), name: "lseg", sql_name: "lseg", len: 32, kind: b'b', category: b'G', preferred: false, element: Oid(600), array: Oid(1018), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Lseg) },
    TypeInfo { oid: Oid(602), name: "path", sql_name: "path", len: -1, kind: b'b', category: b'G', preferred: false, element: Oid(0), array: Oid(1019), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Path) },
    TypeInfo { oid: Oid(603), name: "box", sql_name: "box", len: 32, kind: b'b', category: b'G', preferred: false, element: Oid(600), array: Oid(1020), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Box) },
    TypeInfo { oid: Oid(604), name: "polygon", sql_name: "polygon", len: -1, kind: b'b', category: b'G', preferred: false, element: Oid(0), array: Oid(1027), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Polygon) },
    TypeInfo { oid: Oid(628), name: "line", sql_name: "line", len: 24, kind: b'b', category: b'G', preferred: false, element: Oid(701), array: Oid(629), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Line) },
    TypeInfo { oid: Oid(629), name: "_line", sql_name: "line[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(628), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(628), Scalar::Line) },
    TypeInfo { oid: Oid(650), name: "cidr", sql_name: "cidr", len: -1, kind: b'b', category: b'I', preferred: false, element: Oid(0), array: Oid(651), by_value: false, align: b'i', storage: b'm', collation: Oid(0), repr: Repr::scalar(Scalar::Cidr) },
    TypeInfo { oid: Oid(651), name: "_cidr", sql_name: "cidr[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(650), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(650), Scalar::Cidr) },
    TypeInfo { oid: Oid(700), name: "float4", sql_name: "real", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(1021), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Float4) },
    TypeInfo { oid: Oid(701), name: "float8", sql_name: "double precision", len: 8, kind: b'b', category: b'N', preferred: true, element: Oid(0), array: Oid(1022), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Float8) },
    TypeInfo { oid: Oid(705), name: "unknown", sql_name: "unknown", len: -2, kind: b'p', category: b'X', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'c', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(718), name: "circle", sql_name: "circle", len: 24, kind: b'b', category: b'G', preferred: false, element: Oid(0), array: Oid(719), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Circle) },
    TypeInfo { oid: Oid(719), name: "_circle", sql_name: "circle[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(718), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(718), Scalar::Circle) },
    TypeInfo { oid: Oid(774), name: "macaddr8", sql_name: "macaddr8", len: 8, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(775), by_value: false, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::MacAddr8) },
    TypeInfo { oid: Oid(775), name: "_macaddr8", sql_name: "macaddr8[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(774), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(774), Scalar::MacAddr8) },
    TypeInfo { oid: Oid(790), name: "money", sql_name: "money", len: 8, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(791), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Money) },
    TypeInfo { oid: Oid(791), name: "_money", sql_name: "money[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(790), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(790), Scalar::Money) },
    TypeInfo { oid: Oid(829), name: "macaddr", sql_name: "macaddr", len: 6, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(1040), by_value: false, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::MacAddr) },
    TypeInfo { oid: Oid(869), name: "inet", sql_name: "inet", len: -1, kind: b'b', category: b'I', preferred: true, element: Oid(0), array: Oid(1041), by_value: false, align: b'i', storage: b'm', collation: Oid(0), repr: Repr::scalar(Scalar::Inet) },
    TypeInfo { oid: Oid(1000), name: "_bool", sql_name: "boolean[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(16), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(16), Scalar::Bool) },
    TypeInfo { oid: Oid(1001), name: "_bytea", sql_name: "bytea[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(17), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(17), Scalar::Bytea) },
    TypeInfo { oid: Oid(1002), name: "_char", sql_name: "\"char\"[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(18), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(18), Scalar::Char) },
    TypeInfo { oid: Oid(1003), name: "_name", sql_name: "name[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(19), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(950), repr: Repr::array(Oid(19), Scalar::Text) },
    TypeInfo { oid: Oid(1005), name: "_int2", sql_name: "smallint[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(21), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(21), Scalar::Int2) },
    TypeInfo { oid: Oid(1006), name: "_int2vector", sql_name: "int2vector[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(22), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(22), Scalar::IntVector) },
    TypeInfo { oid: Oid(1007), name: "_int4", sql_name: "integer[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(23), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(23), Scalar::Int4) },
    TypeInfo { oid: Oid(1008), name: "_regproc", sql_name: "regproc[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(24), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(24), Scalar::RegProc) },
    TypeInfo { oid: Oid(1009), name: "_text", sql_name: "text[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(25), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::array(Oid(25), Scalar::Text) },
    TypeInfo { oid: Oid(1010), name: "_tid", sql_name: "tid[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(27), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(27), Scalar::Tid) },
    TypeInfo { oid: Oid(1011), name: "_xid", sql_name: "xid[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(28), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(28), Scalar::Oid) },
    TypeInfo { oid: Oid(1012), name: "_cid", sql_name: "cid[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(29), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(29), Scalar::Oid) },
    TypeInfo { oid: Oid(1013), name: "_oidvector", sql_name: "oidvector[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(30), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(30), Scalar::OidVector) },
    TypeInfo { oid: Oid(1014), name: "_bpchar", sql_name: "character[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1042), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::array(Oid(1042), Scalar::BpChar) },
    TypeInfo { oid: Oid(1015), name: "_varchar", sql_name: "character varying[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1043), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::array(Oid(1043), Scalar::Text) },
    TypeInfo { oid: Oid(1016), name: "_int8", sql_name: "bigint[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(20), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(20), Scalar::Int8) },
    TypeInfo { oid: Oid(1017), name: "_point", sql_name: "point[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(600), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(600), Scalar::Point) },
    TypeInfo { oid: Oid(1018), name: "_lseg", sql_name: "lseg[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(601), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(601), Scalar::Lseg) },
    TypeInfo { oid: Oid(1019), name: "_path", sql_name: "path[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(602), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(602), Scalar::Path) },
    TypeInfo { oid: Oid(1020), name: "_box", sql_name: "box[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(603), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(603), Scalar::Box) },
    TypeInfo { oid: Oid(1021), name: "_float4", sql_name: "real[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(700), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(700), Scalar::Float4) },
    TypeInfo { oid: Oid(1022), name: "_float8", sql_name: "double precision[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(701), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(701), Scalar::Float8) },
    TypeInfo { oid: Oid(1027), name: "_polygon", sql_name: "polygon[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(604), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(604), Scalar::Polygon) },
    TypeInfo { oid: Oid(1028), name: "_oid", sql_name: "oid[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(26), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(26), Scalar::Oid) },
    TypeInfo { oid: Oid(1033), name: "aclitem", sql_name: "aclitem", len: 12, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(1034), by_value: false, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(1034), name: "_aclitem", sql_name: "aclitem[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1033), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1033), Scalar::Text) },
    TypeInfo { oid: Oid(1040), name: "_macaddr", sql_name: "macaddr[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(829), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(829), Scalar::MacAddr) },
    TypeInfo { oid: Oid(1041), name: "_inet", sql_name: "inet[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(869), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(869), Scalar::Inet) },
    TypeInfo { oid: Oid(1042), name: "bpchar", sql_name: "character", len: -1, kind: b'b', category: b'S', preferred: false, element: Oid(0), array: Oid(1014), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::BpChar) },
    TypeInfo { oid: Oid(1043), name: "varchar", sql_name: "character varying", len: -1, kind: b'b', category: b'S', preferred: false, element: Oid(0), array: Oid(1015), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(1082), name: "date", sql_name: "date", len: 4, kind: b'b', category: b'D', preferred: false, element: Oid(0), array: Oid(1182), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Date) },
    TypeInfo { oid: Oid(1083), name: "time", sql_name: "time without time zone", len: 8, kind: b'b', category: b'D', preferred: false, element: Oid(0), array: Oid(1183), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Time) },
    TypeInfo { oid: Oid(1114), name: "timestamp", sql_name: "timestamp without time zone", len: 8, kind: b'b', category: b'D', preferred: false, element: Oid(0), array: Oid(1115), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Timestamp) },
    TypeInfo { oid: Oid(1115), name: "_timestamp", sql_name: "timestamp without time zone[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1114), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1114), Scalar::Timestamp) },
    TypeInfo { oid: Oid(1182), name: "_date", sql_name: "date[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1082), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1082), Scalar::Date) },
    TypeInfo { oid: Oid(1183), name: "_time", sql_name: "time without time zone[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1083), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1083), Scalar::Time) },
    TypeInfo { oid: Oid(1184), name: "timestamptz", sql_name: "timestamp with time zone", len: 8, kind: b'b', category: b'D', preferred: true, element: Oid(0), array: Oid(1185), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::TimestampTz) },
    TypeInfo { oid: Oid(1185), name: "_timestamptz", sql_name: "timestamp with time zone[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1184), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1184), Scalar::TimestampTz) },
    TypeInfo { oid: Oid(1186), name: "interval", sql_name: "interval", len: 16, kind: b'b', category: b'T', preferred: true, element: Oid(0), array: Oid(1187), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Interval) },
    TypeInfo { oid: Oid(1187), name: "_interval", sql_name: "interval[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1186), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1186), Scalar::Interval) },
    TypeInfo { oid: Oid(1231), name: "_numeric", sql_name: "numeric[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1700), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1700), Scalar::Numeric) },
    TypeInfo { oid: Oid(1263), name: "_cstring", sql_name: "cstring[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2275), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2275), Scalar::Text) },
    TypeInfo { oid: Oid(1266), name: "timetz", sql_name: "time with time zone", len: 12, kind: b'b', category: b'D', preferred: false, element: Oid(0), array: Oid(1270), by_value: false, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::TimeTz) },
    TypeInfo { oid: Oid(1270), name: "_timetz", sql_name: "time with time zone[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1266), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1266), Scalar::TimeTz) },
    TypeInfo { oid: Oid(1560), name: "bit", sql_name: "bit", len: -1, kind: b'b', category: b'V', preferred: false, element: Oid(0), array: Oid(1561), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Bit) },
    TypeInfo { oid: Oid(1561), name: "_bit", sql_name: "bit[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1560), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1560), Scalar::Bit) },
    TypeInfo { oid: Oid(1562), name: "varbit", sql_name: "bit varying", len: -1, kind: b'b', category: b'V', preferred: true, element: Oid(0), array: Oid(1563), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Bit) },
    TypeInfo { oid: Oid(1563), name: "_varbit", sql_name: "bit varying[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1562), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1562), Scalar::Bit) },
    TypeInfo { oid: Oid(1700), name: "numeric", sql_name: "numeric", len: -1, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(1231), by_value: false, align: b'i', storage: b'm', collation: Oid(0), repr: Repr::scalar(Scalar::Numeric) },
    TypeInfo { oid: Oid(1790), name: "refcursor", sql_name: "refcursor", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(2201), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(2201), name: "_refcursor", sql_name: "refcursor[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(1790), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(1790), Scalar::Text) },
    TypeInfo { oid: Oid(2202), name: "regprocedure", sql_name: "regprocedure", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(2207), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegProcedure) },
    TypeInfo { oid: Oid(2203), name: "regoper", sql_name: "regoper", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(2208), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegOper) },
    TypeInfo { oid: Oid(2204), name: "regoperator", sql_name: "regoperator", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(2209), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegOperator) },
    TypeInfo { oid: Oid(2205), name: "regclass", sql_name: "regclass", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(2210), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegClass) },
    TypeInfo { oid: Oid(2206), name: "regtype", sql_name: "regtype", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(2211), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegType) },
    TypeInfo { oid: Oid(2207), name: "_regprocedure", sql_name: "regprocedure[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2202), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2202), Scalar::RegProcedure) },
    TypeInfo { oid: Oid(2208), name: "_regoper", sql_name: "regoper[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2203), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2203), Scalar::RegOper) },
    TypeInfo { oid: Oid(2209), name: "_regoperator", sql_name: "regoperator[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2204), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2204), Scalar::RegOperator) },
    TypeInfo { oid: Oid(2210), name: "_regclass", sql_name: "regclass[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2205), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2205), Scalar::RegClass) },
    TypeInfo { oid: Oid(2211), name: "_regtype", sql_name: "regtype[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2206), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2206), Scalar::RegType) },
    TypeInfo { oid: Oid(2249), name: "record", sql_name: "record", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(2287), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Record) },
    TypeInfo { oid: Oid(2275), name: "cstring", sql_name: "cstring", len: -2, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(1263), by_value: false, align: b'c', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(2276), name: "any", sql_name: "\"any\"", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(2277), name: "anyarray", sql_name: "anyarray", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(2278), name: "void", sql_name: "void", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Void) },
    TypeInfo { oid: Oid(2279), name: "trigger", sql_name: "trigger", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Void) },
    TypeInfo { oid: Oid(2283), name: "anyelement", sql_name: "anyelement", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(2287), name: "_record", sql_name: "record[]", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(2249), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2249), Scalar::Record) },
    TypeInfo { oid: Oid(2776), name: "anynonarray", sql_name: "anynonarray", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(2949), name: "_txid_snapshot", sql_name: "txid_snapshot[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2970), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2970), Scalar::Snapshot) },
    TypeInfo { oid: Oid(2950), name: "uuid", sql_name: "uuid", len: 16, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(2951), by_value: false, align: b'c', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Uuid) },
    TypeInfo { oid: Oid(2951), name: "_uuid", sql_name: "uuid[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(2950), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(2950), Scalar::Uuid) },
    TypeInfo { oid: Oid(2970), name: "txid_snapshot", sql_name: "txid_snapshot", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(2949), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Snapshot) },
    TypeInfo { oid: Oid(3220), name: "pg_lsn", sql_name: "pg_lsn", len: 8, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(3221), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::PgLsn) },
    TypeInfo { oid: Oid(3221), name: "_pg_lsn", sql_name: "pg_lsn[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3220), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3220), Scalar::PgLsn) },
    TypeInfo { oid: Oid(3361), name: "pg_ndistinct", sql_name: "pg_ndistinct", len: -1, kind: b'b', category: b'Z', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(3402), name: "pg_dependencies", sql_name: "pg_dependencies", len: -1, kind: b'b', category: b'Z', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(3500), name: "anyenum", sql_name: "anyenum", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(3614), name: "tsvector", sql_name: "tsvector", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(3643), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::TsVector) },
    TypeInfo { oid: Oid(3615), name: "tsquery", sql_name: "tsquery", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(3645), by_value: false, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::TsQuery) },
    TypeInfo { oid: Oid(3643), name: "_tsvector", sql_name: "tsvector[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3614), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3614), Scalar::TsVector) },
    TypeInfo { oid: Oid(3645), name: "_tsquery", sql_name: "tsquery[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3615), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3615), Scalar::TsQuery) },
    TypeInfo { oid: Oid(3734), name: "regconfig", sql_name: "regconfig", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(3735), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegConfig) },
    TypeInfo { oid: Oid(3735), name: "_regconfig", sql_name: "regconfig[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3734), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3734), Scalar::RegConfig) },
    TypeInfo { oid: Oid(3769), name: "regdictionary", sql_name: "regdictionary", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(3770), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegDictionary) },
    TypeInfo { oid: Oid(3770), name: "_regdictionary", sql_name: "regdictionary[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3769), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3769), Scalar::RegDictionary) },
    TypeInfo { oid: Oid(3802), name: "jsonb", sql_name: "jsonb", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(3807), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Jsonb) },
    TypeInfo { oid: Oid(3807), name: "_jsonb", sql_name: "jsonb[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3802), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3802), Scalar::Jsonb) },
    TypeInfo { oid: Oid(3831), name: "anyrange", sql_name: "anyrange", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(3904), name: "int4range", sql_name: "int4range", len: -1, kind: b'r', category: b'R', preferred: false, element: Oid(0), array: Oid(3905), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Range(RangeOf::discrete(Oid::INT4))) },
    TypeInfo { oid: Oid(3905), name: "_int4range", sql_name: "int4range[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3904), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3904), Scalar::Range(RangeOf::discrete(Oid::INT4))) },
    TypeInfo { oid: Oid(3906), name: "numrange", sql_name: "numrange", len: -1, kind: b'r', category: b'R', preferred: false, element: Oid(0), array: Oid(3907), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Range(RangeOf::continuous(Oid::NUMERIC))) },
    TypeInfo { oid: Oid(3907), name: "_numrange", sql_name: "numrange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3906), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3906), Scalar::Range(RangeOf::continuous(Oid::NUMERIC))) },
    TypeInfo { oid: Oid(3908), name: "tsrange", sql_name: "tsrange", len: -1, kind: b'r', category: b'R', preferred: false, element: Oid(0), array: Oid(3909), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Range(RangeOf::continuous(Oid::TIMESTAMP))) },
    TypeInfo { oid: Oid(3909), name: "_tsrange", sql_name: "tsrange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3908), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3908), Scalar::Range(RangeOf::continuous(Oid::TIMESTAMP))) },
    TypeInfo { oid: Oid(3910), name: "tstzrange", sql_name: "tstzrange", len: -1, kind: b'r', category: b'R', preferred: false, element: Oid(0), array: Oid(3911), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Range(RangeOf::continuous(Oid::TIMESTAMPTZ))) },
    TypeInfo { oid: Oid(3911), name: "_tstzrange", sql_name: "tstzrange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3910), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3910), Scalar::Range(RangeOf::continuous(Oid::TIMESTAMPTZ))) },
    TypeInfo { oid: Oid(3912), name: "daterange", sql_name: "daterange", len: -1, kind: b'r', category: b'R', preferred: false, element: Oid(0), array: Oid(3913), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Range(RangeOf::discrete(Oid::DATE))) },
    TypeInfo { oid: Oid(3913), name: "_daterange", sql_name: "daterange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3912), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3912), Scalar::Range(RangeOf::discrete(Oid::DATE))) },
    TypeInfo { oid: Oid(3926), name: "int8range", sql_name: "int8range", len: -1, kind: b'r', category: b'R', preferred: false, element: Oid(0), array: Oid(3927), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Range(RangeOf::discrete(Oid::INT8))) },
    TypeInfo { oid: Oid(3927), name: "_int8range", sql_name: "int8range[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(3926), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(3926), Scalar::Range(RangeOf::discrete(Oid::INT8))) },
    TypeInfo { oid: Oid(4072), name: "jsonpath", sql_name: "jsonpath", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(4073), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::JsonPath) },
    TypeInfo { oid: Oid(4073), name: "_jsonpath", sql_name: "jsonpath[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4072), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4072), Scalar::JsonPath) },
    TypeInfo { oid: Oid(4089), name: "regnamespace", sql_name: "regnamespace", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(4090), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegNamespace) },
    TypeInfo { oid: Oid(4090), name: "_regnamespace", sql_name: "regnamespace[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4089), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4089), Scalar::RegNamespace) },
    TypeInfo { oid: Oid(4096), name: "regrole", sql_name: "regrole", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(4097), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegRole) },
    TypeInfo { oid: Oid(4097), name: "_regrole", sql_name: "regrole[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4096), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4096), Scalar::RegRole) },
    TypeInfo { oid: Oid(4191), name: "regcollation", sql_name: "regcollation", len: 4, kind: b'b', category: b'N', preferred: false, element: Oid(0), array: Oid(4192), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::RegCollation) },
    TypeInfo { oid: Oid(4192), name: "_regcollation", sql_name: "regcollation[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4191), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4191), Scalar::RegCollation) },
    TypeInfo { oid: Oid(4451), name: "int4multirange", sql_name: "int4multirange", len: -1, kind: b'm', category: b'R', preferred: false, element: Oid(0), array: Oid(6150), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Multirange(RangeOf::discrete(Oid::INT4))) },
    TypeInfo { oid: Oid(4532), name: "nummultirange", sql_name: "nummultirange", len: -1, kind: b'm', category: b'R', preferred: false, element: Oid(0), array: Oid(6151), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Multirange(RangeOf::continuous(Oid::NUMERIC))) },
    TypeInfo { oid: Oid(4533), name: "tsmultirange", sql_name: "tsmultirange", len: -1, kind: b'm', category: b'R', preferred: false, element: Oid(0), array: Oid(6152), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Multirange(RangeOf::continuous(Oid::TIMESTAMP))) },
    TypeInfo { oid: Oid(4534), name: "tstzmultirange", sql_name: "tstzmultirange", len: -1, kind: b'm', category: b'R', preferred: false, element: Oid(0), array: Oid(6153), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Multirange(RangeOf::continuous(Oid::TIMESTAMPTZ))) },
    TypeInfo { oid: Oid(4535), name: "datemultirange", sql_name: "datemultirange", len: -1, kind: b'm', category: b'R', preferred: false, element: Oid(0), array: Oid(6155), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Multirange(RangeOf::discrete(Oid::DATE))) },
    TypeInfo { oid: Oid(4536), name: "int8multirange", sql_name: "int8multirange", len: -1, kind: b'm', category: b'R', preferred: false, element: Oid(0), array: Oid(6157), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Multirange(RangeOf::discrete(Oid::INT8))) },
    TypeInfo { oid: Oid(4537), name: "anymultirange", sql_name: "anymultirange", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(4538), name: "anycompatiblemultirange", sql_name: "anycompatiblemultirange", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(5017), name: "pg_mcv_list", sql_name: "pg_mcv_list", len: -1, kind: b'b', category: b'Z', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(100), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(5038), name: "pg_snapshot", sql_name: "pg_snapshot", len: -1, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(5039), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Snapshot) },
    TypeInfo { oid: Oid(5039), name: "_pg_snapshot", sql_name: "pg_snapshot[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(5038), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(5038), Scalar::Snapshot) },
    TypeInfo { oid: Oid(5069), name: "xid8", sql_name: "xid8", len: 8, kind: b'b', category: b'U', preferred: false, element: Oid(0), array: Oid(271), by_value: true, align: b'd', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Xid8) },
    TypeInfo { oid: Oid(5077), name: "anycompatible", sql_name: "anycompatible", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(5078), name: "anycompatiblearray", sql_name: "anycompatiblearray", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(5079), name: "anycompatiblenonarray", sql_name: "anycompatiblenonarray", len: 4, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: true, align: b'i', storage: b'p', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(5080), name: "anycompatiblerange", sql_name: "anycompatiblerange", len: -1, kind: b'p', category: b'P', preferred: false, element: Oid(0), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::scalar(Scalar::Text) },
    TypeInfo { oid: Oid(6150), name: "_int4multirange", sql_name: "int4multirange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4451), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4451), Scalar::Multirange(RangeOf::discrete(Oid::INT4))) },
    TypeInfo { oid: Oid(6151), name: "_nummultirange", sql_name: "nummultirange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4532), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4532), Scalar::Multirange(RangeOf::continuous(Oid::NUMERIC))) },
    TypeInfo { oid: Oid(6152), name: "_tsmultirange", sql_name: "tsmultirange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4533), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4533), Scalar::Multirange(RangeOf::continuous(Oid::TIMESTAMP))) },
    TypeInfo { oid: Oid(6153), name: "_tstzmultirange", sql_name: "tstzmultirange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4534), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4534), Scalar::Multirange(RangeOf::continuous(Oid::TIMESTAMPTZ))) },
    TypeInfo { oid: Oid(6155), name: "_datemultirange", sql_name: "datemultirange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4535), array: Oid(0), by_value: false, align: b'i', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4535), Scalar::Multirange(RangeOf::discrete(Oid::DATE))) },
    TypeInfo { oid: Oid(6157), name: "_int8multirange", sql_name: "int8multirange[]", len: -1, kind: b'b', category: b'A', preferred: false, element: Oid(4536), array: Oid(0), by_value: false, align: b'd', storage: b'x', collation: Oid(0), repr: Repr::array(Oid(4536), Scalar::Multirange(RangeOf::discrete(Oid::INT8))) },
];

#[cfg(test)]
#[path = "pg_type_tests.rs"]
mod tests;
