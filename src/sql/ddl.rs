//! Changes of the schema as data: what CREATE, ALTER, DROP, COMMENT … say.
//!
//! Owns: [`Ddl`] and its parts. Nothing in it is resolved: as in PostgreSQL, a utility statement may be parsed before
//! the objects it names exist, so names and types are looked up when it is carried out, against the catalog as it is
//! then (`engine::ddl`). Must not know: SQLite.

use std::fmt;

use crate::catalog::named::NamedKind;

/// The trees as written, which the engine passes on without looking into them.
pub use crate::sql::syntax::ast::definition::{
    AlterPolicyStmt, AlterStatsStmt, CreatePolicyStmt, CreateRangeStmt, CreateStatsStmt, DefElem, IndexKey as KeyPart,
    PartitionBound, PartitionSpec, ReplicaIdentity, TriggerFiring, TriggerSelector,
};
pub use crate::sql::syntax::ast::expression::{Expr, TypeName as DataType};
pub use crate::sql::syntax::ast::query::{FromItem, SelectStmt as Query};
pub use crate::sql::syntax::ast::routine::{
    AlterFunctionStmt, CastContext as WrittenCastContext, CreateCastStmt, CreateFunctionStmt, CreateTrigStmt,
    DefineStmt, ObjectWithArgs, TriggerEvent, TriggerTiming,
};
pub use crate::sql::syntax::ast::statement::ReindexTarget;
pub use crate::sql::syntax::ast::statement::{AlterDefaultPrivilegesStmt, GrantStmt, ObjectRef, ObjectType, RoleSpec};

/// A name, folded, with its schema if one was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub schema: Option<String>,
    pub name: String,
}

impl Name {
    /// A name without a schema.
    pub fn plain(name: impl Into<String>) -> Self {
        Name { schema: None, name: name.into() }
    }
}

/// As PostgreSQL's messages show it: "t" or "s.t", without quotes.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// COLLATE name.
#[derive(Clone, Debug)]
pub struct CollateName {
    pub names: Vec<String>,
    /// Where it stands, as clients count.
    pub place: Option<u32>,
}

/// Kinds of objects, as ALTER, DROP and COMMENT name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    Table,
    View,
    MaterializedView,
    Index,
    Sequence,
    Schema,
    Type,
    Domain,
}

impl ObjectKind {
    /// What messages call it.
    pub fn noun(self) -> &'static str {
        match self {
            ObjectKind::Table => "table",
            ObjectKind::View => "view",
            ObjectKind::MaterializedView => "materialized view",
            ObjectKind::Index => "index",
            ObjectKind::Sequence => "sequence",
            ObjectKind::Schema => "schema",
            ObjectKind::Type => "type",
            ObjectKind::Domain => "domain",
        }
    }
}

/// ALTER STATISTICS
#[derive(Clone, Debug)]
pub enum StatisticsChange {
    Target(AlterStatsStmt),
    Rename(String),
    SetSchema(String),
    Owner(RoleSpec),
}

