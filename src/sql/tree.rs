//! The analysed query in PostgreSQL's own terms: names are range table entries and attributes, functions and operators
//! the rows that define them, conversions are spelled out.
//!
//! Owns: [`Query`], [`Expr`] and their parts, as `analyze` makes them and `lower` reads them. Must not know: the text it
//! was written as, SQLite. Specification: primnodes.h and parsenodes.h; where we differ, the item says so.

mod backward;
mod modify;
mod walk;

use crate::catalog::composite;
use crate::catalog::schema::CatalogSnapshot;
use crate::error::Result;
use crate::sql::casts::Cast;
use crate::sql::functions::{Function, FunctionKind};
use crate::sql::operators::Operator;
use crate::types::pg_type::{Oid, TypeInfo};
use crate::types::row_type::Shape;
use crate::types::value::Value;

pub use crate::sql::syntax::ast::query::{LockStrength, LockWaitPolicy};
pub use modify::*;

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub type_oid: Oid,
    pub typmod: i32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// The constant NULL.
    Null,
    /// $(n + 1)
    Param(usize),
    /// The n-th constant lifted out of the text.
    Literal(usize),
    /// A constant that is part of the tree.
    Const(Value),
    Var(Var),
    /// A call of a function (FuncExpr). One that returns a set stands where it was written.
    Func(FunctionRef, Vec<Expr>),
    /// The same with the last arguments in an array: VARIADIC (funcvariadic).
    Variadic(FunctionRef, Vec<Expr>),
    /// An operator's application (OpExpr): one operand or two.
    Op(OperatorRef, Vec<Expr>),
    /// (a, b) op (c, d), field by field (RowCompareExpr). The operators of all fields have the same name.
    RowCompare {
        op: &'static str,
        left: Vec<Expr>,
        right: Vec<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// IS NULL, IS NOT NULL; of a row, of all its fields.
    NullTest {
        arg: Box<Expr>,
        negated: bool,
    },
    BooleanTest {
        arg: Box<Expr>,
        test: BooleanTest,
    },
    /// IS [NOT] DISTINCT FROM (DistinctExpr); the operator is the equality.
    Distinct {
        operator: OperatorRef,
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    /// NULLIF: the first operand as it was written, and the equality of both as its operator takes them.
    NullIf {
        value: Box<Expr>,
        operator: OperatorRef,
        right: Box<Expr>,
    },
    /// [NOT] IN (list) with a common type: ScalarArrayOpExpr over the list.
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    /// A comparison with ANY or ALL of an array's elements (ScalarArrayOpExpr); the comparison is over
    /// [`ExprKind::Element`].
    ScalarArray {
        all: bool,
        comparison: Box<Expr>,
        array: Box<Expr>,
        element: Oid,
    },
    /// The current element within `ScalarArray`, [`Coercion::Array`] and [`SubLinkKind::Quantified`].
    Element,
    SubLink(Box<SubLink>),
    /// With an operand, the conditions are over [`ExprKind::CaseTest`].
    Case {
        operand: Option<Box<Expr>>,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// The operand of the CASE around it (CaseTestExpr).
    CaseTest,
    Coalesce(Vec<Expr>),
    /// GREATEST and LEAST (MinMaxExpr).
    MinMax {
        greatest: bool,
        args: Vec<Expr>,
    },
    /// ARRAY[…] (ArrayExpr); elements that are arrays make more dimensions.
    Array(Vec<Expr>),
    /// ROW(…), or a whole row (RowExpr). Names are those of the columns, where it is one.
    Row {
        fields: Vec<Expr>,
        names: Vec<String>,
    },
    /// A field of a composite value (FieldSelect), from 0.
    Field {
        arg: Box<Expr>,
        index: usize,
    },
    /// container[index] … (SubscriptingRef)
    Subscript {
        container: Box<Expr>,
        indexes: Vec<Expr>,
    },
    /// array[lower:upper] …
    Slice {
        array: Box<Expr>,
        bounds: Vec<Bounds>,
    },
    /// A container with another element, slice or member (SubscriptingRef with refassgnexpr). The bounds of an element
    /// are its subscripts as upper ones.
    Store {
        container: Box<Expr>,
        bounds: Vec<Bounds>,
        slice: bool,
        value: Box<Expr>,
    },
    /// [I]LIKE … ESCAPE: the value, the pattern, the escape. PostgreSQL calls like_escape() for the pattern.
    LikeEscape {
        insensitive: bool,
        args: Vec<Expr>,
    },
    /// SIMILAR TO: the value, the pattern, maybe the escape. PostgreSQL calls similar_to_escape() for the pattern.
    Similar(Vec<Expr>),
    /// A conversion to the expression's type.
    Coerce {
        how: Coercion,
        arg: Box<Expr>,
    },
    /// The expression's modifier enforced: PostgreSQL's call of a length coercion function.
    CoerceTypmod {
        arg: Box<Expr>,
        /// Asked for: then what is too long is cut.
        explicit: bool,
    },
    CoerceToDomain {
        arg: Box<Expr>,
        domain: Oid,
        not_null: bool,
        /// Names and conditions over [`ExprKind::DomainValue`].
        checks: Vec<(String, Expr)>,
    },
    /// VALUE in a domain's check (CoerceToDomainValue).
    DomainValue,
    /// The place of an enum's value in the enum's order, which comparisons compare. PostgreSQL's comparison functions
    /// of enums do so themselves.
    EnumOrder(Box<Expr>),
    /// enum_range(lower, upper), whose bounds may be missing.
    EnumRange {
        lower: Option<Box<Expr>>,
        upper: Option<Box<Expr>>,
        of: Oid,
    },
    Aggref(Box<Aggref>),
    /// Whether a row is the one that a cursor stands on (CurrentOfExpr).
    CurrentOf {
        row: Var,
        /// Its name.
        cursor: Box<Expr>,
    },
    /// GROUPING(…) of grouping expressions (GroupingFunc).
    Grouping(Vec<Expr>),
    /// What a text says and nothing else needs: but for COLLATE only in trees that are made to be printed
    /// (`analyze::written`).
    Written(Written, Vec<Expr>),
}

/// What a tree that is to be printed keeps of the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// A conversion that was asked for (COERCE_EXPLICIT_CAST).
    Cast,
    /// A call in words of its own, EXTRACT(… FROM …) (COERCE_SQL_SYNTAX).
    SqlSyntax,
    /// A call of a function that means something else here.
    Call(String),
    /// An operator that means something else here.
    Operator(String),
    /// An operator that users made.
    UserOperator(Oid),
    /// COLLATE (CollateExpr)
    Collate(Oid),
    /// CURRENT_DATE, LOCALTIME(3) … (SQLValueFunction)
    ValueFunction(String, Option<i32>),
    /// A column that JOIN … USING has made of two.
    Merged(String),
    /// A construct of xml: texts, and between them the operands.
    Xml(Vec<String>),
    /// XMLSERIALIZE, and to what type.
    XmlSerialize(&'static str, Oid, i32),
    /// ROLLUP, CUBE, GROUPING SETS, or without a name a set (GroupingSet).
    Group(String),
}

/// The bounds of a slice in one dimension; one that is missing is the array's own.
pub type Bounds = (Option<Expr>, Option<Expr>);

/// How a value becomes one of another type (CoercionPathType).
#[derive(Clone, Debug, PartialEq)]
pub enum Coercion {
    /// Nothing changes but the type (RelabelType).
    Relabel,
    /// pg_cast's function.
    Cast(CastRef),
    /// Through the text form (CoerceViaIO).
    ViaIo,
    /// A constant's text read under the type's modifier.
    Input,
    /// The fields of a row: a row over [`ExprKind::Element`] (ConvertRowtypeExpr).
    Row(Box<Expr>),
    /// Each element of an array: over [`ExprKind::Element`] (ArrayCoerceExpr).
    Array(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BooleanTest {
    True,
    NotTrue,
    False,
    NotFalse,
    Unknown,
    NotUnknown,
}

macro_rules! row_reference {
    ($(#[$doc:meta])* $name:ident, $row:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub &'static $row);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                std::ptr::eq(self.0, other.0)
            }
        }

        impl std::ops::Deref for $name {
            type Target = $row;

            fn deref(&self) -> &$row {
                self.0
            }
        }
    };
}

row_reference!(
    /// A function by its row in the table of functions, as PostgreSQL has its OID.
    FunctionRef,
    Function
);
row_reference!(
    /// A cast by its row in the table of casts.
    CastRef,
    Cast
);
row_reference!(
    /// An operator by its row in the table of operators.
    ListedOperator,
    Operator
);

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OperatorRef {
    /// A comparison of values of one type, or of integers: every type has it, the user's own, too.
    Comparison(&'static str),
    Listed(ListedOperator),
}

impl OperatorRef {
    /// Whether it is NULL as soon as an operand is, as pg_proc.proisstrict has it: all but those that put arrays together.
    pub fn is_strict(self) -> bool {
        !matches!(self, OperatorRef::Listed(row) if [row.left, row.right].contains(&Oid::ANYCOMPATIBLEARRAY))
    }
}

/// A column of a range table entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Var {
    /// Unique in the statement, so no level needs to be said: PostgreSQL counts from 1 at every level.
    pub entry: EntryId,
    /// The column's number in its table; of other entries its place, from 1.
    pub attribute: i16,
    /// The table's column that it shows, through sub-queries, too (resorigtbl, resorigcol); 0 if it is computed.
    pub origin: (Oid, i16),
    /// The column cannot be NULL: it is declared so, and no outer join can have left its table out.
    pub not_null: bool,
}

/// The attribute number of tableoid (TableOidAttributeNumber).
pub const TABLE_OID: i16 = -6;

/// Identifies a range table entry in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryId(pub u32);

impl Var {
    /// The row's place in its table: SQLite's number of it (SelfItemPointerAttributeNumber …).
    pub const CTID: i16 = -1;
    /// What changes whenever the row does: here a digest of it.
    pub const XMIN: i16 = -2;
    /// 0, unless ON CONFLICT DO UPDATE has made the row what it is.
    pub const XMAX: i16 = -4;
}

impl EntryId {
    /// Not an entry: the output columns of the query itself, which ORDER BY of a set operation names.
    pub const OUTPUT: EntryId = EntryId(0);
}

/// Identifies a WITH query in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CteId(pub u32);

/// A sub-query in an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct SubLink {
    pub kind: SubLinkKind,
    pub query: Query,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SubLinkKind {
    Exists,
    /// The value of its one column in its one row; of several columns, a row.
    Expr,
    /// ARRAY(SELECT …)
    Array,
    /// values IN (query), types matched.
    In(Vec<Expr>),
    /// A comparison over [`ExprKind::Element`], which is its one column, with ANY or ALL of its rows.
    Quantified {
        all: bool,
        comparison: Expr,
    },
}

/// A call of an aggregate (Aggref) or window function (WindowFunc).
#[derive(Clone, Debug, PartialEq)]
pub struct Aggref {
    pub function: FunctionRef,
    /// An ordered-set aggregate's arguments in its parentheses; `args` are what it is WITHIN GROUP (ORDER BY …) of.
    pub direct: Vec<Expr>,
    /// Empty and `star` for count(*).
    pub args: Vec<Expr>,
    pub star: bool,
    pub distinct: bool,
    pub order_by: Vec<SortKey>,
    pub filter: Option<Expr>,
    pub over: Option<Window>,
    /// An entry of the query around it to which it belongs, if not to the one it stands in (agglevelsup): its arguments
    /// are over that query's rows.
    pub of: Option<EntryId>,
}

/// OVER (…): a WindowClause.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// OVER name, which says no more than what follows.
    pub name: Option<String>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortKey>,
    pub frame: Option<Frame>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// ROWS, RANGE, GROUPS
    pub units: &'static str,
    pub start: FrameBound,
    pub end: Option<FrameBound>,
    /// CURRENT ROW, GROUP, TIES
    pub exclude: Option<&'static str>,
    /// The offsets of RANGE are values of their types: they have no number that could be added to a key's.
    pub by_type: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    CurrentRow,
    UnboundedPreceding,
    UnboundedFollowing,
    /// Of RANGE over dates, times and intervals, the offset is a number in the measure of `types::range_offset`, unless the
    /// frame is by type.
    Preceding(Expr),
    Following(Expr),
}

/// ORDER BY's element.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub expr: Expr,
    /// The output column it names, from 0.
    pub output: Option<usize>,
    pub descending: bool,
    pub nulls_first: bool,
}

/// A query with everything around its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub body: Body,
    pub order_by: Vec<SortKey>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
    /// FETCH FIRST … WITH TIES.
    pub with_ties: bool,
    /// FOR UPDATE and its like.
    pub row_marks: Vec<RowMark>,
}

