//! Changes of tables and views that have triggers: the query gives the rows, and what becomes of each is done one by one.
//!
//! Owns: [`Lower::change_rows`], which makes the step, and [`update_row`]. How it is run is `engine::row_change`.

use std::rc::Rc;
use std::sync::Arc;

use super::modify::{column, refuse_null};
use super::program::{Keep, Statement, kept_item, rowid};
use super::returning::{KEPT, of_kept, vars_of};
use super::routing::{mentions, of_member};
use super::tree::{
    Body, Changed, ColumnRef, Conflict, Delete, Expr, ExprKind, FromItem, Insert, JoinKind, Modify, Query, Select,
    Target, Update,
};
use super::{Columns, Context, Entry, Level, Lower, print};
use crate::catalog::schema::{CatalogSnapshot, Constraint, ForeignKey, Relation, RelationKind};
use crate::catalog::server_keys::ServerKeys;
use crate::catalog::trigger::Event;
use crate::error::{Error, Result};
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::plan::ProgramStep;
use crate::sql::row_change::{ROW_VALUES, RowAction, RowChange, RowCheck, RowConflict, RowLayout, RowMembers, RowSql};
use crate::sql::tree::{
    CheckKind, Delete as TypedDelete, EntryId, FromItem as TypedItem, Insert as TypedInsert, Merge, MergeKind,
    Modify as TypedModify, OnConflict, TABLE_OID, Target as TypedTarget, Update as TypedUpdate, Var, WithCheck,
};
use crate::types::pg_type::Oid;

/// What a statement does to its relation, and the columns that its UPDATE names.
fn events(modify: &TypedModify) -> Vec<(Event, Vec<i16>)> {
    let updated = |assignments: &[(Vec<i16>, crate::sql::tree::Expr)]| {
        assignments.iter().flat_map(|(columns, _)| columns).copied().collect()
    };
    match modify {
        TypedModify::Insert(insert) => {
            let mut events = vec![(Event::Insert, Vec::new())];
            if let Some(update) = insert.conflict.as_ref().and_then(|on| on.update.as_ref()) {
                events.push((Event::Update, update.assignments.iter().map(|(column, _)| *column).collect()));
            }
            events
        }
        TypedModify::Update(update) => vec![(Event::Update, updated(&update.assignments))],
        TypedModify::Delete(_) => vec![(Event::Delete, Vec::new())],
        TypedModify::Merge(merge) => {
            let mut events: Vec<(Event, Vec<i16>)> = Vec::new();
            for wanted in [Event::Insert, Event::Update, Event::Delete] {
                let mut columns = Vec::new();
                let mut found = false;
                for action in &merge.actions {
                    match (&action.kind, wanted) {
                        (MergeKind::Insert(_), Event::Insert) | (MergeKind::Delete, Event::Delete) => found = true,
                        (MergeKind::Update(values), Event::Update) => {
                            found = true;
                            columns.extend(values.iter().map(|(column, _)| *column));
                        }
                        _ => {}
                    }
                }
                if found {
                    events.push((wanted, columns));
                }
            }
            events
        }
    }
}

