//! FROM: range table entries and joins.
//!
//! Owns: [`Lower::from_clause`]: what of SQLite yields an entry's rows, and what stands for its columns. SQLite has no
//! LATERAL: a sub-query of one row is replaced by its expressions, another one is a statement of its own.

use std::rc::Rc;

use super::sets::Lockstep;
use super::tree::{Body, Expr, ExprKind, FromItem, Query, Select, Target};
use super::{Columns, Entry, Lower};
use crate::catalog::schema::{Relation, RelationKind};
use crate::error::{Error, Result};
use crate::sql::lower::print::plan::fits;
use crate::sql::lower::search::Volatile;
use crate::sql::tree::{
    EntryId, EntryKind, Expr as Typed, ExprKind as Kind, FromItem as TypedItem, Query as TypedQuery, RangeTblEntry,
};
use crate::types::pg_type::Oid;

impl Lower<'_> {
    /// The FROM list of the innermost query level.
    pub(super) fn from_clause(&mut self, from: &[TypedItem]) -> Result<Vec<FromItem>> {
        self.set_gives_rows(false);
        let items = from.iter().map(|item| self.from_item(item)).collect();
        self.set_gives_rows(true);
        items
    }

    fn set_gives_rows(&mut self, gives_rows: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.gives_rows = gives_rows;
        }
    }

    fn from_item(&mut self, item: &TypedItem) -> Result<FromItem> {
        match item {
            TypedItem::Entry(entry) => {
                let item = self.entry(entry)?;
                if let Some(level) = self.levels.last_mut() {
                    level.entries.push(entry.id);
                }
                Ok(item)
            }
            TypedItem::Join { kind, left, right, on } => {
                let left = Box::new(self.from_item(left)?);
                let right = Box::new(self.from_item(right)?);
                self.set_gives_rows(true);
                let on = on.as_ref().map(|on| self.condition_by_postings(on)).transpose()?;
                self.set_gives_rows(false);
                Ok(FromItem::Join { kind: *kind, left, right, on })
            }
        }
    }

    fn entry(&mut self, entry: &RangeTblEntry) -> Result<FromItem> {
        match &entry.kind {
            EntryKind::Relation(oid) => self.relation_entry(entry.id, *oid),
            EntryKind::Members(oid) => self.members_entry(entry.id, *oid),
            EntryKind::Cte(cte) => {
                if let Some(item) = self.kept_cte(entry.id, *cte) {
                    return Ok(item);
                }
                self.collations.note_reader(entry.id, *cte);
                let alias = self.alias(entry.id);
                self.entries.insert(entry.id, Entry::positional(alias.clone()));
                Ok(FromItem::Cte { name: self.cte_name(*cte), alias })
            }
            EntryKind::Kept { relation, number } => {
                let relation = self.relation(*relation)?;
                let alias = self.alias(entry.id);
                let columns = relation.columns.iter().zip(1..);
                let columns = columns.map(|(column, n)| (column.number, format!("c{n}").into())).collect();
                self.entries.insert(entry.id, Entry { alias: Some(alias.clone()), columns: Columns::Named(columns) });
                Ok(super::program::kept_item(*number, alias))
            }
            EntryKind::Subquery { query, lateral } => {
                self.collations.note_entry(self.context.catalog, entry.id, query);
                self.subquery_entry(entry, query, *lateral)
            }
            EntryKind::Function { calls, ordinality } => self.function_entry(entry.id, calls, *ordinality),
        }
    }

    fn relation_entry(&mut self, id: EntryId, oid: Oid) -> Result<FromItem> {
        let relation = self.relation(oid)?;
        let alias = self.alias(id);
        if relation.kind == RelationKind::Sequence {
            self.entries.insert(id, Entry::positional(alias.clone()));
            return Ok(FromItem::Derived { query: Box::new(sequence(oid)), alias });
        }
        if relation.options.unpopulated {
            return Ok(self.unpopulated(id, relation));
        }
        if let Some(item) = self.copied_table(id, relation) {
            return Ok(item);
        }
        self.entries.insert(id, Entry::of_relation(Some(alias.clone()), relation));
        Ok(FromItem::Table { name: relation.sqlite_name.clone(), alias })
    }

    /// A materialized view that has no rows yet: reading it is an error, naming it is none.
    fn unpopulated(&mut self, id: EntryId, relation: &Relation) -> FromItem {
        let alias = self.alias(id);
        let columns = relation.columns.iter().zip(1..).map(|(column, n)| (column.number, format!("c{n}").into()));
        let columns = Columns::Named(columns.collect());
        self.entries.insert(id, Entry { alias: Some(alias.clone()), columns });
        let null = |oid| Target { name: String::new(), expr: Expr::new(ExprKind::Null, oid) };
        let targets = relation.columns.iter().map(|column| null(column.type_oid)).collect();
        let raised = [
            "55000".to_owned(),
            format!("materialized view \"{}\" has not been populated", relation.name),
            "Use the REFRESH MATERIALIZED VIEW command.".to_owned(),
        ];
        let selection = Some(Expr::function("pg_raise", raised.map(Expr::text).to_vec(), Oid::BOOL));
        let query = Query::of_select(Select { targets, selection, ..Select::default() });
        FromItem::Derived { query: Box::new(query), alias }
    }

    fn subquery_entry(&mut self, entry: &RangeTblEntry, query: &TypedQuery, lateral: bool) -> Result<FromItem> {
        let id = entry.id;
        let depends = lateral && self.depends_on_siblings(query);
        let mut lowered = self.query(query)?;
        if entry.barrier && lowered.limit.is_none() {
            // SQLite moves no condition into what has a LIMIT.
            lowered.limit = Some(Expr::integer(-1, Oid::INT8));
        }
        if !depends {
            return Ok(self.derived(id, lowered));
        }
        match is_single_row(&lowered) && !Volatile::yielded_by(&lowered.body) {
            true => Ok(self.inline_row(id, lowered)),
            false => self.plan(id, lowered),
        }
    }

    /// A query that is run for each row of what stands before it in FROM.
    fn plan(&mut self, id: EntryId, query: Query) -> Result<FromItem> {
        let alias = self.alias(id);
        self.entries.insert(id, Entry::positional(alias.clone()));
        self.plan_item(query, alias)
    }

    /// A query as a statement of its own: what it refers to of the statement around it are its parameters.
    pub(super) fn plan_item(&mut self, mut query: Query, alias: Rc<str>) -> Result<FromItem> {
        // A statement of its own does not see the WITH list of the one around it.
        let mut ctes = self.ctes_read_by(&query)?;
        ctes.append(&mut query.ctes);
        query.ctes = ctes;
        let context = self.context;
        if !fits(&query, &|oid, typmod| context.repr_of(oid, typmod)) {
            return Err(Error::unsupported("a LATERAL sub-query of so many columns or references"));
        }
        Ok(FromItem::Plan { query: Box::new(query), alias })
    }

    fn derived(&mut self, id: EntryId, query: Query) -> FromItem {
        let alias = self.alias(id);
        self.entries.insert(id, Entry::positional(alias.clone()));
        FromItem::Derived { query: Box::new(query), alias }
    }

    /// Whether a query refers to entries of the FROM list it stands in.
    fn depends_on_siblings(&self, query: &TypedQuery) -> bool {
        query.any(&|expr| self.is_of_sibling(expr))
    }

    /// Whether an expression refers to entries of the FROM list it stands in, or behind.
    pub(super) fn depends_on_row(&self, expr: &Typed) -> bool {
        expr.any_deep(&|part| self.is_of_sibling(part))
    }

    fn is_of_sibling(&self, expr: &Typed) -> bool {
        let Kind::Var(var) = &expr.kind else { return false };
        self.levels.last().is_some_and(|level| level.entries.contains(&var.entry))
    }

    /// Makes an entry's columns the expressions of a one-row query. What is left of the query is a row that says whether
    /// there is one: an outer join may have none, and then the columns are NULL.
    fn inline_row(&mut self, id: EntryId, mut query: Query) -> FromItem {
        let alias = self.alias(id);
        let there = Expr::integer(1, Oid::BOOL);
        let marker = Expr::positional(alias.clone(), 0, &there);
        let mut columns = Vec::new();
        if let Body::Select(select) = &mut query.body {
            let marked = vec![Target { name: "there".to_owned(), expr: there }];
            for target in std::mem::replace(&mut select.targets, marked) {
                let (type_oid, typmod) = (target.expr.type_oid, target.expr.typmod);
                let whens = vec![(Expr::template("({0} IS NOT NULL)", vec![marker.clone()], Oid::BOOL), target.expr)];
                columns.push(Expr { kind: ExprKind::Case { whens, otherwise: None }, type_oid, typmod });
            }
        }
        self.entries.insert(id, Entry { alias: Some(alias.clone()), columns: Columns::Computed(columns) });
        FromItem::Derived { query: Box::new(query), alias }
    }

    // ----- functions

    fn function_entry(&mut self, id: EntryId, calls: &[Typed], ordinality: bool) -> Result<FromItem> {
        if let [call] = calls
            && call.set_call().is_none()
        {
            return self.value_entry(id, call, ordinality);
        }
        let alias = self.alias(id);
        let Lockstep { item, columns, number } = self.lockstep(calls, alias.clone())?;
        let columns =
            columns.into_iter().flat_map(|columns| columns.values).chain(ordinality.then_some(number)).collect();
        self.entries.insert(id, Entry { alias: Some(alias), columns: Columns::Computed(columns) });
        Ok(item)
    }

    /// A function that returns one value, as a table of one row.
    fn value_entry(&mut self, id: EntryId, value: &Typed, ordinality: bool) -> Result<FromItem> {
        let depends = self.depends_on_row(value);
        if !depends {
            self.values.insert(id, value.clone());
        }
        let expr = self.expr(value)?;
        let mut targets = vec![Target { name: String::new(), expr }];
        if ordinality {
            targets.push(Target { name: "ordinality".to_owned(), expr: Expr::integer(1, Oid::INT8) });
        }
        let query = Query::of_select(Select { targets, ..Select::default() });
        match depends {
            true if Volatile::yielded_by(&query.body) => self.plan(id, query),
            true => Ok(self.inline_row(id, query)),
            false => Ok(self.derived(id, query)),
        }
    }

    /// The columns of one table that a condition's conjuncts compare for equality with something else: whether they are
    /// its whole primary key.
    pub(super) fn is_unique(&self, typed: &[TypedItem], from: &[FromItem], selection: Option<&Expr>) -> bool {
        let ([TypedItem::Entry(entry)], [FromItem::Table { alias, .. }]) = (typed, from) else { return false };
        let (EntryKind::Relation(oid), Some(selection)) = (&entry.kind, selection) else { return false };
        let Some(relation) = self.catalog().relations.get(oid) else { return false };
        let Some(key) = relation.primary_key().filter(|key| !key.deferrable) else { return false };
        let mut fixed = Vec::new();
        fixed_columns(selection, alias, &mut fixed);
        let mut names =
            key.columns.iter().map(|number| relation.column_by_number(*number).map(|column| column.stored_name()));
        names.all(|name| name.is_some_and(|name| fixed.iter().any(|fixed| **fixed == *name)))
    }
}

