//! INSERT, UPDATE, DELETE, and the row INSERT of COPY FROM.
//!
//! Owns: [`Analyzer::insert`], [`Analyzer::update`], [`Analyzer::delete`]: defaults, assignment conversions, generated
//! and identity columns, RETURNING. Specification: sql-insert.html, sql-update.html, sql-delete.html.

use std::rc::Rc;

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{Column, ForeignKey, Identity, Relation, RelationKind, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{Expr as Ast, Field, SubLinkType};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{
    self as ast, InsertStmt, Overriding, RangeVar as RangeName, ResTarget, SelectBody, SelectStmt,
};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::syntax::parse;
use crate::sql::tree::{
    Body, Changed, ColumnRef, Delete, Expr, ExprKind, FromItem, Insert, Modify, Query, Select, Target, Update,
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
    /// The tables that a change of the relation changes, by referential actions too.
    fn changed(&self, relation: &Relation) -> Changed {
        let mut changed = vec![relation.oid];
        let mut next = 0;
        while let Some(parent) = changed.get(next).copied() {
            for child in self.catalog().relations.values() {
                let mut keys = child.constraints.iter().filter_map(|c| c.foreign_key());
                let acts = |key: &ForeignKey| [key.on_update, key.on_delete].iter().any(|a| b"cnd".contains(a));
                if keys.any(|key| key.relation == parent && acts(key)) && !changed.contains(&child.oid) {
                    changed.push(child.oid);
                }
            }
            next += 1;
        }
        let tables = changed.iter().filter_map(|oid| self.catalog().relations.get(oid));
        let column = relation.columns.first().map(|column| column.name.as_str().into());
        Changed { tables: tables.map(|table| table.sqlite_name.clone()).collect(), column }
    }

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
        let alias = self.fresh_alias();
        let shown = name.alias.as_ref().map_or_else(|| relation.name.clone(), |a| a.name.clone());
        let (source, row) = self.insert_body(relation, &columns, ast, source)?;
        let conflict = ast.on_conflict.as_ref().map(|on| self.conflict(on, relation, &shown, &alias)).transpose()?;
        let returning = self.returning(&ast.returning, relation, &shown)?;
        self.ctes.truncate(in_scope);
        let mut insert = Insert {
            ctes,
            recursive,
            table: relation.sqlite_name.clone(),
            alias,
            columns: stored_columns(relation).map(|c| c.name.as_str().into()).collect(),
            source,
            conflict,
            returning,
            changed: self.changed(relation),
        };
        self.affect_rows_once(&mut insert);
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
                            // OVERRIDING USER VALUE: the identity's own value wins over what was given.
                            Some(_) if column.identity.is_some() && ast.overriding == Some(Overriding::User) => {
                                self.default_value(column, relation)?
                            }
                            Some((expr, place)) => {
                                check_writable(column, ast.overriding)?;
                                self.assign(expr, column, relation).map_err(|e| self.at(e, place))?
                            }
                            None => self.default_value(column, relation)?,
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
        let alias = self.fresh_alias();
        let entry = RangeVar::positional(String::new(), alias.clone(), &query.outputs());
        let mut targets = Vec::new();
        for column in stored_columns(relation) {
            let place = columns.iter().position(|c| c.number == column.number);
            let expr = match place.and_then(|p| entry.columns.get(p)) {
                Some(_) if column.identity.is_some() && overriding == Some(Overriding::User) => {
                    self.default_value(column, relation)?
                }
                Some(given) => {
                    check_writable(column, overriding)?;
                    self.assign(given.expr.clone(), column, relation)?
                }
                None => self.default_value(column, relation)?,
            };
            targets.push(Target { name: column.name.clone(), expr });
        }
        Ok(Body::Select(Box::new(Select {
            distinct: false,
            distinct_on: Vec::new(),
            targets,
            from: vec![FromItem::Derived { query: Box::new(query), alias }],
            selection: None,
            group_by: Vec::new(),
            having: None,
            unique: false,
        })))
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
                    self.assign(param, column, relation)?
                }
                None => self.default_value(column, relation)?,
            });
        }
        let alias = self.fresh_alias();
        Ok(Insert {
            ctes: Vec::new(),
            recursive: false,
            table: relation.sqlite_name.clone(),
            alias,
            columns: stored_columns(relation).map(|c| c.name.as_str().into()).collect(),
            source: Body::Values { rows: vec![values], names: Vec::new() },
            conflict: None,
            returning: Vec::new(),
            changed: Changed::default(),
        })
    }

    // ----- values

    /// A value converted for a column (assignment), lengths enforced, NULL refused where SQLite would not.
    fn assign(&mut self, expr: Expr, column: &Column, relation: &Relation) -> Result<Expr> {
        let from = expr.type_oid;
        let value = match self.try_coerce(expr, column.type_oid, column.typmod, CastContext::Assignment)? {
            Some(value) => value,
            None => {
                let message = format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    self.type_name(column.type_oid),
                    self.type_name(from)
                );
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .with_hint("You will need to rewrite or cast the expression."));
            }
        };
        Ok(refuse_null(value, column, relation))
    }

    /// What a column gets when nothing is given: its default, the next value of its identity, NULL.
    fn default_value(&mut self, column: &Column, relation: &Relation) -> Result<Expr> {
        let Some(text) = column.default.as_deref().or_else(|| self.domain_default(column.type_oid)) else {
            let null = Expr::new(ExprKind::Null, column.type_oid);
            // In a table that another program made, SQLite is meant to give the rowid.
            return Ok(if relation.declared { refuse_null(null, column, relation) } else { null });
        };
        let ast = parse::expression(text)?;
        let expr = self.stored(|a| a.expr(&ast))?;
        self.assign(expr, column, relation)
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
        let alias = self.fresh_alias();
        let entry = RangeVar::table(self, relation, shown.clone(), Some(alias.clone()));
        self.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
        let from = self.from_clause(&ast.from)?;
        let assignments = self.assignments(&ast.targets, relation)?;
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        self.scopes.pop();
        refuse_joined_star(&ast.returning, &from)?;
        let returning = self.returning(&ast.returning, relation, &shown).map_err(|e| refused_joined(e, &from))?;
        self.ctes.truncate(in_scope);
        let table = relation.sqlite_name.clone();
        let changed = self.changed(relation);
        let tree = Update { ctes, recursive, table, alias, assignments, from, selection, returning, changed };
        Ok(Modified { tree: Modify::Update(tree), relation, row: Vec::new() })
    }

    pub fn delete(&mut self, ast: &ast::DeleteStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let (relation, shown) = self.modified_table(&ast.relation, "deleting from")?;
        self.permissions.borrow_mut().require(relation.oid, Privileges::DELETE);
        let alias = self.fresh_alias();
        let entry = RangeVar::table(self, relation, shown.clone(), Some(alias.clone()));
        self.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
        let using = self.from_clause(&ast.using)?;
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        self.scopes.pop();
        refuse_joined_star(&ast.returning, &using)?;
        let returning = self.returning(&ast.returning, relation, &shown).map_err(|e| refused_joined(e, &using))?;
        self.ctes.truncate(in_scope);
        let table = relation.sqlite_name.clone();
        let changed = self.changed(relation);
        let tree = Delete { ctes, recursive, table, alias, using, selection, returning, changed };
        Ok(Modified { tree: Modify::Delete(tree), relation, row: Vec::new() })
    }

    fn modified_table(&mut self, name: &RangeName, verb: &str) -> Result<(&'a Relation, String)> {
        let relation = self.target(name, verb).map_err(|e| self.at(e, name.location))?;
        let shown = name.alias.as_ref().map_or_else(|| relation.name.clone(), |a| a.name.clone());
        Ok((relation, shown))
    }

    /// SET a = …, (b, c) = (…)
    pub(super) fn assignments(
        &mut self,
        targets: &[ResTarget],
        relation: &'a Relation,
    ) -> Result<Vec<(Vec<Rc<str>>, Expr)>> {
        let changed = targets.iter().filter_map(|target| relation.column(target.name.as_deref()?));
        self.permissions.borrow_mut().update(relation.oid, changed.map(|column| column.number));
        let mut result: Vec<(Vec<Rc<str>>, Expr)> = Vec::new();
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
                    self.assign_one(value, column, relation, &mut result)?;
                }
                None => return Err(Error::internal("an assignment without a value")),
            }
        }
        if result.is_empty() {
            // SET of generated columns alone; SQLite wants an assignment.
            let entry = self.scopes.last().and_then(|scope| scope.entries.first());
            let columns = entry.into_iter().flat_map(|entry| relation.columns.iter().zip(&entry.columns));
            let itself = columns.into_iter().find(|(column, _)| !column.generated);
            result.extend(itself.map(|(column, own)| (vec![column.name.as_str().into()], own.expr.clone())));
        }
        let mut seen: Vec<&Rc<str>> = Vec::new();
        for name in result.iter().flat_map(|(names, _)| names) {
            if seen.contains(&name) {
                let message = format!("multiple assignments to same column \"{name}\"");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            seen.push(name);
        }
        Ok(result)
    }

    /// (a, b) = source
    fn assign_row(
        &mut self,
        group: &[ResTarget],
        source: &Ast,
        relation: &'a Relation,
        result: &mut Vec<(Vec<Rc<str>>, Expr)>,
    ) -> Result<()> {
        let columns = group.iter().map(|t| self.assigned_column(t, relation)).collect::<Result<Vec<_>>>()?;
        match source {
            Ast::Row(row) if row.args.len() == columns.len() => {
                for (column, value) in columns.iter().zip(&row.args) {
                    self.assign_one(value, column, relation, result)?;
                }
                Ok(())
            }
            Ast::SubLink(link) if link.link_type == SubLinkType::Expr => {
                let (mut query, outputs) = self.subquery(&link.subselect)?;
                if outputs.len() != columns.len() {
                    let error = Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values");
                    return Err(self.at(error, link.location));
                }
                self.assign_outputs(&mut query, &columns, relation)?;
                let names = columns.iter().map(|c| c.name.as_str().into()).collect();
                result.push((names, Expr::new(ExprKind::ScalarQuery(Box::new(query)), Oid::RECORD)));
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
    fn assign_one(
        &mut self,
        value: &Ast,
        column: &Column,
        relation: &Relation,
        assignments: &mut Vec<(Vec<Rc<str>>, Expr)>,
    ) -> Result<()> {
        if column.generated && matches!(value, Ast::SetToDefault(_)) {
            return Ok(());
        }
        let value = self.assigned_value(value, column, relation)?;
        assignments.push((vec![column.name.as_str().into()], value));
        Ok(())
    }

    fn assign_outputs(&mut self, query: &mut Query, columns: &[&Column], relation: &Relation) -> Result<()> {
        let Body::Select(select) = &mut query.body else {
            return Err(Error::unsupported("assigning several columns from this kind of query"));
        };
        for (target, column) in select.targets.iter_mut().zip(columns) {
            target.expr = self.assign(target.expr.clone(), column, relation)?;
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

    fn assigned_value(&mut self, value: &Ast, column: &Column, relation: &Relation) -> Result<Expr> {
        let default = matches!(value, Ast::SetToDefault(_));
        if column.generated || column.identity == Some(Identity::Always) {
            if default {
                return self.default_value(column, relation);
            }
            let message = format!("column \"{}\" can only be updated to DEFAULT", column.name);
            let why =
                if column.generated { "a generated column" } else { "an identity column defined as GENERATED ALWAYS" };
            let detail = format!("Column \"{}\" is {why}.", column.name);
            return Err(Error::new(SqlState::GENERATED_ALWAYS, message).with_detail(detail));
        }
        if default {
            return self.default_value(column, relation);
        }
        let expr = self.expr(value)?;
        self.assign(expr, column, relation).map_err(|e| self.at(e, expr_location(value)))
    }

    /// RETURNING: the table's columns only, printed bare as SQLite wants them.
    fn returning(&mut self, items: &[ResTarget], relation: &'a Relation, shown: &str) -> Result<Vec<Target>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        // By the table's own name, which no sub-query's columns have.
        let name = format!("\"{}\"", relation.sqlite_name.replace('"', "\"\""));
        let entry = RangeVar::table(self, relation, shown.to_owned(), Some(name.into()));
        self.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
        let result = self.targets(items);
        self.scopes.pop();
        let mut targets = result?;
        for target in &mut targets {
            target.expr = self.resolve_unknown(target.expr.clone())?;
        }
        Ok(targets)
    }
}

/// RETURNING may name the other tables in PostgreSQL; SQLite returns columns of the changed one only.
fn refused_joined(error: Error, others: &[FromItem]) -> Error {
    match error.code() {
        SqlState::UNDEFINED_TABLE if !others.is_empty() => {
            Error::unsupported("RETURNING a column of a table in FROM or USING")
        }
        _ => error,
    }
}

/// RETURNING * is all columns of all tables; SQLite returns those of the changed one.
fn refuse_joined_star(returning: &[ResTarget], others: &[FromItem]) -> Result<()> {
    let is_star = |item: &ResTarget| matches!(&item.value, Some(Ast::ColumnRef(c)) if matches!(c.fields.as_slice(), [Field::Star]));
    let star = returning.iter().any(is_star);
    if star && !others.is_empty() {
        return Err(Error::unsupported("RETURNING * beside FROM or USING"));
    }
    Ok(())
}

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
fn stored_columns(relation: &Relation) -> impl Iterator<Item = &Column> {
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

pub(super) fn bare_column(relation: &Relation, column: &Column) -> Expr {
    let reference = ColumnRef {
        alias: None,
        column: column.name.as_str().into(),
        table: relation.oid,
        attribute: column.number,
        not_null: column.not_null,
    };
    Expr { kind: ExprKind::Column(reference), type_oid: column.type_oid, typmod: column.typmod }
}

/// SQLite gives a NULL rowid alias a number of its own choosing; PostgreSQL refuses NULL in a primary key.
fn refuse_null(value: Expr, column: &Column, relation: &Relation) -> Expr {
    if !column.rowid_alias || matches!(value.kind, ExprKind::Const(_) | ExprKind::Literal(_)) {
        return value;
    }
    let type_oid = value.type_oid;
    let args = vec![value, Expr::text(relation.name.clone()), Expr::text(column.name.clone())];
    Expr::function("pg_raise_not_null", args, type_oid)
}

fn cannot_insert(column: &Column, why: &str) -> Error {
    Error::new(SqlState::GENERATED_ALWAYS, format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name))
        .with_detail(format!("Column \"{}\" {why}.", column.name))
}
