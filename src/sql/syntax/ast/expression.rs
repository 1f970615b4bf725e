//! Expressions as written: gram.y's a_expr, b_expr, c_expr and what they consist of.
//!
//! Owns: [`Expr`] and its nodes, with the names and the shape that PostgreSQL's parsenodes.h and primnodes.h give them
//! before parse analysis. What gram.y rewrites while it parses (BETWEEN, LIKE, AT TIME ZONE, EXTRACT …) is rewritten
//! here the same way; parentheses leave no trace. Must not know: what a name means.

use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{SelectStmt, SortBy};

/// A possibly qualified name, folded: any_name, func_name, qual_all_Op.
pub type AnyName = Vec<String>;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    ColumnRef(ColumnRef),
    ParamRef(ParamRef),
    Const(AConst),
    TypeCast(Box<TypeCast>),
    Collate(Box<CollateClause>),
    AExpr(Box<AExpr>),
    Bool(BoolExpr),
    FuncCall(Box<FuncCall>),
    Indirection(Box<AIndirection>),
    Array(AArrayExpr),
    Row(RowExpr),
    SubLink(Box<SubLink>),
    Case(Box<CaseExpr>),
    Coalesce(CoalesceExpr),
    MinMax(MinMaxExpr),
    NullTest(Box<NullTest>),
    BooleanTest(Box<BooleanTest>),
    SqlValueFunction(SqlValueFunction),
    Xml(Box<XmlExpr>),
    XmlSerialize(Box<XmlSerialize>),
    GroupingFunc(GroupingFunc),
    /// name => value, among a function's arguments.
    NamedArg(Box<NamedArgExpr>),
    /// DEFAULT where a value may be left to the column.
    SetToDefault(Location),
    /// WHERE CURRENT OF cursor.
    CurrentOf(String),
    /// The source of `(a, b) = …`, once per target.
    MultiAssign(Box<MultiAssignRef>),
    /// The right side of IN (…) and BETWEEN … AND …; nowhere else.
    List(Vec<Expr>),
}

/// A name, maybe with fields and subscripts before they are told apart: a, t.a, s.t.a, t.*.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnRef {
    /// At least one; a star only at the end.
    pub fields: Vec<Field>,
    pub location: Location,
}

/// Part of a [`ColumnRef`].
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    Name(String),
    Star,
}

/// $1
#[derive(Clone, Debug, PartialEq)]
pub struct ParamRef {
    pub number: u32,
    pub location: Location,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct AConst {
    pub value: ConstValue,
    pub location: Location,
}

/// A constant's value (parsenodes.h, A_Const).
#[derive(Clone, Debug, PartialEq)]
pub enum ConstValue {
    /// Fits 32 bits.
    Integer(i32),
    /// Any other number, as written.
    Float(String),
    Boolean(bool),
    String(String),
    /// B'…' or X'…': the letter in lower case, then the digits.
    BitString(String),
    Null,
}

/// expr::type, CAST(expr AS type), type 'text'
#[derive(Clone, Debug, PartialEq)]
pub struct TypeCast {
    pub arg: Expr,
    pub type_name: TypeName,
    pub location: Location,
}

/// A type as written (parsenodes.h, TypeName).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeName {
    /// The grammar's own types are pg_catalog.name.
    pub names: AnyName,
    pub setof: bool,
    /// name%TYPE
    pub pct_type: bool,
    pub typmods: Vec<Expr>,
    /// `[]` is `None`, `[3]` is `Some(3)`.
    pub array_bounds: Vec<Option<i32>>,
    pub location: Location,
}

/// expr COLLATE name; in column definitions the name alone.
#[derive(Clone, Debug, PartialEq)]
pub struct CollateClause {
    pub arg: Option<Expr>,
    pub name: AnyName,
    pub location: Location,
}

/// What an [`AExpr`] is (parsenodes.h, A_Expr_Kind).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AExprKind {
    /// An operator.
    Op,
    /// left op ANY (array)
    OpAny,
    /// left op ALL (array)
    OpAll,
    /// IS DISTINCT FROM; the name is "="
    Distinct,
    NotDistinct,
    /// NULLIF; the name is "="
    NullIf,
    /// IN (list); the name is "=" or "<>"
    In,
    /// LIKE; "~~" or "!~~"
    Like,
    /// ILIKE; "~~*" or "!~~*"
    ILike,
    /// SIMILAR TO; "~" or "!~", the right side a call of similar_to_escape
    Similar,
    Between,
    NotBetween,
    BetweenSymmetric,
    NotBetweenSymmetric,
}