/// The rows of a table that FOR UPDATE and its like lock (RowMarkClause).
#[derive(Clone, Debug, PartialEq)]
pub struct RowMark {
    pub entry: EntryId,
    pub relation: Oid,
    pub strength: LockStrength,
    pub wait: LockWaitPolicy,
}

/// A query of WITH (CommonTableExpr).
#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    pub id: CteId,
    pub query: CteQuery,
    /// MATERIALIZED / NOT MATERIALIZED
    pub materialized: Option<bool>,
}

/// What a WITH query is.
#[derive(Clone, Debug, PartialEq)]
pub enum CteQuery {
    Select(Query),
    /// Its rows are those of RETURNING. Only a statement's own WITH list has such ones.
    Modify(Modify),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    Values { rows: Vec<Vec<Expr>>, names: Vec<String> },
    SetOperation { operator: SetOperator, all: bool, left: Box<Query>, right: Box<Query> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    pub distinct: bool,
    pub distinct_on: Vec<Expr>,
    pub targets: Vec<Target>,
    pub from: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub group_by: Vec<Expr>,
    /// GROUPING SETS, ROLLUP, CUBE and (), expanded: the places in `group_by` of each set's expressions. Empty where
    /// there is but the one set of all of them.
    pub grouping_sets: Vec<Vec<usize>>,
    pub having: Option<Expr>,
}

/// An output column (TargetEntry).
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub expr: Expr,
    pub name: String,
}

