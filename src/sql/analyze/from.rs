//! FROM: tables, views, sub-queries, functions, joins.
//!
//! Owns: [`Analyzer::from_clause`]. Specification: sql-select.html#SQL-FROM, queries-table-expressions.html.

use std::ops::Range;

use crate::catalog::policy::PolicyCommand;
use crate::catalog::schema::{Relation, RelationKind};
use crate::catalog::tables::contents;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::outer::OuterTable;
use crate::sql::analyze::scope::{Merged, Naming, RangeColumn, RangeVar};
use crate::sql::analyze::stored;
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::ast::query::{
    Alias, FromItem as Item, JoinExpr, JoinQuals, JoinType, RangeSubselect, RangeVar as RangeName,
};
use crate::sql::syntax::parse;
use crate::sql::tree::{EntryId, EntryKind, Expr, ExprKind, FromItem, JoinKind, Query, RangeTblEntry, Written};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// The FROM list; its entries are added to the innermost scope.
    pub(super) fn from_clause(&mut self, from: &[Item]) -> Result<Vec<FromItem>> {
        let mut items = Vec::with_capacity(from.len());
        for item in from {
            let start = self.entry_count();
            items.push(self.from_item(item)?);
            self.check_conflicts(0..start, start..self.entry_count())?;
        }
        Ok(items)
    }

    /// 42712 where entries on both sides can be called by one name (checkNameSpaceConflicts).
    fn check_conflicts(&self, left: Range<usize>, right: Range<usize>) -> Result<()> {
        let Some(scope) = self.scopes.last() else { return Err(Error::internal("no scope")) };
        let named = |range: Range<usize>| {
            let entries = scope.entries.get(range).into_iter().flatten();
            entries.filter(|entry| entry.naming != Naming::Covered && !entry.name.is_empty())
        };
        let conflict = |a: &RangeVar, b: &RangeVar| {
            a.name == b.name && (a.schema == b.schema || a.schema.is_none() || b.schema.is_none())
        };
        match named(left).find(|one| named(right.clone()).any(|other| conflict(one, other))) {
            None => Ok(()),
            Some(entry) => {
                let message = format!("table name \"{}\" specified more than once", entry.name);
                Err(Error::new(SqlState::DUPLICATE_ALIAS, message))
            }
        }
    }

    fn entry_count(&self) -> usize {
        self.scopes.last().map_or(0, |s| s.entries.len())
    }

    fn add_entry(&mut self, entry: RangeVar) -> Result<()> {
        let Some(scope) = self.scopes.last_mut() else { return Err(Error::internal("no scope")) };
        scope.entries.push(entry);
        Ok(())
    }

    pub(super) fn from_item(&mut self, item: &Item) -> Result<FromItem> {
        match item {
            Item::Relation(name) => self.table(name).map_err(|e| self.at(e, name.location)),
            Item::Subselect(sub) => self.derived(sub, true),
            Item::Function(function) => self.function_in_from(function).map_err(|e| self.at(e, function.location)),
            Item::TableFunc(table) => self.xml_table(table),
            Item::TableSample(sample) => self.sampled(sample),
            Item::Join(join) if join.join_type != JoinType::Inner => {
                self.without_samples(|a| a.deeper(|a| a.join(join)))
            }
            Item::Join(join) => self.deeper(|a| a.join(join)),
        }
    }

    // ----- tables and views

    pub(super) fn table(&mut self, name: &RangeName) -> Result<FromItem> {
        let alias = name.alias.as_ref();
        if name.schema.is_none()
            && let Some(cte) = self.ctes.iter().rev().find(|c| c.name == name.relation).cloned()
        {
            if let Some(error) = cte.refused {
                return Err(error);
            }
            let id = self.fresh_entry();
            let shown = alias.map_or_else(|| name.relation.clone(), |a| a.name.clone());
            let mut entry = RangeVar::of_columns(shown, id, &cte.columns);
            entry.carry_origins(&cte.origins);
            entry.unexpanded = cte.unexpanded;
            self.cte_places.insert(id, name.location);
            return self.entered(entry, EntryKind::Cte(cte.id), alias);
        }
        if let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0 && name.schema.is_none())
            && let Some(table) = outer.table(&name.relation)
        {
            return self.outer_table(table, name);
        }
        let relation = self.relation(name)?;
        self.permissions.borrow_mut().read(relation.oid);
        let locked = self.is_locked(alias.map_or(name.relation.as_str(), |alias| alias.name.as_str()));
        match relation.kind {
            RelationKind::View if relation.view_query.is_some() && !self.to_be_printed() => {
                self.view(relation, alias, locked)
            }
            RelationKind::System if contents::is_query(relation) && !self.to_be_printed() => {
                self.view(relation, alias, false)
            }
            RelationKind::Composite => {
                let message = format!("\"{}\" is a composite type", relation.name);
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            RelationKind::Index => {
                let message = format!("cannot open relation \"{}\"", relation.name);
                let detail = "This operation is not supported for indexes.";
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_detail(detail))
            }
            // A view without a query is SQLite's own, in a file that another program made.
            RelationKind::Table | RelationKind::System | RelationKind::View | RelationKind::Sequence => {
                let shown = alias.map_or_else(|| relation.name.clone(), |a| a.name.clone());
                let id = self.fresh_entry();
                let mut entry = RangeVar::table(self, relation, shown, id);
                if alias.is_some() {
                    entry.schema = None;
                }
                entry.has_members = name.inherit && relation.has_members();
                let kind = match entry.has_members {
                    true => EntryKind::Members(relation.oid),
                    false => EntryKind::Relation(relation.oid),
                };
                let commands: &[_] = match locked {
                    true => &[PolicyCommand::Update, PolicyCommand::Select],
                    false => &[PolicyCommand::Select],
                };
                let security_quals = self.security_quals(relation, id, commands)?;
                let item = self.entered(entry, kind, alias)?;
                if !name.inherit {
                    self.note_only(id);
                }
                Ok(secured(item, |entry| entry.security_quals = security_quals))
            }
        }
    }

    /// A transition table.
    fn outer_table(&mut self, table: OuterTable, name: &RangeName) -> Result<FromItem> {
        let OuterTable { relation, number } = table;
        let found = self.catalog().relations.get(&relation).ok_or_else(|| Error::internal("no such relation"))?;
        let alias = name.alias.as_ref();
        let shown = alias.map_or_else(|| name.relation.clone(), |a| a.name.clone());
        let id = self.fresh_entry();
        let mut entry = RangeVar::table(self, found, shown, id);
        (entry.schema, entry.relation) = (None, None);
        entry.may_have_nulls();
        for column in &mut entry.columns {
            if let ExprKind::Var(var) = &mut column.expr.kind {
                var.origin = (Oid::INVALID, 0);
            }
        }
        self.entered(entry, EntryKind::Kept { relation, number }, alias)
    }

    /// An entry whose columns the alias may rename, added to the scope.
    pub(super) fn entered(&mut self, mut entry: RangeVar, kind: EntryKind, alias: Option<&Alias>) -> Result<FromItem> {
        entry.rename_columns(column_aliases(alias))?;
        self.note_entry(&entry, alias);
        let id = entry.entry;
        self.add_entry(entry)?;
        Ok(FromItem::Entry(RangeTblEntry::new(id, kind)))
    }

    /// A view's query.
    pub(super) fn view_query(&mut self, relation: &Relation) -> Result<Query> {
        let text = relation.view_query.as_deref().unwrap_or_default();
        let ast = parse::query(text)?;
        self.permissions.borrow_mut().enter_view(relation);
        // What it refers to is its own, not the statement's.
        let used = self.used.borrow().columns.clone();
        let query = self.stored(|a| a.deeper(|a| a.query(&ast)))?;
        self.used.borrow_mut().columns = used;
        self.permissions.borrow_mut().leave_view();
        Ok(query)
    }

    /// A view is its query, analysed anew under the names it was stored with.
    fn view(&mut self, relation: &Relation, alias: Option<&Alias>, locked: bool) -> Result<FromItem> {
        self.locks_next = locked;
        let query = self.view_query(relation)?;
        let outputs = query.outputs();
        let columns: Vec<(String, Oid, i32)> = relation
            .columns
            .iter()
            .zip(outputs)
            .map(|(column, (_, type_oid, typmod))| (column.name.clone(), type_oid, typmod))
            .collect();
        let shown = alias.map_or_else(|| relation.name.clone(), |a| a.name.clone());
        let id = self.fresh_entry();
        let mut entry = RangeVar::of_columns(shown, id, &columns);
        entry.schema = alias.is_none().then(|| relation.schema.clone());
        let origins: Vec<_> = relation.columns.iter().map(|column| (relation.oid, column.number)).collect();
        entry.carry_origins(&origins);
        entry.row_type = Some(relation.oid);
        let item = self.entered(entry, EntryKind::Subquery { query: Box::new(query), lateral: false }, alias)?;
        Ok(secured(item, |entry| entry.security_barrier = relation.is_on("security_barrier")))
    }

    /// Analyses stored text: nothing of the statement around it is in scope, and names mean what they meant when it
    /// was stored (those outside of `public` are written with their schema).
    pub(super) fn stored<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let scopes = std::mem::take(&mut self.scopes);
        let ctes = std::mem::take(&mut self.ctes);
        let search_path = std::mem::replace(&mut self.search_path, stored::search_path());
        self.in_stored_text += 1;
        self.permissions.borrow_mut().enter_stored();
        let result = run(self);
        self.permissions.borrow_mut().leave_stored();
        self.in_stored_text -= 1;
        self.search_path = search_path;
        self.ctes = ctes;
        self.scopes = scopes;
        result
    }

    /// A sub-query, through which it is seen whose columns are whose, or not.
    pub(super) fn derived(&mut self, sub: &RangeSubselect, origins: bool) -> Result<FromItem> {
        let lateral = sub.lateral;
        self.locks_next = self.is_locked(sub.alias.as_ref().map_or("", |alias| alias.name.as_str()));
        let own = "FROM clause of their own query level";
        let (query, columns) = self.in_clause(own, |a| a.hiding_siblings(!lateral, |a| a.subquery(&sub.subquery)))?;
        let Some(alias) = &sub.alias else { return Err(Error::internal("a sub-query without an alias")) };
        let id = self.fresh_entry();
        let mut entry = RangeVar::of_columns(alias.name.clone(), id, &columns);
        if origins {
            entry.carry_origins(&query.origins());
        }
        self.entered(entry, EntryKind::Subquery { query: Box::new(query), lateral }, Some(alias))
    }

    /// Runs with the entries of the innermost scope out of sight: a sub-query in FROM does not see its siblings.
    fn hiding_siblings<T>(&mut self, hide: bool, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let depth = self.scopes.len();
        let mut before = Vec::new();
        if hide && let Some(scope) = self.scopes.last_mut() {
            before = scope.entries.iter().map(|e| e.visible).collect();
            scope.entries.iter_mut().for_each(|e| e.visible = false);
        }
        let merged = self.scopes.last_mut().map(|s| std::mem::take(&mut s.merged)).unwrap_or_default();
        let result = run(self);
        if let Some(scope) = self.scopes.get_mut(depth.wrapping_sub(1)) {
            scope.merged = merged;
            scope.entries.iter_mut().zip(before).for_each(|(e, visible)| e.visible = visible);
        }
        result
    }

    // ----- joins

    fn join(&mut self, join: &JoinExpr) -> Result<FromItem> {
        let start = self.entry_count();
        let left = self.from_item(&join.left)?;
        let middle = self.entry_count();
        let kind = match (join.join_type, &join.quals, join.natural) {
            (JoinType::Inner, JoinQuals::None, false) => JoinKind::Cross,
            (JoinType::Inner, ..) => JoinKind::Inner,
            (JoinType::Left, ..) => JoinKind::Left,
            (JoinType::Right, ..) => JoinKind::Right,
            (JoinType::Full, ..) => JoinKind::Full,
        };
        let printed = self.to_be_printed();
        let right = match kind {
            // What the right side is cannot depend on a row of the left that may not be there.
            JoinKind::Right | JoinKind::Full => self.out_of_reach(start..middle, |a| a.from_item(&join.right))?,
            _ => self.from_item(&join.right)?,
        };
        let end = self.entry_count();
        self.check_conflicts(start..middle, middle..end)?;
        let on = match &join.quals {
            JoinQuals::On(condition) => Some(self.join_condition(start, condition)?),
            JoinQuals::Using(names, alias) => {
                let on = self.using(kind, start, middle, end, names)?;
                if let Some(alias) = alias {
                    self.merged_alias(start..end, names, alias)?;
                    self.check_conflicts(end..end + 1, start..end)?;
                }
                on
            }
            JoinQuals::None if join.natural => {
                let names = self.common_columns(start, middle, end);
                self.note_natural(middle, &names);
                self.using(kind, start, middle, end, &names)?
            }
            JoinQuals::None => None,
        };
        let nullable = match kind {
            JoinKind::Inner | JoinKind::Cross => 0..0,
            JoinKind::Left => middle..end,
            JoinKind::Right => start..middle,
            JoinKind::Full => start..end,
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.get_mut(nullable).into_iter().flatten().for_each(RangeVar::make_nullable);
        }
        let alias = join.alias.as_ref().map(|alias| self.join_alias(start, alias)).transpose()?;
        if printed {
            self.note_join(middle, join, alias);
        }
        Ok(FromItem::Join { kind, left: Box::new(left), right: Box::new(right), on })
    }

    /// (a JOIN b) AS alias: its columns are all of theirs, and the tables cannot be named any more.
    fn join_alias(&mut self, start: usize, alias: &Alias) -> Result<EntryId> {
        let columns = self.scopes.last().map(|scope| scope.columns_from(start)).unwrap_or_default();
        let id = self.fresh_entry();
        let mut entry = RangeVar::of_columns(alias.name.clone(), id, &[]);
        if self.to_be_printed() {
            // The tables cannot be named, but the join's columns can.
            let columns: Vec<_> = columns.into_iter().map(|(name, e)| (name, e.type_oid, e.typmod)).collect();
            entry = RangeVar::of_columns(alias.name.clone(), id, &columns);
        } else {
            entry.columns = columns.into_iter().map(|(name, expr)| RangeColumn { name, expr }).collect();
        }
        entry.rename_columns(&alias.columns).map_err(|error| {
            let message = error.message().replacen("table", "join expression", 1);
            Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
        })?;
        self.note_entry(&entry, Some(alias));
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.iter_mut().skip(start).for_each(|e| e.naming = Naming::Covered);
            scope.merged.retain(|merged| !merged.hides.iter().any(|index| *index >= start));
        }
        self.add_entry(entry)?;
        Ok(id)
    }

    /// JOIN … USING (names) AS alias: the merged columns, by that name too.
    fn merged_alias(&mut self, join: Range<usize>, names: &[String], alias: &Alias) -> Result<()> {
        let mut entry = RangeVar::of_columns(alias.name.clone(), self.fresh_entry(), &[]);
        entry.naming = Naming::Qualified;
        if let Some(scope) = self.scopes.last() {
            let merged = |name: &String| {
                let of_join = |m: &&Merged| m.name == *name && m.hides.iter().all(|index| join.contains(index));
                scope
                    .merged
                    .iter()
                    .rev()
                    .find(of_join)
                    .map(|m| RangeColumn { name: name.clone(), expr: m.expr.clone() })
            };
            entry.columns = names.iter().filter_map(merged).collect();
        }
        self.add_entry(entry)
    }

    /// Does something in which these entries can be named, but not used.
    fn out_of_reach<T>(&mut self, entries: Range<usize>, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let mut outer = Vec::new();
        if let Some(scope) = self.scopes.last_mut() {
            outer.clone_from(&scope.out_of_reach);
            scope.out_of_reach.extend(entries);
        }
        let result = run(self);
        if let Some(scope) = self.scopes.last_mut() {
            scope.out_of_reach = outer;
        }
        result
    }

    /// ON sees only the tables of its own join.
    fn join_condition(&mut self, start: usize, condition: &Ast) -> Result<Expr> {
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.iter_mut().take(start).for_each(|e| e.visible = false);
        }
        let result = self.condition(condition, "JOIN/ON");
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.iter_mut().take(start).for_each(|e| e.visible = true);
        }
        result
    }

    fn common_columns(&self, start: usize, middle: usize, end: usize) -> Vec<String> {
        let Some(scope) = self.scopes.last() else { return Vec::new() };
        let names = |from: usize, to: usize| -> Vec<String> {
            scope
                .entries
                .get(from..to)
                .unwrap_or(&[])
                .iter()
                .filter(|e| e.naming == Naming::Any)
                .flat_map(|e| e.columns.iter().map(|c| c.name.clone()))
                .collect()
        };
        let right = names(middle, end);
        let mut common = Vec::new();
        for name in names(start, middle) {
            if right.contains(&name) && !common.contains(&name) {
                common.push(name);
            }
        }
        common
    }

    /// JOIN … USING (names): equality of each, and one merged column of each.
    fn using(
        &mut self,
        kind: JoinKind,
        start: usize,
        middle: usize,
        end: usize,
        names: &[String],
    ) -> Result<Option<Expr>> {
        let mut conditions = Vec::with_capacity(names.len());
        for name in names {
            let (left, mut hides) = self.side_column(start, middle, name, "left")?;
            let (right, hides_right) = self.side_column(middle, end, name, "right")?;
            hides.extend(hides_right);
            let equal = self.operator("=", left.clone(), right.clone())?;
            self.note_use([&left, &right].into_iter());
            conditions.push(equal);
            let common = self.common_type(&[left.type_oid, right.type_oid], "JOIN/USING")?;
            // buildMergedJoinVar: of an inner join either will do, rather one that needs no conversion.
            let takes_right = match kind {
                JoinKind::Right => true,
                JoinKind::Inner => left.type_oid != common && right.type_oid == common,
                _ => false,
            };
            let left = self.to_common(left, common, "JOIN/USING")?;
            let right = self.to_common(right, common, "JOIN/USING")?;
            let expr = match kind {
                _ if takes_right => right,
                JoinKind::Full if self.to_be_printed() => {
                    Expr::new(ExprKind::Written(Written::Merged(name.clone()), vec![left, right]), common)
                }
                JoinKind::Full => Expr::new(ExprKind::Coalesce(vec![left, right]), common),
                _ => left,
            };
            if let Some(scope) = self.scopes.last_mut() {
                scope.merged.retain(|m| m.name != *name || !m.hides.iter().any(|h| hides.contains(h)));
                scope.merged.push(Merged { name: name.clone(), expr, hides });
            }
        }
        Ok(match conditions.len() {
            0 | 1 => conditions.pop(),
            _ => Some(Expr::new(ExprKind::And(conditions), Oid::BOOL)),
        })
    }

    /// The column of one side of a join, and the entries it stands for.
    fn side_column(&self, from: usize, to: usize, name: &str, side: &str) -> Result<(Expr, Vec<usize>)> {
        let Some(scope) = self.scopes.last() else { return Err(Error::internal("no scope")) };
        let merged =
            scope.merged.iter().rev().find(|m| m.name == name && m.hides.iter().all(|h| (from..to).contains(h)));
        if let Some(merged) = merged {
            return Ok((merged.expr.clone(), merged.hides.clone()));
        }
        let mut found = None;
        for (index, entry) in scope.entries.iter().enumerate().take(to).skip(from) {
            if entry.naming != Naming::Any {
                continue;
            }
            for column in entry.columns.iter().filter(|c| c.name == name) {
                if found.is_some() {
                    let message = format!("common column name \"{name}\" appears more than once in {side} table");
                    return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message));
                }
                found = Some((column.expr.clone(), vec![index]));
            }
        }
        found.ok_or_else(|| {
            let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        })
    }
}

/// An entry with what hides rows of it.
fn secured(mut item: FromItem, set: impl FnOnce(&mut RangeTblEntry)) -> FromItem {
    if let FromItem::Entry(entry) = &mut item {
        set(entry);
    }
    item
}

/// The names in alias (a, b, …).
fn column_aliases(alias: Option<&Alias>) -> &[String] {
    alias.map_or(&[], |alias| &alias.columns)
}