/// One DDL statement.
#[derive(Clone, Debug)]
pub enum Ddl {
    CreateTable(Box<CreateTable>),
    /// CREATE TABLE … AS, SELECT … INTO, CREATE MATERIALIZED VIEW.
    CreateTableAs(Box<CreateTableAs>),
    RefreshMaterializedView {
        name: Name,
        concurrently: bool,
        with_data: bool,
    },
    CreateIndex(Box<CreateIndex>),
    CreateView(Box<CreateView>),
    CreateSequence {
        name: Name,
        temporary: bool,
        if_not_exists: bool,
        settings: Box<SequenceSettings>,
    },
    CreateSchema {
        /// Without one it is the owner's.
        name: Option<String>,
        /// AUTHORIZATION
        owner: Option<RoleSpec>,
        if_not_exists: bool,
        /// What is made in it, in the order in which it is made.
        elements: Vec<Ddl>,
    },
    CreateEnum {
        name: Name,
        labels: Vec<String>,
    },
    /// CREATE TYPE … AS (…)
    CreateComposite {
        name: Name,
        columns: Vec<ColumnDefinition>,
    },
    CreateDomain(Box<CreateDomain>),
    CreateRange(Box<CreateRangeStmt>),
    CreateTrigger(Box<CreateTrigger>),
    RenameTrigger {
        table: Name,
        name: String,
        to: String,
    },
    DropTrigger {
        table: Name,
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    CreateStatistics(Box<CreateStatsStmt>, Name),
    AlterStatistics(StatisticsChange, Name),
    DropStatistics {
        names: Vec<Name>,
        if_exists: bool,
    },
    /// Of a table.
    Policy(Name, PolicyStatement),
    CreateRoutine(Box<CreateFunctionStmt>),
    CreateAggregate(Box<DefineStmt>),
    CreateOperator(Box<DefineStmt>),
    /// ALTER OPERATOR … SET (…)
    AlterOperator {
        operator: Box<ObjectWithArgs>,
        options: Vec<DefElem>,
    },
    ChangeOperator {
        operator: Box<ObjectWithArgs>,
        change: RoutineChange,
    },
    DropOperators {
        operators: Vec<ObjectWithArgs>,
        if_exists: bool,
        cascade: bool,
    },
    /// CREATE COLLATION
    CreateNamed(Box<DefineStmt>),
    ChangeNamed {
        kind: NamedKind,
        name: Vec<String>,
        /// Without one: REFRESH VERSION.
        change: Option<RoutineChange>,
    },
    DropNamed {
        kind: NamedKind,
        names: Vec<Vec<String>>,
        if_exists: bool,
        cascade: bool,
    },
    CreateCast(Box<CreateCastStmt>),
    DropCast {
        source: Box<DataType>,
        target: Box<DataType>,
        if_exists: bool,
        cascade: bool,
    },
    /// ALTER FUNCTION, PROCEDURE, ROUTINE with attributes.
    AlterRoutine(Box<AlterFunctionStmt>),
    ChangeRoutine {
        /// Function, Procedure, Routine or Aggregate.
        kind: ObjectType,
        routine: Box<ObjectWithArgs>,
        change: RoutineChange,
    },
    DropRoutines {
        kind: ObjectType,
        routines: Vec<ObjectWithArgs>,
        if_exists: bool,
        cascade: bool,
    },
    AlterTable {
        name: Name,
        /// TABLE, or VIEW for the actions that views share.
        kind: ObjectKind,
        if_exists: bool,
        /// ONLY: those that inherit from it stay as they are.
        only: bool,
        actions: Vec<AlterAction>,
    },
    AlterSequence {
        name: Name,
        if_exists: bool,
        settings: Box<SequenceSettings>,
    },
    AlterEnum {
        name: Name,
        change: EnumChange,
    },
    AlterDomain {
        name: Name,
        change: Box<DomainChange>,
    },
    Rename {
        kind: ObjectKind,
        name: Name,
        if_exists: bool,
        to: String,
    },
    SetSchema {
        kind: ObjectKind,
        name: Name,
        if_exists: bool,
        schema: String,
    },
    Drop {
        kind: ObjectKind,
        names: Vec<Name>,
        if_exists: bool,
        cascade: bool,
        /// Of indexes.
        concurrently: bool,
    },
    CreateExtension {
        name: String,
        schema: Option<String>,
        version: Option<String>,
        if_not_exists: bool,
    },
    /// ALTER EXTENSION … UPDATE
    AlterExtension {
        name: String,
        version: Option<String>,
    },
    /// ALTER EXTENSION … ADD, DROP, SET SCHEMA
    ChangeExtension {
        name: String,
        what: &'static str,
    },
    DropExtension {
        names: Vec<String>,
        if_exists: bool,
        cascade: bool,
    },
    Comment {
        target: CommentTarget,
        text: Option<String>,
    },
    /// GRANT and REVOKE of privileges.
    Grant(Box<GrantStmt>),
    AlterDefaultPrivileges(Box<AlterDefaultPrivilegesStmt>),
    ChangeOwner {
        kind: ObjectKind,
        name: Name,
        if_exists: bool,
        owner: RoleSpec,
    },
    /// ALTER LARGE OBJECT … OWNER TO
    ChangeLargeObjectOwner {
        number: String,
        owner: RoleSpec,
    },
    ReassignOwned {
        roles: Vec<RoleSpec>,
        to: RoleSpec,
    },
    DropOwned {
        roles: Vec<RoleSpec>,
        cascade: bool,
    },
    Truncate {
        /// With those of which ONLY was said.
        tables: Vec<(Name, bool)>,
        restart_identity: bool,
        cascade: bool,
    },
    Cluster {
        table: Name,
        index: Option<String>,
    },
    /// CLUSTER without a table: nothing has a place of its own here.
    ClusterAll,
    /// Indexes are always as they should be, so what is named only has to be there.
    Reindex {
        target: ReindexTarget,
        concurrently: bool,
    },
    /// What the transaction that is about to commit does to temporary tables made ON COMMIT DROP or DELETE ROWS.
    EndOfTransaction,
}

impl Ddl {
    /// What is refused in a transaction block and in functions, as PostgreSQL calls it there: what needs several
    /// transactions in PostgreSQL.
    pub fn stands_alone(&self) -> Option<&'static str> {
        Some(match self {
            Ddl::CreateIndex(create) if create.concurrently => "CREATE INDEX CONCURRENTLY",
            Ddl::Drop { concurrently: true, .. } => "DROP INDEX CONCURRENTLY",
            Ddl::Reindex { concurrently: true, .. } => "REINDEX CONCURRENTLY",
            Ddl::Reindex { target, .. } => match target {
                ReindexTarget::Schema(_) => "REINDEX SCHEMA",
                ReindexTarget::System(_) => "REINDEX SYSTEM",
                ReindexTarget::Database(_) => "REINDEX DATABASE",
                ReindexTarget::Index(_) | ReindexTarget::Table(_) => return None,
            },
            Ddl::ClusterAll => "CLUSTER",
            Ddl::AlterTable { actions, .. } if actions.iter().any(detaches_concurrently) => {
                "ALTER TABLE ... DETACH CONCURRENTLY"
            }
            _ => return None,
        })
    }