impl<'a> Lower<'a> {
    /// Whether a change of data is one of rows: its relation is a view, or has triggers that it may fire, or row security is
    /// asked of each row before it is written, or what is evaluated for it may write as well.
    pub(super) fn goes_by_rows(&self, modify: &TypedModify) -> Result<bool> {
        if self.context.routines_write {
            return Ok(true);
        }
        let relation = self.relation(modify.relation())?;
        let members = self.changes_members(modify)?;
        if relation.kind == RelationKind::View || modify.checks_policies() && !members {
            return Ok(true);
        }
        if members && needs_rows(modify, relation) || self.may_come_twice(modify) {
            return Ok(true);
        }
        // What its actions read is computed for all rows before the first is changed.
        if let TypedModify::Merge(merge) = modify
            && self.reads_changed(relation, merge.action_exprs())
        {
            return Ok(true);
        }
        let mut events = events(modify);
        let mut tables = vec![relation];
        if members {
            if let TypedModify::Update(update) = modify
                && update.moves()
            {
                events.extend([(Event::Delete, Vec::new()), (Event::Insert, Vec::new())]);
            }
            tables.extend(self.catalog().inheritors(relation.oid).into_iter().map(|member| &**member));
        }
        let fires = |relation: &&Relation| {
            relation.options.triggers.iter().any(|t| events.iter().any(|(event, _)| t.fires_on(*event)))
        };
        if tables.iter().any(fires) {
            return Ok(true);
        }
        let ServerKeys { own, acting } = self.catalog().server_keys();
        if acting.is_empty() && own.is_empty() {
            return Ok(false);
        }
        let mut referred: Vec<Oid> = tables.iter().map(|table| table.oid).collect();
        for table in &tables {
            referred.extend(self.catalog().partition_ancestors(table).into_iter().map(|above| above.oid));
        }
        let touches = |columns: &[i16]| {
            events.iter().any(|(event, named)| match event {
                Event::Insert => true,
                Event::Update => members || columns.iter().any(|column| named.contains(column)),
                Event::Delete | Event::Truncate => false,
            })
        };
        let is_own = |c: &Constraint| {
            members && acting.contains(&c.oid) || own.contains(&c.oid) && (members || touches(&c.columns))
        };
        if tables.iter().any(|table| table.constraints.iter().any(is_own)) {
            return Ok(true);
        }
        let removes = |key: &ForeignKey| {
            events.iter().any(|(event, named)| match event {
                Event::Delete => true,
                Event::Update => members || relation.is_partition() || key.columns.iter().any(|c| named.contains(c)),
                Event::Insert | Event::Truncate => false,
            })
        };
        let constraints = || self.catalog().relations.values().flat_map(|r| &r.constraints);
        let mut own_keys = constraints().filter(|c| own.contains(&c.oid)).filter_map(|c| c.foreign_key());
        if own_keys.any(|key| referred.contains(&key.relation) && removes(key)) {
            return Ok(true);
        }
        let follows = |key: &ForeignKey| {
            referred.contains(&key.relation)
                && events.iter().any(|(event, columns)| match event {
                    Event::Delete => b"cnd".contains(&key.on_delete),
                    Event::Update => {
                        b"cnd".contains(&key.on_update)
                            && (members
                                || relation.is_partition()
                                || key.columns.iter().any(|column| columns.contains(column)))
                    }
                    Event::Insert | Event::Truncate => false,
                })
        };
        Ok(constraints().filter(|c| acting.contains(&c.oid)).filter_map(|c| c.foreign_key()).any(follows))
    }

    /// Whether rows of other tables than the relation itself are changed: its members.
    fn changes_members(&self, modify: &TypedModify) -> Result<bool> {
        Ok(match modify {
            TypedModify::Insert(insert) => self.is_routed(insert),
            TypedModify::Update(update) => update.members,
            TypedModify::Delete(delete) => delete.members,
            TypedModify::Merge(merge) => merge.members,
        })
    }

    /// What is known of the members whose rows are changed.
    fn row_members(&mut self, modify: &TypedModify, relation: &'a Relation) -> Result<Option<RowMembers>> {
        if !self.changes_members(modify)? {
            return Ok(None);
        }
        let (entry, keys) = match modify {
            TypedModify::Insert(insert) => (insert.entry, &insert.routing),
            TypedModify::Update(update) => (update.entry, &update.routing),
            TypedModify::Merge(merge) => (merge.entry, &merge.routing),
            TypedModify::Delete(_) => return Ok(Some(RowMembers::default())),
        };
        let mut members = RowMembers::default();
        if relation.is_partitioned() {
            self.entries.insert(entry, Entry::of_parameters(relation, ROW_VALUES + relation.columns.len()));
            let there = self.route(relation, entry, keys)?;
            members.route = Some(self.row_query(vec![there], Vec::new(), None)?);
        }
        if let TypedModify::Insert(TypedInsert { conflict: Some(on), entry, .. }) = modify {
            for leaf in self.members(relation) {
                self.entries.insert(on.entry, of_member(relation, leaf, None));
                let target = self.exprs(&on.target)?;
                let target_predicate = on.target_predicate.as_ref().map(|p| self.expr(p)).transpose()?;
                let insert = inserting(leaf, Some(Conflict { target, target_predicate, update: None }), self.context)?;
                let conflict = self.conflicting_row(on, *entry, (relation, leaf))?;
                members.arbiters.insert(leaf.oid, (insert, conflict));
            }
        }
        Ok(Some(members))
    }

