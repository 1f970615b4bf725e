//! ON CONFLICT: which unique index it infers, what happens on a conflict.
//!
//! Owns: [`Analyzer::conflict`]. Must not know: where an INSERT's rows come from (`analyze::modify`). Specification:
//! sql-insert.html#SQL-ON-CONFLICT, infer_arbiter_indexes in plancat.c. An index's predicate is implied here if its
//! conditions are among those given.

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{Column, Constraint, ConstraintKind, Index, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::result_relation::{Change, ResultRelation};
use crate::sql::analyze::scope::Scope;
use crate::sql::syntax::ast::definition::{IndexElem, IndexKey};
use crate::sql::syntax::ast::expression::{BoolExprType, ColumnRef as AstColumnRef, Expr as Ast, Field};
use crate::sql::syntax::ast::query::{
    InferTarget, OnConflictAction, OnConflictClause, ResTarget, SortByDir, SortByNulls,
};
use crate::sql::syntax::parse;
use crate::sql::tree::{Body, ConflictUpdate, EntryId, Expr, ExprKind, OnConflict, Query, SubLinkKind, Target, Var};

impl<'a> Analyzer<'a> {
    /// What an INSERT's ON CONFLICT asks for: the arbiter's columns or expressions, and what is done.
    pub(super) fn conflict(
        &mut self,
        on: &OnConflictClause,
        changed: &ResultRelation<'a>,
        shown: &str,
        existing: EntryId,
    ) -> Result<OnConflict> {
        let relation = changed.table;
        let entry = self.fresh_entry();
        let (target, target_predicate) = match on.infer.as_ref().map(|infer| &infer.target) {
            None => {
                self.refuse_deferrable(relation, &[])?;
                if relation.constraints.iter().any(is_exclusion) {
                    return Err(Error::unsupported(
                        "ON CONFLICT without a target in a table with an exclusion constraint",
                    ));
                }
                (Vec::new(), None)
            }
            Some(InferTarget::Constraint(name)) => {
                let Some(constraint) = changed.named.constraints.iter().find(|c| c.name == *name) else {
                    let named = &changed.named.name;
                    let message = format!("constraint \"{name}\" for table \"{named}\" does not exist");
                    return Err(self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), on.location));
                };
                if is_exclusion(constraint) {
                    return Err(match on.action {
                        OnConflictAction::Nothing => {
                            Error::unsupported("ON CONFLICT ON CONSTRAINT with an exclusion constraint")
                        }
                        OnConflictAction::Update { .. } => {
                            let message = "ON CONFLICT DO UPDATE not supported with exclusion constraints";
                            Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                        }
                    });
                }
                (self.arbiter_columns(changed, entry, &constraint.columns)?, None)
            }
            Some(InferTarget::Index { elements, where_clause }) => {
                self.infer_index(changed, entry, elements, where_clause.as_ref())?
            }
        };
        let update = match &on.action {
            OnConflictAction::Nothing => None,
            OnConflictAction::Update { .. } if target.is_empty() => {
                let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
                let error = Error::new(SqlState::SYNTAX_ERROR, message);
                return Err(self.at(error.with_hint("For example, ON CONFLICT (column_name)."), on.location));
            }
            OnConflictAction::Update { targets, where_clause } => {
                let existing = self.result_row(changed, shown, existing)?.row;
                let proposed = self.fresh_entry();
                let mut excluded = self.result_row(changed, "excluded", proposed)?.row;
                excluded.schema = None;
                self.scopes.push(Scope { entries: vec![existing, excluded], ..Scope::default() });
                let result = self.conflict_update(targets, where_clause.as_ref(), changed, proposed);
                self.scopes.pop();
                Some(result?)
            }
        };
        Ok(OnConflict { target, target_predicate, entry, update })
    }

    /// ON CONFLICT (elements) WHERE predicate. Bare columns without a predicate name a unique index over all rows.
    fn infer_index(
        &mut self,
        changed: &ResultRelation<'a>,
        entry: EntryId,
        elements: &[IndexElem],
        predicate: Option<&Ast>,
    ) -> Result<(Vec<Expr>, Option<Expr>)> {
        let mut key = Vec::with_capacity(elements.len());
        for element in elements {
            if element.ordering != SortByDir::Default {
                let error =
                    Error::new(SqlState::INVALID_COLUMN_REFERENCE, "ASC/DESC is not allowed in ON CONFLICT clause");
                return Err(self.at(error, element.location));
            }
            if element.nulls != SortByNulls::Default {
                let message = "NULLS FIRST/LAST is not allowed in ON CONFLICT clause";
                let error = Error::new(SqlState::INVALID_COLUMN_REFERENCE, message);
                return Err(self.at(error, element.location));
            }
            let IndexKey::Column(name) = &element.key else { continue };
            let Some(column) = changed.columns.iter().find(|column| column.name == name) else {
                let message = format!("column \"{name}\" does not exist");
                return Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), element.location));
            };
            key.extend(column.column.map(|column| column.number));
        }
        let named = key.len();
        let mut seen = std::collections::HashSet::new();
        key.retain(|number| seen.insert(*number));
        let qualified = elements.iter().any(|element| element.collation.is_some() || element.opclass.is_some());
        if predicate.is_some() || named != elements.len() || qualified {
            return self.inferred(changed, entry, elements, predicate);
        }
        Ok((self.arbiter_columns(changed, entry, &key)?, None))
    }

    /// The columns of a unique index or constraint that is not deferrable.
    fn arbiter_columns(&self, changed: &ResultRelation<'a>, entry: EntryId, key: &[i16]) -> Result<Vec<Expr>> {
        let relation = changed.table;
        self.refuse_deferrable(relation, key)?;
        self.arbiter(relation, key)?;
        let read = changed.columns.iter().filter(|column| key.contains(&column.number())).copied();
        self.permit(changed, Privileges::SELECT, &read.collect::<Vec<_>>());
        let columns = key.iter().filter_map(|n| relation.column_by_number(*n));
        Ok(columns.map(|column| self.key_column(relation, entry, column)).collect())
    }

    /// ON CONFLICT must know at once whether there is a conflict.
    fn refuse_deferrable(&self, relation: &Relation, key: &[i16]) -> Result<()> {
        // A table's primary key comes first.
        let ordered =
            [true, false].into_iter().flat_map(|first| relation.indexes.iter().filter(move |i| i.primary == first));
        let mut indexes = ordered.filter_map(|index| relation.deferrable_key(index));
        let concerned = indexes
            .find(|c| key.is_empty() || c.columns.len() == key.len() && c.columns.iter().all(|n| key.contains(n)));
        let Some(constraint) = concerned else { return Ok(()) };
        Err(deferrable_arbiter(relation, constraint))
    }

    /// 42P10 unless there is a unique index over these columns.
    fn arbiter(&self, relation: &Relation, key: &[i16]) -> Result<()> {
        let matches = |columns: &[i16]| columns.len() == key.len() && columns.iter().all(|c| key.contains(c));
        let by_index = relation.indexes.iter().any(|index| {
            let columns: Vec<i16> = index.keys.iter().map(|k| k.column).collect();
            index.unique && index.predicate.is_none() && matches(&columns)
        });
        let by_constraint = relation.constraints.iter().any(|c| {
            use crate::catalog::schema::ConstraintKind::{PrimaryKey, Unique};
            matches!(c.kind, PrimaryKey | Unique) && matches(&c.columns)
        });
        if by_index || by_constraint {
            return Ok(());
        }
        let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
        Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message))
    }

    fn conflict_update(
        &mut self,
        targets: &[ResTarget],
        where_clause: Option<&Ast>,
        relation: &ResultRelation<'a>,
        excluded: EntryId,
    ) -> Result<ConflictUpdate> {
        let mut assignments = Vec::new();
        for (columns, expr) in self.assignments(targets, relation)? {
            match columns.as_slice() {
                [column] => assignments.push((*column, expr)),
                columns => assignments.extend(apart(columns, &expr)?),
            }
        }
        let selection = where_clause.map(|s| self.condition(s, "WHERE")).transpose()?;
        Ok(ConflictUpdate { assignments, selection, excluded })
    }

    /// The keys and the predicate of the unique index that is inferred; 42P10 if there is none.
    fn inferred(
        &mut self,
        changed: &ResultRelation<'a>,
        entry: EntryId,
        elements: &[IndexElem],
        predicate: Option<&Ast>,
    ) -> Result<(Vec<Expr>, Option<Expr>)> {
        let relation = changed.table;
        let mut wanted = Vec::new();
        for element in elements {
            let typed = match &element.key {
                IndexKey::Column(name) => {
                    let fields = vec![Field::Name(name.clone())];
                    let column = Ast::ColumnRef(AstColumnRef { fields, location: element.location });
                    self.over_result(changed, entry, &column).map_err(|e| self.at(e, element.location))?
                }
                IndexKey::Expr(expr) => self.over_result(changed, entry, expr)?,
            };
            wanted.push(typed);
        }
        // Which index is meant depends on the constants in what was written.
        self.pinned.extend(0..self.source.literals.len());
        let conditions = match predicate {
            Some(predicate) => self.conditions(changed, entry, predicate)?,
            None => Vec::new(),
        };
        // An index over all rows is preferred.
        let (total, partial): (Vec<&Index>, Vec<&Index>) =
            relation.indexes.iter().filter(|index| index.unique).partition(|index| index.predicate.is_none());
        for index in total.into_iter().chain(partial) {
            let keys = self.index_keys(relation, entry, index)?;
            let same = keys.iter().all(|key| wanted.contains(key)) && wanted.iter().all(|key| keys.contains(key));
            if !same || !fits_elements(index, elements) || !self.is_implied(relation, entry, index, &conditions)? {
                continue;
            }
            if let Some(constraint) = relation.deferrable_key(index) {
                return Err(deferrable_arbiter(relation, constraint));
            }
            let predicate = match &index.predicate {
                Some(text) => Some(self.stored_over_relation(relation, entry, text)?),
                None => None,
            };
            return Ok((keys, predicate));
        }
        let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
        Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message))
    }

    fn index_keys(&mut self, relation: &'a Relation, entry: EntryId, index: &Index) -> Result<Vec<Expr>> {
        let mut keys = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            keys.push(match (relation.column_by_number(key.column), &key.expression) {
                (Some(column), _) => self.key_column(relation, entry, column),
                (None, Some(text)) => self.stored_over_relation(relation, entry, text)?,
                (None, None) => return Err(Error::internal("index key")),
            });
        }
        Ok(keys)
    }

    fn is_implied(&mut self, relation: &'a Relation, entry: EntryId, index: &Index, given: &[Expr]) -> Result<bool> {
        let Some(text) = &index.predicate else { return Ok(true) };
        let predicate = parse::expression(text)?;
        let relation = ResultRelation::of_table(relation, Change::Insert);
        let needed = self.stored(|a| a.conditions(&relation, entry, &predicate))?;
        Ok(needed.iter().all(|condition| given.contains(condition)))
    }

    /// An expression over the columns of what is changed, its constants part of it.
    fn over_result(&mut self, changed: &ResultRelation<'a>, entry: EntryId, expr: &Ast) -> Result<Expr> {
        let row = self.result_row(changed, &changed.named.name, entry)?.row;
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        self.in_stored_text += 1;
        let result = self.expr(expr).and_then(|typed| self.resolve_unknown(typed));
        self.in_stored_text -= 1;
        self.scopes.pop();
        result
    }

    fn stored_over_relation(&mut self, relation: &'a Relation, entry: EntryId, text: &str) -> Result<Expr> {
        let ast = parse::expression(text)?;
        let relation = ResultRelation::of_table(relation, Change::Insert);
        self.stored(|a| a.over_result(&relation, entry, &ast))
    }

    /// What stands between the ANDs of a predicate.
    fn conditions(&mut self, changed: &ResultRelation<'a>, entry: EntryId, predicate: &Ast) -> Result<Vec<Expr>> {
        match predicate {
            Ast::Bool(node) if node.op == BoolExprType::And => {
                let mut all = Vec::new();
                for arg in &node.args {
                    all.extend(self.conditions(changed, entry, arg)?);
                }
                Ok(all)
            }
            other => Ok(vec![self.over_result(changed, entry, other)?]),
        }
    }

    /// A column of an index's key.
    fn key_column(&self, relation: &Relation, entry: EntryId, column: &Column) -> Expr {
        let origin = (relation.oid, column.number);
        let var = Var { entry, attribute: column.number, origin, not_null: column.not_null };
        let (type_oid, typmod) = self.base_type(column.type_oid, column.typmod);
        Expr { kind: ExprKind::Var(var), type_oid, typmod }
    }
}

