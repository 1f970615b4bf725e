//! What a database contains, as PostgreSQL describes it: schemas, relations, columns, constraints, indexes,
//! sequences, user types.
//!
//! Owns: [`CatalogSnapshot`] and its parts, an immutable picture of one database at one catalog version. Must not
//! know: how it is stored in the file (`catalog::store`), how it is shown to clients (`catalog::tables`), SQL text.
//! Specification: catalogs.html (PostgreSQL 15).

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use crate::catalog::cluster::ClusterFacts;
use crate::catalog::composite;
pub use crate::catalog::enum_labels::EnumLabels;
use crate::catalog::inheritance::Inheritance;
use crate::catalog::named::NamedObject;
use crate::catalog::objects::{RangeFacts, UserCast, UserOperator};
use crate::catalog::policy::RowSecurity;
use crate::catalog::privileges::{DefaultAcl, ObjectAddress, ObjectPrivileges};
use crate::catalog::routines::Routine;
use crate::catalog::server_keys::ServerKeys;
use crate::catalog::shared_map::SharedMap;
use crate::catalog::statistics::ExtendedStatistics;
use crate::catalog::tables::own;
use crate::catalog::trigger::{Event, Timing, Trigger};
use crate::types::gin::KeyClass;
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};

/// An immutable picture of a database's schema. Shared by `Arc`; a DDL statement makes a new one that has in common with
/// it what did not change.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    /// Changes with every change of the schema; plans are cached by it. Unique over the process' lifetime.
    pub version: u64,
    /// SQLite's own number of the file's schema that this is a picture of (PRAGMA schema_version).
    pub file_version: i64,
    pub schemas: Vec<Schema>,
    /// Every relation by OID: system relations (pg_catalog, information_schema) included, and every index as a
    /// relation of kind `Index` with one column per key (its definition is in its table's `indexes`).
    pub relations: SharedMap<Oid, Arc<Relation>>,
    /// (schema, name) to relation.
    pub by_name: SharedMap<(String, String), Oid>,
    /// How many constraints of relations in a schema have a name.
    pub constraint_names: SharedMap<(String, String), usize>,
    /// Enums and domains by OID.
    pub types: SharedMap<Oid, Arc<UserType>>,
    /// (schema, name) to user type; the types' array types are here too, by their own OID in `UserType::array`.
    pub type_names: SharedMap<(String, String), Oid>,
    /// Functions and procedures by OID.
    pub routines: SharedMap<Oid, Arc<Routine>>,
    /// Operators by OID.
    pub operators: SharedMap<Oid, Arc<UserOperator>>,
    /// Casts by OID.
    pub casts: SharedMap<Oid, UserCast>,
    /// Collations by OID.
    pub named: SharedMap<Oid, Arc<NamedObject>>,
    /// (schema, name) to routines, in the order of their OIDs.
    pub routine_names: SharedMap<(String, String), Vec<Oid>>,
    /// Those created, plpgsql is not among them.
    pub extensions: Vec<Extension>,
    /// COMMENT ON, by (class OID, object OID, column number or 0).
    pub comments: SharedMap<(Oid, Oid, i32), String>,
    /// Whose objects are, and who may do what with them, where that was ever said.
    pub privileges: SharedMap<ObjectAddress, ObjectPrivileges>,
    /// ALTER DEFAULT PRIVILEGES
    pub default_acls: Vec<DefaultAcl>,
    /// Labels that the open transaction has added to enums: nobody uses them before they are committed.
    pub uncommitted_labels: BTreeSet<(Oid, String)>,
    /// What all databases share; kept in one of them.
    pub cluster: Arc<ClusterFacts>,
    /// See [`CatalogSnapshot::server_keys`].
    pub server_keys: OnceLock<Arc<ServerKeys>>,
    /// See [`CatalogSnapshot::has_row_security`].
    pub secured: OnceLock<bool>,
}

/// A schema (pg_namespace).
#[derive(Clone, Debug)]
pub struct Schema {
    pub oid: Oid,
    pub name: String,
}

impl Schema {
    /// Below the first OID given to users' objects.
    const TEMPORARY: Oid = Oid(16_000);

