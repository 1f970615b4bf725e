//! INSERT, UPDATE, DELETE, and the row INSERT of COPY FROM.
//!
//! Owns: [`Analyzer::insert`], [`Analyzer::update`], [`Analyzer::delete`]: defaults, assignment conversions, generated
//! and identity columns, RETURNING. Specification: sql-insert.html, sql-update.html, sql-delete.html.

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{Column, Identity, Relation, RelationKind, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{Expr as Ast, SubLinkType};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{
    self as ast, InsertStmt, Overriding, RangeVar as RangeName, ResTarget, SelectBody, SelectStmt,
};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::syntax::parse;
use crate::sql::tree::{
    Body, Delete, EntryId, EntryKind, Expr, ExprKind, FromItem, Insert, Modify, Query, RangeTblEntry, Select,
    SubLinkKind, Target, Update,
};
use crate::types::pg_type::Oid;

/// A modifying statement with what the plan needs to know of it.
pub struct Modified<'a> {
    pub tree: Modify,
    pub relation: &'a Relation,
    /// INSERT … VALUES of one row: the expression of each key column.
    pub row: Vec<(i16, Expr)>,
}

impl<'a> Analyzer<'a> {
    /// The target of a modifying statement: a table, not a view or system relation.
    fn target(&self, name: &RangeName, verb: &str) -> Result<&'a Relation> {
        let relation = self.relation(name)?;
        match relation.kind {
            RelationKind::Table => Ok(relation),
            RelationKind::System => {
                let message = format!("permission denied for table {}", relation.name);
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
            RelationKind::View => Err(Error::unsupported(format!("{verb} a view"))),
            RelationKind::Sequence | RelationKind::Index => {
                let kind = if relation.kind == RelationKind::Index { "index" } else { "sequence" };
                let message = format!("cannot change {kind} \"{}\"", relation.name);
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    // ----- INSERT

    pub fn insert(&mut self, ast: &InsertStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let mut ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let mut recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let name = &ast.relation;
        let relation = self.target(name, "inserting into").map_err(|e| self.at(e, name.location))?;
        let columns = self.insert_columns(relation, &ast.columns)?;
        let source = match &ast.source {
            None => InsertSource::Rows(vec![Vec::new()]),
            Some(query) => {
                if let Some(with) = &query.with {
                    ctes.extend(self.with(with)?);
                    recursive |= with.recursive;
                }
                self.insert_source(query, &columns)?
            }
        };
        // Without names these are as many of the first columns as there are values.
        let given = columns.iter().take(source.width()).map(|column| column.number);
        self.permissions.borrow_mut().insert(relation.oid, given);
        let entry = self.fresh_entry();
        let shown = name.alias.as_ref().map_or_else(|| relation.name.clone(), |a| a.name.clone());
        let (source, row) = self.insert_body(relation, &columns, ast, source)?;
        let conflict = ast.on_conflict.as_ref().map(|on| self.conflict(on, relation, &shown, entry)).transpose()?;
        let returning = self.returning(&ast.returning, relation, &shown, entry)?;
        self.ctes.truncate(in_scope);
        let insert = Insert {
            ctes,
            recursive,
            relation: relation.oid,
            entry,
            columns: stored_columns(relation).map(|c| c.number).collect(),
            source,
            conflict,
            returning,
        };
        Ok(Modified { tree: Modify::Insert(insert), relation, row })
    }

    /// The columns an INSERT names, or all.
    pub(super) fn insert_columns(&self, relation: &'a Relation, names: &[ResTarget]) -> Result<Vec<&'a Column>> {
        if names.is_empty() {
            return Ok(relation.columns.iter().collect());
        }
        let mut columns: Vec<&Column> = Vec::with_capacity(names.len());
        for name in names {
            let column = self.assigned_column(name, relation)?;
            if columns.iter().any(|c| c.number == column.number) {
                let message = format!("column \"{}\" specified more than once", column.name);
                return Err(self.at(Error::new(SqlState::DUPLICATE_COLUMN, message), name.location));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    fn insert_source(&mut self, query: &SelectStmt, columns: &[&Column]) -> Result<InsertSource> {
        if let SelectBody::Values(values) = &query.body
            && query.sort.is_empty()
            && query.limit_count.is_none()
            && query.limit_offset.is_none()
        {
            let mut rows = Vec::with_capacity(values.len());
            for row in values {
                self.check_width(row.len(), columns.len(), row.get(columns.len()))?;
                let row = row
                    .iter()
                    .map(|e| match e {
                        Ast::SetToDefault(_) => Ok(None),
                        e => self.expr(e).map(|expr| Some((expr, expr_location(e)))),
                    })
                    .collect::<Result<Vec<_>>>()?;
                rows.push(row);
            }
            return Ok(InsertSource::Rows(rows));
        }
        let bare = SelectStmt { with: None, ..query.clone() };
        let query = self.query_with_unknowns(&bare)?;
        self.check_width(query.outputs().len(), columns.len(), None)?;
        Ok(InsertSource::Query(Box::new(query)))
    }

    fn check_width(&self, given: usize, wanted: usize, extra: Option<&Ast>) -> Result<()> {
        if given > wanted {
            let error = Error::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns");
            return Err(extra.map_or(error.clone(), |e| self.at(error, expr_location(e))));
        }
        Ok(())
    }

    /// Rows or a query, completed to all stored columns of the table.
    fn insert_body(
        &mut self,
        relation: &'a Relation,
        columns: &[&'a Column],
        ast: &InsertStmt,
        source: InsertSource,
    ) -> Result<(Body, Vec<(i16, Expr)>)> {
        match source {
            InsertSource::Rows(rows) => {
                let single = rows.len() == 1;
                let mut complete = Vec::with_capacity(rows.len());
                for row in rows {
                    let mut given: Vec<Option<Option<(Expr, Location)>>> = row.into_iter().map(Some).collect();
                    if !given.is_empty() && given.len() < columns.len() && !ast.columns.is_empty() {
                        let message = "INSERT has more target columns than expressions";
                        let error = Error::new(SqlState::SYNTAX_ERROR, message);
                        let place = ast.columns.get(given.len()).map(|name| name.location);
                        return Err(place.map_or(error.clone(), |place| self.at(error, place)));
                    }
                    let mut values = Vec::new();
                    for column in stored_columns(relation) {
                        let place = columns.iter().position(|c| c.number == column.number);
                        let value = place.and_then(|p| given.get_mut(p)).and_then(Option::take).flatten();
                        values.push(match value {
                            Some((expr, place)) => {
                                self.inserted_value(expr, column, ast.overriding).map_err(|e| self.at(e, place))?
                            }
                            None => self.default_value(column)?,
                        });
                    }
                    self.reject_generated(columns, &given)?;
                    complete.push(values);
                }
                let row = match complete.as_slice() {
                    [only] if single => stored_columns(relation).map(|c| c.number).zip(only.iter().cloned()).collect(),
                    _ => Vec::new(),
                };
                let names = stored_columns(relation).map(|c| c.name.clone()).collect();
                Ok((Body::Values { rows: complete, names }, row))
            }
            InsertSource::Query(query) => {
                Ok((self.insert_select(relation, columns, ast.overriding, *query)?, Vec::new()))
            }
        }
    }

    /// A value given for a GENERATED ALWAYS AS (…) STORED column.
    fn reject_generated<T>(&self, columns: &[&Column], given: &[Option<Option<T>>]) -> Result<()> {
        for (column, value) in columns.iter().zip(given) {
            if column.generated && matches!(value, Some(Some(_))) {
                return Err(cannot_insert(column, "is a generated column"));
            }
        }
        Ok(())
    }

    fn insert_select(
        &mut self,
        relation: &'a Relation,
        columns: &[&'a Column],
        overriding: Option<Overriding>,
        mut query: Query,
    ) -> Result<Body> {
        let outputs = query.outputs();
        // Constants of the select list take the columns' types.
        for (index, ((_, type_oid, _), column)) in outputs.iter().zip(columns).enumerate() {
            if *type_oid == Oid::UNKNOWN {
                let (base, _) = self.base_type(column.type_oid, -1);
                let target = if self.is_enum(base) { Oid::TEXT } else { base };
                self.convert_output(&mut query, index, target)?;
            }
        }
        let id = self.fresh_entry();
        let entry = RangeVar::of_columns(String::new(), id, &query.outputs());
        let mut targets = Vec::new();
        for column in stored_columns(relation) {
            let place = columns.iter().position(|c| c.number == column.number);
            let expr = match place.and_then(|p| entry.columns.get(p)) {
                Some(given) => self.inserted_value(given.expr.clone(), column, overriding)?,
                None => self.default_value(column)?,
            };
            targets.push(Target { name: column.name.clone(), expr });
        }
        let kind = EntryKind::Subquery { query: Box::new(query), lateral: false };
        let from = vec![FromItem::Entry(RangeTblEntry { id, kind })];
        Ok(Body::Select(Box::new(Select { targets, from, ..Select::default() })))
    }

    /// The INSERT of one row whose values are parameters $1 … in the order of `columns` (COPY FROM).
    pub fn copy_row(&mut self, relation: &'a Relation, columns: &[&'a Column]) -> Result<Insert> {
        self.permissions.borrow_mut().insert(relation.oid, columns.iter().map(|column| column.number));
        let mut values = Vec::new();
        for column in stored_columns(relation) {
            values.push(match columns.iter().position(|c| c.number == column.number) {
                Some(place) => {
                    let param = Expr::new(ExprKind::Param(place), self.base_type(column.type_oid, -1).0);
                    let param =
                        if self.is_enum(column.type_oid) { Expr { type_oid: Oid::UNKNOWN, ..param } } else { param };
                    self.assign(param, column)?
                }
                None => self.default_value(column)?,
            });
        }
        Ok(Insert {
            ctes: Vec::new(),
            recursive: false,
            relation: relation.oid,
            entry: self.fresh_entry(),
            columns: stored_columns(relation).map(|c| c.number).collect(),
            source: Body::Values { rows: vec![values], names: Vec::new() },
            conflict: None,
            returning: Vec::new(),
        })
    }

    // ----- values

    /// A value that is given for a column of a new row. With OVERRIDING USER VALUE an identity's own wins over it.
    pub(super) fn inserted_value(
        &mut self,
        expr: Expr,
        column: &Column,
        overriding: Option<Overriding>,
    ) -> Result<Expr> {
        if column.identity.is_some() && overriding == Some(Overriding::User) {
            return self.default_value(column);
        }
        check_writable(column, overriding)?;
        self.assign(expr, column)
    }

    /// A value converted for a column (assignment), lengths enforced.
    fn assign(&mut self, expr: Expr, column: &Column) -> Result<Expr> {
        let from = expr.type_oid;
        match self.try_coerce(expr, column.type_oid, column.typmod, CastContext::Assignment)? {
            Some(value) => Ok(value),
            None => {
                let message = format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    self.type_name(column.type_oid),
                    self.type_name(from)
                );
                Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .with_hint("You will need to rewrite or cast the expression."))
            }
        }
    }

    /// What a column gets when nothing is given: its default, the next value of its identity, NULL.
    pub(super) fn default_value(&mut self, column: &Column) -> Result<Expr> {
        let Some(text) = column.default.as_deref().or_else(|| self.domain_default(column.type_oid)) else {
            return Ok(Expr::null(column.type_oid));
        };
        let ast = parse::expression(text)?;
        let expr = self.stored(|a| a.expr(&ast))?;
        self.assign(expr, column)
    }

    /// The default of a domain, or of the domain it is made of.
    fn domain_default(&self, oid: Oid) -> Option<&'a str> {
        match &self.catalog().types.get(&oid)?.kind {
            UserTypeKind::Domain { default: Some(text), .. } => Some(text),
            UserTypeKind::Domain { base, .. } => self.domain_default(*base),
            UserTypeKind::Enum(_) => None,
        }
    }

    // ----- UPDATE and DELETE

    pub fn update(&mut self, ast: &ast::UpdateStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let (relation, shown) = self.modified_table(&ast.relation, "updating")?;
        let entry = self.fresh_entry();
        let target = RangeVar::table(self, relation, shown.clone(), entry);
        self.scopes.push(Scope { entries: vec![target], ..Scope::default() });
        let from = self.from_clause(&ast.from)?;
        let assignments = self.assignments(&ast.targets, relation)?;
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        let returning = self.returned(&ast.returning)?;
        self.scopes.pop();
        self.ctes.truncate(in_scope);
        let oid = relation.oid;
        let tree = Update { ctes, recursive, relation: oid, entry, assignments, from, selection, returning };
        Ok(Modified { tree: Modify::Update(tree), relation, row: Vec::new() })
    }

    pub fn delete(&mut self, ast: &ast::DeleteStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let (relation, shown) = self.modified_table(&ast.relation, "deleting from")?;
        self.permissions.borrow_mut().require(relation.oid, Privileges::DELETE);
        let entry = self.fresh_entry();
        let target = RangeVar::table(self, relation, shown.clone(), entry);
        self.scopes.push(Scope { entries: vec![target], ..Scope::default() });
        let using = self.from_clause(&ast.using)?;
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        let returning = self.returned(&ast.returning)?;
        self.scopes.pop();
        self.ctes.truncate(in_scope);
        let oid = relation.oid;
        let tree = Delete { ctes, recursive, relation: oid, entry, using, selection, returning };
        Ok(Modified { tree: Modify::Delete(tree), relation, row: Vec::new() })
    }

    pub(super) fn modified_table(&mut self, name: &RangeName, verb: &str) -> Result<(&'a Relation, String)> {
        let relation = self.target(name, verb).map_err(|e| self.at(e, name.location))?;
        let shown = name.alias.as_ref().map_or_else(|| relation.name.clone(), |a| a.name.clone());
        Ok((relation, shown))
    }

    /// SET a = …, (b, c) = (…)
    pub(super) fn assignments(&mut self, targets: &[ResTarget], relation: &'a Relation) -> Result<Assignments> {
        let changed = targets.iter().filter_map(|target| relation.column(target.name.as_deref()?));
        self.permissions.borrow_mut().update(relation.oid, changed.map(|column| column.number));
        let mut result = Assignments::new();
        for (index, target) in targets.iter().enumerate() {
            match &target.value {
                Some(Ast::MultiAssign(multi)) if multi.column == 1 => {
                    let group = targets.get(index..index + multi.columns as usize).unwrap_or_default();
                    self.assign_row(group, &multi.source, relation, &mut result)?;
                }
                // Assigned with the first of its group.
                Some(Ast::MultiAssign(_)) => {}
                Some(value) => {
                    let column = self.assigned_column(target, relation)?;
                    self.assign_one(value, column, &mut result)?;
                }
                None => return Err(Error::internal("an assignment without a value")),
            }
        }
        if result.is_empty() {
            // SET of generated columns alone; SQLite wants an assignment.
            let entry = self.scopes.last().and_then(|scope| scope.entries.first());
            let columns = entry.into_iter().flat_map(|entry| relation.columns.iter().zip(&entry.columns));
            let itself = columns.into_iter().find(|(column, _)| !column.generated);
            result.extend(itself.map(|(column, own)| (vec![column.number], own.expr.clone())));
        }
        let mut seen: Vec<i16> = Vec::new();
        for number in result.iter().flat_map(|(numbers, _)| numbers) {
            if seen.contains(number) {
                let name = relation.column_by_number(*number).map_or("", |column| &column.name);
                let message = format!("multiple assignments to same column \"{name}\"");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            seen.push(*number);
        }
        Ok(result)
    }

    /// (a, b) = source
    fn assign_row(
        &mut self,
        group: &[ResTarget],
        source: &Ast,
        relation: &'a Relation,
        result: &mut Assignments,
    ) -> Result<()> {
        let columns = group.iter().map(|t| self.assigned_column(t, relation)).collect::<Result<Vec<_>>>()?;
        match source {
            Ast::Row(row) if row.args.len() == columns.len() => {
                for (column, value) in columns.iter().zip(&row.args) {
                    self.assign_one(value, column, result)?;
                }
                Ok(())
            }
            Ast::SubLink(link) if link.link_type == SubLinkType::Expr => {
                let (mut query, outputs) = self.subquery(&link.subselect)?;
                if outputs.len() != columns.len() {
                    let error = Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values");
                    return Err(self.at(error, link.location));
                }
                self.assign_outputs(&mut query, &columns)?;
                let numbers = columns.iter().map(|c| c.number).collect();
                result.push((numbers, Expr::sub_link(SubLinkKind::Expr, query, Oid::RECORD)));
                Ok(())
            }
            Ast::Row(row) => {
                let error = Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values");
                Err(self.at(error, row.location))
            }
            source => {
                let message = "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression";
                Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), expr_location(source)))
            }
        }
    }

    /// One column's assignment; DEFAULT of a generated column, which is computed anyway, is none.
    fn assign_one(&mut self, value: &Ast, column: &Column, assignments: &mut Assignments) -> Result<()> {
        if column.generated && matches!(value, Ast::SetToDefault(_)) {
            return Ok(());
        }
        let value = self.assigned_value(value, column)?;
        assignments.push((vec![column.number], value));
        Ok(())
    }

    fn assign_outputs(&mut self, query: &mut Query, columns: &[&Column]) -> Result<()> {
        let Body::Select(select) = &mut query.body else {
            return Err(Error::unsupported("assigning several columns from this kind of query"));
        };
        for (target, column) in select.targets.iter_mut().zip(columns) {
            target.expr = self.assign(target.expr.clone(), column)?;
        }
        Ok(())
    }

    /// The column that an INSERT or an assignment names.
    fn assigned_column(&self, target: &ResTarget, relation: &'a Relation) -> Result<&'a Column> {
        let name = target.name.as_deref().unwrap_or_default();
        let Some(column) = relation.column(name) else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
            return Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), target.location));
        };
        if !target.indirection.is_empty() {
            let error = Error::unsupported("assigning to a field or an element of a column");
            return Err(self.at(error, target.location));
        }
        Ok(column)
    }