/// Whether an index is in the collations and operator classes that are asked for.
fn fits_elements(index: &Index, elements: &[IndexElem]) -> bool {
    let last = |name: &Option<Vec<String>>| name.as_ref().and_then(|name| name.last().cloned());
    elements.iter().all(|element| {
        let (collation, class) = (last(&element.collation), last(&element.opclass));
        let default = |class: &String| !class.ends_with("_pattern_ops");
        index.keys.iter().any(|key| {
            let own = key.collation.as_deref().unwrap_or("default");
            collation.as_deref().is_none_or(|wanted| wanted == own)
                && class.as_ref().is_none_or(|wanted| match &key.operator_class {
                    Some(own) => own == wanted,
                    None => default(wanted),
                })
        })
    })
}

/// (a, b) = (SELECT c, d …) as one assignment each: SQLite keeps what it computes before the first change one by one.
fn apart(columns: &[i16], assigned: &Expr) -> Result<Vec<(i16, Expr)>> {
    let unsupported = || Error::unsupported("assigning several columns from this query in ON CONFLICT DO UPDATE");
    let query = assigned.subquery().ok_or_else(unsupported)?;
    let changing = |part: &Expr| {
        let ExprKind::Func(function, _) = &part.kind else { return false };
        function.volatility.is_volatile()
    };
    let Body::Select(select) = &query.body else { return Err(unsupported()) };
    if query.any(&changing) || select.distinct {
        return Err(unsupported());
    }
    let one = |(column, target): (&i16, &Target)| {
        let mut select = select.clone();
        select.targets = vec![target.clone()];
        let mut query = Query { body: Body::Select(select), ..query.clone() };
        query.order_by.iter_mut().for_each(|key| key.output = None);
        let Expr { type_oid, typmod, .. } = target.expr;
        (*column, Expr { typmod, ..Expr::sub_link(SubLinkKind::Expr, query, type_oid) })
    };
    Ok(columns.iter().zip(&select.targets).map(one).collect())
}

fn is_exclusion(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::Exclusion(_))
}

/// ON CONFLICT must know at once whether there is a conflict.
fn deferrable_arbiter(relation: &Relation, constraint: &Constraint) -> Error {
    let message = "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters";
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .with_schema(&relation.schema)
        .with_table(&relation.name)
        .with_constraint(&constraint.name)
}
