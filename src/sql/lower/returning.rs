//! UPDATE and DELETE whose RETURNING names other tables than the one that is changed, which SQLite's cannot.
//!
//! Owns: [`returns_others`] and the steps of such statements: the rows to change are kept first, with what RETURNING
//! wants of the other tables; then they are changed; the last statement is a query over both.

use std::rc::Rc;

use super::program::{Keep, Statement, kept_item, read, rowid};
use super::tree::{Changed, Delete, Expr, ExprKind, FromItem, Modify, Query, Select, Target, Update};
use super::{Columns, Entry, Level, Lower};
use crate::catalog::schema::{ForeignKey, Relation};
use crate::error::{Error, Result};
use crate::sql::tree::{
    Delete as TypedDelete, EntryId, Expr as Typed, ExprKind as Kind, FromItem as TypedItem, Modify as TypedModify,
    Target as TypedTarget, Update as TypedUpdate, Var,
};
use crate::types::pg_type::Oid;

/// The alias of the rows that are kept.
pub(super) const KEPT: &str = "k";

/// A column of such a row, of no matter which type.
pub(super) fn of_kept(index: usize) -> Expr {
    Expr::positional(KEPT.into(), index, &Expr::new(ExprKind::Null, Oid::INT8))
}

/// How many rows are kept.
pub(super) fn count_of_rows(kept: usize) -> Query {
    let (targets, from) =
        (vec![Target { name: String::new(), expr: Expr::count_star() }], vec![kept_item(kept, KEPT.into())]);
    Query::of_select(Select { targets, from, ..Select::default() })
}

/// Whether RETURNING names columns of FROM or USING.
pub(super) fn returns_others(modify: &TypedModify) -> bool {
    let others = match modify {
        TypedModify::Insert(_) | TypedModify::Merge(_) => return false,
        TypedModify::Update(update) => &update.from,
        TypedModify::Delete(delete) => &delete.using,
    };
    !vars_of(others, modify.returning().iter().map(|target| &target.expr)).is_empty()
}

/// The columns of these FROM items that expressions mention, each once, with their types.
pub(super) fn vars_of<'t>(items: &[TypedItem], exprs: impl Iterator<Item = &'t Typed>) -> Vec<(Var, Oid, i32)> {
    let entries: Vec<EntryId> = items.iter().flat_map(TypedItem::entries).map(|entry| entry.id).collect();
    let found: std::cell::RefCell<Vec<(Var, Oid, i32)>> = std::cell::RefCell::default();
    let note = |expr: &Typed| {
        if let Kind::Var(var) = &expr.kind
            && entries.contains(&var.entry)
        {
            let mut found = found.borrow_mut();
            if !found.iter().any(|(known, ..)| (known.entry, known.attribute) == (var.entry, var.attribute)) {
                found.push((var.clone(), expr.type_oid, expr.typmod));
            }
        }
        false
    };
    for expr in exprs {
        expr.any(&|part| note(part) || part.subquery().is_some_and(|query| query.any(&note)));
    }
    found.into_inner()
}

/// Columns of an entry by attribute number, and what they are called among those that were kept.
type KeptColumns = Vec<(i16, Rc<str>)>;

