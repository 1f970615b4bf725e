//! Definitions of relations, schemas and types as written: CREATE and ALTER of tables, indexes, views, sequences, domains,
//! types, policies, statistics; and the options that all definitions share.
//!
//! Owns: those nodes, with the names and the shape of PostgreSQL's parsenodes.h. Must not know: what a name means.

use crate::sql::syntax::ast::expression::{AnyName, CollateClause, Expr, TypeName};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{FromItem, IntoClause, RangeVar, SelectStmt, SortByDir, SortByNulls};
use crate::sql::syntax::ast::statement::{DropBehavior, ObjectType, RoleSpec, Stmt, VariableSetStmt};

/// An option: name [= value], maybe in a namespace (parsenodes.h, DefElem).
#[derive(Clone, Debug, PartialEq)]
pub struct DefElem {
    pub namespace: Option<String>,
    pub name: String,
    pub arg: Option<DefArg>,
    pub action: DefElemAction,
    pub location: Location,
}

/// SET, ADD, DROP in lists of generic options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefElemAction {
    #[default]
    Unspecified,
    Set,
    Add,
    Drop,
}

/// An option's value.
#[derive(Clone, Debug, PartialEq)]
pub enum DefArg {
    Integer(i32),
    /// A number that is no 32-bit integer, as written with its sign.
    Float(String),
    String(String),
    Boolean(bool),
    /// A type, or a name that could be one: def_arg's func_type.
    TypeName(TypeName),
    /// OPERATOR(…) or a bare operator: qual_all_Op.
    Operator(AnyName),
    /// A possibly qualified name: OWNED BY t.c, func names.
    Name(AnyName),
    /// A list of names: columns of FORCE_QUOTE, roles' members as strings …
    Names(Vec<AnyName>),
    Roles(Vec<RoleSpec>),
    /// COPY's *.
    Star,
    /// Options in parentheses.
    List(Vec<DefElem>),
    /// AS 'definition' or 'object file', 'symbol'.
    Strings(Vec<String>),
    /// Transforms of a function.
    Types(Vec<TypeName>),
    /// SET and RESET of a function.
    Set(Box<VariableSetStmt>),
    /// A statement's mode with an expression: transaction modes are strings and booleans, others keep what stood there.
    Expr(Box<Expr>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommitAction {
    #[default]
    Noop,
    PreserveRows,
    DeleteRows,
    Drop,
}

/// CREATE TABLE, CREATE FOREIGN TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateStmt {
    pub relation: RangeVar,
    pub elements: Vec<TableElement>,
    pub inherits: Vec<RangeVar>,
    /// PARTITION OF: the parent is in `inherits`.
    pub partition_bound: Option<PartitionBoundSpec>,
    pub partition_spec: Option<PartitionSpec>,
    /// OF type
    pub of_type: Option<TypeName>,
    /// USING method
    pub access_method: Option<String>,
    pub options: Vec<DefElem>,
    pub on_commit: OnCommitAction,
    pub tablespace: Option<String>,
    pub if_not_exists: bool,
    /// CREATE FOREIGN TABLE … SERVER … OPTIONS (…)
    pub foreign: Option<ForeignTable>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForeignTable {
    pub server: String,
    pub options: Vec<DefElem>,
}

/// What stands between a table's parentheses, in its order.
#[derive(Clone, Debug, PartialEq)]
pub enum TableElement {
    Column(ColumnDef),
    Like(TableLikeClause),
    Constraint(Constraint),
}

/// A column's definition.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    pub name: String,
    /// None in CREATE TABLE … OF and PARTITION OF, where the column is known.
    pub type_name: Option<TypeName>,
    pub compression: Option<String>,
    pub collation: Option<CollateClause>,
    /// With CONSTR_ATTR_* as gram.y has them, before they are joined with the constraint that they follow.
    pub constraints: Vec<Constraint>,
    pub fdw_options: Vec<DefElem>,
    pub location: Location,
}

/// LIKE source INCLUDING …
#[derive(Clone, Debug, PartialEq)]
pub struct TableLikeClause {
    pub relation: RangeVar,
    /// In their order: true INCLUDING, false EXCLUDING.
    pub options: Vec<(bool, TableLikeOption)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableLikeOption {
    Comments,
    Compression,
    Constraints,
    Defaults,
    Generated,
    Identity,
    Indexes,
    Statistics,
    Storage,
    All,
}

/// A constraint of a column, a table or a domain (parsenodes.h, Constraint).
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub name: Option<String>,
    pub kind: ConstraintKind,
    /// None where nothing was said; a column's are `Attribute` constraints behind it.
    pub deferrable: Option<bool>,
    pub initially_deferred: Option<bool>,
    pub not_valid: bool,
    pub no_inherit: bool,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    Null,
    NotNull,
    Default(Expr),
    /// GENERATED … AS IDENTITY (options)
    Identity {
        always: bool,
        options: Vec<DefElem>,
    },
    /// GENERATED ALWAYS AS (expr) STORED
    Generated(Expr),
    Check(Expr),
    Primary(KeyConstraint),
    Unique {
        nulls_not_distinct: bool,
        key: KeyConstraint,
    },
    Exclusion {
        access_method: Option<String>,
        elements: Vec<(IndexElem, AnyName)>,
        key: KeyConstraint,
        where_clause: Option<Expr>,
    },
    Foreign(ForeignKey),
    /// DEFERRABLE, NOT DEFERRABLE, INITIALLY … behind a column's constraint.
    Attribute(ConstraintAttribute),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintAttribute {
    Deferrable,
    NotDeferrable,
    InitiallyDeferred,
    InitiallyImmediate,
}

/// What PRIMARY KEY, UNIQUE and EXCLUDE share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyConstraint {
    /// Empty for a column's own.
    pub columns: Vec<String>,
    pub including: Vec<String>,
    /// WITH (…)
    pub options: Vec<DefElem>,
    /// USING INDEX TABLESPACE
    pub tablespace: Option<String>,
    /// USING INDEX name
    pub index: Option<String>,
}

/// REFERENCES
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    /// Empty for a column's own.
    pub columns: Vec<String>,
    pub table: RangeVar,
    pub references: Vec<String>,
    pub match_type: MatchType,
    pub on_update: KeyAction,
    pub on_delete: KeyAction,
    /// ON DELETE SET … (columns)
    pub delete_set_columns: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchType {
    #[default]
    Simple,
    Full,
    Partial,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyAction {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// A column or expression of an index (parsenodes.h, IndexElem).
#[derive(Clone, Debug, PartialEq)]
pub struct IndexElem {
    pub key: IndexKey,
    pub collation: Option<AnyName>,
    pub opclass: Option<AnyName>,
    pub opclass_options: Vec<DefElem>,
    /// `Using` never.
    pub ordering: SortByDir,
    pub nulls: SortByNulls,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IndexKey {
    Column(String),
    Expr(Expr),
}

/// PARTITION BY
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionSpec {
    /// As written: list, range, hash; gram.y leaves it to analysis to know them.
    pub strategy: String,
    pub params: Vec<PartitionElem>,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionElem {
    pub key: IndexKey,
    pub collation: Option<AnyName>,
    pub opclass: Option<AnyName>,
    pub location: Location,
}

/// FOR VALUES …, DEFAULT
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionBoundSpec {
    pub bound: PartitionBound,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBound {
    Default,
    Hash {
        modulus: i32,
        remainder: i32,
    },
    List(Vec<Expr>),
    /// MINVALUE and MAXVALUE are column references, as in gram.y.
    Range {
        lower: Vec<Expr>,
        upper: Vec<Expr>,
    },
}

/// ALTER TABLE, INDEX, SEQUENCE, VIEW, MATERIALIZED VIEW, FOREIGN TABLE; ALTER TYPE's attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTableStmt {
    pub relation: RangeVar,
    pub commands: Vec<AlterTableCmd>,
    pub object_type: ObjectType,
    pub missing_ok: bool,
}

/// What an ALTER TABLE does (parsenodes.h, AlterTableType).
#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableCmd {
    AddColumn {
        column: Box<ColumnDef>,
        missing_ok: bool,
    },
    /// SET DEFAULT; None is DROP DEFAULT.
    ColumnDefault {
        column: String,
        default: Option<Expr>,
    },
    DropNotNull {
        column: String,
    },
    SetNotNull {
        column: String,
    },
    DropExpression {
        column: String,
        missing_ok: bool,
    },
    /// The column by its name, or by its number in an index.
    SetStatistics {
        column: ColumnSelector,
        target: i32,
    },
    SetOptions {
        column: String,
        options: Vec<DefElem>,
    },
    ResetOptions {
        column: String,
        options: Vec<DefElem>,
    },
    SetStorage {
        column: String,
        storage: String,
    },
    SetCompression {
        column: String,
        compression: Option<String>,
    },
    DropColumn {
        column: String,
        behavior: DropBehavior,
        missing_ok: bool,
    },
    AddConstraint(Box<Constraint>),
    /// Of a foreign key: its deferrability.
    AlterConstraint {
        name: String,
        deferrable: Option<bool>,
        initially_deferred: Option<bool>,
        location: Location,
    },
    ValidateConstraint(String),
    DropConstraint {
        name: String,
        behavior: DropBehavior,
        missing_ok: bool,
    },
    AlterColumnType {
        column: String,
        type_name: TypeName,
        collation: Option<CollateClause>,
        using: Option<Expr>,
        behavior: DropBehavior,
        location: Location,
    },
    AlterColumnGenericOptions {
        column: String,
        options: Vec<DefElem>,
    },
    ChangeOwner(RoleSpec),
    ClusterOn(String),
    /// SET WITHOUT CLUSTER
    DropCluster,
    SetLogged,
    SetUnlogged,
    /// SET WITHOUT OIDS
    DropOids,
    SetAccessMethod(String),
    SetTableSpace(String),
    SetRelOptions(Vec<DefElem>),
    ResetRelOptions(Vec<DefElem>),
    /// ENABLE and DISABLE TRIGGER.
    Trigger {
        target: TriggerSelector,
        firing: TriggerFiring,
    },
    /// ENABLE and DISABLE RULE.
    Rule {
        name: String,
        firing: TriggerFiring,
    },
    AddInherit(RangeVar),
    DropInherit(RangeVar),
    AddOf(TypeName),
    DropOf,
    ReplicaIdentity(ReplicaIdentity),
    EnableRowSecurity,
    DisableRowSecurity,
    ForceRowSecurity,
    NoForceRowSecurity,
    GenericOptions(Vec<DefElem>),
    /// Without a bound for indexes.
    AttachPartition {
        partition: RangeVar,
        bound: Option<PartitionBoundSpec>,
    },
    DetachPartition {
        partition: RangeVar,
        concurrent: bool,
    },
    DetachPartitionFinalize(RangeVar),
    AddIdentity {
        column: String,
        always: bool,
        options: Vec<DefElem>,
        location: Location,
    },
    SetIdentity {
        column: String,
        options: Vec<DefElem>,
    },
    DropIdentity {
        column: String,
        missing_ok: bool,
    },
    /// ALTER TYPE … ADD / DROP / ALTER ATTRIBUTE are AddColumn, DropColumn, AlterColumnType with CASCADE here.
    AddAttribute {
        attribute: Box<ColumnDef>,
        behavior: DropBehavior,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnSelector {
    Name(String),
    Number(i32),
}

#[derive(Clone, Debug, PartialEq)]
pub enum TriggerSelector {
    Name(String),
    All,
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerFiring {
    /// ENABLE
    Origin,
    Always,
    Replica,
    Disabled,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReplicaIdentity {
    Nothing,
    Full,
    Default,
    Index(String),
}

/// ALTER TABLE ALL IN TABLESPACE … SET TABLESPACE … (also of indexes and materialized views).
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTableMoveAllStmt {
    pub object_type: ObjectType,
    pub from: String,
    pub roles: Vec<RoleSpec>,
    pub to: String,
    pub nowait: bool,
}

/// CREATE INDEX
#[derive(Clone, Debug, PartialEq)]
pub struct IndexStmt {
    pub name: Option<String>,
    pub relation: RangeVar,
    pub access_method: Option<String>,
    pub params: Vec<IndexElem>,
    pub including: Vec<IndexElem>,
    pub options: Vec<DefElem>,
    pub tablespace: Option<String>,
    pub where_clause: Option<Expr>,
    pub unique: bool,
    pub nulls_not_distinct: bool,
    pub concurrent: bool,
    pub if_not_exists: bool,
}

/// CREATE VIEW; a RECURSIVE one has been rewritten as gram.y does.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewStmt {
    pub view: RangeVar,
    pub columns: Vec<String>,
    pub query: SelectStmt,
    pub replace: bool,
    pub options: Vec<DefElem>,
    pub check_option: ViewCheckOption,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewCheckOption {
    #[default]
    None,
    Local,
    Cascaded,
}

/// CREATE TABLE … AS, CREATE MATERIALIZED VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAsStmt {
    /// A query or EXECUTE.
    pub query: Box<Stmt>,
    pub into: IntoClause,
    /// Table or MatView.
    pub object_type: ObjectType,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RefreshMatViewStmt {
    pub relation: RangeVar,
    pub concurrent: bool,
    pub skip_data: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSeqStmt {
    pub sequence: RangeVar,
    pub options: Vec<DefElem>,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterSeqStmt {
    pub sequence: RangeVar,
    pub options: Vec<DefElem>,
    pub missing_ok: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchemaStmt {
    pub name: Option<String>,
    pub authorization: Option<RoleSpec>,
    pub elements: Vec<Stmt>,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDomainStmt {
    pub name: AnyName,
    pub type_name: TypeName,
    pub collation: Option<CollateClause>,
    pub constraints: Vec<Constraint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDomainStmt {
    pub name: AnyName,
    pub action: AlterDomainAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterDomainAction {
    /// None is DROP DEFAULT.
    Default(Option<Expr>),
    DropNotNull,
    SetNotNull,
    AddConstraint(Box<Constraint>),
    DropConstraint {
        name: String,
        behavior: DropBehavior,
        missing_ok: bool,
    },
    ValidateConstraint(String),
}

/// CREATE TYPE name AS (…)
#[derive(Clone, Debug, PartialEq)]
pub struct CompositeTypeStmt {
    pub name: AnyName,
    pub columns: Vec<ColumnDef>,
    pub location: Location,
}

/// CREATE TYPE name AS ENUM (…)
#[derive(Clone, Debug, PartialEq)]
pub struct CreateEnumStmt {
    pub name: AnyName,
    pub labels: Vec<String>,
}

/// CREATE TYPE name AS RANGE (…)
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRangeStmt {
    pub name: AnyName,
    pub params: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterEnumStmt {
    pub name: AnyName,
    pub change: AlterEnum,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterEnum {
    /// `neighbor`: (AFTER rather than BEFORE, label)
    Add {
        label: String,
        neighbor: Option<(bool, String)>,
        if_not_exists: bool,
    },
    Rename {
        old: String,
        new: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatePolicyStmt {
    pub name: String,
    pub table: RangeVar,
    /// all, select, insert, update, delete
    pub command: String,
    pub permissive: bool,
    /// As gram.y: PUBLIC where nothing was written.
    pub roles: Vec<RoleSpec>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterPolicyStmt {
    pub name: String,
    pub table: RangeVar,
    pub roles: Option<Vec<RoleSpec>>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

/// CREATE STATISTICS
#[derive(Clone, Debug, PartialEq)]
pub struct CreateStatsStmt {
    pub name: AnyName,
    pub stat_types: Vec<String>,
    pub exprs: Vec<IndexKey>,
    pub relations: Vec<FromItem>,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterStatsStmt {
    pub name: AnyName,
    pub target: i32,
    pub missing_ok: bool,
}

/// ALTER TYPE name SET (…)
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTypeStmt {
    pub name: AnyName,
    pub options: Vec<DefElem>,
}