/// The columns of one table that a condition's conjuncts compare for equality with something else.
fn fixed_columns(condition: &Expr, alias: &str, out: &mut Vec<String>) {
    use crate::sql::functions::Call;
    let of_table = |expr: &Expr| match &expr.kind {
        ExprKind::Column(column) if column.alias.as_deref() == Some(alias) => Some(column.column.to_string()),
        _ => None,
    };
    match &condition.kind {
        ExprKind::Call(Call::Template("({0} AND {1})"), sides) => {
            sides.iter().for_each(|side| fixed_columns(side, alias, out));
        }
        ExprKind::Compare("=", left, right) => match (of_table(left), of_table(right)) {
            (Some(column), None) | (None, Some(column)) => out.push(column),
            _ => {}
        },
        _ => {}
    }
}

/// A sequence read as a table of one row.
fn sequence(oid: Oid) -> Query {
    let oid = || Expr::integer(i64::from(oid.0), Oid::REGCLASS);
    let columns = [
        ("last_value", Expr::function("pg_sequence_position", vec![oid()], Oid::INT8)),
        ("log_cnt", Expr::integer(0, Oid::INT8)),
        ("is_called", Expr::function("pg_sequence_is_called", vec![oid()], Oid::BOOL)),
    ];
    let targets = columns.into_iter().map(|(name, expr)| Target { name: name.to_owned(), expr }).collect();
    Query::of_select(Select { targets, ..Select::default() })
}

/// Whether a query is SELECT of expressions and nothing else: always one row, which its expressions can stand for.
fn is_single_row(query: &Query) -> bool {
    let Body::Select(select) = &query.body else { return false };
    query.ctes.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && select.from.is_empty()
        && select.selection.is_none()
        && select.group_by.is_empty()
        && select.having.is_none()
        && !select.targets.iter().any(|t| t.expr.contains_aggregate() || t.expr.contains_window())
}
