//! INSERT, UPDATE and DELETE.
//!
//! Owns: [`Lower::modify`]. What DO UPDATE does is in `conflict`. Specification: SQLite's lang_insert.html,
//! lang_update.html, lang_delete.html.

use std::rc::Rc;

use super::program::{Last, Statement};
use super::returning::returns_others;
use super::tree::{
    Body, Changed, Conflict, ConflictUpdate, Cte, Delete, Expr, ExprKind, FromItem, Insert, Modify, Target, Update,
};
use super::{Columns, Entry, Level, Lower};
use crate::catalog::schema::{Column, Relation};
use crate::error::{Error, Result};
use crate::sql::plan::Bind;
use crate::sql::tree::{
    CheckKind, Delete as TypedDelete, EntryId, Expr as Typed, ExprKind as TypedKind, Insert as TypedInsert,
    Modify as TypedModify, OnConflict, Target as TypedTarget, Update as TypedUpdate, WithCheck,
};
use crate::types::pg_type::Oid;

/// The alias under which DO UPDATE knows the proposed row.
pub(super) const EXCLUDED: &str = "excluded";

/// Columns, and what they get.
type Assignments = Vec<(Vec<Rc<str>>, Expr)>;

/// Where the values of columns come from.
pub(super) type RowSources = Vec<(i16, Bind)>;

impl<'a> Lower<'a> {
    /// A change of data, or what gives its RETURNING after steps that have made it; of an INSERT of one row, where its
    /// values come from.
    pub(super) fn modify(&mut self, modify: &TypedModify) -> Result<(Statement, RowSources)> {
        let by_rows = self.goes_by_rows(modify)?;
        let ctes = self.ctes_of(modify, by_rows)?;
        let statement = match modify {
            modify if by_rows => self.change_rows(modify)?,
            TypedModify::Insert(insert) if self.is_routed(insert) => self.insert_routed(insert)?,
            TypedModify::Update(update) if update.members => self.update_members(update)?,
            TypedModify::Delete(delete) if delete.members => self.delete_members(delete)?,
            TypedModify::Insert(insert) => {
                let (insert, row) = self.insert(insert, ctes)?;
                return Ok((Statement::Modify(Modify::Insert(insert)), row));
            }
            TypedModify::Update(update) if returns_others(modify) => self.update_in_steps(update)?,
            TypedModify::Delete(delete) if returns_others(modify) || self.deletes_own_rows(modify) => {
                self.delete_in_steps(delete)?
            }
            TypedModify::Merge(merge) => self.merge(merge)?,
            TypedModify::Update(update) => Statement::Modify(Modify::Update(self.update(update, ctes)?)),
            TypedModify::Delete(delete) => Statement::Modify(Modify::Delete(self.delete(delete, ctes)?)),
        };
        Ok((statement, Vec::new()))
    }

    /// The WITH list of a change of data; nothing is left of one that became steps.
    fn ctes_of(&mut self, modify: &TypedModify, by_rows: bool) -> Result<Vec<Cte>> {
        let (ctes, recursive) = modify.with();
        let of_members = match modify {
            TypedModify::Insert(insert) => self.is_routed(insert),
            TypedModify::Update(update) => update.members,
            TypedModify::Delete(delete) => delete.members,
            TypedModify::Merge(_) => false,
        };
        let in_steps = by_rows
            || of_members
            || returns_others(modify)
            || self.deletes_own_rows(modify)
            || matches!(modify, TypedModify::Merge(_));
        match self.steps_of(ctes, recursive, &Last::Modify(modify), in_steps)? {
            true => Ok(Vec::new()),
            false => self.ctes(ctes),
        }
    }

