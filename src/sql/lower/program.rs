//! Statements that are more than one of SQLite's: WITH queries that change data, RETURNING of other tables.
//!
//! Owns: [`Program`], the steps that come before the last statement, and what of them later steps read. Every step sees
//! the tables as they were before the first: one that reads a table which an earlier step changes reads a copy of it,
//! kept before. Specification: queries-with.html#QUERIES-WITH-MODIFYING; how steps are run is `engine::steps`.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::tree::{Body, ColumnRef, Cte, Expr, ExprKind, FromItem, Modify, Query, Select, Target};
use super::{Columns, Context, Entry, Lower, print};
use crate::catalog::schema::{CatalogSnapshot, ForeignKey, ROW_NUMBER, Relation, RelationKind};
use crate::error::{Error, Result};
use crate::sql::lower::print::plan::COLUMNS;
pub(super) use crate::sql::plan::Keep;
use crate::sql::plan::{Arrangement, KeptValue, ProgramStep};
use crate::sql::tree::{
    Cte as TypedCte, CteId, CteQuery, EntryId, EntryKind, Modify as TypedModify, Query as TypedQuery, RangeTblEntry,
    Var,
};
use crate::types::pg_type::Oid;

/// SQLite's function for the rows that a step has kept.
const KEPT: &str = "__pg_kept";

/// The steps so far.
#[derive(Default)]
pub(super) struct Program {
    pub(super) steps: Vec<ProgramStep>,
    /// How many lists of rows they keep.
    kept: usize,
    /// The WITH queries whose rows are kept.
    pub(super) ctes: HashMap<CteId, usize>,
    /// Copies of tables as they were before the first step: their columns, then the rowid.
    copies: HashMap<Oid, usize>,
    /// The tables that a step has changed.
    changed: HashSet<Oid>,
    /// A step may fire triggers.
    pub(super) fires: bool,
    /// The change of data that the whole statement is.
    pub(super) main: Option<*const TypedModify>,
}