/// An operator and what behaves like one.
#[derive(Clone, Debug, PartialEq)]
pub struct AExpr {
    pub kind: AExprKind,
    /// The operator's name, qualified if it was written OPERATOR(schema.op).
    pub name: AnyName,
    /// None for a prefix operator.
    pub left: Option<Expr>,
    pub right: Expr,
    /// Of the operator.
    pub location: Location,
}

/// AND, OR, NOT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolExprType {
    And,
    Or,
    Not,
}

/// AND and OR chains are flat, as gram.y makes them; NOT has one argument.
#[derive(Clone, Debug, PartialEq)]
pub struct BoolExpr {
    pub op: BoolExprType,
    pub args: Vec<Expr>,
    pub location: Location,
}

/// How a call was written, and is to be printed (primnodes.h, CoercionForm).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoercionForm {
    /// name(…)
    #[default]
    ExplicitCall,
    /// SQL's own syntax: EXTRACT(… FROM …), AT TIME ZONE, OVERLAPS …
    SqlSyntax,
    /// ROW(…)
    ExplicitRow,
    /// (…, …)
    ImplicitRow,
}

/// A function call, an aggregate's too (parsenodes.h, FuncCall).
#[derive(Clone, Debug, PartialEq)]
pub struct FuncCall {
    pub name: AnyName,
    pub args: Vec<Expr>,
    pub agg_order: Vec<SortBy>,
    pub agg_filter: Option<Expr>,
    pub over: Option<WindowDef>,
    /// The order stands in WITHIN GROUP (…).
    pub agg_within_group: bool,
    /// f(*)
    pub agg_star: bool,
    pub agg_distinct: bool,
    /// The last argument is labelled VARIADIC.
    pub func_variadic: bool,
    pub format: CoercionForm,
    pub location: Location,
}

/// An expression with subscripts or fields behind it, which is not a [`ColumnRef`].
#[derive(Clone, Debug, PartialEq)]
pub struct AIndirection {
    pub arg: Expr,
    pub indirection: Vec<Indirection>,
}

/// .name, .*, [i], [i:j]
#[derive(Clone, Debug, PartialEq)]
pub enum Indirection {
    Field(String),
    Star,
    Index(Expr),
    Slice(Option<Expr>, Option<Expr>),
}

/// ARRAY[…]
#[derive(Clone, Debug, PartialEq)]
pub struct AArrayExpr {
    pub elements: Vec<Expr>,
    pub location: Location,
}

/// ROW(…) or (a, b)
#[derive(Clone, Debug, PartialEq)]
pub struct RowExpr {
    pub args: Vec<Expr>,
    /// `ExplicitRow` or `ImplicitRow`.
    pub format: CoercionForm,
    pub location: Location,
}

/// What a sub-query in an expression is for (primnodes.h, SubLinkType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubLinkType {
    Exists,
    /// expr op ALL (query)
    All,
    /// expr op ANY (query); IN is = ANY without a written operator
    Any,
    /// (query) as one value or row
    Expr,
    /// ARRAY(query)
    Array,
}

/// A sub-query in an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct SubLink {
    pub link_type: SubLinkType,
    /// The left side of ANY, ALL and IN.
    pub test_expr: Option<Expr>,
    /// As written; empty for IN.
    pub oper_name: AnyName,
    pub subselect: SelectStmt,
    pub location: Location,
}

/// CASE
#[derive(Clone, Debug, PartialEq)]
pub struct CaseExpr {
    pub arg: Option<Expr>,
    pub args: Vec<CaseWhen>,
    pub defresult: Option<Expr>,
    pub location: Location,
}

/// WHEN … THEN …
#[derive(Clone, Debug, PartialEq)]
pub struct CaseWhen {
    pub expr: Expr,
    pub result: Expr,
    pub location: Location,
}

/// COALESCE(…)
#[derive(Clone, Debug, PartialEq)]
pub struct CoalesceExpr {
    pub args: Vec<Expr>,
    pub location: Location,
}