    fn insert(&mut self, insert: &TypedInsert, ctes: Vec<Cte>) -> Result<(Insert, RowSources)> {
        let relation = self.relation(insert.relation)?;
        let columns = insert.columns.iter().map(|number| column(relation, *number)).collect::<Result<Vec<_>>>()?;
        let (mut source, _) = self.body(&insert.source, &[])?;
        let row = self.complete(&mut source, relation, &columns);
        let alias = self.alias(insert.entry);
        self.entries.insert(insert.entry, Entry::of_relation(Some(alias.clone()), relation));
        let conflict = insert.conflict.as_ref().map(|on| self.conflict(on, relation)).transpose()?;
        self.upsert_key = UpsertKey::of(insert.conflict.as_ref());
        let returning = self.returning(&insert.returning, &insert.checks, insert.entry, relation);
        self.upsert_key = UpsertKey::None;
        let returning = returning?;
        let mut lowered = Insert {
            ctes,
            recursive: insert.recursive,
            table: relation.sqlite_name.clone(),
            alias,
            columns: columns.iter().map(|column| column.stored_name().into()).collect(),
            source,
            conflict,
            returning,
            changed: self.changed(relation),
        };
        self.affect_rows_once(&mut lowered);
        // The row that fails may be the one DO UPDATE makes.
        let updates = lowered.conflict.as_ref().is_some_and(|conflict| conflict.update.is_some());
        Ok((lowered, if updates { Vec::new() } else { row }))
    }

    /// The rows with NULL refused where SQLite would not; where the values of a single one come from.
    fn complete(&self, source: &mut Body, relation: &Relation, columns: &[&Column]) -> RowSources {
        match source {
            Body::Values { rows, .. } => {
                let single = rows.iter().filter(|_| rows.len() == 1).flatten().zip(columns);
                let sources = single.filter_map(|(value, column)| Some((column.number, source_of(value)?))).collect();
                for row in rows {
                    row.iter_mut().zip(columns).for_each(|(value, column)| refuse_null(value, column, relation));
                }
                sources
            }
            Body::Select(select) => {
                let values = select.targets.iter_mut().map(|target| &mut target.expr);
                values.zip(columns).for_each(|(value, column)| refuse_null(value, column, relation));
                Vec::new()
            }
            Body::SetOperation { .. } => Vec::new(),
        }
    }

    pub(super) fn conflict(&mut self, on: &OnConflict, relation: &Relation) -> Result<Conflict> {
        self.entries.insert(on.entry, Entry::of_relation(None, relation));
        let target = self.exprs(&on.target)?;
        let target_predicate = on.target_predicate.as_ref().map(|predicate| self.expr(predicate)).transpose()?;
        let update = match &on.update {
            None => None,
            Some(update) => {
                self.entries.insert(update.excluded, Entry::of_relation(Some(EXCLUDED.into()), relation));
                self.levels.push(Level { gives_rows: true, entries: vec![update.excluded], sets: None });
                let assignments = (update.assignments.iter())
                    .map(|(number, value)| self.assigned(relation, *number, value))
                    .collect::<Result<Vec<_>>>();
                let selection = update.selection.as_ref().map(|selection| self.condition(selection)).transpose();
                self.levels.pop();
                let (proposed, kept) = (self.fresh_cte_name(), self.fresh_cte_name());
                Some(ConflictUpdate { assignments: assignments?, selection: selection?, proposed, kept })
            }
        };
        Ok(Conflict { target, target_predicate, update })
    }

    /// An assignment of one column.
    pub(super) fn assigned(&mut self, relation: &Relation, number: i16, value: &Typed) -> Result<(Rc<str>, Expr)> {
        let column = column(relation, number)?;
        let mut value = self.expr(value)?;
        refuse_null(&mut value, column, relation);
        Ok((column.stored_name().into(), value))
    }

    fn update(&mut self, update: &TypedUpdate, ctes: Vec<Cte>) -> Result<Update> {
        let relation = self.relation(update.relation)?;
        let alias = self.alias(update.entry);
        self.enter_target(update.entry, &alias, relation);
        let lowered = self.update_in_level(update, relation);
        self.levels.pop();
        let (from, assignments, selection) = lowered?;
        let returning = self.returning(&update.returning, &update.checks, update.entry, relation)?;
        let table = relation.sqlite_name.clone();
        let changed = self.changed(relation);
        let recursive = update.recursive;
        Ok(Update { ctes, recursive, table, alias, assignments, from, selection, returning, changed })
    }