    /// Makes the step; the statement gives RETURNING, or the number of rows.
    pub(super) fn change_rows(&mut self, modify: &TypedModify) -> Result<Statement> {
        let relation = self.relation(modify.relation())?;
        self.program.fires = true;
        let mut change = RowChange {
            relation: relation.oid,
            events: events(modify),
            layout: RowLayout::default(),
            actions: Vec::new(),
            conflict: None,
            insert: None,
            delete: None,
            updates: Default::default(),
            checks: Vec::new(),
            returns: !modify.returning().is_empty(),
            members: self.row_members(modify, relation)?,
            is_main: self.program.main == Some(std::ptr::from_ref(modify)),
        };
        if relation.kind == RelationKind::Table && change.members.is_none() {
            if change.has(Event::Insert) {
                change.insert = Some(self.insert_row(relation, modify)?);
            }
            if change.has(Event::Delete) {
                change.delete = Some(delete_row(relation, self.catalog())?);
            }
        }
        match modify {
            TypedModify::Insert(insert) => self.insert_rows(insert, relation, change),
            TypedModify::Update(update) => self.update_rows(update, relation, change),
            TypedModify::Delete(delete) => self.delete_rows(delete, relation, change),
            TypedModify::Merge(merge) => self.merge_rows(merge, relation, change),
        }
    }

    fn insert_rows(
        &mut self,
        insert: &TypedInsert,
        relation: &'a Relation,
        mut change: RowChange,
    ) -> Result<Statement> {
        let (source, _) = self.body(&insert.source, &[])?;
        let values = insert.columns.iter().enumerate().map(|(at, number)| Ok((place(relation, *number)?, at)));
        change.actions = vec![RowAction { event: Some(Event::Insert), values: values.collect::<Result<_>>()? }];
        change.layout.others = insert.columns.len()..insert.columns.len();
        if let Some(on) = &insert.conflict {
            change.conflict = Some(match change.members {
                None => self.conflicting_row(on, insert.entry, (relation, relation))?,
                Some(_) => RowConflict { update: None },
            });
        }
        change.checks = self.row_checks(&insert.checks, insert.entry, relation)?;
        self.row_step(Query::of(source), change, relation, (insert.entry, &insert.returning, &[]))
    }

    fn update_rows(
        &mut self,
        update: &TypedUpdate,
        relation: &'a Relation,
        mut change: RowChange,
    ) -> Result<Statement> {
        let alias = self.alias(update.entry);
        self.note_known(update.selection.as_ref(), &update.from);
        let item = self.enter_changed(update.entry, &alias, relation, change.members.is_some())?;
        let vars = vars_of(&others(&update.from, update.entry), returned(&update.returning));
        let lowered = self.update_in_level(update, relation).and_then(|lowered| {
            let old = self.whole_row(update.entry, relation)?;
            let others = vars.iter().map(|(var, oid, typmod)| self.column(var, *oid, *typmod));
            Ok((lowered, old, others.collect::<Result<Vec<_>>>()?))
        });
        self.levels.pop();
        let ((from, assignments, selection), old, others) = lowered?;
        let mut values = Vec::new();
        let mut exprs = Vec::new();
        for (names, value) in assignments {
            for (index, name) in names.iter().enumerate() {
                let place = relation.columns.iter().position(|column| column.stored_name() == &**name);
                let place = place.ok_or_else(|| Error::internal("a column that is not there"))?;
                values.push((place, exprs.len()));
                exprs.push(if names.len() == 1 { value.clone() } else { one_of_row(&value, index)? });
            }
        }
        let is_plain = relation.kind == RelationKind::Table && change.members.is_none() && from.is_empty();
        let selection = match self.context.routines_write && is_plain {
            true => Some(found_before(relation, &alias, selection)),
            false => selection,
        };
        let (mut targets, first) = self.row_identity(&mut change, relation, (update.entry, &alias), old)?;
        values.iter_mut().for_each(|(_, at)| *at += first);
        targets.extend(exprs);
        change.layout.others = targets.len()..targets.len() + others.len();
        targets.extend(others);
        change.actions = vec![RowAction { event: Some(Event::Update), values }];
        change.checks = self.row_checks(&update.checks, update.entry, relation)?;
        let query = source((relation, item), &alias, targets, from, selection);
        let vars: Vec<Var> = vars.into_iter().map(|(var, ..)| var).collect();
        self.row_step(query, change, relation, (update.entry, &update.returning, &vars))
    }

