//! The statements of a compiled body (plpgsql.h, PLpgSQL_stmt_…).
//!
//! Owns: [`Statement`] and what it consists of. Variables are numbers, SQL is a [`Query`]. Must not know: tokens, how a
//! statement runs.

use std::sync::Arc;

use crate::error::{Severity, SqlState};
use crate::plpgsql::condition::Condition;
use crate::plpgsql::query::Query;
use crate::plpgsql::simple::Simple;
pub use crate::plpgsql::variables::Reference as Root;

/// Statements in a row.
pub type Body = Vec<Statement>;

/// A statement; NULL is none.
#[derive(Debug)]
pub struct Statement {
    /// 0 for the RETURN that no one wrote.
    pub line: u32,
    pub kind: Kind,
}

/// An expression: the SQL of it, and a faster way if it is a simple one.
#[derive(Debug)]
pub struct Expression {
    pub query: Query,
    pub simple: Option<Simple>,
    /// If it is a variable or a field and nothing else.
    pub direct: Option<Root>,
    /// The fields, if it is ROW(…): so their types are known.
    pub row: Option<Vec<Expression>>,
    /// Whether an error in running it, other than in planning it, has no line of CONTEXT of its own: PostgreSQL runs an
    /// expression without sub-queries in the function's own context.
    pub is_plain: bool,
}

#[derive(Debug)]
pub enum Kind {
    Block(Block),
    Assign { target: Place, value: Expression },
    If { branches: Vec<(Expression, Body)>, otherwise: Body },
    Case(Case),
    Loop { label: Label, body: Body },
    While { label: Label, condition: Expression, body: Body },
    ForInteger(Box<ForInteger>),
    ForQuery { label: Label, target: Target, source: QuerySource, body: Body },
    ForCursor { label: Label, cursor: u32, arguments: Option<Query>, record: u32, body: Body },
    ForEach { label: Label, target: Target, slice: i32, array: Expression, body: Body },
    Exit { is_exit: bool, label: Label, condition: Option<Expression> },
    Return(ReturnValue),
    ReturnNext(ReturnValue),
    ReturnQuery(QuerySource),
    Raise(Raise),
    Assert { condition: Expression, message: Option<Expression> },
    Sql { query: Query, into: Option<Into> },
    Execute { text: Expression, into: Option<Into>, using: Vec<Expression> },
    Perform(Query),
    Call { query: Query, is_call: bool, arguments: Vec<Option<Place>> },
    GetDiagnostics { is_stacked: bool, items: Vec<(Place, Diagnostic)> },
    Open(Open),
    Fetch(Fetch),
    Close { cursor: u32 },
    Commit { chain: bool },
    Rollback { chain: bool },
}

pub type Label = Option<Arc<str>>;

#[derive(Debug)]
pub struct Block {
    pub label: Label,
    /// The variables that are set anew when it is entered.
    pub variables: Vec<u32>,
    pub body: Body,
    pub exceptions: Option<Exceptions>,
}

#[derive(Debug)]
pub struct Exceptions {
    pub sqlstate: u32,
    pub sqlerrm: u32,
    pub handlers: Vec<Handler>,
}

#[derive(Debug)]
pub struct Handler {
    pub conditions: Vec<Condition>,
    pub body: Body,
}

/// What is assigned to.
#[derive(Clone, Debug)]
pub struct Place {
    pub root: Root,
    /// Further into it.
    pub steps: Vec<Step>,
}

/// A step into a value.
#[derive(Clone, Debug)]
pub enum Step {
    Field(String),
    Index(Arc<Expression>),
    Slice(Option<Arc<Expression>>, Option<Arc<Expression>>),
}

/// What takes a row.
#[derive(Clone, Debug)]
pub enum Target {
    Record(u32),
    /// One for each column. FOREACH and INTO with one variable have one.
    List(Vec<Root>),
}

#[derive(Debug)]
pub struct Into {
    pub target: Target,
    pub strict: bool,
}