/// The last statement of a program.
pub(super) enum Last<'t> {
    Query(&'t TypedQuery),
    Modify(&'t TypedModify),
}

/// A statement of SQLite.
pub(super) enum Statement {
    Query(Query),
    Modify(Modify),
}

impl Statement {
    pub(super) fn print(&self, context: Context<'_>) -> Result<print::Translated> {
        let repr_of = |oid, typmod| context.repr_of(oid, typmod);
        let translated = match self {
            Statement::Query(query) => print::query(query, &repr_of),
            Statement::Modify(modify) => {
                print::check(modify)?;
                print::modify(modify, &repr_of)
            }
        };
        translated.checked()
    }
}

impl Lower<'_> {
    /// Makes steps of a statement's WITH list, if one of its queries changes data or the statement becomes steps itself;
    /// then the list is done with.
    pub(super) fn steps_of(
        &mut self,
        ctes: &[TypedCte],
        recursive: bool,
        last: &Last<'_>,
        in_steps: bool,
    ) -> Result<bool> {
        if !in_steps && !ctes.iter().any(|cte| matches!(cte.query, CteQuery::Modify(_))) {
            return Ok(false);
        }
        self.copy_tables(ctes, last)?;
        for cte in ctes {
            match &cte.query {
                CteQuery::Select(query) => {
                    self.recursive = query.reads_cte(cte.id).then(|| self.cte_name(cte.id));
                    let query = self.query(query)?;
                    let kept = match recursive {
                        true => self.keep_recursive(cte.id, query)?,
                        false => self.keep(query)?,
                    };
                    self.program.ctes.insert(cte.id, kept);
                }
                CteQuery::Modify(modify) => {
                    let returns = !modify.returning().is_empty();
                    let (statement, _) = self.modify(modify)?;
                    let target = modify.relation();
                    let keep = if returns { Keep::Rows } else { Keep::Nothing };
                    let step = self.step(&statement, keep, Some(target))?;
                    self.program.ctes.extend(step.map(|kept| (cte.id, kept)));
                    let changed = self.changed_with(self.relation(target)?);
                    self.program.changed.extend(changed);
                }
            }
        }
        Ok(true)
    }

    /// Adds a step; the number of its rows, if they are kept.
    pub(super) fn step(&mut self, statement: &Statement, keep: Keep, target: Option<Oid>) -> Result<Option<usize>> {
        let translated = statement.print(self.context)?;
        let deletes = matches!(statement, Statement::Modify(Modify::Delete(_)));
        let (sql, binds) = (translated.sql.into(), translated.binds);
        Ok(self.push_step(ProgramStep { sql, binds, keep, target, deletes, ..ProgramStep::default() }))
    }

    /// A list of kept rows that no step has yet.
    pub(super) fn kept_list(&mut self) -> usize {
        self.program.kept += 1;
        self.program.kept - 1
    }

    /// Adds a step that is left out unless there are such rows; its rows are added to those of a list.
    pub(super) fn step_if(
        &mut self,
        statement: &Statement,
        list: Option<usize>,
        target: Option<Oid>,
        only: Option<KeptValue>,
    ) -> Result<()> {
        let translated = statement.print(self.context)?;
        let deletes = matches!(statement, Statement::Modify(Modify::Delete(_)));
        let (sql, binds) = (translated.sql.into(), translated.binds);
        let (keep, list) = (list.map_or(Keep::Nothing, |_| Keep::Rows), list.unwrap_or_default());
        self.program.steps.push(ProgramStep {
            sql,
            binds,
            keep,
            list,
            target,
            deletes,
            only,
            ..ProgramStep::default()
        });
        Ok(())
    }

    /// Adds a step that puts kept rows into the order of others.
    pub(super) fn arrange(&mut self, arrangement: Arrangement) {
        self.program.steps.push(ProgramStep { arranges: Some(arrangement), ..ProgramStep::default() });
    }

    pub(super) fn push_step(&mut self, mut step: ProgramStep) -> Option<usize> {
        let list = (step.keep != Keep::Nothing).then(|| self.kept_list());
        step.list = list.unwrap_or_default();
        self.program.steps.push(step);
        list
    }

    /// The last statement of a program that may fire triggers is a step, too: they fire when all is changed, and before
    /// anything of it is told.
    pub(super) fn settled(&mut self, statement: Statement, modify: Option<&TypedModify>) -> Result<Statement> {
        if !self.program.fires {
            return Ok(statement);
        }
        let target = modify.map(TypedModify::relation);
        let (kept, outputs) = match &statement {
            Statement::Query(query) => {
                if query.outputs().len() > COLUMNS {
                    return Err(Error::unsupported(format!(
                        "more than {COLUMNS} columns in a statement of several steps"
                    )));
                }
                (self.step(&statement, Keep::Rows, None)?, query.outputs())
            }
            Statement::Modify(change) => {
                let returning = match change {
                    Modify::Insert(insert) => &insert.returning,
                    Modify::Update(update) => &update.returning,
                    Modify::Delete(delete) => &delete.returning,
                };
                let outputs: Vec<_> =
                    returning.iter().map(|t| (t.name.clone(), t.expr.type_oid, t.expr.typmod)).collect();
                let returns = modify.is_some_and(|modify| !modify.returning().is_empty());
                match returns {
                    true => (self.step(&statement, Keep::Rows, target)?, outputs),
                    false => {
                        let count = vec![(String::new(), Oid::INT8, -1)];
                        (self.step(&statement, Keep::Count, target)?, count)
                    }
                }
            }
        };
        let kept = kept.ok_or_else(|| Error::internal("a step that keeps no rows"))?;
        let targets = outputs.into_iter().enumerate().map(|(index, (name, type_oid, typmod))| {
            let like = Expr { kind: ExprKind::Null, type_oid, typmod };
            Target { name, expr: Expr::positional("k".into(), index, &like) }
        });
        let from = vec![kept_item(kept, "k".into())];
        Ok(Statement::Query(Query::of_select(Select { targets: targets.collect(), from, ..Select::default() })))
    }

    /// Adds a step that keeps a query's rows.
    pub(super) fn keep(&mut self, query: Query) -> Result<usize> {
        if query.outputs().len() > COLUMNS {
            return Err(Error::unsupported(format!("more than {COLUMNS} columns in a statement of several steps")));
        }
        let kept = self.step(&Statement::Query(query), Keep::Rows, None)?;
        kept.ok_or_else(|| Error::internal("a step that keeps no rows"))
    }

    /// Keeps the rows of a query that may refer to itself.
    fn keep_recursive(&mut self, id: CteId, query: Query) -> Result<usize> {
        let name = self.cte_name(id);
        let mut all = self.select_all(query);
        let Some(FromItem::Derived { query, alias }) = all.from.pop() else {
            return Err(Error::internal("a query without its FROM"));
        };
        all.from = vec![FromItem::Cte { name: name.clone(), alias }];
        let ctes = vec![Cte { name, query: *query, materialized: None }];
        self.keep(Query { ctes, recursive: true, ..Query::of_select(all) })
    }

    // ----- what earlier steps have kept

    /// The FROM item and the columns of a WITH query whose rows are kept.
    pub(super) fn kept_cte(&mut self, id: EntryId, cte: CteId) -> Option<FromItem> {
        let kept = *self.program.ctes.get(&cte)?;
        let alias = self.alias(id);
        self.entries.insert(id, Entry::positional(alias.clone()));
        Some(kept_item(kept, alias))
    }

    /// The FROM item and the columns of a table that an earlier step has changed: as it was before.
    pub(super) fn copied_table(&mut self, id: EntryId, relation: &Relation) -> Option<FromItem> {
        let alias = self.alias(id);
        let item = self.copy_of(relation, alias.clone())?;
        let numbers = relation.columns.iter().map(|column| column.number).chain([Var::CTID]);
        let columns = numbers.zip(1..).map(|(number, n)| (number, format!("c{n}").into()));
        let columns = Columns::Member(columns.collect(), relation.oid);
        self.entries.insert(id, Entry { alias: Some(alias), columns });
        Some(item)
    }

    /// The copy of a table that an earlier step has changed: its columns in order, then the rowid.
    pub(super) fn copy_of(&self, relation: &Relation, alias: Rc<str>) -> Option<FromItem> {
        if !self.program.changed.contains(&relation.oid) {
            return None;
        }
        Some(kept_item(*self.program.copies.get(&relation.oid)?, alias))
    }

    /// A condition for an UPDATE or DELETE of a table that an earlier step has changed: the row was there before.
    pub(super) fn was_there(&self, relation: &Relation, alias: &Rc<str>) -> Option<Expr> {
        if !self.program.changed.contains(&relation.oid) {
            return None;
        }
        let kept = *self.program.copies.get(&relation.oid)?;
        let item = kept_item(kept, "k".into());
        let null = Expr::new(ExprKind::Null, Oid::INT8);
        let rowids = Expr::positional("k".into(), relation.columns.len(), &null);
        let targets = vec![Target { name: String::new(), expr: rowids }];
        let query = Query::of_select(Select { targets, from: vec![item], ..Select::default() });
        let expr = Box::new(rowid(relation, Some(alias.clone())));
        Some(Expr::new(ExprKind::InQuery { expr, query: Box::new(query), negated: false }, Oid::BOOL))
    }

    /// Keeps the tables that a later part of the statement reads, or changes, after an earlier one has changed them.
    fn copy_tables(&mut self, ctes: &[TypedCte], last: &Last<'_>) -> Result<()> {
        let mut changed: HashSet<Oid> = HashSet::new();
        let mut wanted: Vec<Oid> = Vec::new();
        let catalog = self.catalog();
        let mut note = |oids: Vec<Oid>, changed: &HashSet<Oid>| {
            for oid in oids {
                if changed.contains(&oid) && !wanted.contains(&oid) {
                    wanted.push(oid);
                }
            }
        };
        let note_modify =
            |modify: &TypedModify, changed: &HashSet<Oid>, note: &mut dyn FnMut(Vec<Oid>, &HashSet<Oid>)| {
                modify.for_each_entry_read(&mut |entry| note(read(catalog, entry), changed));
                // What an INSERT of this statement has added, an UPDATE or DELETE does not see.
                if !matches!(modify, TypedModify::Insert(_)) {
                    note(catalog.members(modify.relation()).iter().map(|member| member.oid).collect(), changed);
                }
            };
        for cte in ctes {
            match &cte.query {
                CteQuery::Select(query) => query.for_each_entry_read(&mut |entry| note(read(catalog, entry), &changed)),
                CteQuery::Modify(modify) => {
                    note_modify(modify, &changed, &mut note);
                    changed.extend(self.changed_with(self.relation(modify.relation())?));
                }
            }
        }
        match last {
            Last::Query(query) => query.for_each_entry_read(&mut |entry| note(read(catalog, entry), &changed)),
            Last::Modify(modify) => note_modify(modify, &changed, &mut note),
        }
        for oid in wanted {
            let relation = self.relation(oid)?;
            let kept = self.keep(whole_table(relation)?)?;
            self.program.copies.insert(oid, kept);
        }
        Ok(())
    }

    /// The tables that a change of the relation changes, by referential actions too.
    pub(super) fn changed_with(&self, relation: &Relation) -> Vec<Oid> {
        let mut changed: Vec<Oid> = self.catalog().inheritors(relation.oid).iter().map(|member| member.oid).collect();
        let mut next = 0;
        while let Some(parent) = changed.get(next).copied() {
            for child in self.catalog().relations.values() {
                let mut keys = child.constraints.iter().filter_map(|c| c.foreign_key());
                let acts = |key: &ForeignKey| [key.on_update, key.on_delete].iter().any(|a| b"cnd".contains(a));
                let referred = self.catalog().relations.get(&parent);
                let refers = |key: &ForeignKey| referred.is_some_and(|table| self.catalog().is_referred(table, key));
                if keys.any(|key| acts(key) && refers(key)) && !changed.contains(&child.oid) {
                    let below = self.catalog().inheritors(child.oid).into_iter().map(|member| member.oid);
                    changed.extend(below.filter(|oid| !changed.contains(oid)).collect::<Vec<_>>());
                }
            }
            next += 1;
        }
        changed
    }
}

