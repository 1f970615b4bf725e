//! All statements, and those that are about no schema object: sessions, transactions, roles, privileges, maintenance.
//!
//! Owns: [`Stmt`], its utility nodes, with the names and the shape of PostgreSQL's parsenodes.h. Must not know: what a
//! name means.

use crate::sql::syntax::ast::definition::*;
use crate::sql::syntax::ast::expression::{AnyName, Expr, FuncCall, TypeName};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{DeleteStmt, InsertStmt, MergeStmt, RangeVar, SelectStmt, UpdateStmt};
use crate::sql::syntax::ast::routine::*;

/// One statement: gram.y's stmt.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    Select(Box<SelectStmt>),
    Insert(Box<InsertStmt>),
    Update(Box<UpdateStmt>),
    Delete(Box<DeleteStmt>),
    Merge(Box<MergeStmt>),
    /// RETURN expr, in a routine's BEGIN ATOMIC … END.
    Return(Box<Expr>),

    Create(Box<CreateStmt>),
    CreateTableAs(Box<CreateTableAsStmt>),
    AlterTable(Box<AlterTableStmt>),
    AlterTableMoveAll(AlterTableMoveAllStmt),
    Index(Box<IndexStmt>),
    View(Box<ViewStmt>),
    RefreshMatView(RefreshMatViewStmt),
    CreateSeq(CreateSeqStmt),
    AlterSeq(AlterSeqStmt),
    CreateSchema(CreateSchemaStmt),
    CreateDomain(Box<CreateDomainStmt>),
    AlterDomain(Box<AlterDomainStmt>),
    CompositeType(CompositeTypeStmt),
    CreateEnum(CreateEnumStmt),
    CreateRange(CreateRangeStmt),
    AlterEnum(AlterEnumStmt),
    AlterType(AlterTypeStmt),
    Define(Box<DefineStmt>),
    CreateFunction(Box<CreateFunctionStmt>),
    AlterFunction(Box<AlterFunctionStmt>),
    CreateTrig(Box<CreateTrigStmt>),
    CreateEventTrig(CreateEventTrigStmt),
    AlterEventTrig(AlterEventTrigStmt),
    Rule(Box<RuleStmt>),
    CreatePolicy(Box<CreatePolicyStmt>),
    AlterPolicy(Box<AlterPolicyStmt>),
    CreateStats(CreateStatsStmt),
    AlterStats(AlterStatsStmt),
    CreateOpClass(CreateOpClassStmt),
    CreateOpFamily(CreateOpFamilyStmt),
    AlterOpFamily(AlterOpFamilyStmt),
    AlterOperator(AlterOperatorStmt),
    CreateCast(Box<CreateCastStmt>),
    CreateTransform(Box<CreateTransformStmt>),
    CreateConversion(CreateConversionStmt),
    CreatePLang(CreatePLangStmt),
    CreateAm(CreateAmStmt),
    AlterTSConfiguration(AlterTSConfigurationStmt),
    AlterTSDictionary(AlterTSDictionaryStmt),
    AlterCollation {
        /// REFRESH VERSION
        name: AnyName,
    },
    CreateExtension(CreateExtensionStmt),
    AlterExtension(AlterExtensionStmt),
    AlterExtensionContents(Box<AlterExtensionContentsStmt>),
    CreateForeign(CreateForeignStmt),
    AlterForeign(AlterForeignStmt),
    CreateUserMapping(UserMappingStmt),
    AlterUserMapping(UserMappingStmt),
    DropUserMapping {
        user: RoleSpec,
        server: String,
        missing_ok: bool,
    },
    ImportForeignSchema(ImportForeignSchemaStmt),
    CreatePublication(CreatePublicationStmt),
    AlterPublication(AlterPublicationStmt),
    CreateSubscription(CreateSubscriptionStmt),
    AlterSubscription(AlterSubscriptionStmt),
    DropSubscription {
        name: String,
        missing_ok: bool,
        behavior: DropBehavior,
    },
    CreateTableSpace {
        name: String,
        owner: Option<RoleSpec>,
        location: String,
        options: Vec<DefElem>,
    },
    DropTableSpace {
        name: String,
        missing_ok: bool,
    },
    AlterTableSpaceOptions {
        name: String,
        options: Vec<DefElem>,
        is_reset: bool,
    },

    Drop(Box<DropStmt>),
    Rename(Box<RenameStmt>),
    AlterObjectSchema(Box<AlterObjectSchemaStmt>),
    AlterOwner(Box<AlterOwnerStmt>),
    AlterObjectDepends(Box<AlterObjectDependsStmt>),
    Comment(Box<CommentStmt>),
    SecLabel(Box<SecLabelStmt>),
    Truncate {
        relations: Vec<RangeVar>,
        restart_seqs: bool,
        behavior: DropBehavior,
    },

    Createdb {
        name: String,
        options: Vec<DefElem>,
    },
    AlterDatabase {
        name: String,
        options: Vec<DefElem>,
    },
    /// REFRESH COLLATION VERSION
    AlterDatabaseRefreshColl {
        name: String,
    },
    AlterDatabaseSet {
        name: String,
        set: VariableSetStmt,
    },
    Dropdb {
        name: String,
        missing_ok: bool,
        options: Vec<DefElem>,
    },
    CreateRole(CreateRoleStmt),
    AlterRole(AlterRoleStmt),
    AlterRoleSet {
        /// None: ALL.
        role: Option<RoleSpec>,
        database: Option<String>,
        set: VariableSetStmt,
    },
    DropRole {
        roles: Vec<RoleSpec>,
        missing_ok: bool,
    },
    Grant(Box<GrantStmt>),
    GrantRole(GrantRoleStmt),
    AlterDefaultPrivileges(Box<AlterDefaultPrivilegesStmt>),
    DropOwned {
        roles: Vec<RoleSpec>,
        behavior: DropBehavior,
    },
    ReassignOwned {
        roles: Vec<RoleSpec>,
        new_role: RoleSpec,
    },

    Transaction(TransactionStmt),
    VariableSet(VariableSetStmt),
    /// SHOW; the name ALL is "all".
    VariableShow {
        name: String,
    },
    AlterSystem(VariableSetStmt),
    ConstraintsSet {
        /// None: ALL.
        constraints: Option<Vec<RangeVar>>,
        deferred: bool,
    },
    Prepare(PrepareStmt),
    Execute(ExecuteStmt),
    /// None: ALL.
    Deallocate {
        name: Option<String>,
    },
    DeclareCursor(Box<DeclareCursorStmt>),
    Fetch(FetchStmt),
    /// None: ALL.
    ClosePortal {
        name: Option<String>,
    },
    Copy(Box<CopyStmt>),
    Explain(Box<ExplainStmt>),
    Listen {
        channel: String,
    },
    Notify {
        channel: String,
        payload: Option<String>,
    },
    /// None: all.
    Unlisten {
        channel: Option<String>,
    },
    Lock(LockStmt),
    Vacuum(VacuumStmt),
    Cluster(ClusterStmt),
    Reindex(ReindexStmt),
    CheckPoint,
    Discard(DiscardMode),
    Load {
        file: String,
    },
    Call(Box<FuncCall>),
    Do {
        args: Vec<DefElem>,
    },
}