    /// The schema of a connection's temporary objects.
    pub fn temporary() -> Self {
        Schema { oid: Schema::TEMPORARY, name: "pg_temp".to_owned() }
    }

    /// Whether it is that of a connection's temporary objects.
    pub fn is_temporary(&self) -> bool {
        self.oid == Schema::TEMPORARY
    }
}

/// What a stored text refers to: dependencies are made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Columns by relation and number; 0 is the relation as a whole.
    pub columns: Vec<(Oid, i16)>,
    /// Keys without which a view's grouping would not be right.
    pub constraints: Vec<Oid>,
    /// Functions that users made.
    pub routines: Vec<Oid>,
}

/// An extension of this database (pg_extension).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub oid: Oid,
    pub name: String,
    pub schema: String,
    pub version: String,
}

/// What a relation is (pg_class.relkind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    Table,
    View,
    Index,
    Sequence,
    /// A composite type: a relation without rows.
    Composite,
    /// A virtual table of pg_catalog or information_schema; read-only.
    System,
}

/// A table, view, sequence or system relation (pg_class).
#[derive(Clone, Debug)]
pub struct Relation {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub kind: RelationKind,
    /// Lives in SQLite's temp schema of one connection.
    pub temporary: bool,
    /// The table's name inside SQLite, unquoted: the plain name in schema public, "schema.name" elsewhere; for system
    /// relations the virtual table's name.
    pub sqlite_name: String,
    /// In attribute order; dropped columns are not here but keep their numbers.
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<Index>,
    /// The query of a view, or of a materialized one, as PostgreSQL text with resolved names. `None` for a SQLite view that pgserver did not create:
    /// it is read like a table.
    pub view_query: Option<String>,
    /// A sequence's parameters.
    pub sequence: Option<SequenceOptions>,
    /// False for a table that pgserver did not create: its types are SQLite's.
    pub declared: bool,
    pub options: RelationOptions,
}

/// What is rarely said of a relation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelationOptions {
    /// UNLOGGED: shown, and no less durable than others.
    pub unlogged: bool,
    /// A materialized view that has not been filled: it cannot be read.
    pub unpopulated: bool,
    /// DISABLE TRIGGER ALL: statements on it neither check foreign keys nor act on them.
    pub triggers_disabled: bool,
    /// The columns that are gone. Their numbers are not given again.
    pub dropped: Vec<DroppedColumn>,
    /// WITH (…), each as "name=value": of a table shown only, of a view what it does.
    pub parameters: Vec<String>,
    /// REPLICA IDENTITY FULL (f), NOTHING (n) or USING INDEX (i). Shown only.
    pub replica_identity: Option<u8>,
    /// Of a view's query.
    pub uses: Uses,
    pub inheritance: Inheritance,
    /// In the order in which they fire, which is that of their names.
    pub triggers: Vec<Arc<Trigger>>,
    pub row_security: RowSecurity,
    /// CREATE STATISTICS
    pub statistics: Vec<ExtendedStatistics>,
}

/// WITH CHECK OPTION of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOption {
    Local,
    Cascaded,
}

/// What is left of a column that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedColumn {
    pub number: i16,
    /// The type it had; its length and alignment stay in pg_attribute.
    pub type_oid: Oid,
    pub typmod: i32,
}

/// A column (pg_attribute).
#[derive(Clone, Debug)]
pub struct Column {
    /// attnum, from 1.
    pub number: i16,
    pub name: String,
    pub type_oid: Oid,
    /// atttypmod; -1 when none.
    pub typmod: i32,
    pub repr: Repr,
    pub not_null: bool,
    /// The default or generation expression, as PostgreSQL text.
    pub default: Option<String>,
    pub identity: Option<Identity>,
    /// GENERATED ALWAYS AS (…) STORED; the expression is in `default`.
    pub generated: bool,
    /// This column is the table's INTEGER PRIMARY KEY (rowid alias): SQLite would invent a value for NULL.
    pub rowid_alias: bool,
    pub options: ColumnOptions,
}

