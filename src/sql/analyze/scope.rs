//! Names in scope: the range table of each query level, and the common table expressions.
//!
//! Owns: [`Scope`], [`RangeVar`], column resolution and `*`. Specification: sql-expressions.html#SQL-EXPRESSIONS-COLUMN-REFS.

use crate::catalog::schema::Relation;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::location::Location;
use crate::sql::tree::{CteId, EntryId, Expr, ExprKind, TABLE_OID, Var};
use crate::types::pg_type::Oid;

/// One query level.
#[derive(Default)]
pub struct Scope {
    pub entries: Vec<RangeVar>,
    /// The merged columns of JOIN … USING, by name; they hide those they were made of.
    pub merged: Vec<Merged>,
    /// The entries (by index) that what is being analysed cannot depend on: it is the other side of an outer join.
    pub out_of_reach: Vec<usize>,
    /// The first entry is what an UPDATE or DELETE changes, and its FROM is being analysed, which cannot depend on it.
    pub target_out_of_reach: bool,
    /// Entries get a column that says whether there is a row, once the query is known: those that it is asked of.
    pub presence: Option<Vec<EntryId>>,
    /// The clause that is being analysed, if it is one that has no aggregates and window functions.
    pub clause: Option<&'static str>,
}

/// How the columns of an entry may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    Any,
    /// Only behind the entry's name: JOIN … USING (…) AS name.
    Qualified,
    /// Not at all: an alias stands for the join that it is part of.
    Covered,
}

/// A column made by JOIN … USING.
pub struct Merged {
    pub name: String,
    pub expr: Expr,
    /// The entries (by index) whose column of that name it hides.
    pub hides: Vec<usize>,
}

/// A table, sub-query, function or CTE in FROM.
#[derive(Clone)]
pub struct RangeVar {
    /// The name by which the query refers to it; empty for an unnamed join.
    pub name: String,
    /// Its schema if it may be referred to with one.
    pub schema: Option<String>,
    pub columns: Vec<RangeColumn>,
    /// May be referred to by name from an expression now (an ON clause sees only its own join).
    pub visible: bool,
    /// The table, for system columns, whole-row references and functional dependencies.
    pub relation: Option<Oid>,
    /// The relation whose row type its rows have, if they have one.
    pub row_type: Option<Oid>,
    /// The row as one value, where it is one: that of a function which returns rows.
    pub whole: Option<Expr>,
    /// A column that is not NULL where there is a row, if one is known.
    pub present: Option<Expr>,
    /// The range table entry.
    pub entry: EntryId,
    /// A function's: its name stands for its value.
    pub is_function: bool,
    /// An outer join may have no row of it.
    pub nullable: bool,
    pub naming: Naming,
    /// Its rows are those of several tables: which one a row is of is a column.
    pub has_members: bool,
    /// How many of its last columns no star stands for.
    pub unexpanded: usize,
}

/// A column of a [`RangeVar`].
#[derive(Clone)]
pub struct RangeColumn {
    pub name: String,
    pub expr: Expr,
}

/// A common table expression in scope.
#[derive(Clone)]
pub struct CteEntry {
    pub name: String,
    pub id: CteId,
    pub columns: Vec<(String, Oid, i32)>,
    /// Why it may not be referred to here, if it may not.
    pub refused: Option<Error>,
    /// How many query levels are around its definition.
    pub level: usize,
    /// Where the columns come from (see `Query::origins`).
    pub origins: Vec<(Oid, i16)>,
    /// How many of its last columns no star stands for.
    pub unexpanded: usize,
}

impl RangeVar {
    /// An entry over a base table or system relation.
    pub fn table(analyzer: &Analyzer<'_>, relation: &Relation, name: String, entry: EntryId) -> Self {
        let columns = relation
            .columns
            .iter()
            .map(|column| {
                let (type_oid, typmod) = analyzer.base_type(column.type_oid, column.typmod);
                let origin = (relation.oid, column.number);
                let var = Var { entry, attribute: column.number, origin, not_null: column.not_null };
                let expr = Expr { kind: ExprKind::Var(var), type_oid, typmod };
                RangeColumn { name: column.name.clone(), expr }
            })
            .collect();
        RangeVar {
            schema: Some(relation.schema.clone()),
            relation: Some(relation.oid),
            row_type: Some(relation.oid),
            ..RangeVar::over(name, entry, columns)
        }
    }

    /// An entry over something with these columns.
    pub fn of_columns(name: String, entry: EntryId, columns: &[(String, Oid, i32)]) -> Self {
        let columns = columns
            .iter()
            .zip(1..)
            .map(|((name, type_oid, typmod), attribute)| {
                let var = Var { entry, attribute, origin: (Oid::INVALID, 0), not_null: false };
                let expr = Expr { kind: ExprKind::Var(var), type_oid: *type_oid, typmod: *typmod };
                RangeColumn { name: name.clone(), expr }
            })
            .collect();
        RangeVar::over(name, entry, columns)
    }

