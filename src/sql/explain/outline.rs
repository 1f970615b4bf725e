//! What a plan's nodes are about: the queries of a statement, their entries and conditions, in words.
//!
//! Owns: [`Outline`], and making it of the analysed statement. Must not know: how SQLite carries the statement out.

use std::collections::{BTreeSet, HashMap};

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::schema::{ConstraintKind, Relation};
use crate::limits::stack;
use crate::sql::analyze::written::WrittenNames;
use crate::sql::planner::PlanContext;
use crate::sql::ruleutils::PlanPrinter;
use crate::sql::tree::{
    Body, Cte, CteId, CteQuery, EntryId, EntryKind, Expr, ExprKind, FromItem, JoinKind, Modify, OperatorRef, Query,
    RangeTblEntry, SetOperator, SortKey, Target,
};
use crate::types::pg_type::{Oid, type_info};

/// What has a smaller OID is the system's (FirstNormalObjectId).
const FIRST_USER_OID: u32 = 16384;

/// A statement, as far as its plan tells of it.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The first is the statement's own.
    pub queries: Vec<QueryOutline>,
    pub entries: HashMap<u32, EntryOutline>,
    pub ctes: HashMap<u32, CteOutline>,
    pub conditions: Vec<Condition>,
    pub change: Option<Change>,
    /// The tables that are read in place of those that others inherit from, as they are met.
    pub members: Vec<(u32, Table)>,
}

/// INSERT, UPDATE, DELETE or MERGE.
#[derive(Clone, Debug)]
pub struct Change {
    pub operation: &'static str,
    pub table: Table,
    pub alias: String,
    pub returning: Vec<String>,
    pub gives_rows: bool,
    /// ON CONFLICT: NOTHING or UPDATE.
    pub conflict: Option<&'static str>,
}

/// A relation as a plan shows it.
#[derive(Clone, Debug)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// What SQLite calls it.
    pub sqlite_name: String,
    /// The constraint that is SQLite's number of the row, and its column.
    pub key: Option<(String, String)>,
    pub columns: Vec<String>,
    pub width: usize,
    /// SQLite knows no such table: it is a function there.
    pub is_virtual: bool,
    /// The unique indexes, and how many columns each has.
    pub unique: Vec<(String, usize)>,
    /// The tables of postings in SQLite, and the indexes they are of.
    pub postings: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct EntryOutline {
    /// The query it stands in.
    pub query: usize,
    pub alias: String,
    pub kind: EntryShape,
    /// It may be left without a row by an outer join.
    pub outer: bool,
}

#[derive(Clone, Debug)]
pub enum EntryShape {
    Table(Table),
    Subquery(usize),
    /// Names of functions, and the calls.
    Function(Vec<String>, Vec<String>),
    Cte(u32),
}

#[derive(Clone, Debug)]
pub struct CteOutline {
    pub name: String,
    pub query: usize,
    pub change: Option<Change>,
}