    /// Whether the session has to carry out [`Ddl::EndOfTransaction`] from now on.
    pub fn acts_on_commit(&self) -> bool {
        match self {
            Ddl::CreateTable(create) => create.on_commit != OnCommit::PreserveRows,
            Ddl::CreateTableAs(create) => create.on_commit != OnCommit::PreserveRows,
            _ => false,
        }
    }
}

fn detaches_concurrently(action: &AlterAction) -> bool {
    matches!(action, AlterAction::DetachPartition { concurrently: true, .. })
}

/// What ALTER changes of a routine besides its attributes.
#[derive(Clone, Debug)]
pub enum RoutineChange {
    Rename(String),
    SetSchema(String),
    Owner(RoleSpec),
}

/// CREATE TABLE (sql-createtable.html).
#[derive(Clone, Debug)]
pub struct CreateTable {
    pub name: Name,
    pub temporary: bool,
    pub unlogged: bool,
    pub on_commit: OnCommit,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDefinition>,
    pub constraints: Vec<ConstraintDefinition>,
    pub like: Vec<LikeClause>,
    pub parameters: Vec<Parameter>,
    /// INHERITS, or the one of PARTITION OF.
    pub parents: Vec<Name>,
    /// PARTITION OF …
    pub bound: Option<BoundDefinition>,
    /// PARTITION BY, and where its columns stand.
    pub partition_by: Option<(PartitionSpec, Vec<Option<u32>>)>,
}