/// What FROM is made of: entries, and joins of them (RangeTblRef, JoinExpr).
#[derive(Clone, Debug, PartialEq)]
pub enum FromItem {
    Entry(RangeTblEntry),
    Join { kind: JoinKind, left: Box<FromItem>, right: Box<FromItem>, on: Option<Expr> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

/// A range table entry. It stands in FROM itself; PostgreSQL keeps a list beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeTblEntry {
    pub id: EntryId,
    pub kind: EntryKind,
    /// What is true of the rows of it that are seen (securityQuals). They stand among the query's conditions, too.
    pub security_quals: Vec<Expr>,
    /// A view that is a security barrier.
    pub security_barrier: bool,
    /// Nothing of what is around the sub-query is evaluated for rows that it does not give.
    pub barrier: bool,
}

impl RangeTblEntry {
    /// An entry that hides nothing.
    pub fn new(id: EntryId, kind: EntryKind) -> Self {
        RangeTblEntry { id, kind, security_quals: Vec::new(), security_barrier: false, barrier: false }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum EntryKind {
    /// A table, a sequence, a system relation; of a table only its own rows.
    Relation(Oid),
    /// A table with the rows of those that inherit from it, or of its partitions.
    Members(Oid),
    /// A sub-query; a view is one, too.
    Subquery {
        query: Box<Query>,
        lateral: bool,
    },
    /// Functions side by side (ROWS FROM), and a number of each row.
    Function {
        calls: Vec<Expr>,
        ordinality: bool,
    },
    Cte(CteId),
    /// Rows of a relation that were kept before the statement.
    Kept {
        relation: Oid,
        number: usize,
    },
}

/// The row types of a statement's values of type record, which count as their modifiers (assign_record_type_typmod).
#[derive(Clone, Debug, Default)]
pub struct RecordTypes(Vec<RecordType>);

/// A row type's fields: names, types and modifiers; and how functions are told of it.
#[derive(Clone, Debug)]
struct RecordType {
    fields: Vec<(String, Oid, i32)>,
    record: Option<&'static TypeInfo>,
    array: Option<&'static TypeInfo>,
}

impl RecordTypes {
    /// The modifier of a row type: its fields' names, types and modifiers.
    pub fn modifier(&mut self, catalog: &CatalogSnapshot, fields: Vec<(String, Oid, i32)>) -> i32 {
        let known = self.0.iter().position(|known| known.fields == fields);
        let index = known.unwrap_or_else(|| {
            let shapes =
                fields.iter().map(|(name, oid, typmod)| Ok(Some((name.clone(), self.shape(catalog, *oid, *typmod)?))));
            let shape = shapes.collect::<Result<Vec<_>>>().ok().map(|fields| Shape::Row {
                oid: Oid::RECORD,
                name: "record".to_owned(),
                fields,
            });
            let record = shape.as_ref().and_then(|shape| shape.info().ok());
            let array = shape.map(|shape| Shape::Array { oid: Oid::RECORD_ARRAY, of: Box::new(shape) });
            let array = array.and_then(|array| array.info().ok());
            self.0.push(RecordType { fields, record, array });
            self.0.len() - 1
        });
        i32::try_from(index).unwrap_or(i32::MAX)
    }

    /// What a record or an array of records with this modifier is to functions.
    pub fn info(&self, oid: Oid, typmod: i32) -> Option<&'static TypeInfo> {
        let known = self.0.get(usize::try_from(typmod).ok()?)?;
        match oid {
            Oid::RECORD => known.record,
            Oid::RECORD_ARRAY => known.array,
            _ => None,
        }
    }

    fn shape(&self, catalog: &CatalogSnapshot, oid: Oid, typmod: i32) -> Result<Shape> {
        let known = usize::try_from(typmod).ok().and_then(|index| self.0.get(index));
        let (Oid::RECORD | Oid::RECORD_ARRAY, Some(known)) = (oid, known) else {
            return composite::shape(catalog, oid);
        };
        let fields = known
            .fields
            .iter()
            .map(|(name, oid, typmod)| Ok(Some((name.clone(), self.shape(catalog, *oid, *typmod)?))));
        let row = Shape::Row { oid: Oid::RECORD, name: "record".to_owned(), fields: fields.collect::<Result<_>>()? };
        Ok(if oid == Oid::RECORD { row } else { Shape::Array { oid, of: Box::new(row) } })
    }

    /// The fields of a record with this modifier; none where they are not known.
    pub fn fields(&self, typmod: i32) -> &[(String, Oid, i32)] {
        usize::try_from(typmod).ok().and_then(|index| self.0.get(index)).map_or(&[], |known| known.fields.as_slice())
    }
}

impl Expr {
    /// An expression without a type modifier.
    pub fn new(kind: ExprKind, type_oid: Oid) -> Self {
        Expr { kind, type_oid, typmod: -1 }
    }