    fn assigned_value(&mut self, value: &Ast, column: &Column) -> Result<Expr> {
        let default = matches!(value, Ast::SetToDefault(_));
        if column.generated || column.identity == Some(Identity::Always) {
            if default {
                return self.default_value(column);
            }
            let message = format!("column \"{}\" can only be updated to DEFAULT", column.name);
            let why =
                if column.generated { "a generated column" } else { "an identity column defined as GENERATED ALWAYS" };
            let detail = format!("Column \"{}\" is {why}.", column.name);
            return Err(Error::new(SqlState::GENERATED_ALWAYS, message).with_detail(detail));
        }
        if default {
            return self.default_value(column);
        }
        let expr = self.expr(value)?;
        self.assign(expr, column).map_err(|e| self.at(e, expr_location(value)))
    }

    /// RETURNING of an INSERT: the table's columns.
    fn returning(
        &mut self,
        items: &[ResTarget],
        relation: &'a Relation,
        shown: &str,
        entry: EntryId,
    ) -> Result<Vec<Target>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let row = RangeVar::table(self, relation, shown.to_owned(), entry);
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let result = self.returned(items);
        self.scopes.pop();
        result
    }

    /// RETURNING, in the scope as it is.
    fn returned(&mut self, items: &[ResTarget]) -> Result<Vec<Target>> {
        let mut targets = self.targets(items)?;
        for target in &mut targets {
            target.expr = self.resolve_unknown(target.expr.clone())?;
        }
        Ok(targets)
    }
}