    /// An entry that is no relation, with these columns.
    pub fn over(name: String, entry: EntryId, columns: Vec<RangeColumn>) -> Self {
        RangeVar {
            name,
            schema: None,
            columns,
            visible: true,
            relation: None,
            row_type: None,
            whole: None,
            present: None,
            entry,
            is_function: false,
            nullable: false,
            naming: Naming::Any,
            has_members: false,
            unexpanded: 0,
        }
    }

    /// The columns that a star stands for.
    pub fn expanded(&self) -> &[RangeColumn] {
        self.columns.get(..self.columns.len().saturating_sub(self.unexpanded)).unwrap_or_default()
    }

    /// Its columns may be NULL because an outer join may have no row for it.
    pub fn make_nullable(&mut self) {
        self.nullable = true;
        self.may_have_nulls();
    }

    /// Its columns may be NULL whatever the relation says.
    pub fn may_have_nulls(&mut self) {
        for column in &mut self.columns {
            if let ExprKind::Var(var) = &mut column.expr.kind {
                if var.not_null && self.present.is_none() {
                    let kind = ExprKind::Var(Var { not_null: false, ..var.clone() });
                    self.present = Some(Expr::new(kind, column.expr.type_oid));
                }
                var.not_null = false;
            }
        }
    }

    /// Makes the columns say where they come from: RowDescription does, through sub-queries too.
    pub fn carry_origins(&mut self, origins: &[(Oid, i16)]) {
        for (column, origin) in self.columns.iter_mut().zip(origins) {
            if let ExprKind::Var(var) = &mut column.expr.kind {
                var.origin = *origin;
            }
        }
    }

    /// Renames the columns from the left (alias (a, b)): 42P10 when there are too many names.
    pub fn rename_columns(&mut self, names: &[String]) -> Result<()> {
        if names.len() > self.columns.len() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!(
                    "table \"{}\" has {} columns available but {} columns specified",
                    self.name,
                    self.columns.len(),
                    names.len()
                ),
            ));
        }
        self.columns.iter_mut().zip(names).for_each(|(column, name)| column.name = name.clone());
        Ok(())
    }
}

impl Scope {
    /// The unqualified column `name` of this level; 42702 when it is ambiguous.
    fn unqualified(&self, name: &str) -> Result<Option<Expr>> {
        let mut found: Option<&Expr> = None;
        let merged = self.merged.iter().rev().find(|m| m.name == name);
        if let Some(merged) = merged {
            found = Some(&merged.expr);
        }
        for (index, entry) in self.entries.iter().enumerate() {
            if !entry.visible || entry.naming != Naming::Any || merged.is_some_and(|m| m.hides.contains(&index)) {
                continue;
            }
            for column in entry.columns.iter().filter(|c| c.name == name) {
                self.check_reach(index)?;
                if found.is_some() {
                    let message = format!("column reference \"{name}\" is ambiguous");
                    return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message));
                }
                found = Some(&column.expr);
            }
        }
        Ok(found.cloned())
    }

    /// The columns of the entries from `start` on: merged columns first, then each entry's others.
    pub(super) fn columns_from(&self, start: usize) -> Vec<(String, Expr)> {
        let merged = self.merged.iter().filter(|merged| merged.hides.iter().all(|index| *index >= start));
        let mut columns: Vec<(String, Expr)> = merged.map(|m| (m.name.clone(), m.expr.clone())).collect();
        for (index, entry) in self.entries.iter().enumerate().skip(start) {
            for column in entry.expanded().iter().filter(|_| entry.naming == Naming::Any) {
                let hidden = self.merged.iter().any(|m| m.name == column.name && m.hides.contains(&index));
                if !hidden {
                    columns.push((column.name.clone(), column.expr.clone()));
                }
            }
        }
        columns
    }

    fn entry(&self, schema: Option<&str>, name: &str) -> Option<&RangeVar> {
        self.find(schema, name).map(|(_, entry)| entry).filter(|entry| entry.naming != Naming::Covered)
    }

    fn find(&self, schema: Option<&str>, name: &str) -> Option<(usize, &RangeVar)> {
        let is_it = |e: &RangeVar| e.name == name && schema.is_none_or(|schema| e.schema.as_deref() == Some(schema));
        let covered = |e: &RangeVar| e.naming == Naming::Covered;
        let mut found = self.entries.iter().enumerate().filter(|(_, entry)| is_it(entry));
        let seen = found.clone().find(|(_, entry)| !covered(entry) && entry.visible);
        seen.or_else(|| found.clone().find(|(_, entry)| !covered(entry))).or_else(|| found.next())
    }

    /// 42P10 for an entry that the other side of an outer join cannot depend on (check_lateral_ref_ok).
    fn check_reach(&self, index: usize) -> Result<()> {
        match self.entries.get(index) {
            Some(entry) if index == 0 && self.target_out_of_reach => {
                let message = format!("invalid reference to FROM-clause entry for table \"{}\"", entry.name);
                Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).with_hint(out_of_sight(&entry.name)))
            }
            Some(entry) if self.out_of_reach.contains(&index) => {
                let message = format!("invalid reference to FROM-clause entry for table \"{}\"", entry.name);
                let detail = "The combining JOIN type must be INNER or LEFT for a LATERAL reference.";
                Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).with_detail(detail))
            }
            _ => Ok(()),
        }
    }
}