    fn delete_rows(
        &mut self,
        delete: &TypedDelete,
        relation: &'a Relation,
        mut change: RowChange,
    ) -> Result<Statement> {
        let alias = self.alias(delete.entry);
        self.note_known(delete.selection.as_ref(), &delete.using);
        let item = self.enter_changed(delete.entry, &alias, relation, change.members.is_some())?;
        let vars = vars_of(&others(&delete.using, delete.entry), returned(&delete.returning));
        let lowered = self.delete_in_level(delete, relation).and_then(|lowered| {
            let old = self.whole_row(delete.entry, relation)?;
            let others = vars.iter().map(|(var, oid, typmod)| self.column(var, *oid, *typmod));
            Ok((lowered, old, others.collect::<Result<Vec<_>>>()?))
        });
        self.levels.pop();
        let ((using, selection), old, others) = lowered?;
        let (mut targets, _) = self.row_identity(&mut change, relation, (delete.entry, &alias), old)?;
        change.layout.others = targets.len()..targets.len() + others.len();
        targets.extend(others);
        change.actions = vec![RowAction { event: Some(Event::Delete), values: Vec::new() }];
        let query = source((relation, item), &alias, targets, using, selection);
        let vars: Vec<Var> = vars.into_iter().map(|(var, ..)| var).collect();
        self.row_step(query, change, relation, (delete.entry, &delete.returning, &vars))
    }

    fn merge_rows(&mut self, merge: &Merge, relation: &'a Relation, mut change: RowChange) -> Result<Statement> {
        let alias = self.alias(merge.entry);
        let kept = self.keep_source(merge, relation, &alias)?;
        self.refuse_second_change(merge, kept)?;
        let item = self.enter_changed(merge.entry, &alias, relation, merge.members)?;
        self.levels.pop();
        let row = self.row_number(merge.entry)?;
        let mut on = Expr::compare("=", row, of_kept(0));
        let old = self.whole_row(merge.entry, relation)?;
        let mut targets = vec![of_kept(0), of_kept(1)];
        change.layout = RowLayout { table: None, rowid: Some(0), action: Some(1), old: Some(2), others: 0..0 };
        if merge.members {
            change.layout.table = Some(2);
            change.layout.old = Some(3);
            targets.push(of_kept(2));
            let same = Expr::compare("=", self.row_table(merge.entry)?, of_kept(2));
            on = Expr::template("({0} AND {1})", vec![on, same], Oid::BOOL);
        }
        targets.extend(old);
        for (action, number) in merge.actions.iter().zip(1..) {
            let (event, given) = match &action.kind {
                MergeKind::DoNothing => (None, [].as_slice()),
                MergeKind::Delete => (Some(Event::Delete), [].as_slice()),
                MergeKind::Update(values) => (Some(Event::Update), values.as_slice()),
                MergeKind::Insert(values) => (Some(Event::Insert), values.as_slice()),
            };
            let mut values = Vec::with_capacity(given.len());
            for (column, value) in given {
                self.levels.push(Level { gives_rows: true, ..Level::default() });
                let value = self.expr(value);
                self.levels.pop();
                let value = value?;
                values.push((place(relation, *column)?, targets.len()));
                let is_it = Expr::compare("=", of_kept(1), Expr::integer(number, Oid::INT4));
                let (type_oid, typmod) = (value.type_oid, value.typmod);
                let kind = ExprKind::Case { whens: vec![(is_it, value)], otherwise: None };
                targets.push(Expr { kind, type_oid, typmod });
            }
            change.actions.push(RowAction { event, values });
        }
        change.layout.others = targets.len()..targets.len();
        change.checks = self.row_checks(&merge.checks, merge.entry, relation)?;
        let left = Box::new(kept_item(kept, KEPT.into()));
        let right = Box::new(item);
        let from = vec![FromItem::Join { kind: JoinKind::Left, left, right, on: Some(on) }];
        let there = Expr::template("({0} IS NOT NULL)", vec![of_kept(1)], Oid::BOOL);
        let targets = targets.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
        let query = Query::of_select(Select { targets, from, selection: Some(there), ..Select::default() });
        self.row_step(query, change, relation, (merge.entry, &[], &[]))
    }

