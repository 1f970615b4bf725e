//! INSERT into a partitioned table; UPDATE and DELETE of one, and of a table that others inherit from. The rows are kept
//! first, with the table each is of; then one step for each table that has some changes them.
//!
//! Owns: the steps of such statements. Must not know: how a row finds its partition (`engine::partitioning`), which steps
//! are left out (`engine::steps`). Specification: ExecFindPartition and ExecCrossPartitionUpdate in PostgreSQL.

use std::rc::Rc;

use super::modify::{column, refuse_null};
use super::program::{Keep, Statement, kept_item, rowid};
use super::returning::{KEPT, count_of_rows, of_kept};
use super::tree::{
    Body, Changed, Cte, Delete, Expr, ExprKind, FromItem, Insert, Modify, Query, Select, Target, Update,
};
use super::{Columns, Entry, Level, Lower};
use crate::catalog::schema::{Column, Relation};
use crate::error::{Error, Result};

use crate::sql::plan::{Arrangement, KeptValue};
use crate::sql::tree::{
    Delete as TypedDelete, EntryId, Expr as Typed, ExprKind as Kind, Insert as TypedInsert, TABLE_OID,
    Target as TypedTarget, Update as TypedUpdate, Var, WithCheck,
};
use crate::types::pg_type::Oid;

/// SQLite's function that finds a row's partition.
const ROUTE: &str = "__pg_route";

/// What the rows that are routed are called until they are kept.
const SOURCE: &str = "r";

/// Where, in a kept row to be changed, stand its table, its number, and the first of its columns.
const TABLE: usize = 0;
const NUMBER: usize = 1;
const FIRST: usize = 2;

/// Rows that were kept to be changed.
struct Kept {
    list: usize,
    /// How far its columns have moved to the right: a row that may move has its new table in front.
    moved: usize,
}

impl Kept {
    fn column(&self, place: usize) -> Expr {
        of_kept(self.moved + place)
    }

    /// Those of a table, by the column that says it.
    fn of(&self, column: usize, table: Oid) -> KeptValue {
        KeptValue { kept: self.list, column, value: table.0.into() }
    }
}

impl<'a> Lower<'a> {
    /// Whether an INSERT's rows have to find their partition.
    pub(super) fn is_routed(&self, insert: &TypedInsert) -> bool {
        self.relation(insert.relation).is_ok_and(Relation::is_partitioned)
    }

    /// The partition of the row that an entry stands for.
    pub(super) fn route(&mut self, relation: &Relation, entry: EntryId, keys: &[Typed]) -> Result<Expr> {
        self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
        let keys = self.exprs(keys);
        self.levels.pop();
        let root = Expr::integer(relation.oid.0.into(), Oid::OID);
        Ok(Expr::function(ROUTE, std::iter::once(root).chain(keys?).collect(), Oid::OID))
    }

    /// A value, if row security has nothing against the row that an entry stands for.
    fn checked_row(&mut self, check: &WithCheck, entry: EntryId, value: Expr) -> Result<Expr> {
        self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
        let checked = self.checked(check, value);
        self.levels.pop();
        checked
    }

    /// Asks row security about rows that were kept as they are going to be.
    fn check_kept(&mut self, update: &TypedUpdate, relation: &Relation, list: usize) -> Result<()> {
        if update.checks.is_empty() {
            return Ok(());
        }
        self.enter_row(update.entry, relation, &Kept { list, moved: 0 }, TABLE);
        let mut value = Expr::integer(1, Oid::INT4);
        for check in update.checks.iter().rev() {
            value = self.checked_row(check, update.entry, value)?;
        }
        let mut query = count_of_rows(list);
        if let Body::Select(select) = &mut query.body
            && let Some(Target { expr: Expr { kind: ExprKind::Aggregate(count), .. }, .. }) = select.targets.first_mut()
        {
            (count.star, count.args) = (false, vec![value]);
        }
        self.step(&Statement::Query(query), Keep::Nothing, None).map(|_| ())
    }

