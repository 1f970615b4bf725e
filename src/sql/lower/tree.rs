//! A query as SQLite can run it, every expression still with its type of PostgreSQL, which says how values are stored.
//!
//! Owns: [`Query`], [`Expr`] and their parts, as `lower` makes them and `print` writes them. Must not know: the parser's
//! tree, PostgreSQL's names, SQLite's syntax beyond the `Call`s that the tables of functions and operators carry.

use std::rc::Rc;

use crate::sql::functions::Call;
pub use crate::sql::tree::{JoinKind, SetOperator};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

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
    /// A constant that analysis made.
    Const(Value),
    Column(ColumnRef),
    /// A function or operator as SQLite knows it.
    Call(Call, Vec<Expr>),
    /// A comparison by SQLite's own operator, under the operands' collation. `op` may be IS and IS NOT.
    Compare(&'static str, Box<Expr>, Box<Expr>),
    /// CASE WHEN … (the form with an operand is rewritten into this one).
    Case {
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        expr: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    /// expr = ANY(array): membership in an array's elements. `exact` asks for NULL where the array is NULL; without
    /// it the answer is false there, which is enough in a WHERE and lets SQLite use an index.
    InArray {
        expr: Box<Expr>,
        array: Box<Expr>,
        element: Oid,
        exact: bool,
    },
    /// A comparison with ANY or ALL of an array's elements; the comparison refers to the element as
    /// [`ExprKind::ArrayElement`].
    Quantified {
        all: bool,
        array: Box<Expr>,
        comparison: Box<Expr>,
    },
    /// The current element within `Quantified`.
    ArrayElement,
    ScalarQuery(Box<Query>),
    Exists {
        query: Box<Query>,
        negated: bool,
    },
    /// ARRAY(SELECT …) with the element type's name.
    ArrayQuery {
        query: Box<Query>,
        element: String,
    },
    /// GREATEST and LEAST: NULLs are ignored, unlike SQLite's own max(a, b).
    Extreme {
        greatest: bool,
        args: Vec<Expr>,
    },
    /// (a, b): only as an operand of a comparison, of IN or of GREATEST.
    Row(Vec<Expr>),
    Aggregate(Box<Aggregate>),
    /// The value, which is put in order under SQLite's collation of that name.
    Collated(Rc<str>, Box<Expr>),
}

/// A call of an aggregate or window function.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub function: &'static str,
    /// Its form that finds frames itself, `…_framed`.
    pub framed: bool,
    /// Empty and `star` for count(*).
    pub args: Vec<Expr>,
    pub star: bool,
    pub distinct: bool,
    pub order_by: Vec<SortKey>,
    pub filter: Option<Expr>,
    pub over: Option<Window>,
}

/// OVER (…)
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
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
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    CurrentRow,
    UnboundedPreceding,
    UnboundedFollowing,
    Preceding(Expr),
    Following(Expr),
}

/// A column of a range table entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ColumnRef {
    /// The entry's alias in the translated statement; unique in it. `None` prints the bare column name (RETURNING).
    pub alias: Option<Rc<str>>,
    /// The column's name in SQLite.
    pub column: Rc<str>,
    pub not_null: bool,
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
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    /// Unique in the statement.
    pub name: Rc<str>,
    pub query: Query,
    /// MATERIALIZED / NOT MATERIALIZED
    pub materialized: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    Values { rows: Vec<Vec<Expr>>, names: Vec<String> },
    SetOperation { operator: SetOperator, all: bool, left: Box<Query>, right: Box<Query> },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    pub distinct: bool,
    pub distinct_on: Vec<Expr>,
    pub targets: Vec<Target>,
    pub from: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
    /// One row at most: its one table is restricted by its whole primary key.
    pub unique: bool,
}

/// An output column.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub expr: Expr,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FromItem {
    Table {
        name: String,
        alias: Rc<str>,
    },
    Cte {
        name: Rc<str>,
        alias: Rc<str>,
    },
    Derived {
        query: Box<Query>,
        alias: Rc<str>,
    },
    /// A table-valued function of SQLite.
    Function {
        name: &'static str,
        args: Vec<Expr>,
        alias: Rc<str>,
    },
    /// A query that refers to what stands before it in FROM: a statement of its own, run for each row of that.
    Plan {
        query: Box<Query>,
        alias: Rc<str>,
    },
    Join {
        kind: JoinKind,
        left: Box<FromItem>,
        right: Box<FromItem>,
        on: Option<Expr>,
    },
}

/// What a modifying statement changes.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// The SQLite names of its table and of those that referential actions change.
    pub tables: Vec<String>,
    /// A column of its table.
    pub column: Option<Rc<str>>,
}