/// What is rarely said of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnOptions {
    /// COLLATE, where it is not the type's own: a name as PostgreSQL text, with its schema unless that is pg_catalog.
    pub collation: Option<String>,
    /// SET STORAGE and SET COMPRESSION: pg_attribute's letters. Shown only.
    pub storage: Option<u8>,
    pub compression: Option<u8>,
    /// SET STATISTICS. Shown only.
    pub statistics: Option<i32>,
    /// SET (n_distinct = …), each as "name=value". Shown only.
    pub parameters: Vec<String>,
    /// Of the default or generation expression.
    pub uses: Uses,
    /// attinhcount: from how many parents it comes.
    pub inherited: u16,
    /// Not attislocal: only because a parent has it.
    pub not_local: bool,
    /// What it is called inside SQLite, if not by its name.
    pub stored_name: Option<String>,
}

impl Column {
    /// One of this type that may be NULL, and nothing more.
    pub fn new(number: i16, name: String, (type_oid, typmod): (Oid, i32), repr: Repr) -> Self {
        Column {
            number,
            name,
            type_oid,
            typmod,
            repr,
            not_null: false,
            default: None,
            identity: None,
            generated: false,
            rowid_alias: false,
            options: ColumnOptions::default(),
        }
    }

    /// What it is called inside SQLite.
    pub fn stored_name(&self) -> &str {
        self.options.stored_name.as_deref().unwrap_or(&self.name)
    }
}

/// GENERATED … AS IDENTITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    Always,
    ByDefault,
}

/// A constraint (pg_constraint).
#[derive(Clone, Debug)]
pub struct Constraint {
    pub oid: Oid,
    pub name: String,
    pub kind: ConstraintKind,
    /// Attribute numbers, in the constraint's order.
    pub columns: Vec<i16>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub options: ConstraintOptions,
}

/// What is rarely said of a constraint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConstraintOptions {
    /// NOT VALID, and not validated since: rows from before need not satisfy it.
    pub not_valid: bool,
    /// NO INHERIT. Shown only.
    pub no_inherit: bool,
    /// MATCH FULL
    pub match_full: bool,
    /// Of a check.
    pub uses: Uses,
    /// coninhcount: from how many parents it comes.
    pub inherited: u16,
    /// Not conislocal: only because a parent has it.
    pub not_local: bool,
    /// conparentid: the partitioned table's constraint that it is a part of.
    pub parent: Option<Oid>,
}

#[derive(Clone, Debug)]
pub enum ConstraintKind {
    PrimaryKey,
    Unique,
    /// The operators of its index's keys.
    Exclusion(Vec<Oid>),
    /// The expression, as PostgreSQL text.
    Check(String),
    ForeignKey(ForeignKey),
}

/// FOREIGN KEY's other side.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    pub relation: Oid,
    pub columns: Vec<i16>,
    /// PostgreSQL's letters: a no action, r restrict, c cascade, n set null, d set default.
    pub on_update: u8,
    pub on_delete: u8,
    /// ON DELETE SET NULL and SET DEFAULT of these alone; empty for all.
    pub set_columns: Vec<i16>,
}

/// An index (pg_index), those behind PRIMARY KEY and UNIQUE included.
#[derive(Clone, Debug)]
pub struct Index {
    pub oid: Oid,
    pub name: String,
    pub unique: bool,
    pub primary: bool,
    pub keys: Vec<IndexKey>,
    /// INCLUDE: attribute numbers.
    pub included: Vec<i16>,
    /// The WHERE of a partial index, as PostgreSQL text.
    pub predicate: Option<String>,
    /// The access method named in CREATE INDEX; SQLite's is always a b-tree.
    pub method: String,
    /// The constraint this index belongs to.
    pub constraint: Option<Oid>,
    pub options: IndexOptions,
}

/// What the names of all tables of postings, and of their triggers, begin with.
pub const POSTINGS: &str = "__pg_gin_";

impl Index {
    /// Its table of postings in SQLite, if it has some.
    pub fn postings_name(&self) -> String {
        format!("{POSTINGS}{}", self.oid.0)
    }
}

