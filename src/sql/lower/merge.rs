//! MERGE: the rows of the source are kept with what is to become of each, then one statement of SQLite for every action
//! changes what is to be changed.
//!
//! Owns: [`Lower::merge`]. Specification: sql-merge.html, ExecMerge in nodeModifyTable.c.

use std::rc::Rc;

use super::modify::{column, refuse_null};
use super::program::{Keep, Statement, kept_item, rowid};
use super::returning::{KEPT, count_of_rows, of_kept, vars_of};
use super::tree::{
    Body, Changed, Delete, Expr, ExprKind, FromItem, Insert, JoinKind, Modify, Query, Select, Target, Update,
};
use super::{Entry, Level, Lower};
use crate::catalog::schema::Relation;
use crate::error::{Error, Result};
use crate::sql::tree::{Expr as Typed, Merge, MergeAction, MergeKind, Var};
use crate::types::pg_type::Oid;

/// What a source row's second column says: the action's number, from 1; NULL is none.
const ACTION: usize = 1;

impl<'a> Lower<'a> {
    pub(super) fn merge(&mut self, merge: &Merge) -> Result<Statement> {
        let relation = self.relation(merge.relation)?;
        let alias = self.alias(merge.entry);
        let kept = self.keep_source(merge, relation, &alias)?;
        let row = rowid(relation, Some(alias.clone()));
        self.refuse_second_change(merge, kept)?;
        self.entries.insert(merge.entry, Entry::of_relation(Some(alias.clone()), relation));
        for (action, number) in merge.actions.iter().zip(1..) {
            let there = Expr::compare("=", of_kept(ACTION), Expr::integer(number, Oid::INT4));
            let change = match &action.kind {
                MergeKind::DoNothing => continue,
                MergeKind::Delete => self.merged_delete(relation, (&alias, &row), kept, there),
                MergeKind::Update(values) => self.merged_update(relation, (&alias, &row), kept, there, values)?,
                MergeKind::Insert(values) => self.merged_insert(relation, &alias, kept, there, values)?,
            };
            self.step(&Statement::Modify(change), Keep::Nothing, Some(relation.oid))?;
        }
        let acted = merge.actions.iter().zip(1..).filter(|(action, _)| action.kind != MergeKind::DoNothing);
        let numbers = acted.map(|(_, number)| Expr::integer(number, Oid::INT4)).collect();
        Ok(Statement::Query(count_of(kept, numbers)))
    }

    /// The source's rows with the target's row that each matches, what is to be done, and what the actions need of it.
    pub(super) fn keep_source(&mut self, merge: &Merge, relation: &'a Relation, alias: &Rc<str>) -> Result<usize> {
        let item = self.enter_changed(merge.entry, alias, relation, merge.members)?;
        let kept = self.source_in_level(merge, item);
        self.levels.pop();
        let (query, vars) = kept?;
        let kept = self.keep(query)?;
        self.enter_kept(&vars, ACTION + 1 + usize::from(merge.members));
        Ok(kept)
    }

    fn source_in_level(&mut self, merge: &Merge, right: FromItem) -> Result<(Query, Vec<Var>)> {
        let mut source = self.from_clause(std::slice::from_ref(&merge.source))?;
        let on = Some(self.condition(&merge.condition)?);
        let row = self.row_number(merge.entry)?;
        let matched = Expr::template("({0} IS NOT NULL)", vec![row.clone()], Oid::BOOL);
        let (of_matched, of_others) = (self.choice(merge, true)?, self.choice(merge, false)?);
        let whens = vec![(matched, of_matched)];
        let action = ExprKind::Case { whens, otherwise: Some(Box::new(of_others)) };
        let mut targets = vec![row, Expr::new(action, Oid::INT4)];
        if merge.members {
            targets.push(self.row_table(merge.entry)?);
        }
        let vars = vars_of(std::slice::from_ref(&merge.source), merge.action_exprs());
        for (var, type_oid, typmod) in &vars {
            targets.push(self.column(var, *type_oid, *typmod)?);
        }
        let targets = targets.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
        let left = source.pop().ok_or_else(|| Error::internal("MERGE without its source"))?;
        // Rows of the target alone are not asked for, and rows of the source alone only by NOT MATCHED.
        let kind = if merge.actions.iter().any(|action| !action.matched) { JoinKind::Left } else { JoinKind::Inner };
        let from = vec![FromItem::Join { kind, left: Box::new(left), right: Box::new(right), on }];
        let query = Query::of_select(Select { targets, from, ..Select::default() });
        Ok((query, vars.into_iter().map(|(var, ..)| var).collect()))
    }

    /// The number of the first action of that kind whose condition holds.
    fn choice(&mut self, merge: &Merge, matched: bool) -> Result<Expr> {
        let mut whens = Vec::new();
        let mut otherwise = None;
        let of_kind =
            merge.actions.iter().zip(1..).filter(|(action, _): &(&MergeAction, i64)| action.matched == matched);
        for (action, number) in of_kind {
            let number = Expr::integer(number, Oid::INT4);
            match &action.condition {
                Some(condition) => whens.push((self.condition(condition)?, number)),
                None => {
                    otherwise = Some(Box::new(number));
                    break;
                }
            }
        }
        Ok(match (whens.is_empty(), otherwise) {
            (true, Some(number)) => *number,
            (true, None) => Expr::new(ExprKind::Null, Oid::INT4),
            (false, otherwise) => Expr::new(ExprKind::Case { whens, otherwise }, Oid::INT4),
        })
    }