/// CASCADE or RESTRICT; nothing is RESTRICT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DropBehavior {
    #[default]
    Restrict,
    Cascade,
}

/// Kinds of objects (parsenodes.h, ObjectType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectType {
    AccessMethod,
    Aggregate,
    Attribute,
    Cast,
    Column,
    Collation,
    Conversion,
    Database,
    Domain,
    DomConstraint,
    EventTrigger,
    Extension,
    Fdw,
    ForeignServer,
    ForeignTable,
    Function,
    Index,
    Language,
    LargeObject,
    MatView,
    OpClass,
    Operator,
    OpFamily,
    ParameterAcl,
    Policy,
    Procedure,
    Publication,
    Role,
    Routine,
    Rule,
    Schema,
    Sequence,
    Subscription,
    StatisticExt,
    TabConstraint,
    Table,
    Tablespace,
    Transform,
    Trigger,
    TsConfiguration,
    TsDictionary,
    TsParser,
    TsTemplate,
    Type,
    View,
}

/// What a statement names, as far as its kind needs more than a name.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectRef {
    /// A possibly qualified name; of columns, constraints, rules, triggers and policies with that of their relation
    /// before it.
    Name(AnyName),
    /// Types and domains.
    Type(TypeName),
    /// A constraint of a domain.
    DomainConstraint {
        domain: TypeName,
        name: String,
    },
    Function(ObjectWithArgs),
    Cast {
        source: TypeName,
        target: TypeName,
    },
    /// Operator classes and families.
    OpClass {
        name: AnyName,
        access_method: String,
    },
    Transform {
        type_name: TypeName,
        language: String,
    },
    LargeObject(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct DropStmt {
    pub object_type: ObjectType,
    pub objects: Vec<ObjectRef>,
    pub behavior: DropBehavior,
    pub missing_ok: bool,
    pub concurrent: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RenameStmt {
    pub object_type: ObjectType,
    /// Of a column's, constraint's, trigger's … relation, as ALTER named it (ALTER VIEW v RENAME COLUMN …).
    pub relation_type: Option<ObjectType>,
    /// What lies in a relation, or is one.
    pub relation: Option<RangeVar>,
    pub object: Option<ObjectRef>,
    /// The column, constraint, trigger, rule, policy or attribute.
    pub subname: Option<String>,
    pub new_name: String,
    /// Of an attribute.
    pub behavior: DropBehavior,
    pub missing_ok: bool,
}

/// ALTER … SET SCHEMA
#[derive(Clone, Debug, PartialEq)]
pub struct AlterObjectSchemaStmt {
    pub object_type: ObjectType,
    pub relation: Option<RangeVar>,
    pub object: Option<ObjectRef>,
    pub new_schema: String,
    pub missing_ok: bool,
}

/// ALTER … OWNER TO; of relations it is an AlterTableStmt.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterOwnerStmt {
    pub object_type: ObjectType,
    pub object: ObjectRef,
    pub new_owner: RoleSpec,
}

/// ALTER … [NO] DEPENDS ON EXTENSION
#[derive(Clone, Debug, PartialEq)]
pub struct AlterObjectDependsStmt {
    pub object_type: ObjectType,
    pub relation: Option<RangeVar>,
    pub object: Option<ObjectRef>,
    /// The trigger.
    pub subname: Option<String>,
    pub extension: String,
    pub remove: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommentStmt {
    pub object_type: ObjectType,
    pub object: ObjectRef,
    pub comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SecLabelStmt {
    pub object_type: ObjectType,
    pub object: ObjectRef,
    pub provider: Option<String>,
    pub label: Option<String>,
}

/// A role as it may be named (parsenodes.h, RoleSpec).
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSpec {
    pub role: RoleSpecType,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSpecType {
    Name(String),
    CurrentRole,
    CurrentUser,
    SessionUser,
    Public,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRoleStmt {
    pub kind: RoleStmtType,
    pub role: String,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleStmtType {
    Role,
    User,
    Group,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterRoleStmt {
    pub role: RoleSpec,
    /// False for ALTER GROUP … DROP USER.
    pub add: bool,
    /// ALTER GROUP … ADD / DROP USER, whose members are the option "rolemembers".
    pub is_group: bool,
    pub options: Vec<DefElem>,
}

/// GRANT and REVOKE of privileges.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantStmt {
    pub is_grant: bool,
    pub target: GrantTarget,
    pub object_type: ObjectType,
    pub objects: Vec<GrantObject>,
    /// Empty: ALL PRIVILEGES.
    pub privileges: Vec<AccessPriv>,
    pub grantees: Vec<RoleSpec>,
    /// WITH GRANT OPTION, or GRANT OPTION FOR.
    pub grant_option: bool,
    pub grantor: Option<RoleSpec>,
    pub behavior: DropBehavior,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantTarget {
    Object,
    AllInSchema,
    /// ALTER DEFAULT PRIVILEGES
    Defaults,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GrantObject {
    Relation(RangeVar),
    Function(ObjectWithArgs),
    Name(AnyName),
    LargeObject(String),
}

/// A privilege, maybe for columns; ALL (columns) has no name.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessPriv {
    pub name: Option<String>,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GrantRoleStmt {
    pub granted_roles: Vec<AccessPriv>,
    pub grantee_roles: Vec<RoleSpec>,
    pub is_grant: bool,
    pub admin_option: bool,
    pub grantor: Option<RoleSpec>,
    pub behavior: DropBehavior,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDefaultPrivilegesStmt {
    /// "schemas" and "roles".
    pub options: Vec<DefElem>,
    pub action: GrantStmt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStmtKind {
    Begin,
    Start,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    Prepare,
    CommitPrepared,
    RollbackPrepared,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TransactionStmt {
    pub kind: TransactionStmtKind,
    /// Modes of BEGIN and START. SQLite's DEFERRED, IMMEDIATE, EXCLUSIVE are "transaction_lock", which PostgreSQL lacks.
    pub options: Vec<DefElem>,
    pub savepoint: Option<String>,
    pub gid: Option<String>,
    /// AND CHAIN
    pub chain: bool,
}

/// SET and RESET.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableSetStmt {
    pub kind: VariableSetKind,
    /// SET LOCAL
    pub is_local: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum VariableSetKind {
    /// SET name = values. Values are constants, and TypeCasts of them to interval for SET TIME ZONE INTERVAL.
    Value {
        name: String,
        args: Vec<Expr>,
    },
    /// SET name TO DEFAULT
    Default {
        name: String,
    },
    /// SET name FROM CURRENT
    Current {
        name: String,
    },
    /// SET TRANSACTION, SET SESSION CHARACTERISTICS AS TRANSACTION
    Modes {
        session: bool,
        modes: Vec<DefElem>,
    },
    /// SET TRANSACTION SNAPSHOT
    Snapshot(String),
    Reset {
        name: String,
    },
    ResetAll,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PrepareStmt {
    pub name: String,
    pub arg_types: Vec<TypeName>,
    pub query: Box<Stmt>,
    /// Of the query.
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExecuteStmt {
    pub name: String,
    pub params: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeclareCursorStmt {
    pub portal: String,
    pub options: CursorOptions,
    pub query: SelectStmt,
    /// Of the query.
    pub location: Location,
}

/// What DECLARE says of its cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CursorOptions {
    pub binary: bool,
    pub scroll: bool,
    /// NO SCROLL; beside SCROLL it is an error, but not the grammar's.
    pub no_scroll: bool,
    pub insensitive: bool,
    pub asensitive: bool,
    pub hold: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    /// Negative counts are backward, as written.
    Forward,
    Backward,
    Absolute,
    Relative,
}

/// FETCH and MOVE
#[derive(Clone, Debug, PartialEq)]
pub struct FetchStmt {
    pub direction: FetchDirection,
    /// `i64::MAX` is ALL; FIRST and LAST are Absolute 1 and -1.
    pub how_many: i64,
    pub portal: String,
    pub is_move: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CopyStmt {
    pub source: CopySource,
    pub columns: Vec<String>,
    pub is_from: bool,
    pub is_program: bool,
    /// None: STDIN or STDOUT.
    pub filename: Option<String>,
    pub options: Vec<DefElem>,
    pub where_clause: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CopySource {
    Relation(RangeVar),
    Query(Box<Stmt>, Location),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExplainStmt {
    pub query: Box<Stmt>,
    pub options: Vec<DefElem>,
    /// Of the statement explained.
    pub location: Location,
}

/// Lock modes (lock.h), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LockStmt {
    pub relations: Vec<RangeVar>,
    pub mode: LockMode,
    pub nowait: bool,
}

/// VACUUM and ANALYZE
#[derive(Clone, Debug, PartialEq)]
pub struct VacuumStmt {
    pub options: Vec<DefElem>,
    pub relations: Vec<VacuumRelation>,
    pub is_vacuum: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VacuumRelation {
    pub relation: RangeVar,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterStmt {
    pub relation: Option<RangeVar>,
    pub index: Option<String>,
    pub params: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReindexStmt {
    pub target: ReindexTarget,
    pub params: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReindexTarget {
    Index(RangeVar),
    Table(RangeVar),
    Schema(String),
    System(String),
    Database(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardMode {
    All,
    Plans,
    Sequences,
    Temp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateExtensionStmt {
    pub name: String,
    pub if_not_exists: bool,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterExtensionStmt {
    pub name: String,
    pub options: Vec<DefElem>,
}

/// ALTER EXTENSION … ADD / DROP object
#[derive(Clone, Debug, PartialEq)]
pub struct AlterExtensionContentsStmt {
    pub name: String,
    pub add: bool,
    pub object_type: ObjectType,
    pub object: ObjectRef,
}

/// CREATE FOREIGN DATA WRAPPER, CREATE SERVER
#[derive(Clone, Debug, PartialEq)]
pub enum CreateForeignStmt {
    DataWrapper {
        name: String,
        handlers: Vec<DefElem>,
        options: Vec<DefElem>,
    },
    Server {
        name: String,
        server_type: Option<String>,
        version: Option<String>,
        wrapper: String,
        if_not_exists: bool,
        options: Vec<DefElem>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterForeignStmt {
    DataWrapper { name: String, handlers: Vec<DefElem>, options: Vec<DefElem> },
    Server { name: String, version: Option<Option<String>>, options: Vec<DefElem> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct UserMappingStmt {
    pub user: RoleSpec,
    pub server: String,
    pub options: Vec<DefElem>,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImportForeignSchemaStmt {
    pub server: String,
    pub remote_schema: String,
    pub local_schema: String,
    /// LIMIT TO is true, EXCEPT false.
    pub tables: Option<(bool, Vec<RangeVar>)>,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatePublicationStmt {
    pub name: String,
    pub options: Vec<DefElem>,
    pub objects: Vec<PublicationObject>,
    pub for_all_tables: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PublicationObject {
    Table { relation: RangeVar, columns: Vec<String>, where_clause: Option<Expr> },
    TablesInSchema(String),
    TablesInCurrentSchema,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterPublicationStmt {
    pub name: String,
    pub action: AlterPublicationAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterPublicationAction {
    SetOptions(Vec<DefElem>),
    Add(Vec<PublicationObject>),
    Set(Vec<PublicationObject>),
    Drop(Vec<PublicationObject>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSubscriptionStmt {
    pub name: String,
    pub conninfo: String,
    pub publications: Vec<String>,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterSubscriptionStmt {
    pub name: String,
    pub action: AlterSubscriptionAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterSubscriptionAction {
    Options(Vec<DefElem>),
    Connection(String),
    Refresh(Vec<DefElem>),
    AddPublication { publications: Vec<String>, options: Vec<DefElem> },
    DropPublication { publications: Vec<String>, options: Vec<DefElem> },
    SetPublication { publications: Vec<String>, options: Vec<DefElem> },
    Enabled(bool),
    Skip(Vec<DefElem>),
}