#[derive(Clone, Debug, Default)]
pub struct QueryOutline {
    /// The query around it.
    pub parent: Option<usize>,
    pub in_from: bool,
    pub aggregates: bool,
    pub grouping_sets: bool,
    pub group_keys: Vec<String>,
    pub having: Option<String>,
    pub windows: bool,
    pub distinct: bool,
    pub sort_keys: Vec<String>,
    pub limited: bool,
    pub locks: bool,
    pub output: Vec<String>,
    pub width: usize,
    /// How many rows VALUES has.
    pub values: Option<usize>,
    pub operator: Option<(&'static str, bool)>,
    /// A condition without any column.
    pub one_time: Vec<String>,
    /// Those of its FROM.
    pub entries: Vec<u32>,
}

/// A part of WHERE or ON.
#[derive(Clone, Debug)]
pub struct Condition {
    pub text: String,
    pub entries: BTreeSet<u32>,
    /// Columns that are compared with something, and whether for equality.
    pub columns: Vec<(u32, String, bool)>,
}

/// Makes the outline of a query.
pub(in crate::sql) fn of_query(
    query: &Query,
    written: &WrittenNames,
    context: PlanContext<'_>,
    verbose: bool,
) -> Outline {
    let names = Names { catalog: context.catalog, search_path: context.settings.schemas_searched() };
    let mut maker = Maker::new(&names, written, context, verbose);
    maker.query(query, None, false);
    maker.finish()
}

/// Makes the outline of a change of data.
pub(in crate::sql) fn of_change(
    tree: &Modify,
    written: &WrittenNames,
    context: PlanContext<'_>,
    verbose: bool,
) -> Outline {
    let names = Names { catalog: context.catalog, search_path: context.settings.schemas_searched() };
    let mut maker = Maker::new(&names, written, context, verbose);
    let change = maker.change(tree, None);
    maker.outline.change = change;
    maker.finish()
}

struct Maker<'m> {
    context: PlanContext<'m>,
    written: &'m WrittenNames,
    printer: PlanPrinter<'m>,
    verbose: bool,
    outline: Outline,
    /// What the columns of sub-queries in FROM stand for.
    targets: HashMap<EntryId, Vec<Expr>>,
    /// Printed when all names are known.
    waiting: Vec<(usize, Expr)>,
    sorts: Vec<(usize, Vec<Expr>, Vec<String>)>,
    groups: Vec<(usize, Vec<Expr>)>,
    havings: Vec<(usize, Expr)>,
    outputs: Vec<(usize, Vec<Expr>)>,
    calls: Vec<(u32, Vec<Expr>)>,
    returning: Vec<Expr>,
}

impl<'m> Maker<'m> {
    fn new(names: &'m Names<'m>, written: &'m WrittenNames, context: PlanContext<'m>, verbose: bool) -> Self {
        Maker {
            context,
            written,
            printer: PlanPrinter::new(names, written, context),
            verbose,
            outline: Outline::default(),
            targets: HashMap::new(),
            waiting: Vec::new(),
            sorts: Vec::new(),
            groups: Vec::new(),
            havings: Vec::new(),
            outputs: Vec::new(),
            calls: Vec::new(),
            returning: Vec::new(),
        }
    }

    fn new_query(&mut self, parent: Option<usize>, in_from: bool) -> usize {
        self.outline.queries.push(QueryOutline { parent, in_from, ..QueryOutline::default() });
        self.outline.queries.len() - 1
    }

    fn at(&mut self, query: usize) -> Option<&mut QueryOutline> {
        self.outline.queries.get_mut(query)
    }

    fn change(&mut self, tree: &Modify, parent: Option<usize>) -> Option<Change> {
        let query = self.new_query(parent, false);
        self.ctes(tree.with().0, query);
        let table = self.table(tree.relation())?;
        let operation = match tree {
            Modify::Insert(_) => "Insert",
            Modify::Update(_) => "Update",
            Modify::Delete(_) => "Delete",
            Modify::Merge(_) => "Merge",
        };
        let (entry, items, selection) = match tree {
            Modify::Insert(insert) => (None, &[][..], self.source(&insert.source, query)),
            Modify::Update(update) => (Some(update.entry), &update.from[..], update.selection.clone()),
            Modify::Delete(delete) => (Some(delete.entry), &delete.using[..], delete.selection.clone()),
            Modify::Merge(merge) => {
                (Some(merge.entry), std::slice::from_ref(&merge.source), Some(merge.condition.clone()))
            }
        };
        let mut alias = table.name.clone();
        if let Some(entry) = entry {
            let kind = EntryKind::Relation(tree.relation());
            self.entry(&RangeTblEntry::new(entry, kind), query, false);
            alias = self.outline.entries.get(&entry.0).map_or(alias, |entry| entry.alias.clone());
        }
        items.iter().for_each(|item| self.from(item, query, false));
        if let Some(selection) = selection {
            self.condition(&selection, query);
        }
        if let Modify::Update(update) = tree {
            update.assignments.iter().for_each(|(_, value)| self.sub_queries(value, query));
        }
        self.returning = tree.returning().iter().map(|target| target.expr.clone()).collect();
        let conflict = match tree {
            Modify::Insert(insert) => insert.conflict.as_ref().map(|conflict| match conflict.update {
                Some(_) => "UPDATE",
                None => "NOTHING",
            }),
            _ => None,
        };
        let gives_rows = !tree.returning().is_empty();
        Some(Change { operation, table, alias, returning: Vec::new(), gives_rows, conflict })
    }