    /// 21000 if a row of the target is to be changed twice.
    pub(super) fn refuse_second_change(&mut self, merge: &Merge, kept: usize) -> Result<()> {
        let changes = |action: &MergeAction| matches!(action.kind, MergeKind::Update(_) | MergeKind::Delete);
        let numbers: Vec<Expr> = (merge.actions.iter().zip(1..))
            .filter(|(action, _)| changes(action))
            .map(|(_, number)| Expr::integer(number, Oid::INT4))
            .collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let mut query = count_of(kept, numbers);
        let Body::Select(select) = &mut query.body else { return Err(Error::internal("a count without SELECT")) };
        let row = match merge.members {
            false => of_kept(0),
            true => Expr::template("({0} || ':' || {1})", vec![of_kept(0), of_kept(2)], Oid::TEXT),
        };
        let twice = Expr::template("(count(*) > count(DISTINCT {0}))", vec![row], Oid::BOOL);
        let raise = [
            "21000",
            "MERGE command cannot affect row a second time",
            "Ensure that not more than one source row matches any one target row.",
        ];
        let raise = Expr::function("pg_raise", raise.map(Expr::text).to_vec(), Oid::INT4);
        let checked = ExprKind::Case { whens: vec![(twice, raise)], otherwise: None };
        select.targets = vec![Target { name: String::new(), expr: Expr::new(checked, Oid::INT4) }];
        self.step(&Statement::Query(query), Keep::Nothing, None).map(|_| ())
    }

    fn merged_delete(&self, relation: &Relation, (alias, row): (&Rc<str>, &Expr), kept: usize, there: Expr) -> Modify {
        let targets = vec![Target { name: String::new(), expr: of_kept(0) }];
        let from = vec![kept_item(kept, KEPT.into())];
        let query = Query::of_select(Select { targets, from, selection: Some(there), ..Select::default() });
        let selection = ExprKind::InQuery { expr: Box::new(row.clone()), query: Box::new(query), negated: false };
        Modify::Delete(Delete {
            ctes: Vec::new(),
            recursive: false,
            table: relation.sqlite_name.clone(),
            alias: alias.clone(),
            using: Vec::new(),
            selection: Some(Expr::new(selection, Oid::BOOL)),
            returning: Vec::new(),
            changed: Changed::default(),
        })
    }

    fn merged_update(
        &mut self,
        relation: &Relation,
        (alias, row): (&Rc<str>, &Expr),
        kept: usize,
        there: Expr,
        values: &[(i16, Typed)],
    ) -> Result<Modify> {
        self.levels.push(Level { gives_rows: true, ..Level::default() });
        let assignments: Result<Vec<_>> = (values.iter())
            .map(|(number, value)| self.assigned(relation, *number, value).map(|(name, value)| (vec![name], value)))
            .collect();
        self.levels.pop();
        let same_row = Expr::compare("=", row.clone(), of_kept(0));
        Ok(Modify::Update(Update {
            ctes: Vec::new(),
            recursive: false,
            table: relation.sqlite_name.clone(),
            alias: alias.clone(),
            assignments: assignments?,
            from: vec![kept_item(kept, KEPT.into())],
            selection: Some(Expr::template("({0} AND {1})", vec![same_row, there], Oid::BOOL)),
            returning: Vec::new(),
            changed: Changed::default(),
        }))
    }

    fn merged_insert(
        &mut self,
        relation: &Relation,
        alias: &Rc<str>,
        kept: usize,
        there: Expr,
        values: &[(i16, Typed)],
    ) -> Result<Modify> {
        let mut columns = Vec::with_capacity(values.len());
        let mut targets = Vec::with_capacity(values.len());
        self.levels.push(Level { gives_rows: true, ..Level::default() });
        let lowered: Result<Vec<Expr>> = values.iter().map(|(_, value)| self.expr(value)).collect();
        self.levels.pop();
        for ((number, _), mut expr) in values.iter().zip(lowered?) {
            let column = column(relation, *number)?;
            refuse_null(&mut expr, column, relation);
            columns.push(column.stored_name().into());
            targets.push(Target { name: String::new(), expr });
        }
        let from = vec![kept_item(kept, KEPT.into())];
        let select = Select { targets, from, selection: Some(there), ..Select::default() };
        Ok(Modify::Insert(Insert {
            ctes: Vec::new(),
            recursive: false,
            table: relation.sqlite_name.clone(),
            alias: alias.clone(),
            columns,
            source: Body::Select(Box::new(select)),
            conflict: None,
            returning: Vec::new(),
            changed: Changed::default(),
        }))
    }
}

/// The number of source rows with one of these actions.
fn count_of(kept: usize, actions: Vec<Expr>) -> Query {
    let mut query = count_of_rows(kept);
    if let Body::Select(select) = &mut query.body {
        let expr = Box::new(of_kept(ACTION));
        select.selection = Some(match actions.is_empty() {
            true => Expr::integer(0, Oid::BOOL),
            false => Expr::new(ExprKind::InList { expr, list: actions, negated: false }, Oid::BOOL),
        });
    }
    query
}
