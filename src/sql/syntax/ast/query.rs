//! Queries and changes of data as written: SelectStmt, InsertStmt, UpdateStmt, DeleteStmt, MergeStmt and their clauses.
//!
//! Owns: those nodes, with the names and the shape of PostgreSQL's parsenodes.h. Must not know: what a name means.

use crate::sql::syntax::ast::definition::ColumnDef;
use crate::sql::syntax::ast::expression::{AnyName, Expr, Indirection, TypeName, WindowDef};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::statement::Stmt;

/// SELECT, VALUES, TABLE and set operations over them.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectStmt {
    pub with: Option<WithClause>,
    pub body: SelectBody,
    pub sort: Vec<SortBy>,
    pub limit_offset: Option<Expr>,
    /// None without LIMIT; LIMIT ALL is a NULL constant, as in gram.y.
    pub limit_count: Option<Expr>,
    pub limit_option: LimitOption,
    pub locking: Vec<LockingClause>,
    /// Of its first token.
    pub location: Location,
}

/// What stands before ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectBody {
    Select(Box<SimpleSelect>),
    /// VALUES (…), (…)
    Values(Vec<Vec<Expr>>),
    SetOperation(Box<SetOperation>),
}

/// SELECT … FROM … WHERE …; TABLE t is SELECT * FROM t.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SimpleSelect {
    pub distinct: Option<Distinct>,
    pub targets: Vec<ResTarget>,
    pub into: Option<IntoClause>,
    pub from: Vec<FromItem>,
    pub where_clause: Option<Expr>,
    pub group: Vec<GroupItem>,
    pub group_distinct: bool,
    pub having: Option<Expr>,
    pub windows: Vec<WindowDef>,
}