    pub(super) fn update_in_level(
        &mut self,
        update: &TypedUpdate,
        relation: &Relation,
    ) -> Result<(Vec<FromItem>, Assignments, Option<Expr>)> {
        let from = self.from_clause(&update.from)?;
        let mut assignments = Vec::with_capacity(update.assignments.len());
        for (numbers, value) in &update.assignments {
            assignments.push(match numbers.as_slice() {
                [number] => {
                    let (name, value) = self.assigned(relation, *number, value)?;
                    (vec![name], value)
                }
                numbers => {
                    let names = numbers.iter().map(|number| Ok(column(relation, *number)?.stored_name().into()));
                    (names.collect::<Result<_>>()?, self.expr(value)?)
                }
            });
        }
        Ok((from, assignments, self.rows_to_change(update.selection.as_ref(), update.entry, relation)?))
    }

    fn delete(&mut self, delete: &TypedDelete, ctes: Vec<Cte>) -> Result<Delete> {
        let relation = self.relation(delete.relation)?;
        let alias = self.alias(delete.entry);
        self.enter_target(delete.entry, &alias, relation);
        let lowered = self.delete_in_level(delete, relation);
        self.levels.pop();
        let (using, selection) = lowered?;
        let returning = self.returning(&delete.returning, &[], delete.entry, relation)?;
        let table = relation.sqlite_name.clone();
        let changed = self.changed(relation);
        Ok(Delete { ctes, recursive: delete.recursive, table, alias, using, selection, returning, changed })
    }

    pub(super) fn delete_in_level(
        &mut self,
        delete: &TypedDelete,
        relation: &Relation,
    ) -> Result<(Vec<FromItem>, Option<Expr>)> {
        let using = self.from_clause(&delete.using)?;
        Ok((using, self.rows_to_change(delete.selection.as_ref(), delete.entry, relation)?))
    }

    /// WHERE of an UPDATE or DELETE.
    fn rows_to_change(
        &mut self,
        selection: Option<&Typed>,
        entry: EntryId,
        relation: &Relation,
    ) -> Result<Option<Expr>> {
        let selection = selection.map(|selection| self.condition_by_postings(selection)).transpose()?;
        // What is read of members is as it was before anyway.
        let alone = !matches!(self.entries.get(&entry), Some(Entry { columns: Columns::Named(_), .. }));
        let there = if alone { self.was_there(relation, &self.alias(entry)) } else { None };
        Ok(Expr::connected("({0} AND {1})", selection.into_iter().chain(there).collect()))
    }

    /// The query level of an UPDATE or DELETE, in which the changed table is the first entry.
    pub(super) fn enter_target(&mut self, entry: EntryId, alias: &Rc<str>, relation: &Relation) {
        self.entries.insert(entry, Entry::of_relation(Some(alias.clone()), relation));
        self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
    }

    /// RETURNING, over the table's own name, which no sub-query's columns have.
    pub(super) fn returning(
        &mut self,
        targets: &[TypedTarget],
        checks: &[WithCheck],
        entry: EntryId,
        relation: &Relation,
    ) -> Result<Vec<Target>> {
        let name = format!("\"{}\"", relation.sqlite_name.replace('"', "\"\""));
        self.entries.insert(entry, Entry::of_relation(Some(name.into()), relation));
        self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
        let lowered = self.returning_in_level(targets, checks);
        self.levels.pop();
        lowered
    }

    fn returning_in_level(&mut self, targets: &[TypedTarget], checks: &[WithCheck]) -> Result<Vec<Target>> {
        let mut lowered = targets.iter().map(|target| self.returned(target)).collect::<Result<Vec<_>>>()?;
        // WITH CHECK OPTION: where RETURNING is evaluated, the row is as it has become, and an error undoes the statement.
        // What row security asks is asked row by row (`rows`).
        for check in checks.iter().rev().filter(|check| check.kind == CheckKind::View) {
            if lowered.is_empty() {
                let nothing = Expr::new(ExprKind::Null, Oid::TEXT);
                lowered.push(Target { expr: nothing, name: String::new() });
            }
            let Some(first) = lowered.first_mut() else { continue };
            let value = std::mem::replace(&mut first.expr, Expr::new(ExprKind::Null, Oid::TEXT));
            first.expr = self.checked(check, value)?;
        }
        Ok(lowered)
    }