    /// The query level of a change of rows, in which the changed relation is the first entry; its item of FROM.
    pub(super) fn enter_changed(
        &mut self,
        entry: EntryId,
        alias: &Rc<str>,
        relation: &'a Relation,
        members: bool,
    ) -> Result<FromItem> {
        if members {
            let item = self.members_item(entry, relation)?;
            self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
            return Ok(item);
        }
        self.enter_target(entry, alias, relation);
        Ok(FromItem::Table { name: relation.sqlite_name.clone(), alias: alias.clone() })
    }

    /// The number of the row that an entry stands for.
    pub(super) fn row_number(&self, entry: EntryId) -> Result<Expr> {
        self.column(&Var { entry, attribute: Var::CTID, origin: (Oid::INVALID, 0), not_null: true }, Oid::INT8, -1)
    }

    /// The table of the row that an entry stands for.
    pub(super) fn row_table(&self, entry: EntryId) -> Result<Expr> {
        self.column(&Var { entry, attribute: TABLE_OID, origin: (Oid::INVALID, 0), not_null: true }, Oid::OID, -1)
    }

    /// The row's table if there are several, its number, unless it is a view's, and the row as it is; and how many columns
    /// those are.
    fn row_identity(
        &self,
        change: &mut RowChange,
        relation: &Relation,
        (entry, alias): (EntryId, &Rc<str>),
        old: Vec<Expr>,
    ) -> Result<(Vec<Expr>, usize)> {
        let mut targets = Vec::new();
        if change.members.is_some() {
            change.layout.table = Some(0);
            change.layout.rowid = Some(1);
            targets.extend([self.row_table(entry)?, self.row_number(entry)?]);
        } else if relation.kind == RelationKind::Table {
            change.layout.rowid = Some(0);
            targets.push(rowid(relation, Some(alias.clone())));
        }
        change.layout.old = Some(targets.len());
        targets.extend(old);
        let first = targets.len();
        Ok((targets, first))
    }

    /// All columns of the relation's row.
    fn whole_row(&self, entry: EntryId, relation: &Relation) -> Result<Vec<Expr>> {
        let var = |number| Var { entry, attribute: number, origin: (Oid::INVALID, 0), not_null: false };
        relation.columns.iter().map(|c| self.column(&var(c.number), c.type_oid, c.typmod)).collect()
    }

    /// Adds the step, and gives what is left of the statement.
    fn row_step(
        &mut self,
        query: Query,
        change: RowChange,
        relation: &Relation,
        (entry, returning, vars): (EntryId, &[TypedTarget], &[Var]),
    ) -> Result<Statement> {
        if change.returns {
            self.refuse_reading(relation, returning)?;
        }
        let translated = Statement::Query(query).print(self.context)?;
        let step = ProgramStep {
            sql: translated.sql.into(),
            binds: translated.binds,
            keep: if change.returns { Keep::Rows } else { Keep::Count },
            target: Some(relation.oid),
            change: Some(Arc::new(change)),
            ..ProgramStep::default()
        };
        let returns = step.keep == Keep::Rows;
        let members = step.change.as_ref().is_some_and(|change| change.members.is_some());
        let kept = self.push_step(step).ok_or_else(|| Error::internal("rows that are not kept"))?;
        let from = vec![kept_item(kept, KEPT.into())];
        if !returns {
            let count = Expr::positional(KEPT.into(), 0, &Expr::new(ExprKind::Null, Oid::INT8));
            let targets = vec![Target { name: String::new(), expr: count }];
            return Ok(Statement::Query(Query::of_select(Select { targets, from, ..Select::default() })));
        }
        let width = relation.columns.len();
        let system = [(Var::CTID, width + vars.len() + 1), (Var::XMAX, width + vars.len() + 2)];
        let numbers = relation.columns.iter().map(|column| column.number).zip(1..).chain(system);
        let columns: Vec<(i16, Rc<str>)> = numbers.map(|(number, n)| (number, format!("c{n}").into())).collect();
        let columns = match members {
            false => Columns::Member(columns, relation.oid),
            true => {
                let table = format!("c{}", width + vars.len() + 3).into();
                Columns::Named(columns.into_iter().chain([(TABLE_OID, table)]).collect())
            }
        };
        self.entries.insert(entry, Entry { alias: Some(KEPT.into()), columns });
        self.enter_kept(vars, width);
        self.returned_from(returning, entry, from, None)
    }