    pub(super) fn insert_routed(&mut self, insert: &TypedInsert) -> Result<Statement> {
        let relation = self.relation(insert.relation)?;
        let reading = insert.returning.iter().map(|target| &target.expr);
        if self.reads_changed(relation, reading) {
            return Err(Error::unsupported("a sub-query in RETURNING over a table that the statement changes"));
        }
        let columns = insert.columns.iter().map(|number| column(relation, *number)).collect::<Result<Vec<_>>>()?;
        let kept = self.keep_routed(insert, relation)?;
        let returned = insert.conflict.is_some() || !insert.returning.is_empty();
        let list = returned.then(|| self.kept_list());
        let mut outputs = Vec::new();
        for leaf in self.members(relation) {
            let (mut statement, returning) = self.leaf_insert(insert, (relation, leaf), &columns, kept)?;
            outputs = returning;
            if returned {
                outputs.push(Target { name: String::new(), expr: Expr::integer(leaf.oid.0.into(), Oid::OID) });
            }
            statement.returning.clone_from(&outputs);
            self.affect_rows_once(&mut statement);
            let only = KeptValue { kept, column: TABLE, value: leaf.oid.0.into() };
            self.step_if(&Statement::Modify(Modify::Insert(statement)), list, Some(leaf.oid), Some(only))?;
        }
        let Some(list) = list else { return Ok(Statement::Query(count_of_rows(kept))) };
        if insert.conflict.is_none() {
            self.arrange(Arrangement { rows: list, order: kept });
        }
        outputs.pop();
        match insert.returning.is_empty() {
            true => Ok(Statement::Query(count_of_rows(list))),
            false => Ok(Statement::Query(all_of(list, &outputs))),
        }
    }

    /// Keeps the rows of an INSERT, each with its partition in front.
    fn keep_routed(&mut self, insert: &TypedInsert, relation: &Relation) -> Result<usize> {
        let (body, _) = self.body(&insert.source, &[])?;
        let source = Query::of(body);
        let columns = insert.columns.iter().map(|number| column(relation, *number));
        let types = columns.map(|column| column.map(|column| (column.type_oid, column.typmod)));
        let types: Vec<(Oid, i32)> = types.collect::<Result<_>>()?;
        let name = self.fresh_cte_name();
        let places = insert.columns.iter().zip(1..).map(|(number, n)| (*number, format!("c{n}").into()));
        // What has no value and no column is NULL.
        self.entries
            .insert(insert.entry, Entry { alias: Some(SOURCE.into()), columns: Columns::Named(places.collect()) });
        let mut leaf = self.route(relation, insert.entry, &insert.routing)?;
        for check in insert.checks.iter().rev() {
            leaf = self.checked_row(check, insert.entry, leaf)?;
        }
        let own = types.into_iter().enumerate().map(|(place, (type_oid, typmod))| {
            Expr::positional(SOURCE.into(), place, &Expr { kind: ExprKind::Null, type_oid, typmod })
        });
        let targets = std::iter::once(leaf).chain(own).map(|expr| Target { name: String::new(), expr }).collect();
        let from = vec![FromItem::Cte { name: name.clone(), alias: SOURCE.into() }];
        // Evaluated once: a key may be what has an effect.
        let ctes = vec![Cte { name, query: source, materialized: Some(true) }];
        self.keep(Query { ctes, ..Query::of_select(Select { targets, from, ..Select::default() }) })
    }

    /// INSERT of the kept rows of one partition, without what is returned, and that.
    fn leaf_insert(
        &mut self,
        insert: &TypedInsert,
        (relation, leaf): (&'a Relation, &'a Relation),
        columns: &[&Column],
        kept: usize,
    ) -> Result<(Insert, Vec<Target>)> {
        let mut targets = Vec::with_capacity(columns.len());
        for (place, own) in columns.iter().enumerate() {
            let like = Expr { kind: ExprKind::Null, type_oid: own.type_oid, typmod: own.typmod };
            let mut expr = Expr::positional(KEPT.into(), place + 1, &like);
            refuse_null(&mut expr, member_column(leaf, own)?, leaf);
            targets.push(Target { name: String::new(), expr });
        }
        let there = Expr::compare("=", of_kept(TABLE), Expr::integer(leaf.oid.0.into(), Oid::OID));
        let from = vec![kept_item(kept, KEPT.into())];
        let source = Body::Select(Box::new(Select { targets, from, selection: Some(there), ..Select::default() }));
        let alias = self.alias(insert.entry);
        self.entries.insert(insert.entry, Entry { alias: Some(alias.clone()), ..of_member(relation, leaf, None) });
        let conflict = insert.conflict.as_ref().map(|on| self.conflict(on, relation)).transpose()?;
        let name = format!("\"{}\"", leaf.sqlite_name.replace('"', "\"\""));
        self.entries.insert(insert.entry, of_member(relation, leaf, Some(name.into())));
        let returning = self.returned_targets(&insert.returning, insert.entry)?;
        let statement = Insert {
            ctes: Vec::new(),
            recursive: false,
            table: leaf.sqlite_name.clone(),
            alias,
            columns: columns.iter().map(|own| own.stored_name().into()).collect(),
            source,
            conflict,
            returning: Vec::new(),
            changed: self.changed(leaf),
        };
        Ok((statement, returning))
    }