    /// INSERT's source, which counts as the statement's query.
    fn source(&mut self, body: &Body, query: usize) -> Option<Expr> {
        self.body(body, &[], query);
        None
    }

    fn query(&mut self, query: &Query, parent: Option<usize>, in_from: bool) -> usize {
        let number = self.new_query(parent, in_from);
        if stack::check().is_err() {
            return number;
        }
        self.ctes(&query.ctes, number);
        self.body(&query.body, &query.order_by, number);
        let (limited, locks) = (query.limit.is_some() || query.offset.is_some(), !query.row_marks.is_empty());
        let outputs = query.outputs();
        if let Some(outline) = self.at(number) {
            outline.limited = limited;
            outline.locks = locks;
            outline.width = outputs.iter().map(|(_, oid, _)| width(*oid)).sum();
        }
        number
    }

    fn ctes(&mut self, ctes: &[Cte], query: usize) {
        for cte in ctes {
            let CteId(id) = cte.id;
            let name = self.written.ctes.get(&cte.id).map_or_else(|| format!("cte{id}"), |cte| cte.name.clone());
            let outline = match &cte.query {
                CteQuery::Select(select) => {
                    CteOutline { name, query: self.query(select, Some(query), false), change: None }
                }
                CteQuery::Modify(modify) => {
                    let number = self.outline.queries.len();
                    let change = self.change(modify, Some(query));
                    CteOutline { name, query: number, change }
                }
            };
            self.outline.ctes.insert(id, outline);
        }
    }

    fn body(&mut self, body: &Body, order_by: &[SortKey], query: usize) {
        match body {
            Body::Select(select) => {
                select.from.iter().for_each(|item| self.from(item, query, false));
                if let Some(selection) = &select.selection {
                    self.condition(selection, query);
                }
                let exprs =
                    select.targets.iter().map(|target| &target.expr).chain(order_by.iter().map(|key| &key.expr));
                let exprs: Vec<&Expr> = exprs.chain(&select.having).collect();
                let is_call = |over: bool| move |part: &Expr| matches!(&part.kind, ExprKind::Aggref(call) if call.over.is_some() == over && call.of.is_none());
                let aggregates = !select.group_by.is_empty()
                    || !select.grouping_sets.is_empty()
                    || select.having.is_some()
                    || exprs.iter().any(|expr| expr.any(&is_call(false)));
                let windows = exprs.iter().any(|expr| expr.any(&is_call(true)));
                exprs.iter().for_each(|expr| self.sub_queries(expr, query));
                self.sort(order_by, &select.targets, query);
                self.groups.push((query, select.group_by.clone()));
                self.havings.extend(select.having.clone().map(|having| (query, having)));
                self.outputs.push((query, select.targets.iter().map(|target| target.expr.clone()).collect()));
                let distinct = select.distinct || !select.distinct_on.is_empty();
                let grouping_sets = !select.grouping_sets.is_empty();
                if let Some(outline) = self.at(query) {
                    outline.aggregates = aggregates;
                    outline.grouping_sets = grouping_sets;
                    outline.windows = windows;
                    outline.distinct = distinct;
                }
            }
            Body::Values { rows, .. } => {
                rows.iter().flatten().for_each(|expr| self.sub_queries(expr, query));
                let count = rows.len();
                if let Some(outline) = self.at(query) {
                    outline.values = Some(count);
                }
            }
            Body::SetOperation { operator, all, left, right } => {
                self.query(left, Some(query), true);
                self.query(right, Some(query), true);
                let outputs = left_outputs(left);
                let keys = order_by.iter().filter_map(|key| outputs.get(key.output?).cloned()).collect();
                if let Some(outline) = self.at(query) {
                    outline.sort_keys = keys;
                }
                let name = match operator {
                    SetOperator::Union => "Union",
                    SetOperator::Intersect => "Intersect",
                    SetOperator::Except => "Except",
                };
                let all = *all;
                if let Some(outline) = self.at(query) {
                    outline.operator = Some((name, all));
                }
            }
        }
    }