/// What is rarely said of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexOptions {
    /// NULLS NOT DISTINCT
    pub nulls_not_distinct: bool,
    /// WITH (…), each as "name=value". Shown only.
    pub parameters: Vec<String>,
    /// The table was last CLUSTERed by it, or is to be. Shown only.
    pub clustered: bool,
    /// REPLICA IDENTITY USING INDEX. Shown only.
    pub replica_identity: bool,
    /// ALTER INDEX … ALTER COLUMN n SET STATISTICS. Shown only.
    pub statistics: Vec<(i16, i32)>,
    /// Of the expressions and the predicate.
    pub uses: Uses,
    /// The partitioned table's index that it is a part of.
    pub parent: Option<Oid>,
    /// Made ONLY on a partitioned table: not all partitions have it yet.
    pub invalid: bool,
    /// What the file keeps of an inverted index (`engine::ddl::posting`): for each key its class, if it has one. Empty if
    /// nothing is kept.
    pub postings: Vec<Option<KeyClass>>,
}

/// One key of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexKey {
    /// Attribute number, or 0 for an expression.
    pub column: i16,
    /// The expression, as PostgreSQL text, when `column` is 0.
    pub expression: Option<String>,
    pub descending: bool,
    pub nulls_first: bool,
    /// COLLATE, where it was written.
    pub collation: Option<String>,
    /// The operator class, where one was written that is not the type's default.
    pub operator_class: Option<String>,
}

impl IndexKey {
    /// A column, in the order it has by itself.
    pub fn of_column(column: i16) -> Self {
        IndexKey {
            column,
            expression: None,
            descending: false,
            nulls_first: false,
            collation: None,
            operator_class: None,
        }
    }

    /// An expression, as PostgreSQL text.
    pub fn of_expression(text: String) -> Self {
        IndexKey { expression: Some(text), ..IndexKey::of_column(0) }
    }
}

/// A sequence's parameters (pg_sequence).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceOptions {
    pub type_oid: Oid,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cache: i64,
    pub cycle: bool,
    /// The (relation, attribute number) that owns the sequence (OWNED BY, serial, identity).
    pub owned_by: Option<(Oid, i16)>,
}

/// An enum or a domain (pg_type).
#[derive(Clone, Debug)]
pub struct UserType {
    pub oid: Oid,
    /// The OID of its array type.
    pub array: Oid,
    pub schema: String,
    pub name: String,
    pub kind: UserTypeKind,
}

/// A constraint of a domain.
#[derive(Clone, Debug)]
pub struct DomainCheck {
    pub name: String,
    /// Over VALUE, as PostgreSQL text.
    pub expression: String,
    /// Values from before need not satisfy it.
    pub not_valid: bool,
}

#[derive(Clone, Debug)]
pub enum UserTypeKind {
    Enum(EnumLabels),
    Domain {
        base: Oid,
        typmod: i32,
        not_null: bool,
        default: Option<String>,
        checks: Vec<DomainCheck>,
        /// COLLATE, where it is not the type's own.
        collation: Option<String>,
    },
    Range(Box<RangeFacts>),
    /// The multirange type of a range type.
    Multirange {
        range: Oid,
        subtype: Oid,
    },
}

impl CatalogSnapshot {
    /// Adds a relation, or replaces the one with its OID; its indexes become relations too.
    pub fn put_relation(&mut self, relation: Arc<Relation>) {
        self.server_keys = OnceLock::new();
        self.secured = OnceLock::new();
        self.remove_relation(relation.oid);
        for index in &relation.indexes {
            self.enter(Arc::new(index_relation(self, &relation, index)));
        }
        self.enter(relation);
    }

    /// Removes a relation and its indexes.
    pub fn remove_relation(&mut self, oid: Oid) {
        self.server_keys = OnceLock::new();
        self.secured = OnceLock::new();
        let Some(relation) = self.relations.remove(&oid) else { return };
        for constraint in &relation.constraints {
            let key = (relation.schema.clone(), constraint.name.clone());
            match self.constraint_names.get(&key).copied() {
                Some(count) if count > 1 => self.constraint_names.insert(key, count - 1),
                _ => self.constraint_names.remove(&key),
            };
        }
        self.by_name.remove(&(relation.schema.clone(), relation.name.clone()));
        for index in &relation.indexes {
            self.relations.remove(&index.oid);
            self.by_name.remove(&(relation.schema.clone(), index.name.clone()));
        }
    }