    fn returned_targets(&mut self, targets: &[TypedTarget], entry: EntryId) -> Result<Vec<Target>> {
        self.levels.push(Level { gives_rows: true, entries: vec![entry], sets: None });
        let lowered = targets.iter().map(|target| self.returned(target)).collect();
        self.levels.pop();
        lowered
    }

    // ----- UPDATE and DELETE

    pub(super) fn update_members(&mut self, update: &TypedUpdate) -> Result<Statement> {
        let relation = self.relation(update.relation)?;
        let moves = update.moves();
        self.refuse_reading(relation, &update.returning)?;
        let assigned = update.assigned();
        self.note_known(update.selection.as_ref(), &update.from);
        let item = self.members_item(update.entry, relation)?;
        self.levels.push(Level { gives_rows: true, entries: vec![update.entry], sets: None });
        let rows = self.rows_to_update(update, relation, item);
        self.levels.pop();
        let (query, vars) = rows?;
        let list = self.keep(query)?;
        self.check_kept(update, relation, list)?;
        let width = FIRST + relation.columns.len();
        let kept = match moves {
            true => self.keep_moving(update, relation, list, width + vars.len())?,
            false => Kept { list, moved: 0 },
        };
        self.change_kept(relation, &kept, &assigned)?;
        self.enter_row(update.entry, relation, &kept, TABLE);
        self.enter_kept(&vars, kept.moved + width);
        self.finish_members(&update.returning, update.entry, &kept)
    }

    /// The rows as they will be, each once, with what RETURNING wants of other tables.
    fn rows_to_update(
        &mut self,
        update: &TypedUpdate,
        relation: &'a Relation,
        item: FromItem,
    ) -> Result<(Query, Vec<Var>)> {
        let mut from = vec![item];
        from.extend(self.from_clause(&update.from)?);
        let mut values = Vec::with_capacity(relation.columns.len());
        for column in &relation.columns {
            let assigned = update.assignments.iter().find(|(numbers, _)| numbers.contains(&column.number));
            values.push(match assigned {
                None => self.own_column(update.entry, column)?,
                Some((_, value)) => self.assigned(relation, column.number, value)?.1,
            });
        }
        self.kept_rows_of_members(
            (update.entry, from),
            values,
            update.selection.as_ref(),
            (&update.from, &update.returning),
        )
    }

    fn kept_rows_of_members(
        &mut self,
        (entry, from): (EntryId, Vec<FromItem>),
        values: Vec<Expr>,
        selection: Option<&Typed>,
        (others, returning): (&[crate::sql::tree::FromItem], &[TypedTarget]),
    ) -> Result<(Query, Vec<Var>)> {
        let selection = selection.map(|selection| self.condition(selection)).transpose()?;
        let number = |attribute| Var { entry, attribute, origin: (Oid::INVALID, 0), not_null: true };
        let table = self.column(&number(TABLE_OID), Oid::OID, -1)?;
        let row = self.column(&number(Var::CTID), Oid::INT8, -1)?;
        let (vars, others_kept): (Vec<Var>, Vec<Expr>) = self.others(others, returning)?.into_iter().unzip();
        // A row that several rows of the other tables match is changed once.
        let group_by = if others.is_empty() { Vec::new() } else { vec![table.clone(), row.clone()] };
        let targets = [table, row].into_iter().chain(values).chain(others_kept);
        let targets = targets.map(|expr| Target { name: String::new(), expr }).collect();
        let select = Select { targets, from, selection, group_by, ..Select::default() };
        Ok((Query::of_select(select), vars))
    }

    fn own_column(&self, entry: EntryId, column: &Column) -> Result<Expr> {
        let var = Var { entry, attribute: column.number, origin: (Oid::INVALID, 0), not_null: column.not_null };
        self.column(&var, column.type_oid, column.typmod)
    }

    /// Keeps the rows again, with the partition that each is to be in in front.
    fn keep_moving(&mut self, update: &TypedUpdate, relation: &Relation, list: usize, width: usize) -> Result<Kept> {
        self.enter_row(update.entry, relation, &Kept { list, moved: 0 }, TABLE);
        let leaf = self.route(relation, update.entry, &update.routing)?;
        let targets = std::iter::once(leaf).chain((0..width).map(of_kept));
        let targets = targets.map(|expr| Target { name: String::new(), expr }).collect();
        let from = vec![kept_item(list, KEPT.into())];
        let list = self.keep(Query::of_select(Select { targets, from, ..Select::default() }))?;
        Ok(Kept { list, moved: 1 })
    }