    fn sort(&mut self, order_by: &[SortKey], targets: &[Target], query: usize) {
        if order_by.is_empty() {
            return;
        }
        let exprs = order_by.iter().map(|key| {
            let target = key.output.and_then(|output| targets.get(output));
            target.map_or_else(|| key.expr.clone(), |target| target.expr.clone())
        });
        let orders = order_by.iter().map(|key| {
            let mut text = if key.descending { " DESC" } else { "" }.to_owned();
            if key.nulls_first != key.descending {
                text += if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" };
            }
            text
        });
        self.sorts.push((query, exprs.collect(), orders.collect()));
    }

    fn from(&mut self, item: &FromItem, query: usize, outer: bool) {
        if stack::check().is_err() {
            return;
        }
        match item {
            FromItem::Entry(entry) => self.entry(entry, query, outer),
            FromItem::Join { kind, left, right, on } => {
                let left_out = outer || matches!(kind, JoinKind::Right | JoinKind::Full);
                let right_out = outer || matches!(kind, JoinKind::Left | JoinKind::Full);
                self.from(left, query, left_out);
                self.from(right, query, right_out);
                if let Some(on) = on {
                    self.condition(on, query);
                }
            }
        }
    }

    fn entry(&mut self, entry: &RangeTblEntry, query: usize, outer: bool) {
        let EntryId(id) = entry.id;
        let noted = self.written.entries.get(&entry.id);
        let numbered = |columns: &[String]| (1..).zip(columns.iter().cloned()).collect::<Vec<(i16, String)>>();
        let columns = noted.map_or_else(Vec::new, |noted| numbered(&noted.columns));
        let (kind, name, columns) = match &entry.kind {
            EntryKind::Relation(oid) | EntryKind::Members(oid) | EntryKind::Kept { relation: oid, .. } => {
                let Some(table) = self.table(*oid) else { return };
                if let EntryKind::Members(_) = entry.kind {
                    let members = self.context.catalog.members(*oid).into_iter().map(|member| (id, table_of(member)));
                    self.outline.members.extend(members);
                }
                let name =
                    noted.filter(|noted| noted.alias).map_or_else(|| table.name.clone(), |noted| noted.name.clone());
                let relation = self.context.catalog.relations.get(oid);
                let columns = relation.map_or_else(Vec::new, |relation| {
                    relation.columns.iter().map(|column| (column.number, column.name.clone())).collect()
                });
                (EntryShape::Table(table), name, columns)
            }
            EntryKind::Subquery { query: inner, .. } => {
                if let Body::Select(select) = &inner.body {
                    let plain = |expr: &Expr| !expr.any(&|part| matches!(part.kind, ExprKind::Aggref(_)));
                    let targets: Vec<Expr> = select.targets.iter().map(|target| target.expr.clone()).collect();
                    if select.group_by.is_empty() && inner.limit.is_none() && targets.iter().all(plain) {
                        self.targets.insert(entry.id, targets);
                    }
                }
                let number = self.query(inner, Some(query), true);
                let outputs = inner.outputs().into_iter().map(|(name, _, _)| name);
                let columns = if columns.is_empty() { (1..).zip(outputs).collect() } else { columns };
                let name = noted.map_or_else(|| "unnamed_subquery".to_owned(), |noted| noted.name.clone());
                (EntryShape::Subquery(number), name, columns)
            }
            EntryKind::Function { calls, .. } => {
                let named = calls.iter().filter_map(|call| match &call.kind {
                    ExprKind::Func(function, _) | ExprKind::Variadic(function, _) => Some(function.name.to_owned()),
                    _ => None,
                });
                let named: Vec<String> = named.collect();
                self.calls.push((id, calls.clone()));
                let name = noted.map_or_else(|| named.first().cloned().unwrap_or_default(), |noted| noted.name.clone());
                (EntryShape::Function(named, Vec::new()), name, columns)
            }
            EntryKind::Cte(CteId(cte)) => {
                let name = noted.map_or_else(|| format!("cte{cte}"), |noted| noted.name.clone());
                (EntryShape::Cte(*cte), name, columns)
            }
        };
        let alias = self.printer.name(entry.id, &name, columns);
        self.outline.entries.insert(id, EntryOutline { query, alias, kind, outer });
        if let Some(outline) = self.at(query) {
            outline.entries.push(id);
        }
    }