    fn enter(&mut self, relation: Arc<Relation>) {
        for constraint in &relation.constraints {
            let key = (relation.schema.clone(), constraint.name.clone());
            let count = self.constraint_names.get(&key).copied().unwrap_or(0);
            self.constraint_names.insert(key, count + 1);
        }
        self.by_name.insert((relation.schema.clone(), relation.name.clone()), relation.oid);
        self.relations.insert(relation.oid, relation);
    }

    /// Removes all comments on an object.
    pub fn remove_comments(&mut self, object: Oid) {
        let on_it: Vec<_> = self.comments.keys().filter(|(_, on, _)| *on == object).copied().collect();
        on_it.iter().for_each(|key| {
            self.comments.remove(key);
        });
    }

    /// Adds a user type, or replaces the one with its OID.
    pub fn put_type(&mut self, user_type: Arc<UserType>) {
        self.remove_type(user_type.oid);
        self.type_names.insert((user_type.schema.clone(), user_type.name.clone()), user_type.oid);
        self.types.insert(user_type.oid, user_type);
    }

    /// Removes a user type.
    pub fn remove_type(&mut self, oid: Oid) {
        let Some(user_type) = self.types.remove(&oid) else { return };
        self.type_names.remove(&(user_type.schema.clone(), user_type.name.clone()));
    }

    /// The user type whose own OID, or whose array type's OID, this is.
    pub fn user_type(&self, oid: Oid) -> Option<&Arc<UserType>> {
        self.types.get(&oid).or_else(|| self.types.values().find(|t| t.array == oid))
    }

    /// How values of a type, built-in or a user's, are stored and encoded.
    pub fn repr(&self, oid: Oid) -> Option<Repr> {
        if let Some(info) = type_info(oid) {
            return Some(info.repr);
        }
        if self.user_type(oid).is_none() && composite::relation_of(self, oid).is_none() {
            return None;
        }
        composite::info(self, oid).ok().map(|info| info.repr)
    }

    /// The relation `schema.name`.
    pub fn relation(&self, schema: &str, name: &str) -> Option<&Arc<Relation>> {
        // A borrowed pair cannot look up an owned one without allocating; plans are cached, so this is not hot.
        let named = |schema: &str| self.by_name.get(&(schema.to_owned(), name.to_owned()));
        let oid = named(schema).or_else(|| {
            let extension = own::view_of_extension(name)?;
            self.extensions.iter().find(|known| known.name == extension && known.schema == schema)?;
            named(own::NAME)
        })?;
        self.relations.get(oid)
    }

    /// The first relation of that name along a search path.
    pub fn find_relation(&self, search_path: &[String], name: &str) -> Option<&Arc<Relation>> {
        search_path.iter().find_map(|schema| self.relation(schema, name))
    }

    /// Whether the extension was created, or is always there.
    pub fn has_extension(&self, name: &str) -> bool {
        name == "plpgsql" || self.extensions.iter().any(|extension| extension.name == name)
    }

    /// Whether there is a schema of that name.
    pub fn has_schema(&self, name: &str) -> bool {
        self.schemas.iter().any(|s| s.name == name)
    }

    /// Without the temporary objects of one connection: what all the others see.
    pub fn without_temporary(&self, version: u64) -> Self {
        let mut shared = CatalogSnapshot { version, ..self.clone() };
        self.temporary_relations().for_each(|relation| shared.remove_relation(relation.oid));
        self.temporary_routines().for_each(|routine| shared.remove_routine(routine.oid));
        shared.schemas.retain(|schema| !schema.is_temporary());
        shared
    }

    /// With the temporary objects of another snapshot.
    pub fn with_temporary_of(&self, own: &CatalogSnapshot, version: u64) -> Self {
        let mut both = CatalogSnapshot { version, ..self.clone() };
        own.temporary_relations().for_each(|relation| both.put_relation(Arc::clone(relation)));
        own.temporary_routines().for_each(|routine| both.put_routine(Arc::clone(routine)));
        both.schemas.extend(own.schemas.iter().filter(|schema| schema.is_temporary()).cloned());
        both
    }