    /// The entry's columns are those of the kept rows.
    fn enter_row(&mut self, entry: EntryId, relation: &Relation, kept: &Kept, table: usize) {
        let name = |place: usize| -> Rc<str> { format!("c{}", place + 1).into() };
        let own = relation.columns.iter().enumerate();
        let own = own.map(|(place, column)| (column.number, name(kept.moved + FIRST + place)));
        let columns = own.chain([(TABLE_OID, name(table)), (Var::CTID, name(kept.moved + NUMBER))]).collect();
        self.entries.insert(entry, Entry { alias: Some(KEPT.into()), columns: Columns::Named(columns) });
    }

    /// One step for each table that rows leave, that rows stay in, and that rows come into.
    fn change_kept(&mut self, relation: &'a Relation, kept: &Kept, assigned: &[i16]) -> Result<()> {
        let members = self.members(relation);
        let stays =
            |member: &Relation| Expr::compare("=", kept.column(TABLE), Expr::integer(member.oid.0.into(), Oid::OID));
        let arrives =
            |member: &Relation| Expr::compare("=", of_kept(TABLE), Expr::integer(member.oid.0.into(), Oid::OID));
        let both = |a: Expr, b: Expr| Expr::template("({0} AND {1})", vec![a, b], Oid::BOOL);
        let places: Vec<(usize, &Column)> =
            relation.columns.iter().enumerate().filter(|(_, column)| assigned.contains(&column.number)).collect();
        if kept.moved > 0 {
            for member in &members {
                let leaves = both(stays(member), Expr::negated(arrives(member)));
                let delete = delete_kept(member, kept, leaves);
                let only = kept.of(kept.moved + TABLE, member.oid);
                self.step_if(&delete, None, Some(member.oid), Some(only))?;
            }
        }
        for member in &members {
            let alias: Rc<str> = "t".into();
            let mut assignments = Vec::with_capacity(places.len());
            for (place, column) in &places {
                let like = Expr { kind: ExprKind::Null, type_oid: column.type_oid, typmod: column.typmod };
                let mut value = Expr::positional(KEPT.into(), kept.moved + FIRST + place, &like);
                refuse_null(&mut value, member_column(member, column)?, member);
                assignments.push((vec![column.stored_name().into()], value));
            }
            let same = Expr::compare("=", rowid(member, Some(alias.clone())), kept.column(NUMBER));
            let there = if kept.moved > 0 { both(stays(member), arrives(member)) } else { stays(member) };
            let update = Update {
                ctes: Vec::new(),
                recursive: false,
                table: member.sqlite_name.clone(),
                alias,
                assignments,
                from: vec![kept_item(kept.list, KEPT.into())],
                selection: Some(both(same, there)),
                returning: Vec::new(),
                changed: Changed::default(),
            };
            let only = kept.of(kept.moved + TABLE, member.oid);
            self.step_if(&Statement::Modify(Modify::Update(update)), None, Some(member.oid), Some(only))?;
        }
        if kept.moved > 0 {
            for member in &members {
                let comes = both(arrives(member), Expr::negated(stays(member)));
                let insert = insert_kept(relation, member, kept, comes)?;
                self.step_if(&insert, None, Some(member.oid), Some(kept.of(TABLE, member.oid)))?;
            }
        }
        Ok(())
    }

    pub(super) fn delete_members(&mut self, delete: &TypedDelete) -> Result<Statement> {
        let relation = self.relation(delete.relation)?;
        self.refuse_reading(relation, &delete.returning)?;
        self.note_known(delete.selection.as_ref(), &delete.using);
        let item = self.members_item(delete.entry, relation)?;
        self.levels.push(Level { gives_rows: true, entries: vec![delete.entry], sets: None });
        let rows = self.rows_to_delete(delete, relation, item);
        self.levels.pop();
        let (query, vars) = rows?;
        let kept = Kept { list: self.keep(query)?, moved: 0 };
        for member in self.members(relation) {
            let there = Expr::compare("=", kept.column(TABLE), Expr::integer(member.oid.0.into(), Oid::OID));
            let statement = delete_kept(member, &kept, there);
            self.step_if(&statement, None, Some(member.oid), Some(kept.of(TABLE, member.oid)))?;
        }
        self.enter_row(delete.entry, relation, &kept, TABLE);
        self.enter_kept(&vars, FIRST + relation.columns.len());
        self.finish_members(&delete.returning, delete.entry, &kept)
    }

