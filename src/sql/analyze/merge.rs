//! MERGE.
//!
//! Owns: [`Analyzer::merge`]. Specification: sql-merge.html, transformMergeStmt in parse_merge.c.

use crate::catalog::acl::Privileges;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::modify::{Modified, stored_columns};
use crate::sql::analyze::result_relation::{Change, ResultRelation, ResultRow};
use crate::sql::analyze::scope::Scope;
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::ast::query::{MergeAction as Action, MergeStmt, MergeWhenClause, Overriding, ResTarget};
use crate::sql::tree::{Expr, Merge, MergeAction, MergeKind, Modify};

impl<'a> Analyzer<'a> {
    pub fn merge(&mut self, ast: &MergeStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        self.refuse_unreachable(&ast.when_clauses)?;
        let (target, entry, ResultRow { row, .. }) = self.modified(&ast.relation, Change::Merge)?;
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let mut source = self.from_item(&ast.source)?;
        let condition = self.condition(&ast.condition, "JOIN/ON")?;
        let actions = ast.when_clauses.iter().map(|when| self.when(when, &target)).collect::<Result<Vec<_>>>()?;
        self.scopes.pop();
        self.ctes.truncate(in_scope);
        let relation = target.table;
        let (condition, checks) = self.secured_merge(&target, entry, (&mut source, condition), &actions)?;
        let members = ast.relation.inherit && relation.has_members();
        let routing = if members { self.routing(relation, entry)? } else { Vec::new() };
        let relation_oid = relation.oid;
        let merge = Merge {
            ctes,
            recursive,
            relation: relation_oid,
            entry,
            source,
            condition,
            actions,
            checks,
            members,
            routing,
        };
        Ok(Modified { tree: Modify::Merge(merge), relation, row: Vec::new() })
    }

    /// No clause may follow one of its kind without a condition.
    fn refuse_unreachable(&self, clauses: &[MergeWhenClause]) -> Result<()> {
        for matched in [true, false] {
            let mut of_kind = clauses.iter().filter(|clause| clause.matched == matched);
            if of_kind.by_ref().any(|clause| clause.condition.is_none()) && of_kind.next().is_some() {
                let message = "unreachable WHEN clause specified after unconditional WHEN clause";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
        }
        Ok(())
    }

    fn when(&mut self, when: &MergeWhenClause, relation: &ResultRelation<'a>) -> Result<MergeAction> {
        // What is not matched has no row of the target.
        self.set_target_visible(when.matched);
        let action = self.when_clause(when, relation);
        self.set_target_visible(true);
        action
    }

    fn set_target_visible(&mut self, visible: bool) {
        if let Some(target) = self.scopes.last_mut().and_then(|scope| scope.entries.first_mut()) {
            target.visible = visible;
        }
    }

    fn when_clause(&mut self, when: &MergeWhenClause, relation: &ResultRelation<'a>) -> Result<MergeAction> {
        let condition = when.condition.as_ref().map(|condition| self.condition(condition, "WHEN")).transpose()?;
        let kind = match &when.action {
            Action::DoNothing => MergeKind::DoNothing,
            Action::Delete => {
                self.permit(relation, Privileges::DELETE, &[]);
                MergeKind::Delete
            }
            Action::Update(targets) => {
                let mut values = Vec::new();
                for (columns, value) in self.assignments(targets, relation)? {
                    let [column] = columns.as_slice() else {
                        return Err(Error::unsupported("assigning several columns from a query in MERGE"));
                    };
                    values.push((*column, value));
                }
                MergeKind::Update(values)
            }
            Action::Insert { columns, overriding, values } => {
                MergeKind::Insert(self.merged_row(relation, columns, *overriding, values.as_deref().unwrap_or(&[]))?)
            }
        };
        Ok(MergeAction { matched: when.matched, condition, kind })
    }

    /// The values of all stored columns.
    fn merged_row(
        &mut self,
        relation: &ResultRelation<'a>,
        names: &[ResTarget],
        overriding: Option<Overriding>,
        values: &[Ast],
    ) -> Result<Vec<(i16, Expr)>> {
        let columns = self.insert_columns(relation, names)?;
        self.permit(relation, Privileges::INSERT, &columns);
        let mut values = self.expression_list(values, true)?;
        self.check_width(values.len(), columns.len(), values.get(columns.len()).map(|(_, place)| *place))?;
        if !values.is_empty() && values.len() < columns.len() && !names.is_empty() {
            let message = "INSERT has more target columns than expressions";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        let mut row = Vec::new();
        for column in stored_columns(relation.table) {
            let given =
                columns.iter().position(|c| c.number() == column.number).and_then(|place| values.get_mut(place));
            let value = match given.and_then(|(expr, place)| Some((expr.take()?, *place))) {
                Some(value) => self.inserted_value(value, (column, &column.name), relation, overriding)?,
                _ => self.default_of(relation, column)?,
            };
            row.push((column.number, value));
        }
        Ok(row)
    }
}