    /// A value, if the check is true.
    pub(super) fn checked(&mut self, check: &WithCheck, value: Expr) -> Result<Expr> {
        let (code, message) = check.refusal();
        let (type_oid, typmod) = (value.type_oid, value.typmod);
        let raised = vec![Expr::text(code), Expr::text(message)];
        let otherwise = Some(Box::new(Expr::function("pg_raise", raised, type_oid)));
        let whens = vec![(self.condition(&check.condition)?, value)];
        Ok(Expr { kind: ExprKind::Case { whens, otherwise }, type_oid, typmod })
    }

    pub(super) fn returned(&mut self, target: &TypedTarget) -> Result<Target> {
        let expr = self.expr(&target.expr)?;
        Ok(Target { expr, name: target.name.clone() })
    }

    /// The tables that a change of the relation changes.
    pub(super) fn changed(&self, relation: &Relation) -> Changed {
        let changed = self.changed_with(relation);
        let tables = changed.iter().filter_map(|oid| self.catalog().relations.get(oid));
        let column = relation.columns.first().map(|column| column.stored_name().into());
        Changed { tables: tables.map(|table| table.sqlite_name.clone()).collect(), column }
    }
}

/// By what RETURNING of an INSERT knows the rows that DO UPDATE has changed.
#[derive(Clone)]
pub(super) enum UpsertKey {
    /// There is no DO UPDATE.
    None,
    /// By these columns, by which DO UPDATE finds the row and which it leaves as they are proposed.
    Columns(Vec<i16>),
    /// The key is made of expressions, or DO UPDATE changes it.
    Lost,
}

impl UpsertKey {
    fn of(conflict: Option<&OnConflict>) -> Self {
        let Some((target, update)) = conflict.and_then(|on| Some((&on.target, on.update.as_ref()?))) else {
            return Self::None;
        };
        let number = |key: &Typed| match &key.kind {
            TypedKind::Var(var) => Some(var.attribute),
            _ => None,
        };
        let Some(key) = target.iter().map(number).collect::<Option<Vec<i16>>>() else { return Self::Lost };
        let as_proposed = |(changed, value): &(i16, Typed)| match &value.kind {
            TypedKind::Var(var) => var.entry == update.excluded && var.attribute == *changed,
            _ => false,
        };
        match update.assignments.iter().all(|change| !key.contains(&change.0) || as_proposed(change)) {
            true => Self::Columns(key),
            false => Self::Lost,
        }
    }
}

pub(super) fn column(relation: &Relation, number: i16) -> Result<&Column> {
    relation.column_by_number(number).ok_or_else(|| Error::internal("a column that is not there"))
}

/// SQLite gives a NULL rowid alias a number of its own choosing; PostgreSQL refuses NULL in a primary key. In a table
/// that another program made, SQLite is meant to.
pub(super) fn refuse_null(value: &mut Expr, column: &Column, relation: &Relation) {
    if !column.rowid_alias || matches!(value.kind, ExprKind::Const(_) | ExprKind::Literal(_)) {
        return;
    }
    if matches!(value.kind, ExprKind::Null) && !relation.declared {
        return;
    }
    let (type_oid, typmod) = (value.type_oid, value.typmod);
    let checked = std::mem::replace(value, Expr::new(ExprKind::Null, type_oid));
    // A parameter is looked at without a call.
    let parameter = matches!(checked.kind, ExprKind::Param(_)).then(|| checked.clone());
    let args = vec![checked, Expr::text(relation.name.clone()), Expr::text(column.name.clone())];
    let raised = Expr::function("pg_raise_not_null", args, type_oid);
    let refused = match parameter {
        Some(parameter) => Expr::template("coalesce({0}, {1})", vec![parameter, raised], type_oid),
        None => raised,
    };
    *value = Expr { typmod, ..refused };
}

/// Where a value comes from, if it is a parameter or a constant.
fn source_of(value: &Expr) -> Option<Bind> {
    match &value.kind {
        ExprKind::Param(n) => Some(Bind::Param(*n)),
        ExprKind::Literal(n) => Some(Bind::Literal(*n)),
        _ => None,
    }
}