/// DISTINCT, or DISTINCT ON (…).
#[derive(Clone, Debug, PartialEq)]
pub enum Distinct {
    All,
    On(Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

/// left UNION [ALL] right
#[derive(Clone, Debug, PartialEq)]
pub struct SetOperation {
    pub op: SetOperator,
    pub all: bool,
    pub left: SelectStmt,
    pub right: SelectStmt,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitOption {
    #[default]
    Count,
    WithTies,
}

/// An output column, a target of INSERT, UPDATE or RETURNING.
#[derive(Clone, Debug, PartialEq)]
pub struct ResTarget {
    /// SELECT: the name after AS. INSERT, UPDATE: the column.
    pub name: Option<String>,
    /// Subscripts and fields of an assigned column.
    pub indirection: Vec<Indirection>,
    /// None in INSERT's column list.
    pub value: Option<Expr>,
    pub location: Location,
}

/// ORDER BY's elements.
#[derive(Clone, Debug, PartialEq)]
pub struct SortBy {
    pub node: Expr,
    pub direction: SortByDir,
    pub nulls: SortByNulls,
    /// Of USING, else that of the expression is to be taken.
    pub location: Location,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SortByDir {
    #[default]
    Default,
    Asc,
    Desc,
    /// USING operator
    Using(AnyName),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortByNulls {
    #[default]
    Default,
    First,
    Last,
}

/// An element of GROUP BY.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupItem {
    Expr(Expr),
    /// ()
    Empty(Location),
    Rollup(Vec<Expr>, Location),
    Cube(Vec<Expr>, Location),
    Sets(Vec<GroupItem>, Location),
}

/// WITH
#[derive(Clone, Debug, PartialEq)]
pub struct WithClause {
    pub recursive: bool,
    pub ctes: Vec<CommonTableExpr>,
    pub location: Location,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CteMaterialize {
    #[default]
    Default,
    Always,
    Never,
}

/// name (columns) AS [MATERIALIZED] (statement) [SEARCH …] [CYCLE …]
#[derive(Clone, Debug, PartialEq)]
pub struct CommonTableExpr {
    pub name: String,
    pub columns: Vec<String>,
    pub materialized: CteMaterialize,
    /// Select, Insert, Update, Delete.
    pub query: Box<Stmt>,
    pub search: Option<CteSearchClause>,
    pub cycle: Option<CteCycleClause>,
    pub location: Location,
}

/// SEARCH { DEPTH | BREADTH } FIRST BY … SET …
#[derive(Clone, Debug, PartialEq)]
pub struct CteSearchClause {
    pub breadth_first: bool,
    pub columns: Vec<String>,
    pub sequence_column: String,
    pub location: Location,
}

/// CYCLE … SET … [TO … DEFAULT …] USING …
#[derive(Clone, Debug, PartialEq)]
pub struct CteCycleClause {
    pub columns: Vec<String>,
    pub mark_column: String,
    /// TO value DEFAULT default; true and false where it was left out.
    pub mark: Option<(Expr, Expr)>,
    pub path_column: String,
    pub location: Location,
}

/// A relation's name: qualified_name, relation_expr.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeVar {
    pub catalog: Option<String>,
    pub schema: Option<String>,
    pub relation: String,
    /// False after ONLY.
    pub inherit: bool,
    /// As in CREATE TEMP TABLE.
    pub persistence: Persistence,
    pub alias: Option<Alias>,
    pub location: Location,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    #[default]
    Permanent,
    Temporary,
    Unlogged,
}

/// AS name (columns)
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    pub name: String,
    pub columns: Vec<String>,
}

/// gram.y's table_ref.
#[derive(Clone, Debug, PartialEq)]
pub enum FromItem {
    Relation(RangeVar),
    Subselect(Box<RangeSubselect>),
    Function(Box<RangeFunction>),
    TableFunc(Box<RangeTableFunc>),
    TableSample(Box<RangeTableSample>),
    Join(Box<JoinExpr>),
}

/// (SELECT …) AS name
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSubselect {
    pub lateral: bool,
    pub subquery: SelectStmt,
    pub alias: Option<Alias>,
    pub location: Location,
}

/// A function in FROM, or ROWS FROM (…).
#[derive(Clone, Debug, PartialEq)]
pub struct RangeFunction {
    pub lateral: bool,
    pub ordinality: bool,
    pub rows_from: bool,
    pub functions: Vec<RowsFromItem>,
    pub alias: Option<Alias>,
    /// AS (a int, b text)
    pub columns: Vec<ColumnDef>,
    pub location: Location,
}

/// One function of ROWS FROM (…), with its own column definitions. Usually a `FuncCall`; the grammar's function-like
/// expressions (COALESCE …) may stand here as well.
#[derive(Clone, Debug, PartialEq)]
pub struct RowsFromItem {
    pub function: Expr,
    pub columns: Vec<ColumnDef>,
}

/// XMLTABLE(…)
#[derive(Clone, Debug, PartialEq)]
pub struct RangeTableFunc {
    pub lateral: bool,
    pub document: Expr,
    pub row: Expr,
    pub namespaces: Vec<ResTarget>,
    pub columns: Vec<RangeTableFuncCol>,
    pub alias: Option<Alias>,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RangeTableFuncCol {
    pub name: String,
    /// None for FOR ORDINALITY.
    pub type_name: Option<TypeName>,
    pub not_null: bool,
    pub path: Option<Expr>,
    pub default: Option<Expr>,
    pub location: Location,
}

/// relation TABLESAMPLE method (args) [REPEATABLE (seed)]
#[derive(Clone, Debug, PartialEq)]
pub struct RangeTableSample {
    pub relation: RangeVar,
    pub method: AnyName,
    pub args: Vec<Expr>,
    pub repeatable: Option<Expr>,
    pub location: Location,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinType {
    Inner,
    Left,
    Full,
    Right,
}

/// left JOIN right; CROSS JOIN is inner without a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinExpr {
    pub join_type: JoinType,
    pub natural: bool,
    pub left: FromItem,
    pub right: FromItem,
    pub quals: JoinQuals,
    /// Of a join in parentheses.
    pub alias: Option<Alias>,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JoinQuals {
    /// CROSS or NATURAL.
    None,
    On(Expr),
    /// USING (columns) [AS alias]
    Using(Vec<String>, Option<Alias>),
}

/// FOR UPDATE … OF … NOWAIT; with no strength but none, as gram.y's FOR READ ONLY, nothing is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct LockingClause {
    pub strength: LockStrength,
    pub relations: Vec<RangeVar>,
    pub wait: LockWaitPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockStrength {
    ForKeyShare,
    ForShare,
    ForNoKeyUpdate,
    ForUpdate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockWaitPolicy {
    #[default]
    Block,
    Skip,
    Error,
}

/// The table that SELECT INTO, CREATE TABLE AS and CREATE MATERIALIZED VIEW make.
#[derive(Clone, Debug, PartialEq)]
pub struct IntoClause {
    pub relation: RangeVar,
    pub columns: Vec<String>,
    pub access_method: Option<String>,
    pub options: Vec<crate::sql::syntax::ast::definition::DefElem>,
    pub on_commit: crate::sql::syntax::ast::definition::OnCommitAction,
    pub tablespace: Option<String>,
    /// WITH NO DATA
    pub skip_data: bool,
}

/// INSERT
#[derive(Clone, Debug, PartialEq)]
pub struct InsertStmt {
    pub with: Option<WithClause>,
    /// With its alias.
    pub relation: RangeVar,
    pub columns: Vec<ResTarget>,
    pub overriding: Option<Overriding>,
    /// None: DEFAULT VALUES.
    pub source: Option<SelectStmt>,
    pub on_conflict: Option<OnConflictClause>,
    pub returning: Vec<ResTarget>,
    pub location: Location,
}

/// OVERRIDING … VALUE
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    System,
    User,
}

/// ON CONFLICT
#[derive(Clone, Debug, PartialEq)]
pub struct OnConflictClause {
    pub infer: Option<InferClause>,
    pub action: OnConflictAction,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OnConflictAction {
    Nothing,
    Update { targets: Vec<ResTarget>, where_clause: Option<Expr> },
}

/// What ON CONFLICT's target says.
#[derive(Clone, Debug, PartialEq)]
pub struct InferClause {
    pub target: InferTarget,
    pub location: Location,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InferTarget {
    Index { elements: Vec<crate::sql::syntax::ast::definition::IndexElem>, where_clause: Option<Expr> },
    Constraint(String),
}

/// UPDATE
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateStmt {
    pub with: Option<WithClause>,
    pub relation: RangeVar,
    pub targets: Vec<ResTarget>,
    pub from: Vec<FromItem>,
    pub where_clause: Option<Expr>,
    pub returning: Vec<ResTarget>,
    pub location: Location,
}

/// DELETE
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteStmt {
    pub with: Option<WithClause>,
    pub relation: RangeVar,
    pub using: Vec<FromItem>,
    pub where_clause: Option<Expr>,
    pub returning: Vec<ResTarget>,
    pub location: Location,
}

/// MERGE
#[derive(Clone, Debug, PartialEq)]
pub struct MergeStmt {
    pub with: Option<WithClause>,
    pub relation: RangeVar,
    pub source: FromItem,
    pub condition: Expr,
    pub when_clauses: Vec<MergeWhenClause>,
    pub location: Location,
}

/// WHEN [NOT] MATCHED [AND …] THEN …
#[derive(Clone, Debug, PartialEq)]
pub struct MergeWhenClause {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    Update(Vec<ResTarget>),
    Delete,
    /// No values: DEFAULT VALUES.
    Insert {
        columns: Vec<ResTarget>,
        overriding: Option<Overriding>,
        values: Option<Vec<Expr>>,
    },
    DoNothing,
}