/// FOR VALUES …, and where it stands.
#[derive(Clone, Debug)]
pub struct BoundDefinition {
    pub bound: PartitionBound,
    /// As clients count, for errors.
    pub place: Option<u32>,
    /// Of its values: of a range those of FROM, then those of TO.
    pub places: Vec<Option<u32>>,
}

/// A storage parameter of WITH (…), SET (…) or RESET (…).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub namespace: Option<String>,
    pub name: String,
    pub value: Option<String>,
}

/// What becomes of a temporary table at the end of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommit {
    #[default]
    PreserveRows,
    DeleteRows,
    Drop,
}

/// LIKE source INCLUDING …; its columns stand before column number `position`.
#[derive(Clone, Debug)]
pub struct LikeClause {
    pub source: Name,
    pub position: usize,
    pub defaults: bool,
    pub constraints: bool,
    pub indexes: bool,
    pub identity: bool,
    pub generated: bool,
    pub comments: bool,
    pub storage: bool,
    pub compression: bool,
}

/// A column of CREATE TABLE or ADD COLUMN.
#[derive(Clone, Debug)]
pub struct ColumnDefinition {
    pub name: String,
    pub data_type: DataType,
    pub collation: Option<CollateName>,
    pub compression: Option<String>,
    pub not_null: bool,
    pub default: Option<Expr>,
    /// GENERATED ALWAYS AS (…) STORED
    pub generated: Option<Expr>,
    pub identity: Option<IdentityDefinition>,
    /// The column's own constraints, each already over its one column.
    pub constraints: Vec<ConstraintDefinition>,
}

/// GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY [(options)]
#[derive(Clone, Debug)]
pub struct IdentityDefinition {
    pub always: bool,
    pub settings: SequenceSettings,
}

/// A table constraint, or a column constraint in a table constraint's form.
#[derive(Clone, Debug)]
pub struct ConstraintDefinition {
    pub name: Option<String>,
    pub kind: ConstraintDefinitionKind,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// ADD … NOT VALID: existing rows are not checked.
    pub not_valid: bool,
    pub no_inherit: bool,
    /// NULLS NOT DISTINCT, of UNIQUE.
    pub nulls_not_distinct: bool,
    /// WITH (…), of a key's index.
    pub parameters: Vec<Parameter>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // A statement has a handful of them.
pub enum ConstraintDefinitionKind {
    PrimaryKey(KeySource),
    Unique(KeySource),
    Exclusion(Box<Exclusion>),
    Check(Expr),
    ForeignKey {
        columns: Vec<String>,
        table: Name,
        /// Empty: the other table's primary key.
        referenced: Vec<String>,
        /// PostgreSQL's letters, see `catalog::schema::ForeignKey`.
        on_update: u8,
        on_delete: u8,
        /// ON DELETE SET … (columns)
        set_columns: Vec<String>,
        match_full: bool,
    },
}

/// EXCLUDE: an index, and for each of its keys the operator that must not give true for two rows.
#[derive(Clone, Debug)]
pub struct Exclusion {
    pub method: String,
    pub elements: Vec<(IndexKeyDefinition, Name)>,
    pub included: Vec<String>,
    pub predicate: Option<Expr>,
}

/// What a PRIMARY KEY or UNIQUE constraint is made of.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The key's, and those of INCLUDE.
    Columns(Vec<String>, Vec<String>),
    /// USING INDEX
    Index(String),
}

/// CREATE TABLE … AS query (sql-createtableas.html).
#[derive(Clone, Debug)]
pub struct CreateTableAs {
    pub name: Name,
    pub temporary: bool,
    pub unlogged: bool,
    pub on_commit: OnCommit,
    pub if_not_exists: bool,
    /// Names for the first columns.
    pub columns: Vec<String>,
    pub query: Box<Query>,
    /// CREATE MATERIALIZED VIEW
    pub materialized: bool,
    pub with_data: bool,
    pub parameters: Vec<Parameter>,
}