    fn row_checks(&mut self, checks: &[WithCheck], entry: EntryId, relation: &Relation) -> Result<Vec<RowCheck>> {
        let mut lowered = Vec::with_capacity(checks.len());
        for check in checks {
            let of_old = matches!(check.kind, CheckKind::Conflict | CheckKind::MergeUpdate | CheckKind::MergeDelete);
            let first = if of_old { ROW_VALUES } else { ROW_VALUES + relation.columns.len() };
            self.entries.insert(entry, Entry::of_parameters(relation, first));
            self.levels.push(Level { gives_rows: true, ..Level::default() });
            let condition = self.condition(&check.condition);
            self.levels.pop();
            let condition = self.row_query(vec![condition?], Vec::new(), None)?;
            lowered.push(RowCheck { kind: check.kind, refusal: check.refusal(), condition });
        }
        Ok(lowered)
    }

    /// A query about the row at hand.
    fn row_query(&self, targets: Vec<Expr>, from: Vec<FromItem>, selection: Option<Expr>) -> Result<RowSql> {
        let targets = targets.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
        let query = Query::of_select(Select { targets, from, selection, ..Select::default() });
        row_sql(&Statement::Query(query), self.context)
    }

    /// ON CONFLICT: how the row that is in the way is found, and what becomes of it.
    fn conflicting_row(
        &mut self,
        on: &OnConflict,
        entry: EntryId,
        (relation, table): (&Relation, &Relation),
    ) -> Result<RowConflict> {
        let Some(update) = &on.update else { return Ok(RowConflict { update: None }) };
        let alias = self.alias(entry);
        let proposed = || Entry::of_parameters(relation, ROW_VALUES + relation.columns.len());
        self.entries.insert(on.entry, of_member(relation, table, Some(alias.clone())));
        let theirs = self.exprs(&on.target)?;
        let predicate = on.target_predicate.as_ref().map(|predicate| self.expr(predicate)).transpose()?;
        self.entries.insert(on.entry, proposed());
        let ours = self.exprs(&on.target)?;
        let same = theirs.into_iter().zip(ours).map(|(theirs, ours)| Expr::compare("=", theirs, ours));
        let selection = Expr::connected("({0} AND {1})", same.chain(predicate).collect());
        self.entries.insert(entry, of_member(relation, table, Some(alias.clone())));
        self.entries.insert(update.excluded, proposed());
        self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
        let lowered = self.conflict_targets(update, entry, relation);
        self.levels.pop();
        let (targets, places) = lowered?;
        let from = vec![FromItem::Table { name: table.sqlite_name.clone(), alias }];
        Ok(RowConflict { update: Some((self.row_query(targets, from, selection)?, places)) })
    }

    fn conflict_targets(
        &mut self,
        update: &crate::sql::tree::ConflictUpdate,
        entry: EntryId,
        relation: &Relation,
    ) -> Result<(Vec<Expr>, Vec<usize>)> {
        let mut targets = vec![self.row_number(entry)?];
        targets.extend(self.whole_row(entry, relation)?);
        let mut places = Vec::with_capacity(update.assignments.len());
        for (number, value) in &update.assignments {
            targets.push(self.expr(value)?);
            places.push(place(relation, *number)?);
        }
        targets.push(match &update.selection {
            Some(selection) => self.condition(selection)?,
            None => Expr::integer(1, Oid::BOOL),
        });
        Ok((targets, places))
    }

    /// The INSERT of the new row.
    fn insert_row(&mut self, relation: &Relation, modify: &TypedModify) -> Result<RowSql> {
        let conflict = match modify {
            TypedModify::Insert(TypedInsert { conflict: Some(on), .. }) => {
                self.entries.insert(on.entry, Entry::of_relation(None, relation));
                let target = self.exprs(&on.target)?;
                let target_predicate = on.target_predicate.as_ref().map(|p| self.expr(p)).transpose()?;
                Some(Conflict { target, target_predicate, update: None })
            }
            _ => None,
        };
        inserting(relation, conflict, self.context)
    }
}

