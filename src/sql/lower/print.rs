//! An analysed query as SQLite's SQL.
//!
//! Owns: printing the tree of `sql::lower::tree`, and numbering SQLite's parameters. Pure. Must not know: names or types of
//! PostgreSQL beyond the collation that a type's stored form needs. Specification: SQLite's lang_*.html.

mod collation;
mod connective;
mod modify;
mod once;
pub mod plan;
mod snapshot;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::rc::Rc;

use crate::error::Result;
use crate::limits::stack;
use crate::sql::functions::Call;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::lower::tree::*;
use crate::sql::plan::Bind;
use crate::types::pg_type::{Oid, Repr};
use crate::types::value::Value;

pub use snapshot::check;

/// Gives a type's stored representation; user types need the catalog.
pub type ReprOf<'a> = &'a dyn Fn(Oid, i32) -> Repr;

/// A statement's text and its parameters.
pub struct Translated {
    pub sql: String,
    pub binds: Vec<Bind>,
}

/// Translates a query.
pub fn query(query: &Query, repr_of: ReprOf<'_>) -> Translated {
    let mut printer = Printer::new(repr_of);
    printer.query(query, Naming::None);
    printer.finish()
}

/// Translates an INSERT, UPDATE or DELETE.
pub fn modify(modify: &Modify, repr_of: ReprOf<'_>) -> Translated {
    let mut printer = Printer::new(repr_of);
    match modify {
        Modify::Insert(insert) => printer.insert(insert),
        Modify::Update(update) => printer.update(update),
        Modify::Delete(delete) => printer.delete(delete),
    }
    printer.finish()
}

/// Translates a stand-alone expression, such as a CHECK or an index key.
pub fn expression(expr: &Expr, repr_of: ReprOf<'_>) -> Translated {
    let mut printer = Printer { stand_alone: true, ..Printer::new(repr_of) };
    printer.expr(expr);
    printer.finish()
}

/// Whether output columns get the positional names c1, c2 … under which an outer query refers to them.
#[derive(Clone, Copy, PartialEq)]
enum Naming {
    None,
    Positional,
}

/// What a parameter of the statement gets.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Argument {
    Bind(Bind),
    /// A column of the statement around it.
    Column(ColumnRef),
}

/// SQLite compares each constant with all others: beyond so many the statement says that they are none.
const MANY: usize = 1_000;

/// Templates that need an operand twice, in each other, double the text at every level; no text is so long otherwise.
const LONGEST: usize = 32 << 20;

impl Translated {
    /// 54001 if the text had to end.
    pub(super) fn checked(self) -> Result<Self> {
        if self.sql.len() > LONGEST { Err(stack::too_deep()) } else { Ok(self) }
    }
}

struct Printer<'a> {
    sql: String,
    arguments: Vec<Argument>,
    /// Where in `arguments` each of them is.
    places: HashMap<Argument, usize>,
    /// In a statement of its own, the aliases that it defines; other columns are arguments.
    inside: Option<HashSet<Rc<str>>>,
    repr_of: ReprOf<'a>,
    /// The columns of `excluded`, while it stands for a copy of the proposed rows.
    proposed: Option<Vec<Rc<str>>>,
    /// Expressions whose values a sub-query has, and the columns that have them.
    computed: Vec<(Expr, String)>,
    /// The CTEs with volatile values, and how many columns they have.
    volatile_ctes: Vec<(Rc<str>, usize)>,
    /// How many names the translation has made up.
    names: usize,
    /// Whether what is printed is to be a value, not a condition.
    as_value: bool,
    /// Whether it is an expression of a table's or index's definition, where no sub-query may be.
    stand_alone: bool,
    /// Whether it is a row of VALUES, whose constants SQLite compares with no others.
    in_values: bool,
}

/// Quotes an identifier for SQLite.
pub fn quote(out: &mut String, name: &str) {
    out.push('"');
    for c in name.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

/// Writes a constant as a SQLite literal.
fn literal(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Integer(i) if *i == i64::MIN => out.push_str("(-9223372036854775807 - 1)"),
        Value::Integer(i) => _ = write!(out, "{i}"),
        Value::Real(r) if r.is_infinite() => out.push_str(if *r > 0.0 { "9e999" } else { "-9e999" }),
        Value::Real(r) => _ = write!(out, "{r:?}"),
        Value::Text(t) => {
            out.push('\'');
            out.push_str(&t.replace('\'', "''"));
            out.push('\'');
        }
        Value::Blob(b) => {
            out.push_str("x'");
            b.iter().for_each(|byte| _ = write!(out, "{byte:02x}"));
            out.push('\'');
        }
    }
}