/// GREATEST(…) or LEAST(…)
#[derive(Clone, Debug, PartialEq)]
pub struct MinMaxExpr {
    pub greatest: bool,
    pub args: Vec<Expr>,
    pub location: Location,
}

/// IS [NOT] NULL, ISNULL, NOTNULL
#[derive(Clone, Debug, PartialEq)]
pub struct NullTest {
    pub arg: Expr,
    pub is_null: bool,
    pub location: Location,
}

/// IS [NOT] TRUE, FALSE, UNKNOWN (primnodes.h, BoolTestType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolTestType {
    IsTrue,
    IsNotTrue,
    IsFalse,
    IsNotFalse,
    IsUnknown,
    IsNotUnknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BooleanTest {
    pub arg: Expr,
    pub test: BoolTestType,
    pub location: Location,
}

/// The functions without parentheses (primnodes.h, SQLValueFunctionOp).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlValueFunctionOp {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentRole,
    CurrentUser,
    User,
    SessionUser,
    CurrentCatalog,
    CurrentSchema,
}

/// CURRENT_DATE, LOCALTIME(3), USER …
#[derive(Clone, Debug, PartialEq)]
pub struct SqlValueFunction {
    pub op: SqlValueFunctionOp,
    /// The precision of the time functions.
    pub typmod: Option<i32>,
    pub location: Location,
}

/// GROUPING(…)
#[derive(Clone, Debug, PartialEq)]
pub struct GroupingFunc {
    pub args: Vec<Expr>,
    pub location: Location,
}

/// name => value or name := value
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArgExpr {
    pub name: String,
    pub arg: Expr,
    pub location: Location,
}

/// One target of `(a, b) = source`.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiAssignRef {
    /// Shared by its targets.
    pub source: std::sync::Arc<Expr>,
    /// From 1.
    pub column: u32,
    pub columns: u32,
}

/// The xml expressions (primnodes.h, XmlExprOp).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlExprOp {
    Concat,
    Element,
    Forest,
    Parse,
    Pi,
    Root,
    /// expr IS DOCUMENT
    IsDocument,
}

/// An xml expression. For xmlroot, `args` are the value, the version (NULL for NO VALUE) and the standalone word.
#[derive(Clone, Debug, PartialEq)]
pub struct XmlExpr {
    pub op: XmlExprOp,
    pub name: Option<String>,
    /// XMLATTRIBUTES(…), or XMLFOREST's elements.
    pub named_args: Vec<crate::sql::syntax::ast::query::ResTarget>,
    pub args: Vec<Expr>,
    /// XMLPARSE(DOCUMENT …) rather than CONTENT.
    pub document: bool,
    /// XMLPARSE(… PRESERVE WHITESPACE)
    pub preserve_whitespace: bool,
    /// XMLROOT's STANDALONE.
    pub standalone: XmlStandalone,
    pub location: Location,
}

/// XMLROOT(…, STANDALONE …)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XmlStandalone {
    Yes,
    No,
    NoValue,
    #[default]
    Omitted,
}

/// XMLSERIALIZE(…)
#[derive(Clone, Debug, PartialEq)]
pub struct XmlSerialize {
    pub document: bool,
    pub expr: Expr,
    pub type_name: TypeName,
    pub location: Location,
}

/// A window's definition, in OVER (…), OVER name or WINDOW name AS (…) (parsenodes.h, WindowDef).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowDef {
    /// Its own name in the WINDOW clause; in OVER name, the name.
    pub name: Option<String>,
    /// The window it starts from: OVER (name …).
    pub refname: Option<String>,
    pub partition: Vec<Expr>,
    pub order: Vec<SortBy>,
    pub frame: Option<WindowFrame>,
    pub location: Location,
}

/// ROWS, RANGE or GROUPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameMode {
    Range,
    Rows,
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    UnboundedPreceding,
    UnboundedFollowing,
    CurrentRow,
    Preceding(Expr),
    Following(Expr),
}

/// EXCLUDE …; NO OTHERS is `NoOthers`, as is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameExclusion {
    #[default]
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// A frame clause as written.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowFrame {
    pub mode: FrameMode,
    pub start: FrameBound,
    /// Of BETWEEN start AND end.
    pub end: Option<FrameBound>,
    pub exclusion: FrameExclusion,
}
