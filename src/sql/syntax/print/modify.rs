//! INSERT, UPDATE, DELETE, MERGE.

use super::Printer;
use crate::sql::syntax::ast::expression::Expr;
use crate::sql::syntax::ast::query::*;

impl Printer {
    pub(super) fn insert(&mut self, insert: &InsertStmt) {
        self.with(insert.with.as_ref());
        self.put("INSERT INTO ");
        self.relation(&insert.relation);
        self.insert_columns(&insert.columns);
        self.overriding(insert.overriding);
        match &insert.source {
            None => self.put(" DEFAULT VALUES"),
            Some(source) => {
                self.put(" ");
                self.select(source);
            }
        }
        if let Some(conflict) = &insert.on_conflict {
            self.on_conflict(conflict);
        }
        self.returning(&insert.returning);
    }

    fn insert_columns(&mut self, columns: &[ResTarget]) {
        if !columns.is_empty() {
            self.put(" ");
            self.parens(|p| {
                p.list(columns, ", ", |p, column| {
                    p.assigned(column.name.as_deref().unwrap_or_default(), &column.indirection);
                });
            });
        }
    }

    fn overriding(&mut self, overriding: Option<Overriding>) {
        self.put(match overriding {
            None => "",
            Some(Overriding::System) => " OVERRIDING SYSTEM VALUE",
            Some(Overriding::User) => " OVERRIDING USER VALUE",
        });
    }

    fn on_conflict(&mut self, conflict: &OnConflictClause) {
        self.put(" ON CONFLICT");
        match conflict.infer.as_ref().map(|infer| &infer.target) {
            None => {}
            Some(InferTarget::Constraint(name)) => {
                self.put(" ON CONSTRAINT ");
                self.name(name);
            }
            Some(InferTarget::Index { elements, where_clause }) => {
                self.put(" ");
                self.parens(|p| p.list(elements, ", ", |p, element| p.index_elem(element)));
                self.clause(" WHERE ", where_clause.as_ref());
            }
        }
        match &conflict.action {
            OnConflictAction::Nothing => self.put(" DO NOTHING"),
            OnConflictAction::Update { targets, where_clause } => {
                self.put(" DO UPDATE SET ");
                self.assignments(targets);
                self.clause(" WHERE ", where_clause.as_ref());
            }
        }
    }

    fn returning(&mut self, targets: &[ResTarget]) {
        if !targets.is_empty() {
            self.put(" RETURNING ");
            self.targets(targets);
        }
    }

    /// a = x, (b, c) = y
    fn assignments(&mut self, targets: &[ResTarget]) {
        for (index, target) in targets.iter().enumerate() {
            let name = |p: &mut Self, target: &ResTarget| {
                p.assigned(target.name.as_deref().unwrap_or_default(), &target.indirection);
            };
            match &target.value {
                Some(Expr::MultiAssign(multi)) if multi.column > 1 => {}
                Some(Expr::MultiAssign(multi)) => {
                    self.put(if index > 0 { ", " } else { "" });
                    let group = targets.get(index..index + multi.columns as usize).unwrap_or_default();
                    self.parens(|p| p.list(group, ", ", name));
                    self.put(" = ");
                    self.expr(&multi.source);
                }
                value => {
                    self.put(if index > 0 { ", " } else { "" });
                    name(self, target);
                    self.put(" = ");
                    self.exprs(value.as_slice());
                }
            }
        }
    }

    pub(super) fn update(&mut self, update: &UpdateStmt) {
        self.with(update.with.as_ref());
        self.put("UPDATE ");
        self.relation(&update.relation);
        self.put(" SET ");
        self.assignments(&update.targets);
        self.from(" FROM ", &update.from);
        self.clause(" WHERE ", update.where_clause.as_ref());
        self.returning(&update.returning);
    }

    pub(super) fn delete(&mut self, delete: &DeleteStmt) {
        self.with(delete.with.as_ref());
        self.put("DELETE FROM ");
        self.relation(&delete.relation);
        self.from(" USING ", &delete.using);
        self.clause(" WHERE ", delete.where_clause.as_ref());
        self.returning(&delete.returning);
    }

    pub(super) fn merge(&mut self, merge: &MergeStmt) {
        self.with(merge.with.as_ref());
        self.put("MERGE INTO ");
        self.relation(&merge.relation);
        self.put(" USING ");
        self.from_item(&merge.source);
        self.clause(" ON ", Some(&merge.condition));
        for when in &merge.when_clauses {
            self.put(if when.matched { " WHEN MATCHED" } else { " WHEN NOT MATCHED" });
            self.clause(" AND ", when.condition.as_ref());
            self.put(" THEN ");
            self.merge_action(&when.action);
        }
    }

    fn merge_action(&mut self, action: &MergeAction) {
        match action {
            MergeAction::DoNothing => self.put("DO NOTHING"),
            MergeAction::Delete => self.put("DELETE"),
            MergeAction::Update(targets) => {
                self.put("UPDATE SET ");
                self.assignments(targets);
            }
            MergeAction::Insert { columns, overriding, values } => {
                self.put("INSERT");
                self.insert_columns(columns);
                self.overriding(*overriding);
                match values {
                    None => self.put(" DEFAULT VALUES"),
                    Some(values) => {
                        self.put(" VALUES ");
                        self.parens(|p| p.exprs(values));
                    }
                }
            }
        }
    }
}