    fn rows_to_delete(
        &mut self,
        delete: &TypedDelete,
        relation: &'a Relation,
        item: FromItem,
    ) -> Result<(Query, Vec<Var>)> {
        let mut from = vec![item];
        from.extend(self.from_clause(&delete.using)?);
        let values =
            relation.columns.iter().map(|column| self.own_column(delete.entry, column)).collect::<Result<_>>()?;
        self.kept_rows_of_members(
            (delete.entry, from),
            values,
            delete.selection.as_ref(),
            (&delete.using, &delete.returning),
        )
    }

    /// What is returned, or the number of rows.
    fn finish_members(&mut self, returning: &[TypedTarget], entry: EntryId, kept: &Kept) -> Result<Statement> {
        match returning.is_empty() {
            true => Ok(Statement::Query(count_of_rows(kept.list))),
            false => self.returned_from(returning, entry, vec![kept_item(kept.list, KEPT.into())], None),
        }
    }
}

/// A row of a table as one of its members has it: its columns have the same names.
pub(super) fn of_member(relation: &Relation, member: &Relation, alias: Option<Rc<str>>) -> Entry {
    let mut entry = Entry::of_relation(alias, member);
    if let Columns::Member(columns, _) = &mut entry.columns {
        let presence = columns.iter().filter(|(number, _)| *number == Var::CTID).cloned().collect::<Vec<_>>();
        let own = relation.columns.iter().map(|column| (column.number, column.stored_name().into()));
        *columns = own.chain(presence).collect();
    }
    entry
}

fn member_column<'r>(member: &'r Relation, column: &Column) -> Result<&'r Column> {
    member.column(&column.name).ok_or_else(|| Error::internal("a member without the table's column"))
}

/// DELETE of a member's rows among the kept ones.
fn delete_kept(member: &Relation, kept: &Kept, selection: Expr) -> Statement {
    let alias: Rc<str> = "t".into();
    let targets = vec![Target { name: String::new(), expr: kept.column(NUMBER) }];
    let from = vec![kept_item(kept.list, KEPT.into())];
    let query = Query::of_select(Select { targets, from, selection: Some(selection), ..Select::default() });
    let expr = Box::new(rowid(member, Some(alias.clone())));
    let selection = Expr::new(ExprKind::InQuery { expr, query: Box::new(query), negated: false }, Oid::BOOL);
    Statement::Modify(Modify::Delete(Delete {
        ctes: Vec::new(),
        recursive: false,
        table: member.sqlite_name.clone(),
        alias,
        using: Vec::new(),
        selection: Some(selection),
        returning: Vec::new(),
        changed: Changed::default(),
    }))
}

/// INSERT of rows that come from another member.
fn insert_kept(relation: &Relation, member: &Relation, kept: &Kept, selection: Expr) -> Result<Statement> {
    let mut columns = Vec::new();
    let mut targets = Vec::new();
    for (place, own) in relation.columns.iter().enumerate().filter(|(_, column)| !column.generated) {
        let like = Expr { kind: ExprKind::Null, type_oid: own.type_oid, typmod: own.typmod };
        let mut expr = Expr::positional(KEPT.into(), kept.moved + FIRST + place, &like);
        refuse_null(&mut expr, member_column(member, own)?, member);
        columns.push(own.stored_name().into());
        targets.push(Target { name: String::new(), expr });
    }
    let from = vec![kept_item(kept.list, KEPT.into())];
    let select = Select { targets, from, selection: Some(selection), ..Select::default() };
    Ok(Statement::Modify(Modify::Insert(Insert {
        ctes: Vec::new(),
        recursive: false,
        table: member.sqlite_name.clone(),
        alias: "t".into(),
        columns,
        source: Body::Select(Box::new(select)),
        conflict: None,
        returning: Vec::new(),
        changed: Changed::default(),
    })))
}

/// The first columns of kept rows.
fn all_of(list: usize, outputs: &[Target]) -> Query {
    let columns = outputs.iter().enumerate().map(|(place, output)| Target {
        name: output.name.clone(),
        expr: Expr::positional(KEPT.into(), place, &output.expr),
    });
    let from = vec![kept_item(list, KEPT.into())];
    Query::of_select(Select { targets: columns.collect(), from, ..Select::default() })
}

/// Whether RETURNING names a generated column.
pub(super) fn mentions(returning: &[TypedTarget], relation: &Relation, entry: EntryId) -> bool {
    let generated = |number: i16| relation.column_by_number(number).is_some_and(|column| column.generated);
    let names = |part: &Typed| matches!(&part.kind, Kind::Var(var) if var.entry == entry && generated(var.attribute));
    returning.iter().any(|target| target.expr.any(&names))
}