/// Whether what is done to the members of a table is beyond steps that change many rows at once.
fn needs_rows(modify: &TypedModify, relation: &Relation) -> bool {
    let kinds = |kinds: &[CheckKind]| modify.checks().iter().any(|check| !kinds.contains(&check.kind));
    match modify {
        TypedModify::Merge(_) => true,
        TypedModify::Insert(_) => kinds(&[CheckKind::Insert]),
        TypedModify::Update(update) => {
            kinds(&[CheckKind::Update])
                || mentions(&update.returning, relation, update.entry)
                || update.assignments.iter().any(|(numbers, _)| numbers.len() > 1)
        }
        TypedModify::Delete(_) => false,
    }
}

fn inserting(relation: &Relation, conflict: Option<Conflict>, context: Context<'_>) -> Result<RowSql> {
    let mut columns = Vec::new();
    let mut row = Vec::new();
    for (at, column) in relation.columns.iter().enumerate().filter(|(_, column)| !column.generated) {
        columns.push(column.stored_name().into());
        row.push(new_value(relation, at));
    }
    let insert = Insert {
        ctes: Vec::new(),
        recursive: false,
        table: relation.sqlite_name.clone(),
        alias: "t".into(),
        columns,
        source: Body::Values { rows: vec![row], names: Vec::new() },
        conflict,
        returning: generated(relation),
        changed: Changed::default(),
    };
    row_sql(&Statement::Modify(Modify::Insert(insert)), context)
}

/// The INSERT of the new row.
pub fn insert_row(relation: &Relation, catalog: &CatalogSnapshot) -> Result<RowSql> {
    let records = Default::default();
    inserting(relation, None, Context::of_row(catalog, &records))
}

/// The DELETE of the row at hand.
pub fn delete_row(relation: &Relation, catalog: &CatalogSnapshot) -> Result<RowSql> {
    let records = Default::default();
    let alias: Rc<str> = "t".into();
    let delete = Delete {
        ctes: Vec::new(),
        recursive: false,
        table: relation.sqlite_name.clone(),
        alias: alias.clone(),
        using: Vec::new(),
        selection: Some(this_row(relation, alias)),
        returning: Vec::new(),
        changed: Changed::default(),
    };
    let context = Context::of_row(catalog, &records);
    row_sql(&Statement::Modify(Modify::Delete(delete)), context)
}

/// The UPDATE of the row at hand that sets these columns, by place, to the new row's values.
pub fn update_row(relation: &Relation, places: &[usize], catalog: &CatalogSnapshot) -> Result<RowSql> {
    let records = Default::default();
    let context = Context::of_row(catalog, &records);
    let alias: Rc<str> = "t".into();
    let mut assignments = Vec::with_capacity(places.len());
    for place in places {
        let column = relation.columns.get(*place).ok_or_else(|| Error::internal("a column that is not there"))?;
        assignments.push((vec![column.stored_name().into()], new_value(relation, *place)));
    }
    let update = Update {
        ctes: Vec::new(),
        recursive: false,
        table: relation.sqlite_name.clone(),
        alias: alias.clone(),
        assignments,
        from: Vec::new(),
        selection: Some(this_row(relation, alias)),
        returning: generated(relation),
        changed: Changed::default(),
    };
    row_sql(&Statement::Modify(Modify::Update(update)), context)
}

/// All columns of the row at hand as it is now.
pub fn read_row(relation: &Relation, catalog: &CatalogSnapshot) -> Result<RowSql> {
    let records = Default::default();
    let context = Context::of_row(catalog, &records);
    let alias: Rc<str> = "t".into();
    let targets = relation.columns.iter().map(|column| {
        let reference = ColumnRef { alias: Some(alias.clone()), column: column.stored_name().into(), not_null: false };
        Target { name: String::new(), expr: Expr::new(ExprKind::Column(reference), column.type_oid) }
    });
    let targets = targets.collect();
    let from = vec![FromItem::Table { name: relation.sqlite_name.clone(), alias: alias.clone() }];
    let selection = Some(this_row(relation, alias));
    row_sql(&Statement::Query(Query::of_select(Select { targets, from, selection, ..Select::default() })), context)
}

fn row_sql(statement: &Statement, context: Context<'_>) -> Result<RowSql> {
    let print::Translated { sql, binds, .. } = statement.print(context)?;
    Ok(RowSql { sql: sql.into(), binds })
}

