//! A query of WITH: what it is called, what its columns are, and a recursive one's terms.
//!
//! Owns: [`Analyzer::cte`]. Must not know: in which order the queries of a list are analysed (`with_list`), where a recursive
//! one may refer to itself (`recursion`). Specification: queries-with.html, analyzeCTE in parse_cte.c.

use crate::catalog::definitions::Names;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::query::{Columns, starred};
use crate::sql::analyze::scope::CteEntry;
use crate::sql::analyze::written::CteName;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{
    self as ast, CommonTableExpr, CteMaterialize, SelectBody, SelectStmt, SetOperation,
};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Body, Cte, CteId, CteQuery, Query, SetOperator};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// Makes references to a name an error.
    pub(super) fn refuse_cte(&mut self, name: &str, error: Error) {
        let (id, level) = (self.fresh_cte(), self.scopes.len());
        let (name, refused) = (name.to_owned(), Some(error));
        self.ctes.push(CteEntry { name, id, columns: Vec::new(), refused, level, origins: Vec::new(), unexpanded: 0 });
    }

    pub(super) fn cte(&mut self, cte: &CommonTableExpr, recursive: bool) -> Result<Cte> {
        if cte.search.is_some() || cte.cycle.is_some() {
            let names = self.names_of_term(cte, recursive).map_err(|error| self.at(error, cte.location))?;
            let written = self.search_cycle(cte, &names)?;
            self.unexpanded = written.columns.len() - names.len();
            return self.cte(&written, recursive);
        }
        let name = cte.name.clone();
        let id = self.fresh_cte();
        let renamed = &cte.columns;
        let rename = |columns: Columns| -> Result<Columns> {
            if renamed.len() > columns.len() {
                let message = format!(
                    "WITH query \"{name}\" has {} columns available but {} columns specified",
                    columns.len(),
                    renamed.len()
                );
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            let names = renamed.iter().cloned().map(Some).chain(std::iter::repeat(None));
            Ok(columns.into_iter().zip(names).map(|((old, oid, m), new)| (new.unwrap_or(old), oid, m)).collect())
        };
        self.nesting += 1;
        let query = self.cte_query(cte, id, recursive, &rename);
        self.nesting -= 1;
        let query = query?;
        let (outputs, origins) = match &query {
            CteQuery::Select(query) => (query.outputs(), query.origins()),
            CteQuery::Modify(modify) => {
                let returned = Query::of_targets(modify.returning().to_vec());
                (returned.outputs(), returned.origins())
            }
        };
        let refused = match &query {
            CteQuery::Modify(modify) if modify.returning().is_empty() => {
                let message = format!("WITH query \"{name}\" does not have a RETURNING clause");
                Some(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
            _ => None,
        };
        let columns = rename(outputs).map_err(|error| self.at(error, cte.location))?;
        let level = self.scopes.len();
        if let Some(written) = self.noted_names() {
            written.ctes.insert(id, CteName { name: name.clone(), columns: cte.columns.clone() });
        }
        self.ctes.push(CteEntry { name, id, columns, refused, level, origins, unexpanded: 0 });
        let hides = matches!(&query, CteQuery::Select(query) if query.is_secured());
        let materialized = match cte.materialized {
            // Nothing around it may be evaluated for rows that it hides.
            _ if hides => Some(true),
            CteMaterialize::Default => None,
            CteMaterialize::Always => Some(true),
            CteMaterialize::Never => Some(false),
        };
        Ok(Cte { id, query, materialized })
    }

    /// The WITH list of a recursive query, in which it may not be read.
    fn with_of_recursive(&mut self, name: &str, query: &SelectStmt) -> Result<Vec<Cte>> {
        let Some(with) = &query.with else { return Ok(Vec::new()) };
        let (place, message) = (self.ctes.len(), format!("recursive reference to query \"{name}\""));
        let message = format!("{message} must not appear within a subquery");
        self.refuse_cte(name, Error::new(SqlState::INVALID_RECURSION, message));
        let ctes = self.with(with)?;
        self.ctes.remove(place);
        Ok(ctes)
    }

    /// The names of a recursive query's columns.
    fn names_of_term(&mut self, cte: &CommonTableExpr, recursive: bool) -> Result<Vec<String>> {
        let error = || Error::new(SqlState::SYNTAX_ERROR, "WITH query is not recursive");
        let Stmt::Select(query) = &*cte.query else { return Err(error()) };
        let SelectBody::SetOperation(operation) = &query.body else { return Err(error()) };
        if !recursive || operation.op != ast::SetOperator::Union {
            return Err(error());
        }
        let in_scope = self.ctes.len();
        let name = &cte.name;
        self.with_of_recursive(name, query)?;
        let message = format!("recursive reference to query \"{name}\" must not appear within its non-recursive term");
        self.refuse_cte(name, Error::new(SqlState::INVALID_RECURSION, message));
        let left = self.operand(&operation.left)?;
        self.ctes.truncate(in_scope);
        let names = cte.columns.iter().cloned().map(Some).chain(std::iter::repeat(None));
        Ok(left.outputs().into_iter().zip(names).map(|((own, ..), given)| given.unwrap_or(own)).collect())
    }

    fn cte_query(
        &mut self,
        cte: &CommonTableExpr,
        id: CteId,
        recursive: bool,
        rename: &dyn Fn(Columns) -> Result<Columns>,
    ) -> Result<CteQuery> {
        let name = &cte.name;
        let Stmt::Select(query) = &*cte.query else {
            let place = self.ctes.len();
            if recursive {
                let message = format!("recursive query \"{name}\" must not contain data-modifying statements");
                let error = self.at(Error::new(SqlState::INVALID_RECURSION, message), cte.location);
                self.refuse_cte(name, error);
            }
            let modify = self.modifying_cte(&cte.query, cte.location)?;
            self.ctes.truncate(place);
            return Ok(modify);
        };
        let query = match &query.body {
            SelectBody::SetOperation(operation) if recursive && operation.op == ast::SetOperator::Union => {
                self.recursive_cte(name, id, operation, query, (rename, cte.location))?
            }
            _ if recursive => {
                let message = format!(
                    "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
                );
                let error = self.at(Error::new(SqlState::INVALID_RECURSION, message), cte.location);
                self.refuse_cte(name, error);
                let query = self.query(query)?;
                self.ctes.pop();
                query
            }
            _ => self.query(query)?,
        };
        Ok(CteQuery::Select(query))
    }

    /// INSERT, UPDATE or DELETE in WITH.
    fn modifying_cte(&mut self, statement: &Stmt, place: Location) -> Result<CteQuery> {
        if self.nesting > 1 {
            let message = "WITH clause containing a data-modifying statement must be at the top level";
            return Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), place));
        }
        self.writes = true;
        let modified = match statement {
            Stmt::Insert(insert) => self.insert(insert)?,
            Stmt::Update(update) => self.update(update)?,
            Stmt::Delete(delete) => self.delete(delete)?,
            Stmt::Merge(_) => {
                let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MERGE not supported in WITH query");
                return Err(self.at(error, place));
            }
            _ => return Err(Error::internal("a statement that WITH cannot have")),
        };
        Ok(CteQuery::Modify(modified.tree))
    }

    /// The non-recursive term decides the columns; the recursive one sees them.
    fn recursive_cte(
        &mut self,
        name: &str,
        id: CteId,
        operation: &SetOperation,
        ast: &SelectStmt,
        (rename, place): (&dyn Fn(Columns) -> Result<Columns>, Location),
    ) -> Result<Query> {
        let in_scope = self.ctes.len();
        let unexpanded = std::mem::take(&mut self.unexpanded);
        let inner = self.with_of_recursive(name, ast)?;
        let message = format!("recursive reference to query \"{name}\" must not appear within its non-recursive term");
        self.refuse_cte(name, Error::new(SqlState::INVALID_RECURSION, message));
        let mut left = self.operand(&operation.left)?;
        self.ctes.pop();
        self.resolve_outputs(&mut left)?;
        let columns = left.outputs();
        let (level, origins) = (self.scopes.len(), left.origins());
        let renamed = rename(columns.clone()).map_err(|error| self.at(error, place))?;
        self.ctes.push(CteEntry {
            name: name.to_owned(),
            id,
            columns: renamed,
            refused: None,
            level,
            origins,
            unexpanded,
        });
        let mut right = self.operand(&operation.right)?;
        self.check_recursive_term(&right, id, name)?;
        if right.reads_cte(id) {
            let locking = (!ast.locking.is_empty()).then_some(Location::UNKNOWN);
            let clauses = [
                (ast.sort.first().map(|key| expr_location(&key.node)), "ORDER BY"),
                (ast.limit_offset.as_ref().map(expr_location), "OFFSET"),
                (ast.limit_count.as_ref().map(expr_location), "LIMIT"),
                (locking, "FOR UPDATE/SHARE"),
            ];
            if let Some((Some(location), clause)) = clauses.into_iter().find(|(location, _)| location.is_some()) {
                let message = format!("{clause} in a recursive query is not implemented");
                let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
                return Err(self.at(error, location));
            }
        } else {
            // It only looks recursive.
            self.ctes.truncate(in_scope);
            let query = self.query(ast)?;
            return Ok(query);
        }
        if right.outputs().len() != columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "each UNION query must have the same number of columns"));
        }
        let places = item_places(&operation.left);
        for (index, (_, type_oid, typmod)) in columns.iter().enumerate() {
            let (from, modifier) = right.outputs().get(index).map_or((Oid::UNKNOWN, -1), |c| (c.1, c.2));
            let same_modifier = from != *type_oid || modifier == *typmod || *typmod == -1;
            if self.common_type(&[*type_oid, from], "UNION")? != *type_oid || !same_modifier {
                let names = Names { catalog: self.catalog(), search_path: &self.search_path };
                let message = format!(
                    "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                    index + 1,
                    names.format_type(*type_oid, Some(*typmod)),
                    self.type_name(from)
                );
                let hint = "Cast the output of the non-recursive term to the correct type.";
                let error = Error::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint);
                return Err(places.get(index).map_or(error.clone(), |place| self.at(error, *place)));
            }
            self.convert_output(&mut right, index, *type_oid)?;
        }
        self.ctes.truncate(in_scope);
        let (left, right) = (Box::new(left), Box::new(right));
        let body = Body::SetOperation { operator: SetOperator::Union, all: operation.all, left, right };
        let (limit, offset) = self.limit_clause(ast)?;
        Ok(Query { ctes: inner, limit, offset, ..Query::of(body) })
    }
}

/// Where a query's output columns are written, as long as each is one.
fn item_places(query: &SelectStmt) -> Vec<Location> {
    match &query.body {
        SelectBody::Select(select) => {
            let values = select.targets.iter().map_while(|target| target.value.as_ref());
            values.take_while(|value| starred(value).is_none()).map(expr_location).collect()
        }
        SelectBody::Values(rows) => rows.first().into_iter().flatten().map(expr_location).collect(),
        SelectBody::SetOperation(operation) => item_places(&operation.left),
    }
}