/// The tables that an entry reads.
pub(super) fn read(catalog: &CatalogSnapshot, entry: &RangeTblEntry) -> Vec<Oid> {
    match entry.kind {
        EntryKind::Relation(oid) => vec![oid],
        EntryKind::Members(oid) => catalog.members(oid).iter().map(|member| member.oid).collect(),
        _ => Vec::new(),
    }
}

/// What a step has kept, as an item of FROM.
pub(super) fn kept_item(kept: usize, alias: Rc<str>) -> FromItem {
    let step = Expr::integer(i64::try_from(kept).unwrap_or(i64::MAX), Oid::INT4);
    FromItem::Function { name: KEPT, args: vec![step], alias }
}

/// All columns of a table and its rowid.
fn whole_table(relation: &Relation) -> Result<Query> {
    if relation.kind != RelationKind::Table {
        return Err(Error::internal("only a table is changed"));
    }
    let alias: Rc<str> = "t".into();
    let column = |name: &str, type_oid| {
        let column = ColumnRef { alias: Some(alias.clone()), column: name.into(), not_null: false };
        Expr::new(ExprKind::Column(column), type_oid)
    };
    let columns = relation.columns.iter().map(|c| column(&c.name, c.type_oid));
    let rowid = rowid(relation, Some(alias.clone()));
    let targets = columns.chain([rowid]).map(|expr| Target { name: String::new(), expr }).collect();
    let from = vec![FromItem::Table { name: relation.sqlite_name.clone(), alias }];
    Ok(Query::of(Body::Select(Box::new(Select { targets, from, ..Select::default() }))))
}

/// SQLite's number of a row, by a name that no column of the table has.
pub(super) fn rowid(relation: &Relation, alias: Option<Rc<str>>) -> Expr {
    let column = ColumnRef { alias, column: rowid_name(relation).into(), not_null: true };
    Expr::new(ExprKind::Column(column), Oid::INT8)
}

/// What SQLite calls that number.
pub(super) fn rowid_name(relation: &Relation) -> &'static str {
    let taken = |name: &&str| relation.columns.iter().any(|column| column.stored_name().eq_ignore_ascii_case(name));
    ROW_NUMBER.into_iter().find(|name| !taken(name)).unwrap_or("rowid")
}