    /// A constant made by analysis.
    pub fn constant(value: Value, type_oid: Oid) -> Self {
        Expr::new(ExprKind::Const(value), type_oid)
    }

    /// An integer constant.
    pub fn integer(value: i64, type_oid: Oid) -> Self {
        Expr::constant(Value::Integer(value), type_oid)
    }

    /// A text constant.
    pub fn text(text: impl Into<String>) -> Self {
        Expr::constant(Value::Text(text.into()), Oid::TEXT)
    }

    /// NULL of a type.
    pub fn null(type_oid: Oid) -> Self {
        Expr::new(ExprKind::Null, type_oid)
    }

    /// Whether it is NULL as it is written, of whatever type.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            ExprKind::Null => true,
            ExprKind::Coerce {
                how: Coercion::Relabel | Coercion::Cast(_) | Coercion::ViaIo | Coercion::Input,
                arg,
            }
            | ExprKind::CoerceTypmod { arg, .. } => arg.is_null(),
            _ => false,
        }
    }

    /// A sub-query as an expression.
    pub fn sub_link(kind: SubLinkKind, query: Query, type_oid: Oid) -> Self {
        Expr::new(ExprKind::SubLink(Box::new(SubLink { kind, query })), type_oid)
    }

    /// NOT of a condition.
    pub fn negated(condition: Expr) -> Self {
        Expr::new(ExprKind::Not(Box::new(condition)), Oid::BOOL)
    }