impl Analyzer<'_> {
    /// A column reference by its parts.
    pub(super) fn column(&mut self, parts: &[&str], location: Location) -> Result<Expr> {
        let result = self.column_or_outer(parts, |analyzer| analyzer.column_of_entry(parts));
        let result = result.map_err(|e| self.at(e, location));
        self.note_use(result.iter());
        result
    }

    fn column_of_entry(&mut self, parts: &[&str]) -> Result<Expr> {
        match *parts {
            [name] => self.unqualified_column(name),
            [table, name] => self.qualified_column(None, table, name),
            [schema, table, name] => self.qualified_column(Some(schema), table, name),
            [_, schema, table, name] => self.qualified_column(Some(schema), table, name),
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
                Err(Error::new(SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    /// Remembers the columns that expressions stand for.
    pub(super) fn note_use<'e>(&self, exprs: impl Iterator<Item = &'e Expr>) {
        let columns = exprs.filter_map(|e| match &e.kind {
            ExprKind::Var(var) if var.origin.1 > 0 => Some(var.origin),
            _ => None,
        });
        let mut permissions = self.permissions.borrow_mut();
        let columns = columns.inspect(|(relation, column)| permissions.read_column(*relation, *column));
        self.used.borrow_mut().columns.extend(columns);
    }

    fn unqualified_column(&mut self, name: &str) -> Result<Expr> {
        for scope in self.scopes.iter().rev() {
            if let Some(expr) = scope.unqualified(name)? {
                return Ok(expr);
            }
        }
        for scope in self.scopes.iter().rev() {
            let mut found = scope.entries.iter().filter(|e| e.visible).filter_map(|e| system_column(e, name));
            match (found.next(), found.next()) {
                (Some(expr), None) => return Ok(expr),
                (Some(_), Some(_)) => {
                    let message = format!("column reference \"{name}\" is ambiguous");
                    return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message));
                }
                (None, _) => {}
            }
        }
        let whole_row = self.scopes.iter().rev().find_map(|s| s.entry(None, name)).cloned();
        if let Some(entry) = whole_row {
            return self.whole_row(&entry);
        }
        Err(self.missing_column(None, name))
    }

    /// t.* as a value: the row of the table.
    pub(super) fn whole_row_of(&mut self, table: &str, location: Location) -> Result<Expr> {
        match self.scopes.iter().rev().find_map(|s| s.entry(None, table)).cloned() {
            Some(entry) => self.whole_row(&RangeVar { is_function: false, ..entry }),
            None => {
                if let Some(row) = self.outer_whole_row(table)? {
                    return Ok(row);
                }
                Err(self.at(self.missing_entry(None, table), location))
            }
        }
    }

    /// A table's name as a value: its single column if it is a function's, else the row.
    fn whole_row(&mut self, entry: &RangeVar) -> Result<Expr> {
        self.note_use(entry.columns.iter().map(|c| &c.expr));
        if let Some(whole) = &entry.whole {
            return Ok(whole.clone());
        }
        match entry.columns.as_slice() {
            [only] if entry.is_function => Ok(only.expr.clone()),
            _ => self.row_of(entry),
        }
    }

    fn qualified_column(&mut self, schema: Option<&str>, table: &str, name: &str) -> Result<Expr> {
        let mut invisible = false;
        for scope in self.scopes.iter().rev() {
            let Some((index, entry)) = scope.find(schema, table) else { continue };
            if schema.is_none()
                && scope.entries.iter().filter(|e| e.name == table && e.visible && e.naming != Naming::Covered).count()
                    > 1
            {
                let message = format!("table reference \"{table}\" is ambiguous");
                return Err(Error::new(SqlState::AMBIGUOUS_ALIAS, message));
            }
            if !entry.visible || entry.naming == Naming::Covered {
                invisible = true;
                continue;
            }
            scope.check_reach(index)?;
            if let Some(column) = entry.columns.iter().find(|c| c.name == name) {
                return Ok(column.expr.clone());
            }
            if let Some(expr) = system_column(entry, name) {
                return Ok(expr);
            }
            return Err(self.missing_column(Some(table), name));
        }
        let shown = schema.map_or(table.to_owned(), |schema| format!("{schema}.{table}"));
        if invisible {
            let message = format!("invalid reference to FROM-clause entry for table \"{shown}\"");
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message).with_hint(out_of_sight(&shown)));
        }
        Err(self.missing_entry(schema, table))
    }

    /// 42P01, which tells the table's alias if it has one here (errorMissingRTE).
    fn missing_entry(&self, schema: Option<&str>, table: &str) -> Error {
        let shown = schema.map_or(table.to_owned(), |schema| format!("{schema}.{table}"));
        let is_it = |entry: &&RangeVar| {
            let relation = entry.relation.and_then(|oid| self.catalog().relations.get(&oid));
            relation.is_some_and(|relation| {
                relation.name == table && schema.is_none_or(|schema| relation.schema == schema) && entry.name != table
            })
        };
        let entries = self.scopes.iter().rev().flat_map(|scope| &scope.entries);
        match entries.filter(|entry| entry.visible).find(is_it) {
            Some(entry) => {
                let message = format!("invalid reference to FROM-clause entry for table \"{shown}\"");
                let hint = format!("Perhaps you meant to reference the table alias \"{}\".", entry.name);
                Error::new(SqlState::UNDEFINED_TABLE, message).with_hint(hint)
            }
            None => {
                let message = format!("missing FROM-clause entry for table \"{shown}\"");
                Error::new(SqlState::UNDEFINED_TABLE, message)
            }
        }
    }

    /// The columns `*` stands for at this level: merged columns first, then each entry's others.
    pub(super) fn star(&self) -> Vec<(String, Expr)> {
        let columns = self.scopes.last().map(|scope| scope.columns_from(0)).unwrap_or_default();
        self.note_use(columns.iter().map(|(_, expr)| expr));
        columns
    }

    /// The columns `table.*` stands for.
    pub(super) fn qualified_star(&mut self, parts: &[&str], location: Location) -> Result<Vec<(String, Expr)>> {
        let (schema, table) = match *parts {
            [table] => (None, table),
            [.., schema, table] => (Some(schema), table),
            [] => return Err(Error::internal("empty name")),
        };
        match self.scopes.iter().rev().find_map(|s| s.entry(schema, table)) {
            Some(entry) => {
                self.note_use(entry.columns.iter().map(|c| &c.expr));
                Ok(entry.expanded().iter().map(|c| (c.name.clone(), c.expr.clone())).collect())
            }
            None => {
                if let Some(row) = self.outer_row(parts)? {
                    return Ok(row);
                }
                Err(self.at(self.missing_entry(None, table), location))
            }
        }
    }
}