    fn table(&self, oid: Oid) -> Option<Table> {
        let relation = self.context.catalog.relations.get(&oid)?;
        Some(table_of(relation))
    }

    /// The parts of a condition that AND connects.
    fn condition(&mut self, expr: &Expr, query: usize) {
        match &expr.kind {
            ExprKind::And(parts) => parts.iter().for_each(|part| self.condition(part, query)),
            _ => {
                self.sub_queries(expr, query);
                self.waiting.push((query, expr.clone()));
            }
        }
    }

    /// The sub-queries in an expression.
    fn sub_queries(&mut self, expr: &Expr, query: usize) {
        if stack::check().is_err() {
            return;
        }
        if let Some(inner) = expr.subquery() {
            self.query(inner, Some(query), false);
        }
        let mut parts = Vec::new();
        expr.for_each_child(&mut |part| parts.push(part));
        parts.into_iter().for_each(|part| self.sub_queries(part, query));
    }

    /// An expression over tables instead of over the sub-queries that show them.
    fn resolved(&self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        self.resolve(&mut expr);
        expr
    }

    fn resolve(&self, expr: &mut Expr) {
        if stack::check().is_err() {
            return;
        }
        if let ExprKind::Var(var) = &expr.kind {
            let place = usize::try_from(var.attribute).ok().and_then(|number| number.checked_sub(1));
            let target = self.targets.get(&var.entry).zip(place).and_then(|(targets, place)| targets.get(place));
            if let Some(target) = target {
                *expr = target.clone();
                self.resolve(expr);
            }
            return;
        }
        expr.for_each_child_mut(&mut |part| self.resolve(part));
    }

    fn finish(mut self) -> Outline {
        let tables = self.outline.entries.values().filter(|entry| !matches!(entry.kind, EntryShape::Subquery(_)));
        let several = tables.count() > 1;
        self.printer.set_prefix(several || self.verbose);
        for (query, expr) in std::mem::take(&mut self.waiting) {
            let expr = self.resolved(&expr);
            let Some(text) = self.printer.text(&expr) else { continue };
            let entries = entries_of(&expr);
            if entries.is_empty() && expr.subquery().is_some() {
                // A join, where it is what SQLite makes of it.
                continue;
            }
            if entries.is_empty() {
                if let Some(outline) = self.at(query) {
                    outline.one_time.push(text);
                }
                continue;
            }
            let columns = self.compared(&expr);
            self.outline.conditions.push(Condition { text, entries, columns });
        }
        for (query, exprs, orders) in std::mem::take(&mut self.sorts) {
            let keys = exprs.iter().zip(orders).filter_map(|(expr, order)| {
                let expr = self.resolved(expr);
                let text = self.printer.text(&expr)?;
                // What another node has computed stands in parentheses.
                let plain = matches!(expr.kind, ExprKind::Var(_)) || text.starts_with('(');
                Some(if plain { text + &order } else { format!("({text}){order}") })
            });
            let keys: Vec<String> = keys.collect();
            if let Some(outline) = self.at(query) {
                outline.sort_keys = keys;
            }
        }
        for (query, exprs) in std::mem::take(&mut self.groups) {
            let keys = self.texts(&exprs);
            if let Some(outline) = self.at(query) {
                outline.group_keys = keys;
            }
        }
        for (query, expr) in std::mem::take(&mut self.havings) {
            let having = self.texts(&[expr]).pop();
            if let Some(outline) = self.at(query) {
                outline.having = having;
            }
        }
        for (query, exprs) in std::mem::take(&mut self.outputs) {
            let output = self.texts(&exprs);
            if let Some(outline) = self.at(query) {
                outline.output = output;
            }
        }
        if self.verbose {
            let returning = std::mem::take(&mut self.returning);
            let returning = self.texts(&returning);
            if let Some(change) = &mut self.outline.change {
                change.returning = returning;
            }
        }
        for (entry, calls) in std::mem::take(&mut self.calls) {
            let texts = self.texts(&calls);
            let entry = self.outline.entries.get_mut(&entry);
            if let Some(EntryOutline { kind: EntryShape::Function(_, calls), .. }) = entry {
                *calls = texts;
            }
        }
        self.outline
    }