impl Lower<'_> {
    /// Whether what a DELETE removes may take with it, or change, rows that the DELETE is yet to find: SQLite acts on
    /// references at once, PostgreSQL at the end of the statement.
    pub(super) fn deletes_own_rows(&self, modify: &TypedModify) -> bool {
        let TypedModify::Delete(delete) = modify else { return false };
        self.acts_on_itself(delete.relation, |key| key.on_delete)
    }

    /// Whether a table is among those that referential actions of it change.
    fn acts_on_itself(&self, relation: Oid, action: fn(&ForeignKey) -> u8) -> bool {
        let mut reached = vec![relation];
        let mut next = 0;
        while let Some(parent) = reached.get(next).copied() {
            for child in self.catalog().relations.values() {
                let keys = child.constraints.iter().filter_map(|constraint| constraint.foreign_key());
                if keys.clone().all(|key| key.relation != parent || !b"cnd".contains(&action(key))) {
                    continue;
                }
                if child.oid == relation {
                    return true;
                }
                if !reached.contains(&child.oid) {
                    reached.push(child.oid);
                }
            }
            next += 1;
        }
        false
    }

    pub(super) fn update_in_steps(&mut self, update: &TypedUpdate) -> Result<Statement> {
        let relation = self.relation(update.relation)?;
        self.refuse_reading(relation, &update.returning)?;
        let alias = self.alias(update.entry);
        self.enter_target(update.entry, &alias, relation);
        let lowered = self.update_in_level(update, relation);
        let others = lowered.and_then(|lowered| Ok((lowered, self.others(&update.from, &update.returning)?)));
        self.levels.pop();
        let ((from, assignments, selection), others) = others?;
        let mut names = Vec::with_capacity(assignments.len());
        let mut values = Vec::with_capacity(assignments.len());
        for (columns, value) in assignments {
            let Ok([column]) = <[Rc<str>; 1]>::try_from(columns) else {
                return Err(Error::unsupported(
                    "assigning several columns from a query beside RETURNING of other tables",
                ));
            };
            names.push(column);
            values.push(value);
        }
        let (vars, others): (Vec<Var>, Vec<Expr>) = others.into_iter().unzip();
        let row = rowid(relation, Some(alias.clone()));
        let kept_values = values.iter().cloned().chain(others);
        let kept = self.keep_rows_of((relation, &alias), row.clone(), kept_values, from, selection)?;
        let of_kept = |index: usize, like: &Expr| Expr::positional(KEPT.into(), index, like);
        let assignments = names.iter().zip(&values).enumerate();
        let assignments =
            assignments.map(|(index, (name, value))| (vec![name.clone()], of_kept(index + 1, value))).collect();
        let checked = self.returning(&[], &update.checks, update.entry, relation)?;
        let change = Update {
            ctes: Vec::new(),
            recursive: false,
            table: relation.sqlite_name.clone(),
            alias: alias.clone(),
            assignments,
            from: vec![kept_item(kept, KEPT.into())],
            selection: Some(Expr::compare("=", row.clone(), of_kept(0, &row))),
            returning: checked,
            changed: Changed::default(),
        };
        self.step(&Statement::Modify(Modify::Update(change)), Keep::Nothing, Some(relation.oid))?;
        // A row whose key was changed has another number.
        let key = relation.columns.iter().find(|column| column.rowid_alias).map(|column| column.stored_name());
        let moved = names.iter().position(|name| Some(&**name) == key).map_or(0, |index| index + 1);
        let same_row = Expr::compare("=", row.clone(), of_kept(moved, &row));
        self.entries.insert(update.entry, Entry::of_relation(Some(alias.clone()), relation));
        self.enter_kept(&vars, values.len() + 1);
        let table = FromItem::Table { name: relation.sqlite_name.clone(), alias };
        let from = vec![kept_item(kept, KEPT.into()), table];
        self.returned_from(&update.returning, update.entry, from, Some(same_row))
    }

    pub(super) fn delete_in_steps(&mut self, delete: &TypedDelete) -> Result<Statement> {
        let relation = self.relation(delete.relation)?;
        self.refuse_reading(relation, &delete.returning)?;
        let alias = self.alias(delete.entry);
        self.enter_target(delete.entry, &alias, relation);
        let lowered = self.delete_in_level(delete, relation);
        let others = lowered.and_then(|lowered| Ok((lowered, self.others(&delete.using, &delete.returning)?)));
        self.levels.pop();
        let ((using, selection), others) = others?;
        let (vars, others): (Vec<Var>, Vec<Expr>) = others.into_iter().unzip();
        let row = rowid(relation, Some(alias.clone()));
        let own = relation.columns.iter().map(|column| {
            let reference = super::tree::ColumnRef {
                alias: Some(alias.clone()),
                column: column.stored_name().into(),
                not_null: false,
            };
            Expr::new(ExprKind::Column(reference), column.type_oid)
        });
        let kept = self.keep_rows_of((relation, &alias), row.clone(), own.chain(others), using, selection)?;
        let numbers = Target { name: String::new(), expr: Expr::positional(KEPT.into(), 0, &row) };
        let from = vec![kept_item(kept, KEPT.into())];
        let query = Query::of_select(Select { targets: vec![numbers], from: from.clone(), ..Select::default() });
        let selection = ExprKind::InQuery { expr: Box::new(row), query: Box::new(query), negated: false };
        let change = Delete {
            ctes: Vec::new(),
            recursive: false,
            table: relation.sqlite_name.clone(),
            alias,
            using: Vec::new(),
            selection: Some(Expr::new(selection, Oid::BOOL)),
            returning: Vec::new(),
            changed: Changed::default(),
        };
        self.step(&Statement::Modify(Modify::Delete(change)), Keep::Nothing, Some(relation.oid))?;
        let numbers = std::iter::once(Var::CTID).chain(relation.columns.iter().map(|column| column.number));
        let columns = numbers.zip(1..).map(|(number, n)| (number, format!("c{n}").into()));
        let columns = Columns::Member(columns.collect(), relation.oid);
        self.entries.insert(delete.entry, Entry { alias: Some(KEPT.into()), columns });
        self.enter_kept(&vars, relation.columns.len() + 1);
        if delete.returning.is_empty() {
            return Ok(Statement::Query(count_of_rows(kept)));
        }
        self.returned_from(&delete.returning, delete.entry, from, None)
    }

    /// What a sub-query of RETURNING reads must be as it was before.
    pub(super) fn refuse_reading(&self, relation: &Relation, returning: &[TypedTarget]) -> Result<()> {
        match self.reads_changed(relation, returning.iter().map(|target| &target.expr)) {
            true => Err(Error::unsupported("a sub-query in RETURNING over a table that the statement changes")),
            false => Ok(()),
        }
    }

    /// Whether a sub-query of these reads what a change of the relation changes.
    pub(super) fn reads_changed<'t>(&self, relation: &Relation, mut exprs: impl Iterator<Item = &'t Typed>) -> bool {
        let changed = self.changed_with(relation);
        exprs.any(|expr| {
            expr.any(&|part| {
                let mut reads = false;
                if let Some(query) = part.subquery() {
                    query.for_each_entry_read(&mut |entry| {
                        reads |= read(self.catalog(), entry).iter().any(|oid| changed.contains(oid));
                    });
                }
                reads
            })
        })
    }

    pub(super) fn others(&mut self, items: &[TypedItem], returning: &[TypedTarget]) -> Result<Vec<(Var, Expr)>> {
        let vars = vars_of(items, returning.iter().map(|target| &target.expr)).into_iter();
        vars.map(|(var, type_oid, typmod)| self.column(&var, type_oid, typmod).map(|expr| (var, expr))).collect()
    }

    /// Keeps the rows that are to be changed, each once: its number, then values.
    fn keep_rows_of(
        &mut self,
        (relation, alias): (&Relation, &Rc<str>),
        row: Expr,
        values: impl Iterator<Item = Expr>,
        others: Vec<FromItem>,
        selection: Option<Expr>,
    ) -> Result<usize> {
        let targets = std::iter::once(row.clone()).chain(values).map(|expr| Target { name: String::new(), expr });
        let mut from = vec![FromItem::Table { name: relation.sqlite_name.clone(), alias: alias.clone() }];
        from.extend(others);
        let targets = targets.collect();
        self.keep(Query::of_select(Select { targets, from, selection, group_by: vec![row], ..Select::default() }))
    }

    /// The columns of other tables are among those that were kept, from that place on.
    pub(super) fn enter_kept(&mut self, vars: &[Var], first: usize) {
        let mut columns: Vec<(EntryId, KeptColumns)> = Vec::new();
        for (index, var) in vars.iter().enumerate() {
            let column = (var.attribute, format!("c{}", first + index + 1).into());
            match columns.iter_mut().find(|(entry, _)| *entry == var.entry) {
                Some((_, known)) => known.push(column),
                None => columns.push((var.entry, vec![column])),
            }
        }
        for (entry, columns) in columns {
            self.entries.insert(entry, Entry { alias: Some(KEPT.into()), columns: Columns::Named(columns) });
        }
    }

    /// RETURNING as a query.
    pub(super) fn returned_from(
        &mut self,
        returning: &[TypedTarget],
        target: EntryId,
        from: Vec<FromItem>,
        selection: Option<Expr>,
    ) -> Result<Statement> {
        self.levels.push(Level { gives_rows: true, entries: vec![target], sets: None });
        let targets: Result<Vec<Target>> = returning.iter().map(|target| self.returned(target)).collect();
        self.levels.pop();
        Ok(Statement::Query(Query::of_select(Select { targets: targets?, from, selection, ..Select::default() })))
    }
}