/// A value of the new row; the primary key that is SQLite's number of the row may not be NULL.
fn new_value(relation: &Relation, place: usize) -> Expr {
    let kind = ExprKind::Param(ROW_VALUES + relation.columns.len() + place);
    let Some(column) = relation.columns.get(place) else { return Expr::new(kind, Oid::TEXT) };
    let mut value = Expr { kind, type_oid: column.type_oid, typmod: column.typmod };
    refuse_null(&mut value, column, relation);
    value
}

fn this_row(relation: &Relation, alias: Rc<str>) -> Expr {
    let number = ExprKind::Param(ROW_VALUES + 2 * relation.columns.len());
    Expr::compare("=", rowid(relation, Some(alias)), Expr::new(number, Oid::INT8))
}

/// RETURNING of the columns that SQLite computes.
fn generated(relation: &Relation) -> Vec<Target> {
    let generated = relation.columns.iter().filter(|column| column.generated);
    generated
        .map(|column| {
            let reference = ColumnRef { alias: None, column: column.stored_name().into(), not_null: false };
            let kind = ExprKind::Column(reference);
            Target { name: String::new(), expr: Expr { kind, type_oid: column.type_oid, typmod: column.typmod } }
        })
        .collect()
}

fn place(relation: &Relation, number: i16) -> Result<usize> {
    let wanted = column(relation, number)?.number;
    let place = relation.columns.iter().position(|column| column.number == wanted);
    place.ok_or_else(|| Error::internal("a column that is not there"))
}

fn returned(targets: &[TypedTarget]) -> impl Iterator<Item = &crate::sql::tree::Expr> {
    targets.iter().map(|target| &target.expr)
}

/// The items of FROM without the relation itself, which a view's change has among them.
fn others(items: &[TypedItem], target: EntryId) -> Vec<TypedItem> {
    let is_it = |item: &&TypedItem| !matches!(item, TypedItem::Entry(entry) if entry.id == target);
    items.iter().filter(is_it).cloned().collect()
}

/// One of the columns that a sub-query of one row gives.
fn one_of_row(value: &Expr, index: usize) -> Result<Expr> {
    let refused = || Error::unsupported("assigning several columns from this query in a table that has triggers");
    let ExprKind::ScalarQuery(query) = &value.kind else { return Err(refused()) };
    if Volatile.in_expr(value) {
        return Err(refused());
    }
    let mut query = query.clone();
    let Body::Select(select) = &mut query.body else { return Err(refused()) };
    let Some(target) = select.targets.get(index).cloned() else { return Err(refused()) };
    let (type_oid, typmod) = (target.expr.type_oid, target.expr.typmod);
    if select.distinct || !query.order_by.iter().all(|key| key.output.is_none()) {
        return Err(refused());
    }
    select.targets = vec![target];
    Ok(Expr { kind: ExprKind::ScalarQuery(query), type_oid, typmod })
}

/// That a row is one of those that were there when the statement began: what is assigned may add and move others.
fn found_before(relation: &Relation, alias: &Rc<str>, selection: Option<Expr>) -> Expr {
    let number = || rowid(relation, Some(alias.clone()));
    let from = vec![FromItem::Table { name: relation.sqlite_name.clone(), alias: alias.clone() }];
    let targets = vec![Target { name: String::new(), expr: number() }];
    let query = Box::new(Query::of_select(Select { targets, from, selection, ..Select::default() }));
    Expr::new(ExprKind::InQuery { expr: Box::new(number()), query, negated: false }, Oid::BOOL)
}

/// The rows that are to be changed, each once.
fn source(
    (relation, item): (&Relation, FromItem),
    alias: &Rc<str>,
    targets: Vec<Expr>,
    others: Vec<FromItem>,
    selection: Option<Expr>,
) -> Query {
    let mut from = Vec::new();
    let mut group_by = Vec::new();
    if relation.kind == RelationKind::Table {
        if !others.is_empty() {
            group_by = match &item {
                // Of members: each row's table and number.
                FromItem::Derived { .. } => targets.iter().take(2).cloned().collect(),
                _ => vec![rowid(relation, Some(alias.clone()))],
            };
        }
        from.push(item);
    }
    from.extend(others);
    let targets = targets.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
    Query::of_select(Select { targets, from, selection, group_by, ..Select::default() })
}