/// INSERT, UPDATE, DELETE.
#[derive(Clone, Debug)]
pub enum Modify {
    Insert(Insert),
    Update(Update),
    Delete(Delete),
}

#[derive(Clone, Debug)]
pub struct Insert {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub table: String,
    pub alias: Rc<str>,
    pub columns: Vec<Rc<str>>,
    pub source: Body,
    pub conflict: Option<Conflict>,
    pub returning: Vec<Target>,
    pub changed: Changed,
}

#[derive(Clone, Debug)]
pub struct Conflict {
    /// The key's columns or expressions; empty for any.
    pub target: Vec<Expr>,
    pub target_predicate: Option<Expr>,
    /// `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

/// ON CONFLICT DO UPDATE SET … WHERE …
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    pub assignments: Vec<(Rc<str>, Expr)>,
    pub selection: Option<Expr>,
    /// Names for two CTEs, should the translation need them.
    pub proposed: Rc<str>,
    pub kept: Rc<str>,
}

#[derive(Clone, Debug)]
pub struct Update {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub table: String,
    pub alias: Rc<str>,
    pub assignments: Vec<(Vec<Rc<str>>, Expr)>,
    pub from: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub returning: Vec<Target>,
    pub changed: Changed,
}

#[derive(Clone, Debug)]
pub struct Delete {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub table: String,
    pub alias: Rc<str>,
    /// USING: rewritten into EXISTS by the translator.
    pub using: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub returning: Vec<Target>,
    pub changed: Changed,
}

impl Expr {
    /// An expression without a type modifier.
    pub fn new(kind: ExprKind, type_oid: Oid) -> Self {
        Expr { kind, type_oid, typmod: -1 }
    }

    /// count(*)
    pub fn count_star() -> Self {
        let count = Aggregate {
            function: "count",
            framed: false,
            args: Vec::new(),
            star: true,
            distinct: false,
            order_by: Vec::new(),
            filter: None,
            over: None,
        };
        Expr::new(ExprKind::Aggregate(Box::new(count)), Oid::INT8)
    }

    /// A constant made by analysis.
    pub fn constant(value: Value, type_oid: Oid) -> Self {
        Expr::new(ExprKind::Const(value), type_oid)
    }

    /// A text constant.
    pub fn text(text: impl Into<String>) -> Self {
        Expr::constant(Value::Text(text.into()), Oid::TEXT)
    }

    /// A call of the SQLite function of that name.
    pub fn function(name: &'static str, args: Vec<Expr>, type_oid: Oid) -> Self {
        Expr::new(ExprKind::Call(Call::Function(name), args), type_oid)
    }

    /// An expression over the arguments {0}, {1} …
    pub fn template(template: &'static str, args: Vec<Expr>, type_oid: Oid) -> Self {
        Expr::new(ExprKind::Call(Call::Template(template), args), type_oid)
    }

    /// Conditions joined by a connective of two, as a balanced tree: a chain of ten thousand is no deeper than 14.
    pub fn connected(template: &'static str, mut conditions: Vec<Expr>) -> Option<Expr> {
        match conditions.len() {
            0 | 1 => conditions.pop(),
            count => {
                let right = conditions.split_off(count / 2);
                let (left, right) = (Expr::connected(template, conditions)?, Expr::connected(template, right)?);
                Some(Expr::template(template, vec![left, right], Oid::BOOL))
            }
        }
    }

    /// An expression's column of a sub-query or CTE: c1, c2 …
    pub fn positional(alias: Rc<str>, index: usize, like: &Expr) -> Self {
        let column = format!("c{}", index + 1).into();
        let column = ColumnRef { alias: Some(alias), column, not_null: false };
        Expr { kind: ExprKind::Column(column), type_oid: like.type_oid, typmod: like.typmod }
    }

    /// An integer constant.
    pub fn integer(value: i64, type_oid: Oid) -> Self {
        Expr::constant(Value::Integer(value), type_oid)
    }

    /// A comparison; always boolean.
    pub fn compare(op: &'static str, left: Expr, right: Expr) -> Self {
        Expr::new(ExprKind::Compare(op, Box::new(left), Box::new(right)), Oid::BOOL)
    }

    /// NOT of a condition.
    pub fn negated(condition: Expr) -> Self {
        Expr::template("(NOT {0})", vec![condition], Oid::BOOL)
    }

    /// Whether an aggregate (not a window function) of this query level is in the expression.
    pub fn contains_aggregate(&self) -> bool {
        self.contains(&|expr| matches!(&expr.kind, ExprKind::Aggregate(aggregate) if aggregate.over.is_none()))
    }