#[derive(Debug)]
pub struct Case {
    /// What is compared, and the variable that holds it meanwhile.
    pub subject: Option<(Expression, u32)>,
    pub branches: Vec<(Expression, Body)>,
    pub otherwise: Option<Body>,
}

#[derive(Debug)]
pub struct ForInteger {
    pub label: Label,
    pub variable: u32,
    pub reverse: bool,
    pub lower: Expression,
    pub upper: Expression,
    pub step: Option<Expression>,
    pub body: Body,
}

/// Where rows come from.
#[derive(Debug)]
pub enum QuerySource {
    Query(Query),
    Execute { text: Expression, using: Vec<Expression> },
}

#[derive(Debug)]
pub enum ReturnValue {
    None,
    Variable(u32),
    /// The output parameters.
    Row(Vec<u32>),
    Expression(Expression),
}

#[derive(Debug)]
pub struct Raise {
    pub severity: Severity,
    pub condition: Option<(String, SqlState)>,
    pub message: Option<String>,
    pub parameters: Vec<Expression>,
    pub options: Vec<(RaiseOption, Expression)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaiseOption {
    ErrorCode,
    Message,
    Detail,
    Hint,
    Column,
    Constraint,
    DataType,
    Table,
    Schema,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnostic {
    RowCount,
    Context,
    ExceptionContext,
    ExceptionDetail,
    ExceptionHint,
    ReturnedSqlState,
    ColumnName,
    ConstraintName,
    DataTypeName,
    MessageText,
    TableName,
    SchemaName,
}

#[derive(Debug)]
pub struct Open {
    pub cursor: u32,
    pub scroll: Option<bool>,
    pub kind: OpenKind,
}

#[derive(Debug)]
pub enum OpenKind {
    /// A bound cursor, with its arguments.
    Bound(Option<Query>),
    Source(QuerySource),
}

#[derive(Debug)]
pub struct Fetch {
    pub cursor: u32,
    pub direction: FetchDirection,
    pub count: FetchCount,
    /// None for MOVE.
    pub target: Option<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    Forward,
    Backward,
    Absolute,
    Relative,
}

#[derive(Debug)]
pub enum FetchCount {
    Number(i64),
    Expression(Expression),
}

impl Kind {
    /// What CONTEXT calls it (plpgsql_stmt_typename).
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Block(_) => "statement block",
            Kind::Assign { .. } => "assignment",
            Kind::If { .. } => "IF",
            Kind::Case(_) => "CASE",
            Kind::Loop { .. } => "LOOP",
            Kind::While { .. } => "WHILE",
            Kind::ForInteger(_) => "FOR with integer loop variable",
            Kind::ForQuery { source: QuerySource::Query(_), .. } => "FOR over SELECT rows",
            Kind::ForQuery { .. } => "FOR over EXECUTE statement",
            Kind::ForCursor { .. } => "FOR over cursor",
            Kind::ForEach { .. } => "FOREACH over array",
            Kind::Exit { is_exit: true, .. } => "EXIT",
            Kind::Exit { .. } => "CONTINUE",
            Kind::Return(_) => "RETURN",
            Kind::ReturnNext(_) => "RETURN NEXT",
            Kind::ReturnQuery(_) => "RETURN QUERY",
            Kind::Raise(_) => "RAISE",
            Kind::Assert { .. } => "ASSERT",
            Kind::Sql { .. } => "SQL statement",
            Kind::Execute { .. } => "EXECUTE",
            Kind::Perform(_) => "PERFORM",
            Kind::Call { is_call: true, .. } => "CALL",
            Kind::Call { .. } => "DO",
            Kind::GetDiagnostics { is_stacked: true, .. } => "GET STACKED DIAGNOSTICS",
            Kind::GetDiagnostics { .. } => "GET DIAGNOSTICS",
            Kind::Open(_) => "OPEN",
            Kind::Fetch(Fetch { target: Some(_), .. }) => "FETCH",
            Kind::Fetch(_) => "MOVE",
            Kind::Close { .. } => "CLOSE",
            Kind::Commit { .. } => "COMMIT",
            Kind::Rollback { .. } => "ROLLBACK",
        }
    }
}