    /// A row without names.
    pub fn row(fields: Vec<Expr>) -> Self {
        Expr::new(ExprKind::Row { fields, names: Vec::new() }, Oid::RECORD)
    }

    /// The call, if it is one of a function that returns a set.
    pub fn set_call(&self) -> Option<(FunctionRef, &[Expr])> {
        match &self.kind {
            ExprKind::Func(function, args) if function.kind == FunctionKind::Set => Some((*function, args)),
            _ => None,
        }
    }
}

impl Query {
    /// A query that is only its body.
    pub fn of(body: Body) -> Self {
        Query {
            ctes: Vec::new(),
            recursive: false,
            body,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            with_ties: false,
            row_marks: Vec::new(),
        }
    }

    /// SELECT of these targets, from nothing.
    pub fn of_targets(targets: Vec<Target>) -> Self {
        Query::of(Body::Select(Box::new(Select { targets, ..Select::default() })))
    }

    /// The table and attribute number each output column comes from, 0 where it is computed.
    pub fn origins(&self) -> Vec<(Oid, i16)> {
        let origin = |target: &Target| match &target.expr.kind {
            ExprKind::Var(var) => var.origin,
            _ => (Oid::INVALID, 0),
        };
        match &self.body {
            Body::Select(select) => select.targets.iter().map(origin).collect(),
            _ => Vec::new(),
        }
    }

    /// The output columns' names and types, from the first SELECT or VALUES of the body. A modifier counts where all
    /// rows have the same.
    pub fn outputs(&self) -> Vec<(String, Oid, i32)> {
        match &self.body {
            Body::Select(select) => {
                select.targets.iter().map(|t| (t.name.clone(), t.expr.type_oid, t.expr.typmod)).collect()
            }
            Body::Values { rows, names } => {
                let typmod = |column: usize, first: &Expr| {
                    let same = rows.iter().all(|row| row.get(column).is_some_and(|e| e.typmod == first.typmod));
                    if same { first.typmod } else { -1 }
                };
                let first = rows.first().into_iter().flatten().zip(names).enumerate();
                first.map(|(column, (e, name))| (name.clone(), e.type_oid, typmod(column, e))).collect()
            }
            Body::SetOperation { left, right, .. } => left
                .outputs()
                .into_iter()
                .zip(right.outputs())
                .map(|((name, oid, typmod), (_, _, other))| (name, oid, if typmod == other { typmod } else { -1 }))
                .collect(),
        }
    }
}
