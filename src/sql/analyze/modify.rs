//! INSERT, UPDATE, DELETE, and the row INSERT of COPY FROM.
//!
//! Owns: [`Analyzer::insert`], [`Analyzer::update`], [`Analyzer::delete`]: defaults, assignment conversions, generated
//! and identity columns, RETURNING. Specification: sql-insert.html, sql-update.html, sql-delete.html.

use crate::catalog::acl::Privileges;
use crate::catalog::policy::PolicyCommand;
use crate::catalog::schema::{Column, Identity, Relation, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::assignment::default_of_part;
use crate::sql::analyze::lists::Given;
use crate::sql::analyze::result_relation::{Change, ResultColumn, ResultRelation, ResultRow};
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::analyze::target_security::{conflict_reads, reads_target};
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{Expr as Ast, Indirection, SubLinkType};
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
    // ----- INSERT

    pub fn insert(&mut self, ast: &InsertStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let mut ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let mut recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let name = &ast.relation;
        let target = self.result_relation(name, Change::Insert)?;
        let relation = target.table;
        let columns = self.insert_columns(&target, &ast.columns)?;
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
        let given: Vec<_> = columns.iter().take(source.width()).copied().collect();
        self.permit(&target, Privileges::INSERT, &given);
        let entry = self.fresh_entry();
        let shown = shown_name(name);
        let (source, row) = self.insert_body(&target, &columns, ast, source)?;
        let conflict = ast.on_conflict.as_ref().map(|on| self.conflict(on, &target, &shown, entry)).transpose()?;
        let ResultRow { row: shown, mut checks, .. } = self.result_row(&target, &shown, entry)?;
        if target.is_computed() && !(ast.returning.is_empty() && ast.on_conflict.is_none()) {
            self.permissions.borrow_mut().read(target.named.oid);
        }
        let returning = self.returning(&ast.returning, shown)?;
        self.ctes.truncate(in_scope);
        let reads = reads_target(entry, returning.iter().map(|target| &target.expr))
            || conflict.as_ref().is_some_and(|on| conflict_reads(on, entry));
        let updates = conflict.as_ref().is_some_and(|on| on.update.is_some());
        self.check_inserted(&mut checks, &target, entry, (reads, updates))?;
        let insert = Insert {
            ctes,
            recursive,
            relation: relation.oid,
            entry,
            columns: stored_columns(relation).map(|c| c.number).collect(),
            source,
            conflict,
            checks,
            returning,
            routing: self.routing(relation, entry)?,
        };
        Ok(Modified { tree: Modify::Insert(insert), relation, row })
    }

    /// The columns an INSERT names, or all.
    pub(super) fn insert_columns(
        &self,
        relation: &ResultRelation<'a>,
        names: &[ResTarget],
    ) -> Result<Vec<ResultColumn<'a>>> {
        if names.is_empty() {
            return Ok(relation.columns.clone());
        }
        let mut columns: Vec<ResultColumn<'a>> = Vec::with_capacity(names.len());
        for name in names {
            let column = self.result_column(name, relation)?;
            let earlier = columns.iter().zip(names).filter(|(c, _)| c.name == column.name);
            // Parts of a column may be given one by one.
            if earlier.clone().any(|(_, other)| other.indirection.is_empty() || name.indirection.is_empty()) {
                let message = format!("column \"{}\" specified more than once", column.name);
                return Err(self.at(Error::new(SqlState::DUPLICATE_COLUMN, message), name.location));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    fn insert_source(&mut self, query: &SelectStmt, columns: &[ResultColumn<'a>]) -> Result<InsertSource> {
        if let SelectBody::Values(values) = &query.body
            && query.sort.is_empty()
            && query.limit_count.is_none()
            && query.limit_offset.is_none()
        {
            let mut rows = Vec::with_capacity(values.len());
            for row in values {
                let list = self.expression_list(row, true)?;
                self.check_length(rows.first().map(Vec::len), list.len(), row)?;
                self.check_width(list.len(), columns.len(), list.get(columns.len()).map(|(_, place)| *place))?;
                rows.push(list.into_iter().map(|(expr, place)| Some((expr?, place))).collect());
            }
            return Ok(InsertSource::Rows(rows));
        }
        let bare = SelectStmt { with: None, ..query.clone() };
        let query = self.query_with_unknowns(&bare)?;
        self.check_width(query.outputs().len(), columns.len(), None)?;
        Ok(InsertSource::Query(Box::new(query)))
    }

    pub(super) fn check_width(&self, given: usize, wanted: usize, extra: Option<Location>) -> Result<()> {
        if given > wanted {
            let error = Error::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns");
            return Err(extra.map_or(error.clone(), |place| self.at(error, place)));
        }
        Ok(())
    }

    /// Rows or a query, completed to all stored columns of the table.
    fn insert_body(
        &mut self,
        target: &ResultRelation<'a>,
        columns: &[ResultColumn<'a>],
        ast: &InsertStmt,
        source: InsertSource,
    ) -> Result<(Body, Vec<(i16, Expr)>)> {
        let relation = target.table;
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
                    complete.push(self.insert_row(target, columns, ast, &mut given)?);
                }
                let row = match complete.as_slice() {
                    [only] if single => stored_columns(relation).map(|c| c.number).zip(only.iter().cloned()).collect(),
                    _ => Vec::new(),
                };
                let names = stored_columns(relation).map(|c| c.name.clone()).collect();
                Ok((Body::Values { rows: complete, names }, row))
            }
            InsertSource::Query(query) => Ok((self.insert_select(target, columns, ast, *query)?, Vec::new())),
        }
    }

    /// One row of VALUES, completed.
    fn insert_row(
        &mut self,
        target: &ResultRelation<'a>,
        columns: &[ResultColumn<'a>],
        ast: &InsertStmt,
        given: &mut [Option<Option<(Expr, Location)>>],
    ) -> Result<Vec<Expr>> {
        let (names, overriding) = (ast.columns.as_slice(), ast.overriding);
        writable(target, columns.iter().take(given.len()), names)?;
        let mut values = Vec::new();
        for column in stored_columns(target.table) {
            let place = columns.iter().position(|c| c.number() == column.number);
            if place.is_some_and(|place| is_part(names, place)) {
                let parts = parts_of(columns, names, column).map(|(place, chain)| {
                    Ok((
                        chain,
                        given.get_mut(place).and_then(Option::take).flatten().ok_or_else(|| default_of_part(chain))?,
                    ))
                });
                values.push(self.inserted_parts(parts.collect::<Result<_>>()?, column, overriding)?);
                continue;
            }
            let value = place.and_then(|p| Some((p, given.get_mut(p).and_then(Option::take)??)));
            values.push(match value {
                Some((place, (expr, location))) => {
                    let name = columns.get(place).map_or(column.name.as_str(), |column| column.name);
                    self.inserted_value((expr, location), (column, name), target, overriding)?
                }
                None => self.default_of(target, column)?,
            });
        }
        reject_generated(columns, given)?;
        Ok(values)
    }

    fn insert_select(
        &mut self,
        target: &ResultRelation<'a>,
        columns: &[ResultColumn<'a>],
        ast: &InsertStmt,
        mut query: Query,
    ) -> Result<Body> {
        let (names, overriding) = (ast.columns.as_slice(), ast.overriding);
        let outputs = query.outputs();
        // Where each value is written, unless a star stands for some.
        let written: &[ResTarget] = match ast.source.as_ref().map(|source| &source.body) {
            Some(SelectBody::Select(select)) if select.targets.len() == outputs.len() => &select.targets,
            _ => &[],
        };
        writable(target, columns.iter().take(outputs.len()), names)?;
        // Constants of the select list take the columns' types.
        for (index, ((_, type_oid, _), column)) in outputs.iter().zip(columns).enumerate() {
            let Ok(column) = column.column else { continue };
            if *type_oid == Oid::UNKNOWN && is_part(names, index) {
                self.convert_output(&mut query, index, Oid::TEXT)?;
            } else if *type_oid == Oid::UNKNOWN {
                let (base, _) = self.base_type(column.type_oid, -1);
                self.convert_output(&mut query, index, base)?;
            }
        }
        let id = self.fresh_entry();
        let entry = RangeVar::of_columns(String::new(), id, &query.outputs());
        let mut targets = Vec::new();
        for column in stored_columns(target.table) {
            let place = columns.iter().position(|c| c.number() == column.number);
            if place.is_some_and(|place| is_part(names, place)) {
                let parts = parts_of(columns, names, column).filter_map(|(place, chain)| {
                    let given = entry.columns.get(place)?.expr.clone();
                    let unknown = outputs.get(place).is_some_and(|(_, oid, _)| *oid == Oid::UNKNOWN);
                    let type_oid = if unknown { Oid::UNKNOWN } else { given.type_oid };
                    Some((chain, (Expr { type_oid, ..given }, Location::UNKNOWN)))
                });
                let expr = self.inserted_parts(parts.collect(), column, overriding)?;
                targets.push(Target { name: column.name.clone(), expr });
                continue;
            }
            let given = place.and_then(|p| Some((p, columns.get(p)?.name, entry.columns.get(p)?)));
            let expr = match given {
                Some((place, name, given)) => {
                    let value = written.get(place).and_then(|target| target.value.as_ref());
                    let at = value.map_or(Location::UNKNOWN, expr_location);
                    self.inserted_value((given.expr.clone(), at), (column, name), target, ast.overriding)?
                }
                None => self.default_of(target, column)?,
            };
            targets.push(Target { name: column.name.clone(), expr });
        }
        let kind = EntryKind::Subquery { query: Box::new(query), lateral: false };
        let from = vec![FromItem::Entry(RangeTblEntry::new(id, kind))];
        Ok(Body::Select(Box::new(Select { targets, from, ..Select::default() })))
    }

    // ----- values

    /// A value that is given for a column of a new row. With OVERRIDING USER VALUE an identity's own wins over it.
    pub(super) fn inserted_value(
        &mut self,
        (expr, location): (Expr, Location),
        (column, name): (&Column, &str),
        target: &ResultRelation<'a>,
        overriding: Option<Overriding>,
    ) -> Result<Expr> {
        if column.identity.is_some() && overriding == Some(Overriding::User) {
            return self.default_of(target, column);
        }
        check_writable(column, overriding)?;
        self.assign(expr, column, name).map_err(|e| self.at(e, location))
    }

    /// A new row's column that is made of parts.
    fn inserted_parts(
        &mut self,
        parts: Vec<(&[Indirection], (Expr, Location))>,
        column: &Column,
        overriding: Option<Overriding>,
    ) -> Result<Expr> {
        check_writable(column, overriding)?;
        let mut whole = Expr::null(self.base_type(column.type_oid, -1).0);
        for (chain, value) in parts {
            whole = self.stored_part(whole, (column, &column.name), chain, value)?;
        }
        Ok(whole)
    }

    /// A value converted for a column (assignment), lengths enforced.
    pub(super) fn assign(&mut self, expr: Expr, column: &Column, name: &str) -> Result<Expr> {
        let from = expr.type_oid;
        match self.try_coerce(expr, column.type_oid, column.typmod, CastContext::Assignment)? {
            Some(value) => Ok(value),
            None => {
                let message = format!(
                    "column \"{name}\" is of type {} but expression is of type {}",
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
        match column.default.as_deref().or_else(|| self.domain_default(column.type_oid)) {
            Some(text) => self.stored_default(text, column),
            None => Ok(Expr::null(column.type_oid)),
        }
    }

    /// The same of a relation that may be a view, with defaults of its own.
    pub(super) fn default_of(&mut self, target: &ResultRelation<'a>, column: &Column) -> Result<Expr> {
        match target.view_default(column) {
            Some(text) => self.stored_default(text, column),
            None => self.default_value(column),
        }
    }

    fn stored_default(&mut self, text: &str, column: &Column) -> Result<Expr> {
        let ast = parse::expression(text)?;
        let expr = self.stored(|a| a.expr(&ast))?;
        self.assign(expr, column, &column.name)
    }

    /// The default of a domain, or of the domain it is made of.
    fn domain_default(&self, oid: Oid) -> Option<&'a str> {
        match &self.catalog().types.get(&oid)?.kind {
            UserTypeKind::Domain { default: Some(text), .. } => Some(text),
            UserTypeKind::Domain { base, .. } => self.domain_default(*base),
            UserTypeKind::Enum(_) | UserTypeKind::Range(_) | UserTypeKind::Multirange { .. } => None,
        }
    }

    // ----- UPDATE and DELETE

    pub fn update(&mut self, ast: &ast::UpdateStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let (target, entry, row) = self.modified(&ast.relation, Change::Update)?;
        let ResultRow { row, conditions, mut checks } = row;
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let mut from = self.from_beside_target(&ast.from)?;
        if target.is_instead() {
            from.insert(0, self.instead_of_view(target.named, entry)?);
        }
        let assignments = self.assignments(&ast.targets, &target)?;
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        let returning = self.returned(&ast.returning)?;
        self.scopes.pop();
        self.ctes.truncate(in_scope);
        let values = assignments.iter().map(|(_, value)| value).chain(&selection);
        let reads = reads_target(entry, values.chain(returning.iter().map(|target| &target.expr)));
        let row = (entry, reads, PolicyCommand::Update);
        let selection = self.secured_rows(&target, row, &mut from, (conditions, selection))?;
        self.check_updated(&mut checks, &target, entry, reads)?;
        let (relation, oid) = (target.table, target.table.oid);
        let members = ast.relation.inherit && relation.has_members();
        let routing = if members { self.routing(relation, entry)? } else { Vec::new() };
        let tree = Update {
            ctes,
            recursive,
            relation: oid,
            entry,
            assignments,
            from,
            selection,
            checks,
            returning,
            members,
            routing,
        };
        Ok(Modified { tree: Modify::Update(tree), relation, row: Vec::new() })
    }

    pub fn delete(&mut self, ast: &ast::DeleteStmt) -> Result<Modified<'a>> {
        let in_scope = self.ctes.len();
        let ctes = ast.with.as_ref().map(|with| self.with(with)).transpose()?.unwrap_or_default();
        let recursive = ast.with.as_ref().is_some_and(|with| with.recursive);
        let (target, entry, ResultRow { row, conditions, .. }) = self.modified(&ast.relation, Change::Delete)?;
        self.permit(&target, Privileges::DELETE, &[]);
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let mut using = self.from_beside_target(&ast.using)?;
        if target.is_instead() {
            using.insert(0, self.instead_of_view(target.named, entry)?);
        }
        let selection = ast.where_clause.as_ref().map(|s| self.condition(s, "WHERE")).transpose()?;
        let returning = self.returned(&ast.returning)?;
        self.scopes.pop();
        self.ctes.truncate(in_scope);
        let values = selection.iter().chain(returning.iter().map(|target| &target.expr));
        let row = (entry, reads_target(entry, values), PolicyCommand::Delete);
        let selection = self.secured_rows(&target, row, &mut using, (conditions, selection))?;
        let (relation, oid) = (target.table, target.table.oid);
        let members = ast.relation.inherit && relation.has_members();
        let tree = Delete { ctes, recursive, relation: oid, entry, using, selection, returning, members };
        Ok(Modified { tree: Modify::Delete(tree), relation, row: Vec::new() })
    }

    /// The keys by which a row of a partitioned table finds its partition. Nobody needs to be allowed to read them.
    pub(super) fn routing(&mut self, relation: &Relation, entry: EntryId) -> Result<Vec<Expr>> {
        if !relation.is_partitioned() {
            return Ok(Vec::new());
        }
        let permissions = self.permissions.take();
        let keys = self.catalog().routing_keys(relation.oid);
        let keys = keys.iter().map(|text| {
            let ast = parse::expression(text)?;
            self.stored(|a| a.expr_over(&ast, Some((entry, relation))))
        });
        let keys = keys.collect();
        self.permissions.replace(permissions);
        keys
    }

    /// FROM of an UPDATE, USING of a DELETE, which cannot depend on what is changed.
    fn from_beside_target(&mut self, from: &[ast::FromItem]) -> Result<Vec<FromItem>> {
        let reach = |a: &mut Self, out: bool| {
            a.scopes.last_mut().into_iter().for_each(|scope| scope.target_out_of_reach = out);
        };
        reach(self, true);
        let items = self.from_clause(from);
        reach(self, false);
        items
    }

    /// The rows of a view whose triggers change them.
    fn instead_of_view(&mut self, view: &Relation, id: EntryId) -> Result<FromItem> {
        self.permissions.borrow_mut().read(view.oid);
        let query = self.view_query(view)?;
        let kind = EntryKind::Subquery { query: Box::new(query), lateral: false };
        Ok(FromItem::Entry(RangeTblEntry::new(id, kind)))
    }

    /// What an UPDATE or DELETE changes, the number of its entry, and its row.
    pub(super) fn modified(
        &mut self,
        name: &RangeName,
        change: Change,
    ) -> Result<(ResultRelation<'a>, EntryId, ResultRow)> {
        let target = self.result_relation(name, change)?;
        let entry = self.fresh_entry();
        let row = self.result_row(&target, &shown_name(name), entry)?;
        Ok((target, entry, row))
    }

    /// SET a = …, (b, c) = (…)
    pub(super) fn assignments(&mut self, targets: &[ResTarget], relation: &ResultRelation<'a>) -> Result<Assignments> {
        let changed = targets.iter().filter_map(|target| relation.column(target.name.as_deref()?));
        self.permit(relation, Privileges::UPDATE, &changed.collect::<Vec<_>>());
        let wholly = |name: &Option<String>| targets.iter().any(|t| t.name == *name && t.indirection.is_empty());
        if let Some(both) = targets.iter().find(|target| !target.indirection.is_empty() && wholly(&target.name)) {
            let name = both.name.as_deref().unwrap_or_default();
            let message = format!("multiple assignments to same column \"{name}\"");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        let mut result = Assignments::new();
        for (index, target) in targets.iter().enumerate() {
            match &target.value {
                Some(Ast::MultiAssign(multi)) if multi.column == 1 => {
                    let group = targets.get(index..index + multi.columns as usize).unwrap_or_default();
                    self.assign_row(group, &multi.source, relation, &mut result)?;
                }
                // Assigned with the first of its group.
                Some(Ast::MultiAssign(_)) => {}
                Some(Ast::SetToDefault(place)) => self.assign_target((None, *place), target, relation, &mut result)?,
                Some(value) => {
                    let expr = self.in_clause("UPDATE", |a| a.expr(value))?;
                    self.assign_target((Some(expr), expr_location(value)), target, relation, &mut result)?;
                }
                None => return Err(Error::internal("an assignment without a value")),
            }
        }
        if result.is_empty() {
            // SET of generated columns alone; SQLite wants an assignment.
            let entry = self.scopes.last().and_then(|scope| scope.entries.first());
            let columns = entry.into_iter().flat_map(|entry| relation.columns.iter().zip(&entry.columns));
            let itself = columns.into_iter().find(|(column, _)| column.column.is_ok_and(|column| !column.generated));
            result.extend(itself.map(|(column, own)| (vec![column.number()], own.expr.clone())));
        }
        let mut seen: Vec<i16> = Vec::new();
        for number in result.iter().flat_map(|(numbers, _)| numbers) {
            if seen.contains(number) {
                let name = relation.table.column_by_number(*number).map_or("", |column| &column.name);
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
        relation: &ResultRelation<'a>,
        result: &mut Assignments,
    ) -> Result<()> {
        let columns = group.iter().map(|t| self.result_column(t, relation)).collect::<Result<Vec<_>>>()?;
        match source {
            Ast::SubLink(link) if link.link_type == SubLinkType::Expr => {
                let (mut query, outputs) = self.subquery(&link.subselect)?;
                if outputs.len() != columns.len() {
                    let error = Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values");
                    return Err(self.at(error, link.location));
                }
                if group.iter().any(|target| !target.indirection.is_empty()) {
                    return Err(Error::unsupported("assigning the columns of a sub-query to parts of columns"));
                }
                writable(relation, columns.iter(), &[])?;
                self.assign_outputs(&mut query, &columns)?;
                let numbers = columns.iter().map(ResultColumn::number).collect();
                result.push((numbers, Expr::sub_link(SubLinkKind::Expr, query, Oid::RECORD)));
                Ok(())
            }
            Ast::Row(row) => {
                let values = self.in_clause("UPDATE", |a| a.expression_list(&row.args, true))?;
                if values.len() != columns.len() {
                    let error = Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values");
                    return Err(self.at(error, row.location));
                }
                group.iter().zip(values).try_for_each(|(t, value)| self.assign_target(value, t, relation, result))
            }
            source => {
                let message = "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression";
                Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), expr_location(source)))
            }
        }
    }

    /// One assignment, to a column or to a part of it.
    fn assign_target(
        &mut self,
        value: Given,
        target: &ResTarget,
        relation: &ResultRelation<'a>,
        assignments: &mut Assignments,
    ) -> Result<()> {
        let column = self.result_column(target, relation)?;
        match target.indirection.as_slice() {
            [] => self.assign_one(value, &column, relation, assignments),
            chain => self.assign_part(value, (&column, chain), relation, assignments),
        }
    }

    /// A part of a column is assigned in the column's value, or in what the assignments before have made of it.
    fn assign_part(
        &mut self,
        (value, place): Given,
        (target, chain): (&ResultColumn<'a>, &[Indirection]),
        relation: &ResultRelation<'a>,
        assignments: &mut Assignments,
    ) -> Result<()> {
        let column = relation.written(target)?;
        let Some(value) = value else { return Err(default_of_part(chain)) };
        if column.generated || column.identity == Some(Identity::Always) {
            self.assigned_value((Some(value.clone()), place), column, target.name, relation)?;
        }
        let entry = self.scopes.last().and_then(|scope| scope.entries.first());
        let index = relation.columns.iter().position(|known| known.number() == column.number);
        let own = entry.zip(index).and_then(|(entry, index)| entry.columns.get(index)).map(|c| c.expr.clone());
        let Some(own) = own else { return Err(Error::internal("a column that is not there")) };
        let earlier = assignments.iter().position(|(numbers, known)| {
            *numbers == [column.number] && matches!(known.kind, ExprKind::Store { .. } | ExprKind::Row { .. })
        });
        let old = earlier.map(|index| assignments.remove(index).1);
        let stored = self.stored_part(old.unwrap_or(own), (column, target.name), chain, (value, place))?;
        assignments.push((vec![column.number], stored));
        Ok(())
    }

    /// One column's assignment; DEFAULT of a generated column, which is computed anyway, is none.
    fn assign_one(
        &mut self,
        value: Given,
        target: &ResultColumn<'a>,
        relation: &ResultRelation<'a>,
        assignments: &mut Assignments,
    ) -> Result<()> {
        let column = relation.written(target)?;
        if column.generated && value.0.is_none() {
            return Ok(());
        }
        let value = self.assigned_value(value, column, target.name, relation)?;
        assignments.push((vec![column.number], value));
        Ok(())
    }

    fn assign_outputs(&mut self, query: &mut Query, columns: &[ResultColumn<'a>]) -> Result<()> {
        let Body::Select(select) = &mut query.body else {
            return Err(Error::unsupported("assigning several columns from this kind of query"));
        };
        for (target, assigned) in select.targets.iter_mut().zip(columns) {
            let Ok(column) = assigned.column else { continue };
            target.expr = self.assign(target.expr.clone(), column, assigned.name)?;
        }
        Ok(())
    }

    fn assigned_value(
        &mut self,
        (value, place): Given,
        column: &Column,
        name: &str,
        relation: &ResultRelation<'a>,
    ) -> Result<Expr> {
        let Some(expr) = value else { return self.default_of(relation, column) };
        if column.generated || column.identity == Some(Identity::Always) {
            let message = format!("column \"{}\" can only be updated to DEFAULT", column.name);
            let why =
                if column.generated { "a generated column" } else { "an identity column defined as GENERATED ALWAYS" };
            let detail = format!("Column \"{}\" is {why}.", column.name);
            return Err(Error::new(SqlState::GENERATED_ALWAYS, message).with_detail(detail));
        }
        self.assign(expr, column, name).map_err(|e| self.at(e, place))
    }

    /// RETURNING of an INSERT: the columns of what is changed.
    fn returning(&mut self, items: &[ResTarget], row: RangeVar) -> Result<Vec<Target>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let result = self.returned(items);
        self.scopes.pop();
        result
    }

    /// RETURNING, in the scope as it is.
    fn returned(&mut self, items: &[ResTarget]) -> Result<Vec<Target>> {
        let mut targets = self.in_clause("RETURNING", |a| a.targets(items))?;
        for target in &mut targets {
            target.expr = self.resolve_unknown(target.expr.clone())?;
        }
        Ok(targets)
    }
}

/// Columns, and what they get.
pub(super) type Assignments = Vec<(Vec<i16>, Expr)>;

/// What the statement's other clauses call the relation that it changes.
fn shown_name(name: &RangeName) -> String {
    name.alias.as_ref().map_or_else(|| name.relation.clone(), |alias| alias.name.clone())
}

/// The statement's condition, and before it those of the views.
pub(super) fn restricted(mut conditions: Vec<Expr>, selection: Option<Expr>) -> Option<Expr> {
    conditions.extend(selection);
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(Expr::new(ExprKind::And(conditions), Oid::BOOL)),
    }
}

/// That all these columns can be given values, and none of the table's twice.
fn writable<'c, 'a: 'c>(
    relation: &ResultRelation<'a>,
    columns: impl Iterator<Item = &'c ResultColumn<'a>>,
    names: &[ResTarget],
) -> Result<()> {
    let mut seen = Vec::new();
    for (place, column) in columns.enumerate() {
        let column = relation.written(column)?;
        if seen.contains(&column.number) && !is_part(names, place) {
            let message = format!("multiple assignments to same column \"{}\"", column.name);
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        seen.push(column.number);
    }
    Ok(())
}

/// Whether a part of a column is named at a place of an INSERT's list.
fn is_part(names: &[ResTarget], place: usize) -> bool {
    names.get(place).is_some_and(|name| !name.indirection.is_empty())
}

/// The places of an INSERT's list that name a column, with what is behind its name.
fn parts_of<'n>(
    columns: &[ResultColumn<'_>],
    names: &'n [ResTarget],
    column: &Column,
) -> impl Iterator<Item = (usize, &'n [Indirection])> {
    let places = columns.iter().zip(names).enumerate().filter(|(_, (c, _))| c.number() == column.number);
    places.map(|(place, (_, name))| (place, name.indirection.as_slice()))
}

/// A value given for a GENERATED ALWAYS AS (…) STORED column.
fn reject_generated<T>(columns: &[ResultColumn<'_>], given: &[Option<Option<T>>]) -> Result<()> {
    for (column, value) in columns.iter().zip(given) {
        if let (Ok(column), Some(Some(_))) = (column.column, value)
            && column.generated
        {
            return Err(cannot_insert(column, "is a generated column"));
        }
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