fn out_of_sight(table: &str) -> String {
    format!("There is an entry for table \"{table}\", but it cannot be referenced from this part of the query.")
}

/// The transaction that is older than every other (transam.h).
const FROZEN_TRANSACTION: i64 = 2;

/// The columns that every table has. Over SQLite rows have no transactions: xmin is what changes whenever the row does,
/// the others say that nothing but the row's making has happened to it. System relations are older than every transaction.
fn system_column(entry: &RangeVar, name: &str) -> Option<Expr> {
    let relation = entry.relation?;
    let of_row = |attribute: i16, shown: i16, oid| {
        let var = Var { entry: entry.entry, attribute, origin: (relation, shown), not_null: false };
        Expr::new(ExprKind::Var(var), oid)
    };
    let constant = |value: i64, oid| Some(Expr::constant(crate::types::value::Value::Integer(value), oid));
    match name {
        "tableoid" if entry.has_members => {
            let origin = (Oid::INVALID, 0);
            let var = Var { entry: entry.entry, attribute: TABLE_OID, origin, not_null: true };
            Some(Expr::new(ExprKind::Var(var), Oid::OID))
        }
        "tableoid" => constant(relation.0.into(), Oid::OID),
        "xmin" if relation < Oid::FIRST_NORMAL => constant(FROZEN_TRANSACTION, Oid::XID),
        _ if relation < Oid::FIRST_NORMAL => None,
        "ctid" => Some(of_row(Var::CTID, -1, Oid::TID)),
        "xmin" => Some(of_row(Var::XMIN, -2, Oid::XID)),
        "xmax" => Some(of_row(Var::XMAX, -4, Oid::XID)),
        "cmin" => Some(of_row(Var::XMAX, -3, Oid::CID)),
        "cmax" => Some(of_row(Var::XMAX, -5, Oid::CID)),
        _ => None,
    }
}