    /// Whether a window function is in the expression.
    pub fn contains_window(&self) -> bool {
        self.contains(&|expr| matches!(&expr.kind, ExprKind::Aggregate(aggregate) if aggregate.over.is_some()))
    }

    fn contains(&self, is_it: &dyn Fn(&Expr) -> bool) -> bool {
        let mut found = is_it(self);
        self.for_each_child(&mut |child| found = found || child.contains(is_it));
        found
    }

    /// Whether the value cannot be NULL, as far as analysis knows.
    pub fn never_null(&self) -> bool {
        match &self.kind {
            ExprKind::Column(column) => column.not_null,
            ExprKind::Const(_) => true,
            _ => false,
        }
    }

    /// The sub-query that the expression itself is or compares with.
    pub fn subquery(&self) -> Option<&Query> {
        match &self.kind {
            ExprKind::ScalarQuery(query)
            | ExprKind::Exists { query, .. }
            | ExprKind::ArrayQuery { query, .. }
            | ExprKind::InQuery { query, .. } => Some(query),
            _ => None,
        }
    }

    /// Calls `visit` for the direct children, sub-queries excluded.
    pub fn for_each_child<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Null
            | ExprKind::Param(_)
            | ExprKind::Literal(_)
            | ExprKind::Const(_)
            | ExprKind::Column(_)
            | ExprKind::ArrayElement
            | ExprKind::ScalarQuery(_)
            | ExprKind::Exists { .. }
            | ExprKind::ArrayQuery { .. } => {}
            ExprKind::Call(_, args) | ExprKind::Extreme { args, .. } | ExprKind::Row(args) => {
                args.iter().for_each(visit);
            }
            ExprKind::Compare(_, left, right) => {
                visit(left);
                visit(right);
            }
            ExprKind::Case { whens, otherwise } => {
                for (condition, result) in whens {
                    visit(condition);
                    visit(result);
                }
                if let Some(otherwise) = otherwise {
                    visit(otherwise);
                }
            }
            ExprKind::InList { expr, list, .. } => {
                visit(expr);
                list.iter().for_each(visit);
            }
            ExprKind::InQuery { expr, .. } | ExprKind::Collated(_, expr) => visit(expr),
            ExprKind::InArray { expr, array, .. } => {
                visit(expr);
                visit(array);
            }
            ExprKind::Quantified { array, comparison, .. } => {
                visit(array);
                visit(comparison);
            }
            ExprKind::Aggregate(aggregate) => {
                aggregate.args.iter().for_each(&mut *visit);
                aggregate.order_by.iter().for_each(|key| visit(&key.expr));
                aggregate.filter.iter().for_each(&mut *visit);
                if let Some(window) = &aggregate.over {
                    window.partition_by.iter().for_each(&mut *visit);
                    window.order_by.iter().for_each(|key| visit(&key.expr));
                }
            }
        }
    }
}

impl FromItem {
    /// The aliases of the tables it is made of.
    pub fn aliases(&self) -> Vec<&str> {
        match self {
            FromItem::Table { alias, .. }
            | FromItem::Cte { alias, .. }
            | FromItem::Derived { alias, .. }
            | FromItem::Plan { alias, .. }
            | FromItem::Function { alias, .. } => vec![alias],
            FromItem::Join { left, right, .. } => [left.aliases(), right.aliases()].concat(),
        }
    }

    /// Whether it contains a right or full join.
    pub fn preserves_right(&self) -> bool {
        match self {
            FromItem::Join { kind, left, right, .. } => {
                matches!(kind, JoinKind::Right | JoinKind::Full) || left.preserves_right() || right.preserves_right()
            }
            _ => false,
        }
    }
}

impl Select {
    /// Whether it aggregates all its rows into one.
    fn is_single_group(&self) -> bool {
        self.group_by.is_empty() && self.targets.iter().any(|t| t.expr.contains_aggregate())
    }
}

impl Query {
    /// Whether the query's shape alone says that it has no second row.
    pub fn at_most_one_row(&self) -> bool {
        match &self.body {
            Body::Select(select) => select.from.is_empty() || select.is_single_group() || select.unique,
            Body::Values { rows, .. } => rows.len() <= 1,
            Body::SetOperation { .. } => false,
        }
    }

    /// A query that is nothing but a SELECT.
    pub fn of_select(select: Select) -> Self {
        Query::of(Body::Select(Box::new(select)))
    }

    /// A query that is only its body.
    pub fn of(body: Body) -> Self {
        Query { ctes: Vec::new(), recursive: false, body, order_by: Vec::new(), limit: None, offset: None }
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