impl<'a> Printer<'a> {
    fn new(repr_of: ReprOf<'a>) -> Self {
        Printer {
            sql: String::with_capacity(256),
            arguments: Vec::new(),
            places: HashMap::new(),
            inside: None,
            repr_of,
            proposed: None,
            computed: Vec::new(),
            volatile_ctes: Vec::new(),
            names: 0,
            as_value: false,
            stand_alone: false,
            in_values: false,
        }
    }

    fn finish(self) -> Translated {
        let binds = self.arguments.into_iter().filter_map(|argument| match argument {
            Argument::Bind(bind) => Some(bind),
            Argument::Column(_) => None,
        });
        Translated { sql: self.sql, binds: binds.collect() }
    }

    fn push(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    fn ident(&mut self, name: &str) {
        quote(&mut self.sql, name);
    }

    fn argument(&mut self, argument: Argument) {
        let next = self.arguments.len();
        let index = *self.places.entry(argument.clone()).or_insert(next);
        if index == next {
            self.arguments.push(argument);
        }
        _ = write!(self.sql, "?{}", index + 1);
    }

    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            print(self, item);
        }
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, |p, e| p.expr(e));
    }

    /// An item of a list of which SQLite does not compare every constant with all others.
    fn item(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Param(n) => self.argument(Argument::Bind(Bind::Param(*n))),
            ExprKind::Literal(n) => self.argument(Argument::Bind(Bind::Literal(*n))),
            _ => self.expr(expr),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if self.sql.len() > LONGEST {
            return;
        }
        if let Some((_, column)) = self.computed.iter().find(|(computed, _)| computed == expr) {
            self.sql.push_str(column);
            return;
        }
        match &expr.kind {
            ExprKind::Null => self.push("NULL"),
            ExprKind::Param(_) | ExprKind::Literal(_) if self.arguments.len() >= MANY && !self.in_values => {
                self.push("pg_given(");
                self.item(expr);
                self.push(")");
            }
            ExprKind::Param(n) => self.argument(Argument::Bind(Bind::Param(*n))),
            ExprKind::Literal(n) => self.argument(Argument::Bind(Bind::Literal(*n))),
            ExprKind::Const(value) => literal(&mut self.sql, value),
            ExprKind::Column(column) => self.column(column),
            // `Typed` calls have got their types as an argument in analysis.
            ExprKind::Call(Call::Function(name) | Call::Typed(name), args) => {
                self.push(name);
                self.push("(");
                self.value(|p| p.exprs(args));
                self.push(")");
            }
            ExprKind::Call(Call::Template(template), args) if self.connective(template, args) => {}
            ExprKind::Call(Call::Template(template), args) => self.template(template, args),
            ExprKind::Collated(_, value) => self.expr(value),
            ExprKind::Compare(op, left, right) => self.comparison(op, left, right),
            ExprKind::Case { whens, otherwise } => self.case(whens, otherwise.as_deref()),
            ExprKind::InList { expr, list, negated } => {
                self.push("(");
                self.collated(expr);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.list(list, Self::item);
                self.push("))");
            }
            ExprKind::InQuery { expr, query, negated } => {
                self.push("(");
                self.collated(expr);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.query(query, Naming::None);
                self.push("))");
            }
            ExprKind::InArray { expr, array, element, exact } => self.in_array(expr, array, *element, *exact),
            ExprKind::Quantified { all, array, comparison } => self.quantified(*all, array, comparison),
            ExprKind::ArrayElement => self.array_element(expr.type_oid),
            ExprKind::ScalarQuery(query) => self.scalar_query(query),
            ExprKind::Exists { query, negated } => {
                self.push(if *negated { "(NOT EXISTS (" } else { "(EXISTS (" });
                self.query(query, Naming::None);
                self.push("))");
            }
            ExprKind::ArrayQuery { query, element } => {
                // An empty result is an empty array, where array_agg would say NULL.
                self.push("(SELECT coalesce(pg_array_agg(");
                literal(&mut self.sql, &Value::Text(element.clone()));
                self.push(", c1), '[]') FROM (");
                self.query(query, Naming::Positional);
                self.push("))");
            }
            ExprKind::Extreme { greatest, args } => self.extreme(*greatest, args),
            ExprKind::Row(items) => {
                self.push("(");
                self.list(items, |p, item| p.collated(item));
                self.push(")");
            }
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate),
        }
    }

    fn column(&mut self, column: &ColumnRef) {
        if let Some(alias) = &column.alias
            && self.inside.as_ref().is_some_and(|inside| !inside.contains(alias))
        {
            return self.argument(Argument::Column(column.clone()));
        }
        if let Some(alias) = &column.alias {
            self.push(alias);
            self.push(".");
            let columns = self.proposed.as_ref().filter(|_| **alias == *crate::sql::lower::modify::EXCLUDED);
            if let Some(index) = columns.and_then(|names| names.iter().position(|name| *name == column.column)) {
                _ = write!(self.sql, "c{}", index + 1);
                return;
            }
        }
        self.ident(&column.column);
    }

    fn template(&mut self, template: &str, args: &[Expr]) {
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, after) = rest.split_at(open);
            self.push(before);
            let Some(close) = after.find('}') else { break };
            match after.get(1..close).and_then(|n| n.parse::<usize>().ok()).and_then(|n| args.get(n)) {
                Some(arg) => self.expr(arg),
                None => self.push("NULL"),
            }
            rest = after.get(close + 1..).unwrap_or("");
        }
        self.push(rest);
    }

    fn case(&mut self, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) {
        self.push("CASE");
        for (condition, result) in whens {
            self.push(" WHEN ");
            self.condition(condition);
            self.push(" THEN ");
            self.expr(result);
        }
        if let Some(otherwise) = otherwise {
            self.push(" ELSE ");
            self.expr(otherwise);
        }
        self.push(" END");
    }

    /// The `value` column of json_each as the element's stored form.
    fn array_element(&mut self, element: Oid) {
        match element {
            Oid::BYTEA | Oid::VECTOR => self.push("pg_in_bytea(json_each.value)"),
            Oid::FLOAT4 | Oid::FLOAT8 => self.push("pg_element_float(json_each.value)"),
            _ => self.push("json_each.value"),
        }
    }

    fn in_array(&mut self, expr: &Expr, array: &Expr, element: Oid, exact: bool) {
        self.push("(");
        self.collated(expr);
        self.push(" IN (SELECT ");
        self.array_element(element);
        self.push(" FROM ");
        self.elements(array);
        self.push(")");
        if exact {
            self.push(" OR (");
            self.expr(array);
            self.push(" IS NULL AND NULL)");
        }
        self.push(")");
    }

    fn quantified(&mut self, all: bool, array: &Expr, comparison: &Expr) {
        self.push("(SELECT CASE WHEN ");
        self.expr(array);
        self.push(if all {
            " IS NULL THEN NULL WHEN min(r) = 0 THEN 0 WHEN count(*) > count(r) THEN NULL ELSE 1 END FROM (SELECT "
        } else {
            " IS NULL THEN NULL WHEN max(r) = 1 THEN 1 WHEN count(*) > count(r) THEN NULL ELSE 0 END FROM (SELECT "
        });
        self.expr(comparison);
        self.push(" AS r FROM ");
        self.elements(array);
        if Volatile.in_expr(comparison) {
            self.push(once::BARRIER);
        }
        self.push("))");
    }

    /// An array's elements as rows; ANY and ALL take those of all dimensions.
    fn elements(&mut self, array: &Expr) {
        self.push("json_each(pg_array_flat(");
        self.expr(array);
        self.push("))");
    }

    fn extreme(&mut self, greatest: bool, args: &[Expr]) {
        self.push(if greatest { "(SELECT max(v" } else { "(SELECT min(v" });
        if let Some(collation) = args.first().and_then(|a| self.collation(a)) {
            self.push(" COLLATE ");
            self.push(collation);
        }
        self.push(") FROM (SELECT ");
        let Some((first, others)) = args.split_first() else { return };
        self.expr(first);
        self.push(" AS v");
        if !others.is_empty() {
            // Rows of VALUES have no name for their column, but are no terms that SQLite counts.
            self.push(" UNION ALL VALUES ");
            self.list(others, |p, arg| {
                p.push("(");
                p.expr(arg);
                p.push(")");
            });
        }
        self.push("))");
    }

    /// A sub-query as a value. SQLite takes the first row; PostgreSQL refuses a second one (21000).
    fn scalar_query(&mut self, query: &Query) {
        if query.at_most_one_row() {
            self.push("(");
            self.query(query, Naming::None);
            self.push(")");
            return;
        }
        self.push(
            "(SELECT CASE WHEN count(*) > 1 THEN pg_raise('21000', \
             'more than one row returned by a subquery used as an expression') ELSE min(c1) END",
        );
        for n in 2..=query.outputs().len() {
            _ = write!(self.sql, ", min(c{n})");
        }
        self.push(" FROM (SELECT * FROM (");
        self.query(query, Naming::Positional);
        self.push(") LIMIT 2))");
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        self.push(aggregate.function);
        self.push(if aggregate.framed { "_framed(" } else { "(" });
        if aggregate.star {
            self.push("*");
        }
        if aggregate.distinct {
            self.push("DISTINCT ");
        }
        self.list(&aggregate.args, |p, arg| p.collated(arg));
        self.order_by(&aggregate.order_by, false);
        self.push(")");
        if let Some(filter) = &aggregate.filter {
            self.push(" FILTER (WHERE ");
            self.condition(filter);
            self.push(")");
        }
        if let Some(window) = &aggregate.over {
            self.push(" OVER (");
            self.window(window);
            self.push(")");
        }
    }

    fn window(&mut self, window: &Window) {
        if !window.partition_by.is_empty() {
            self.push("PARTITION BY ");
            self.list(&window.partition_by, |p, e| p.collated(e));
        }
        self.order_by(&window.order_by, false);
        if let Some(frame) = &window.frame {
            self.push(" ");
            self.push(frame.units);
            match &frame.end {
                None => {
                    self.push(" ");
                    self.frame_bound(&frame.start);
                }
                Some(end) => {
                    self.push(" BETWEEN ");
                    self.frame_bound(&frame.start);
                    self.push(" AND ");
                    self.frame_bound(end);
                }
            }
            if let Some(exclude) = frame.exclude {
                self.push(" EXCLUDE ");
                self.push(exclude);
            }
        }
    }

    fn frame_bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::CurrentRow => self.push("CURRENT ROW"),
            FrameBound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(expr) => {
                self.expr(expr);
                self.push(" PRECEDING");
            }
            FrameBound::Following(expr) => {
                self.expr(expr);
                self.push(" FOLLOWING");
            }
        }
    }

    /// ORDER BY with PostgreSQL's placement of NULLs; an output column is named by its position where allowed.
    /// What is sorted or grouped by. SQLite takes a bare number for the place of a column.
    fn key(&mut self, expr: &Expr) {
        match expr.kind {
            ExprKind::Const(Value::Integer(number)) => _ = write!(self.sql, "CAST({number} AS INTEGER)"),
            _ => self.value(|p| p.collated(expr)),
        }
    }

    fn order_by(&mut self, keys: &[SortKey], by_position: bool) {
        if keys.is_empty() {
            return;
        }
        self.push(" ORDER BY ");
        self.list(keys, |p, key| {
            match key.output {
                Some(output) if by_position => {
                    _ = write!(p.sql, "{}", output + 1);
                    p.collate_as(&key.expr);
                }
                _ => p.key(&key.expr),
            }
            if key.descending {
                p.push(" DESC");
            }
            // SQLite thinks NULL smallest, PostgreSQL largest; where NULLs cannot be, saying so would only keep
            // SQLite from using an index.
            let sqlite_first = !key.descending;
            if key.nulls_first != sqlite_first && !key.expr.never_null() {
                p.push(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
            }
        });
    }

    fn ctes(&mut self, ctes: &[Cte], recursive: bool) {
        if ctes.is_empty() {
            return;
        }
        self.push(if recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(ctes, |p, cte| {
            p.push(&cte.name);
            let width = cte.query.outputs().len();
            p.push("(");
            p.list(&(1..=width).collect::<Vec<_>>(), |p, n| _ = write!(p.sql, "c{n}"));
            p.push(match cte.materialized {
                Some(true) => ") AS MATERIALIZED (",
                // PostgreSQL does not repeat volatile functions because it is asked to.
                Some(false) if !Volatile::yielded_by(&cte.query.body) => ") AS NOT MATERIALIZED (",
                _ => ") AS (",
            });
            p.cte_query(cte);
            p.push(")");
        });
        self.push(" ");
    }

    fn query(&mut self, query: &Query, naming: Naming) {
        self.ctes(&query.ctes, query.recursive);
        match &query.body {
            Body::Select(select) if !select.distinct_on.is_empty() => self.distinct_on(select, query, naming),
            Body::Select(select) => {
                if !self.volatile_last(select, query, naming) {
                    self.select(select, naming);
                    self.order_by(&query.order_by, true);
                }
            }
            Body::Values { rows, .. } => self.values(rows, naming, query),
            Body::SetOperation { .. } => self.set_operation_query(query),
        }
        self.limit(query);
    }

    /// LIMIT and OFFSET; SQLite knows no OFFSET without LIMIT, and -1 stands for no limit.
    fn limit(&mut self, query: &Query) {
        match (&query.limit, &query.offset) {
            (None, None) => return,
            (Some(limit), _) => {
                self.push(" LIMIT ");
                self.expr(limit);
            }
            (None, Some(_)) => self.push(" LIMIT -1"),
        }
        if let Some(offset) = &query.offset {
            self.push(" OFFSET ");
            self.expr(offset);
        }
    }

    fn values(&mut self, rows: &[Vec<Expr>], naming: Naming, query: &Query) {
        let wrap = naming == Naming::Positional || !query.order_by.is_empty();
        if wrap {
            let first = rows.first().map_or(&[][..], Vec::as_slice);
            self.push("SELECT ");
            self.list(&first.iter().enumerate().collect::<Vec<_>>(), |p, (i, expr)| {
                _ = write!(p.sql, "column{n}", n = i + 1);
                p.collate_as(expr);
                _ = write!(p.sql, " AS c{n}", n = i + 1);
            });
            self.push(" FROM (");
        }
        self.push("VALUES ");
        let outer = std::mem::replace(&mut self.in_values, true);
        self.list(rows, |p, row| {
            p.push("(");
            p.exprs(row);
            p.push(")");
        });
        self.in_values = outer;
        if wrap {
            self.push(")");
            self.order_by(&query.order_by, true);
        }
    }

    fn set_operation_query(&mut self, query: &Query) {
        if query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none() {
            self.set_operation(&query.body);
            return;
        }
        self.push("SELECT * FROM (");
        self.set_operation(&query.body);
        self.push(")");
        self.order_by(&query.order_by, true);
    }

    fn set_operation(&mut self, body: &Body) {
        let Body::SetOperation { operator, all, left, right } = body else { return };
        self.operand(left, true);
        self.push(match (operator, all) {
            (SetOperator::Union, true) => " UNION ALL ",
            (SetOperator::Union, false) => " UNION ",
            (SetOperator::Intersect, _) => " INTERSECT ",
            (SetOperator::Except, _) => " EXCEPT ",
        });
        self.operand(right, false);
    }

    /// One side of a set operation. SQLite's compound operators are left-associative without parentheses, so
    /// everything but a plain SELECT or a left-hand compound becomes a sub-query.
    fn operand(&mut self, query: &Query, left: bool) {
        let bare =
            query.ctes.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
        match &query.body {
            Body::Select(select) if bare && select.distinct_on.is_empty() => self.select(select, Naming::Positional),
            Body::SetOperation { .. } if bare && left => self.set_operation(&query.body),
            _ => {
                self.push("SELECT * FROM (");
                self.query(query, Naming::Positional);
                self.push(")");
            }
        }
    }

    fn select(&mut self, select: &Select, naming: Naming) {
        self.push(if select.distinct { "SELECT DISTINCT " } else { "SELECT " });
        self.targets(&select.targets, naming, select.distinct || naming == Naming::Positional);
        self.select_tail(select);
    }

    fn select_tail(&mut self, select: &Select) {
        self.from_clause(&select.from, true);
        self.where_clause(select.selection.as_ref());
        if !select.group_by.is_empty() {
            self.push(" GROUP BY ");
            self.list(&select.group_by, |p, e| p.key(e));
        }
        if let Some(having) = &select.having {
            self.push(" HAVING ");
            self.condition(having);
        }
    }

    fn targets(&mut self, targets: &[Target], naming: Naming, collate: bool) {
        if targets.is_empty() {
            // PostgreSQL allows an empty select list, SQLite does not.
            self.push("NULL");
        }
        for (i, target) in targets.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            // Columns, too: those of VALUES, of sub-queries and of functions have no collation of their own.
            self.value(|p| if collate { p.collated(&target.expr) } else { p.expr(&target.expr) });
            if naming == Naming::Positional {
                _ = write!(self.sql, " AS c{}", i + 1);
            }
        }
    }

    /// DISTINCT ON: the first row of each group in ORDER BY's order, by row_number().
    fn distinct_on(&mut self, select: &Select, query: &Query, naming: Naming) {
        self.push("SELECT ");
        self.list(&(1..=select.targets.len()).collect::<Vec<_>>(), |p, n| {
            _ = write!(p.sql, "c{n}");
            if naming == Naming::Positional {
                _ = write!(p.sql, " AS c{n}");
            }
        });
        self.push(" FROM (SELECT ");
        self.targets(&select.targets, Naming::Positional, true);
        for (i, key) in query.order_by.iter().enumerate() {
            self.push(", ");
            self.collated(&key.expr);
            _ = write!(self.sql, " AS o{}", i + 1);
        }
        self.push(", row_number() OVER (PARTITION BY ");
        self.list(&select.distinct_on, |p, e| p.collated(e));
        self.order_by(&query.order_by, false);
        self.push(") AS rn");
        self.select_tail(select);
        self.push(") WHERE rn = 1");
        let outer: Vec<SortKey> = (query.order_by.iter().enumerate())
            .map(|(i, key)| {
                let column =
                    ColumnRef { alias: None, column: format!("o{}", i + 1).into(), not_null: key.expr.never_null() };
                let expr = Expr { kind: ExprKind::Column(column), ..key.expr.clone() };
                SortKey { expr, output: None, ..key.clone() }
            })
            .collect();
        self.order_by(&outer, false);
    }

    fn where_clause(&mut self, selection: Option<&Expr>) {
        if let Some(selection) = selection {
            self.push(" WHERE ");
            self.condition(selection);
        }
    }

    /// FROM; `alone` if the statement reads nothing beside it.
    fn from_clause(&mut self, from: &[FromItem], alone: bool) {
        if !from.is_empty() {
            self.push(" FROM ");
            // CROSS JOIN would keep SQLite from reordering; a comma does not.
            // Right and full joins bind to the whole list before them in SQLite, only to their operand in PostgreSQL.
            let several = from.len() > 1;
            self.list(from, |p, item| p.nested(item, several && item.preserves_right(), alone && !several));
        }
    }

    fn nested(&mut self, item: &FromItem, parentheses: bool, alone: bool) {
        if parentheses {
            self.push("(");
        }
        self.from_item(item, alone);
        if parentheses {
            self.push(")");
        }
    }

    fn from_item(&mut self, item: &FromItem, alone: bool) {
        match item {
            FromItem::Table { name, alias } => {
                self.ident(name);
                self.push(" AS ");
                self.push(alias);
            }
            FromItem::Cte { name, alias } => {
                self.cte_item(name, alone);
                self.push(" AS ");
                self.push(alias);
            }
            FromItem::Derived { query, alias } => {
                self.push("(");
                self.derived(query, alone);
                self.push(") AS ");
                self.push(alias);
            }
            FromItem::Function { name, args, alias } => {
                self.push(name);
                self.push("(");
                self.table_arguments(args);
                self.push(") AS ");
                self.push(alias);
            }
            FromItem::Plan { query, alias } => self.plan(query, alias),
            FromItem::Join { kind, left, right, on } => {
                // Joins are left-associative; only a join on the right-hand side needs parentheses.
                self.from_item(left, false);
                self.push(match kind {
                    JoinKind::Inner | JoinKind::Cross => " JOIN ",
                    JoinKind::Left => " LEFT JOIN ",
                    JoinKind::Right => " RIGHT JOIN ",
                    JoinKind::Full => " FULL JOIN ",
                });
                self.nested(right, matches!(**right, FromItem::Join { .. }), false);
                if let Some(on) = on {
                    self.push(" ON ");
                    self.condition(on);
                }
            }
        }
    }
}