/// CREATE INDEX (sql-createindex.html).
#[derive(Clone, Debug)]
pub struct CreateIndex {
    pub name: Option<String>,
    pub table: Name,
    pub unique: bool,
    pub if_not_exists: bool,
    /// btree, hash …
    pub method: String,
    pub keys: Vec<IndexKeyDefinition>,
    pub included: Vec<String>,
    pub predicate: Option<Expr>,
    pub nulls_not_distinct: bool,
    pub parameters: Vec<Parameter>,
    /// ONLY: the partitions get no parts of it.
    pub only: bool,
    pub concurrently: bool,
}

#[derive(Clone, Debug)]
pub struct IndexKeyDefinition {
    pub key: IndexKeySource,
    pub collation: Option<CollateName>,
    pub operator_class: Option<Name>,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // A statement has a handful of them.
pub enum IndexKeySource {
    Column(String),
    Expression(Expr),
}

/// CREATE VIEW (sql-createview.html).
#[derive(Clone, Debug)]
pub struct CreateView {
    pub name: Name,
    pub or_replace: bool,
    pub temporary: bool,
    pub columns: Vec<String>,
    pub query: Box<Query>,
    pub parameters: Vec<Parameter>,
}

/// The options of CREATE and ALTER SEQUENCE; `None` where not written.
#[derive(Clone, Debug, Default)]
pub struct SequenceSettings {
    pub name: Option<Name>,
    pub data_type: Option<DataType>,
    pub increment: Option<i64>,
    /// `Some(None)` is NO MINVALUE.
    pub min: Option<Option<i64>>,
    pub max: Option<Option<i64>>,
    pub start: Option<i64>,
    /// RESTART [WITH n]
    pub restart: Option<Option<i64>>,
    pub cache: Option<i64>,
    pub cycle: Option<bool>,
    /// `Some(None)` is OWNED BY NONE; else table and column.
    pub owned_by: Option<Option<(Name, String)>>,
    /// UNLOGGED, LOGGED
    pub unlogged: Option<bool>,
}

/// CREATE TRIGGER (sql-createtrigger.html).
#[derive(Clone, Debug)]
pub struct CreateTrigger {
    pub stmt: CreateTrigStmt,
    /// The statement, for the positions of errors in its condition.
    pub text: String,
}

/// What is done to a policy.
#[derive(Clone, Debug)]
pub enum PolicyStatement {
    Create(Box<CreatePolicyStmt>),
    Alter(Box<AlterPolicyStmt>),
    Rename { name: String, to: String, if_exists: bool },
    Drop { name: String, if_exists: bool },
}

/// ALTER TABLE … ROW LEVEL SECURITY
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSecurityChange {
    Enable,
    Disable,
    Force,
    NoForce,
}

/// CREATE DOMAIN (sql-createdomain.html).
#[derive(Clone, Debug)]
pub struct CreateDomain {
    pub name: Name,
    pub base: DataType,
    pub default: Option<Expr>,
    pub not_null: bool,
    pub collation: Option<CollateName>,
    /// CHECKs with their names, if given.
    pub checks: Vec<(Option<String>, Expr)>,
}

#[derive(Clone, Debug)]
pub enum EnumChange {
    AddValue { label: String, if_not_exists: bool, place: EnumPlace },
    RenameValue { from: String, to: String },
}

#[derive(Clone, Debug)]
pub enum EnumPlace {
    Last,
    Before(String),
    After(String),
}

#[derive(Clone, Debug)]
pub enum DomainChange {
    AddCheck { name: Option<String>, check: Expr, not_valid: bool },
    ValidateConstraint(String),
    DropConstraint { name: String, if_exists: bool },
    SetDefault(Option<Expr>),
    SetNotNull(bool),
}

/// One action of ALTER TABLE (sql-altertable.html).
#[derive(Clone, Debug)]
pub enum AlterAction {
    AddColumn {
        definition: Box<ColumnDefinition>,
        if_not_exists: bool,
    },
    DropColumn {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    AlterType {
        name: String,
        data_type: DataType,
        collation: Option<CollateName>,
        using: Option<Expr>,
    },
    SetDefault {
        name: String,
        default: Option<Expr>,
    },
    SetNotNull {
        name: String,
        not_null: bool,
    },
    AddIdentity {
        name: String,
        identity: IdentityDefinition,
    },
    /// SET GENERATED …, SET sequence option, RESTART
    AlterIdentity {
        name: String,
        always: Option<bool>,
        settings: SequenceSettings,
    },
    DropIdentity {
        name: String,
        if_exists: bool,
    },
    DropExpression {
        name: String,
        if_exists: bool,
    },
    AddConstraint(Box<ConstraintDefinition>),
    DropConstraint {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    AlterConstraint {
        name: String,
        deferrable: bool,
        initially_deferred: bool,
    },
    ValidateConstraint(String),
    /// ENABLE or DISABLE TRIGGER
    SetTriggers {
        which: TriggerSelector,
        firing: TriggerFiring,
    },
    RowSecurity(RowSecurityChange),
    /// SET LOGGED, SET UNLOGGED
    SetLogged(bool),
    RenameColumn {
        name: String,
        to: String,
    },
    RenameConstraint {
        name: String,
        to: String,
    },
    Storage(StorageChange),
    Inherit(Name),
    NoInherit(Name),
    /// Of an index without a bound.
    AttachPartition {
        name: Name,
        bound: Option<BoundDefinition>,
    },
    DetachPartition {
        name: Name,
        concurrently: bool,
        finalize: bool,
    },
    /// OWNER TO, SET TABLESPACE …: nothing happens.
    Accept,
}

/// What an action says of how something is stored.
#[derive(Clone, Debug)]
pub enum StorageChange {
    Set(Vec<Parameter>),
    Reset(Vec<Parameter>),
    SetColumn(String, Vec<Parameter>),
    ResetColumn(String, Vec<Parameter>),
    Statistics(String, i32),
    /// Of an index's column by its number.
    NumberedStatistics(i16, i32),
    Storage(String, String),
    /// `None` is DEFAULT.
    Compression(String, Option<String>),
    ReplicaIdentity(ReplicaIdentity),
    ClusterOn(String),
    WithoutCluster,
}

impl StorageChange {
    /// What messages call it.
    pub fn action(&self) -> &'static str {
        match self {
            StorageChange::Set(_) => "SET",
            StorageChange::Reset(_) => "RESET",
            StorageChange::SetColumn(..) => "ALTER COLUMN ... SET",
            StorageChange::ResetColumn(..) => "ALTER COLUMN ... RESET",
            StorageChange::Statistics(..) | StorageChange::NumberedStatistics(..) => "ALTER COLUMN ... SET STATISTICS",
            StorageChange::Storage(..) => "ALTER COLUMN ... SET STORAGE",
            StorageChange::Compression(..) => "ALTER COLUMN ... SET COMPRESSION",
            StorageChange::ReplicaIdentity(_) => "REPLICA IDENTITY",
            StorageChange::ClusterOn(_) => "CLUSTER ON",
            StorageChange::WithoutCluster => "SET WITHOUT CLUSTER",
        }
    }
}

/// What COMMENT ON comments on.
#[derive(Clone, Debug)]
pub enum CommentTarget {
    Object {
        kind: ObjectKind,
        name: Name,
    },
    Column {
        table: Name,
        column: String,
    },
    Constraint {
        table: Name,
        constraint: String,
    },
    DomainConstraint {
        domain: Name,
        constraint: String,
    },
    Trigger {
        table: Name,
        trigger: String,
    },
    Policy {
        table: Name,
        policy: String,
    },
    Routine(ObjectType, Box<ObjectWithArgs>),
    Operator(Box<ObjectWithArgs>),
    Cast(Box<DataType>, Box<DataType>),
    /// A language, an extension …: what is known by its kind and name.
    Named(ObjectType, Box<ObjectRef>),
}