    /// Whether there may be temporary objects in it.
    pub fn has_temporary(&self) -> bool {
        self.schemas.iter().any(Schema::is_temporary)
    }

    fn temporary_relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values().filter(|r| r.temporary && r.kind != RelationKind::Index)
    }

    /// Whether a table has row security.
    pub fn has_row_security(&self) -> bool {
        *self.secured.get_or_init(|| self.relations.values().any(|relation| relation.row_security().enabled))
    }

    /// The table an index belongs to, and the index.
    pub fn index(&self, oid: Oid) -> Option<(&Arc<Relation>, &Index)> {
        self.relations.values().find_map(|r| r.indexes.iter().find(|i| i.oid == oid).map(|i| (r, i)))
    }
}

/// An index as pg_class and pg_attribute show it: a relation with one column per key.
fn index_relation(catalog: &CatalogSnapshot, table: &Relation, index: &Index) -> Relation {
    let keys = index.keys.iter().map(|key| key.column).chain(index.included.iter().copied());
    let columns = (1..).zip(keys).map(|(number, key)| {
        let column = table.column_by_number(key);
        let type_oid = column.map_or(Oid::TEXT, |c| c.type_oid);
        Column::new(
            number,
            column.map_or_else(|| "expr".to_owned(), |c| c.name.clone()),
            (type_oid, column.map_or(-1, |c| c.typmod)),
            catalog.repr(type_oid).unwrap_or(Repr::scalar(Scalar::Text)),
        )
    });
    Relation {
        oid: index.oid,
        schema: table.schema.clone(),
        name: index.name.clone(),
        kind: RelationKind::Index,
        temporary: table.temporary,
        sqlite_name: sqlite_name(&table.schema, &index.name),
        columns: columns.collect(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        view_query: None,
        sequence: None,
        declared: table.declared,
        options: Default::default(),
    }
}

/// What a table or index is called inside SQLite, unquoted. A temporary one has its schema in front too: SQLite would
/// take its plain name for the permanent relation of that name.
pub fn sqlite_name(schema: &str, name: &str) -> String {
    match schema {
        "public" if !is_reserved(name) => name.to_owned(),
        // A name that begins with a dot stands for a schema.
        _ if is_reserved(schema) => format!(".{schema}.{name}"),
        _ => format!("{schema}.{name}"),
    }
}

/// Whether SQLite, or the server, gives nobody else names that begin so.
fn is_reserved(name: &str) -> bool {
    let begins = |start: &str| name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    begins("sqlite_") || begins("__pg_")
}

/// The name inside SQLite of an index that is called like another one but for its case, which SQLite does not tell apart:
/// behind it stand the places of its capital letters.
pub fn index_name_by_case(schema: &str, name: &str) -> String {
    format!("{}~{}", sqlite_name(schema, name), capitals(name))
}

fn capitals(name: &str) -> String {
    let capitals = name.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase()).map(|(at, _)| at.to_string());
    capitals.collect::<Vec<_>>().join(".")
}

/// What a column of that name and number is called inside SQLite, if it cannot be by its name: another column's differs
/// from it only by case, or all of SQLite's names of the row's number would be taken.
pub fn stored_column_name(relation: &Relation, name: &str, number: i16) -> Option<String> {
    let others = || relation.columns.iter().filter(|column| column.number != number);
    let taken = |name: &str| others().any(|column| column.stored_name().eq_ignore_ascii_case(name));
    let is_last = |own: &&str| own.eq_ignore_ascii_case(name);
    let of_number = ROW_NUMBER.iter().any(is_last) && ROW_NUMBER.iter().all(|own| is_last(own) || taken(own));
    let wanted = format!("{name}~{}", capitals(name));
    let numbered = (2_u32..).map(|n| format!("{wanted}.{n}"));
    let mut candidates = std::iter::once(wanted.clone()).chain(numbered);
    (of_number || taken(name)).then(|| candidates.find(|candidate| !taken(candidate)).unwrap_or_else(|| wanted.clone()))
}