    fn texts(&mut self, exprs: &[Expr]) -> Vec<String> {
        let resolved: Vec<Expr> = exprs.iter().map(|expr| self.resolved(expr)).collect();
        resolved.iter().filter_map(|expr| self.printer.text(expr)).collect()
    }

    /// The columns that a condition compares.
    fn compared(&self, expr: &Expr) -> Vec<(u32, String, bool)> {
        let (sides, equal) = match &expr.kind {
            ExprKind::Op(operator, args) => {
                let name = match operator {
                    OperatorRef::Comparison(name) => name,
                    OperatorRef::Listed(operator) => operator.name,
                };
                match name {
                    "=" => (args.iter().collect(), true),
                    "<" | ">" | "<=" | ">=" => (args.iter().collect(), false),
                    _ => (Vec::new(), false),
                }
            }
            ExprKind::InList { expr, negated: false, .. } => (vec![&**expr], true),
            ExprKind::ScalarArray { comparison, all: false, .. } => return self.compared(comparison),
            ExprKind::NullTest { arg, negated: false } => (vec![&**arg], true),
            ExprKind::SubLink(_) => {
                let mut parts = Vec::new();
                expr.for_each_child(&mut |part| parts.push(part));
                (parts, true)
            }
            _ => (Vec::new(), false),
        };
        sides.into_iter().filter_map(|side| self.column(side).map(|(entry, name)| (entry, name, equal))).collect()
    }

    fn column(&self, expr: &Expr) -> Option<(u32, String)> {
        match &expr.kind {
            ExprKind::Var(var) => {
                let EntryShape::Table(_) = &self.outline.entries.get(&var.entry.0)?.kind else { return None };
                let relation = self.context.catalog.relations.get(&var.origin.0)?;
                Some((var.entry.0, relation.column_by_number(var.attribute)?.name.clone()))
            }
            ExprKind::Coerce { arg, .. } | ExprKind::EnumOrder(arg) | ExprKind::CoerceTypmod { arg, .. } => {
                self.column(arg)
            }
            _ => None,
        }
    }
}

/// The names of a set operation's columns.
fn left_outputs(left: &Query) -> Vec<String> {
    left.outputs().into_iter().map(|(name, _, _)| quote_identifier(&name)).collect()
}

fn table_of(relation: &Relation) -> Table {
    let key = relation.constraints.iter().find(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey));
    let key = key.zip(relation.columns.iter().find(|column| column.rowid_alias));
    let unique = relation.indexes.iter().filter(|index| index.unique && index.predicate.is_none());
    Table {
        schema: relation.schema.clone(),
        name: relation.name.clone(),
        sqlite_name: relation.sqlite_name.clone(),
        key: key.map(|(key, column)| (key.name.clone(), column.name.clone())),
        columns: relation.columns.iter().map(|column| column.name.clone()).collect(),
        width: relation.columns.iter().map(|column| width(column.type_oid)).sum(),
        is_virtual: relation.oid.0 < FIRST_USER_OID,
        unique: unique.map(|index| (index.name.clone(), index.keys.len())).collect(),
        postings: relation.indexes.iter().map(|index| (index.postings_name(), index.name.clone())).collect(),
    }
}

/// How many bytes a value takes about (get_typavgwidth).
fn width(oid: Oid) -> usize {
    let length = type_info(oid).map_or(-1, |info| i64::from(info.len));
    usize::try_from(length).unwrap_or(32)
}

fn entries_of(expr: &Expr) -> BTreeSet<u32> {
    let mut entries = BTreeSet::new();
    collect_entries(expr, &mut entries);
    entries
}

fn collect_entries(expr: &Expr, entries: &mut BTreeSet<u32>) {
    if stack::check().is_err() {
        return;
    }
    if let ExprKind::Var(var) = &expr.kind {
        entries.insert(var.entry.0);
    }
    expr.for_each_child(&mut |part| collect_entries(part, entries));
}