/// Columns, and what they get.
pub(super) type Assignments = Vec<(Vec<i16>, Expr)>;

/// Where an INSERT's rows come from. `None` in a row is DEFAULT.
enum InsertSource {
    Rows(Vec<Vec<Option<(Expr, Location)>>>),
    Query(Box<Query>),
}

impl InsertSource {
    /// How many values a row has.
    fn width(&self) -> usize {
        match self {
            InsertSource::Rows(rows) => rows.first().map_or(0, Vec::len),
            InsertSource::Query(query) => query.outputs().len(),
        }
    }
}

/// The columns an INSERT writes; SQLite computes generated ones.
pub(super) fn stored_columns(relation: &Relation) -> impl Iterator<Item = &Column> {
    relation.columns.iter().filter(|c| !c.generated)
}

/// A value given for GENERATED ALWAYS AS IDENTITY, which only OVERRIDING SYSTEM VALUE lets pass.
fn check_writable(column: &Column, overriding: Option<Overriding>) -> Result<()> {
    if column.identity == Some(Identity::Always) && overriding != Some(Overriding::System) {
        let error = cannot_insert(column, "is an identity column defined as GENERATED ALWAYS");
        return Err(error.with_hint("Use OVERRIDING SYSTEM VALUE to override."));
    }
    Ok(())
}

fn cannot_insert(column: &Column, why: &str) -> Error {
    Error::new(SqlState::GENERATED_ALWAYS, format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name))
        .with_detail(format!("Column \"{}\" {why}.", column.name))
}