/// SQLite's names of the number of a row; a column may be called like one.
pub const ROW_NUMBER: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// How names begin that SQLite or the server's own SQL gives a meaning: their tables, functions that are tables, pragmas. A
/// table of such a name would be read instead of them, by everybody.
const INTERNAL: &[&str] = &[
    "__pg_",
    "bytecode",
    "completion",
    "dbstat",
    "fts",
    "generate_series",
    "json",
    "pg_",
    "pragma_",
    "sqlite",
    "tables_used",
];

/// What a table is called inside SQLite, unquoted: as [`sqlite_name`] says, but one in public whose name means something
/// else there, or looks as if a schema were in front, has its schema in front.
pub fn sqlite_table_name(schema: &str, name: &str) -> String {
    let begins = |start: &&str| name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    match schema {
        "public" if name.contains('.') || INTERNAL.iter().any(begins) => format!("public.{name}"),
        _ => sqlite_name(schema, name),
    }
}

impl Relation {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The column with that attribute number.
    pub fn column_by_number(&self, number: i16) -> Option<&Column> {
        self.columns.iter().find(|c| c.number == number)
    }

    /// The index that a foreign key to these columns rests on: the oldest unique one that is always so.
    pub fn key_index(&self, columns: &[i16]) -> Option<&Index> {
        let keys = self.unique_indexes(columns).filter(|index| self.deferrable_key(index).is_none());
        keys.min_by_key(|index| index.oid)
    }

    /// The unique indexes that are neither partial nor over expressions and have exactly these columns, in any order.
    pub fn unique_indexes(&self, columns: &[i16]) -> impl Iterator<Item = &Index> {
        let wanted: BTreeSet<i16> = columns.iter().copied().collect();
        self.indexes.iter().filter(move |index| {
            index.unique
                && index.predicate.is_none()
                // SQLite would not find it for the key.
                && !index.options.nulls_not_distinct
                && index.keys.len() == wanted.len()
                && index.keys.iter().all(|k| wanted.contains(&k.column))
        })
    }

    /// The DEFERRABLE constraint that an index stands for. Such an index has duplicates for a while.
    pub fn deferrable_key(&self, index: &Index) -> Option<&Constraint> {
        self.constraints.iter().find(|c| c.deferrable && Some(c.oid) == index.constraint)
    }

    /// Whether it is a view with a trigger that does instead what would be done to it.
    pub fn has_instead(&self, event: Event) -> bool {
        let is_it = |trigger: &Trigger| trigger.timing == Timing::InsteadOf && trigger.fires_on(event);
        self.kind == RelationKind::View && self.options.triggers.iter().any(|trigger| is_it(trigger))
    }

    /// A materialized view: a table that its query fills.
    pub fn is_materialized(&self) -> bool {
        self.kind == RelationKind::Table && self.view_query.is_some()
    }

    /// A view's WITH CHECK OPTION.
    pub fn check_option(&self) -> Option<CheckOption> {
        self.options.parameters.iter().find_map(|parameter| match parameter.as_str() {
            "check_option=local" => Some(CheckOption::Local),
            "check_option=cascaded" => Some(CheckOption::Cascaded),
            _ => None,
        })
    }

    /// The primary key's constraint.
    pub fn primary_key(&self) -> Option<&Constraint> {
        self.constraints.iter().find(|c| matches!(c.kind, ConstraintKind::PrimaryKey))
    }
}

impl ForeignKey {
    /// Whether something is done to referencing rows.
    pub fn acts(&self) -> bool {
        [self.on_update, self.on_delete].iter().any(|action| b"cnd".contains(action))
    }
}

impl Constraint {
    /// The other side, if this is a foreign key.
    pub fn foreign_key(&self) -> Option<&ForeignKey> {
        if let ConstraintKind::ForeignKey(key) = &self.kind { Some(key) } else { None }
    }

    /// The expression, if this is a check.
    pub fn check(&self) -> Option<&str> {
        if let ConstraintKind::Check(expression) = &self.kind { Some(expression) } else { None }
    }
}
