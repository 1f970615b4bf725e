//! Functions in FROM: alone, side by side, and those whose columns the query defines.
//!
//! Owns: [`Analyzer::function_in_from`]. Specification: sql-select.html#SQL-FROM, addRangeTableEntryForFunction in
//! parse_relation.c; functions-json.html for the functions that make records of json.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::names::output_name;
use crate::sql::analyze::scope::{RangeColumn, RangeVar};
use crate::sql::functions::{self, FunctionKind};
use crate::sql::syntax::ast::definition::ColumnDef;
use crate::sql::syntax::ast::expression::{CoercionForm, Expr as Ast, FuncCall};
use crate::sql::syntax::ast::query::{Alias, RangeFunction, RangeSubselect, RowsFromItem};
use crate::sql::syntax::parse;
use crate::sql::tree::{Body, EntryKind, Expr, ExprKind, FromItem, FunctionRef, Query, RangeTblEntry, Select, Target};
use crate::types::pg_type::Oid;

/// A function whose result is a record, or a set of them, that json describes.
pub(super) struct JsonRecords {
    binary: bool,
    /// The first argument's type has the columns.
    pub populates: bool,
}

pub(super) fn json_records(name: &str) -> Option<JsonRecords> {
    let (binary, rest) = match name.strip_prefix("jsonb_") {
        Some(rest) => (true, rest),
        None => (false, name.strip_prefix("json_")?),
    };
    let populates = match rest {
        "to_record" | "to_recordset" => false,
        "populate_record" | "populate_recordset" => true,
        _ => return None,
    };
    Some(JsonRecords { binary, populates })
}

/// A column of such a record: its name, type and modifier.
type Field = (String, Oid, i32);

/// The functions behind views, with the view and the columns that the function has.
const OF_VIEWS: &[(&str, &str, &str)] = &[
    ("pg_show_all_settings", "pg_settings", "*"),
    ("pg_available_extensions", "pg_available_extensions", "name, default_version, comment"),
    (
        "pg_available_extension_versions",
        "pg_available_extension_versions",
        "name, version, superuser, trusted, relocatable, schema, requires, comment",
    ),
    ("pg_timezone_names", "pg_timezone_names", "*"),
    ("pg_timezone_abbrevs", "pg_timezone_abbrevs", "*"),
    ("pg_cursor", "pg_cursors", "*"),
    ("pg_prepared_statement", "pg_prepared_statements", "*"),
    ("pg_lock_status", "pg_locks", "*"),
];

/// Such a function, as the sub-query of its view that it is here.
fn of_view(item: &RangeFunction) -> Result<Option<RangeSubselect>> {
    let [RowsFromItem { function: Ast::FuncCall(call), columns }] = item.functions.as_slice() else { return Ok(None) };
    let name = match call.name.as_slice() {
        [name] => name,
        [schema, name] if schema == "pg_catalog" => name,
        _ => return Ok(None),
    };
    let plain = call.args.is_empty() && columns.is_empty() && item.columns.is_empty() && !item.ordinality;
    let Some((_, view, columns)) = OF_VIEWS.iter().find(|(function, ..)| plain && function == name) else {
        return Ok(None);
    };
    let subquery = parse::query(&format!("SELECT {columns} FROM pg_catalog.{view}"))?;
    let alias = item.alias.clone().unwrap_or_else(|| Alias { name: name.clone(), columns: Vec::new() });
    Ok(Some(RangeSubselect { lateral: false, subquery, alias: Some(alias), location: item.location }))
}

/// Whether it is a function of json whose columns are listed behind it.
fn gives_records(function: &Ast) -> bool {
    matches!(function, Ast::FuncCall(call) if call.name.last().is_some_and(|name| json_records(name).is_some()))
}

impl Analyzer<'_> {
    pub(super) fn function_in_from(&mut self, item: &RangeFunction) -> Result<FromItem> {
        if let Some(view) = of_view(item)? {
            return self.derived(&view, false);
        }
        if let [RowsFromItem { function: Ast::FuncCall(call), columns }] = item.functions.as_slice()
            && let (_, name) = self.split_name(&call.name, call.location)?
            && let Some(records) = json_records(name)
        {
            let columns = if item.columns.is_empty() { columns } else { &item.columns };
            return self.json_records(name, &records, call, columns, item);
        }
        if let Some(rows) = self.routine_in_from(item)? {
            return Ok(rows);
        }
        if let Some(rows) = self.records_in_from(item)? {
            return Ok(rows);
        }
        if item.functions.len() > 1 && item.functions.iter().any(|one| gives_records(&one.function)) {
            return Err(Error::unsupported("a function that returns rows beside others in ROWS FROM"));
        }
        if let Some(column) = item.columns.iter().chain(item.functions.iter().flat_map(|f| &f.columns)).next() {
            let message = "a column definition list is only allowed for functions returning \"record\"";
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), column.location));
        }
        let mut calls = Vec::new();
        for one in &item.functions {
            self.one_in_from(&one.function, &mut calls)?;
        }
        self.functions_entry(calls, item)
    }

    /// The calls that a function in FROM stands for, with their names.
    fn one_in_from(&mut self, function: &Ast, calls: &mut Vec<(String, Expr)>) -> Result<()> {
        let call = match function {
            Ast::FuncCall(call) if call.format == CoercionForm::ExplicitCall => call,
            // What the grammar writes like a function: CURRENT_DATE, COALESCE(…), CAST(…) …
            other => {
                let value = self.expr(other)?;
                calls.push((output_name(other), self.resolve_unknown(value)?));
                return Ok(());
            }
        };
        let call = &*self.without_void_parameters(call);
        let plain = call.agg_order.is_empty() && !call.agg_star && !call.agg_distinct && !call.func_variadic;
        if !plain {
            return Err(Error::unsupported("this form of a function in FROM"));
        }
        let (schema, name) = self.split_name(&call.name, call.location)?;
        let called = self.with_sets(|a| a.routine_call(call, (schema, name), &[]));
        if let Some(routine) = called.map_err(|e| self.at(e, call.location))? {
            if routine.type_oid == Oid::RECORD {
                return Err(Error::unsupported("a function that returns rows beside others in ROWS FROM"));
            }
            let name = self.only_output(&routine).unwrap_or_else(|| name.to_owned());
            calls.push((name, routine));
            return Ok(());
        }
        let args = call.args.iter().map(|arg| self.target_expr(arg)).collect::<Result<Vec<_>>>()?;
        // unnest(a, b) is ROWS FROM (unnest(a), unnest(b)).
        let each = if name == "unnest" && args.len() > 1 {
            args.into_iter().map(|arg| vec![arg]).collect()
        } else {
            vec![args]
        };
        for args in each {
            calls.push((
                name.to_owned(),
                self.called_in_from((schema, name), args).map_err(|e| self.at(e, call.location))?,
            ));
        }
        Ok(())
    }

    fn called_in_from(&mut self, (schema, name): (Option<&str>, &str), args: Vec<Expr>) -> Result<Expr> {
        let types: Vec<Oid> = args.iter().map(|v| v.type_oid).collect();
        let schema = schema.filter(|schema| !["information_schema"].contains(schema));
        let function = self.resolve_called(schema, name, name, &types)?;
        match function.kind {
            FunctionKind::Set => self.set_function(function, args),
            FunctionKind::Scalar => {
                let value = self.ordinary(function, args)?;
                self.resolve_unknown(value)
            }
            FunctionKind::Aggregate => {
                let message = "aggregate functions are not allowed in functions in FROM";
                Err(Error::new(SqlState::GROUPING_ERROR, message))
            }
            FunctionKind::Window => {
                let message = format!("window function {name} requires an OVER clause");
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    /// The entry of functions side by side; its columns are theirs, one after the other.
    fn functions_entry(&mut self, calls: Vec<(String, Expr)>, item: &RangeFunction) -> Result<FromItem> {
        let (alias, ordinality) = (item.alias.as_ref(), item.ordinality);
        let first = calls.first().map(|(name, _)| name.clone()).unwrap_or_default();
        let shown = alias.map_or(first, |a| a.name.clone());
        let mut columns: Vec<Field> = Vec::new();
        for (name, call) in &calls {
            let of_record = call.set_call().map_or(&[][..], |(function, _)| function.columns);
            // A function of one value names its column like itself, or like its alias; one with an OUT parameter like that.
            let own = match name.as_str() {
                _ if name.contains("array_elements") => "value",
                name if self.only_output(call).is_some() => name,
                _ if name == "pg_partition_ancestors" && alias.is_none() => "relid",
                _ if calls.len() == 1 => &shown,
                name => name,
            };
            match of_record {
                [] | [_] => columns.push((own.to_owned(), call.type_oid, call.typmod)),
                of_record => columns.extend(of_record.iter().map(|(name, oid)| ((*name).to_owned(), *oid, -1))),
            }
        }
        if ordinality {
            columns.push(("ordinality".to_owned(), Oid::INT8, -1));
        }
        let id = self.fresh_entry();
        let mut entry = RangeVar::of_columns(shown, id, &columns);
        entry.is_function = true;
        self.rows_of_functions(&mut entry, &calls, ordinality)?;
        let calls = calls.into_iter().map(|(_, call)| call).collect();
        self.entered(entry, EntryKind::Function { calls, ordinality }, alias)
    }

    /// A function that returns rows has their fields as columns.
    fn rows_of_functions(&mut self, entry: &mut RangeVar, calls: &[(String, Expr)], ordinality: bool) -> Result<()> {
        let several = |call: &Expr| call.set_call().is_some_and(|(function, _)| function.columns.len() > 1);
        if !calls.iter().any(|(_, call)| !several(call) && self.is_row(call.type_oid)) {
            return Ok(());
        }
        let mut given = std::mem::take(&mut entry.columns).into_iter();
        for (_, call) in calls {
            if several(call) {
                let width = call.set_call().map_or(0, |(function, _)| function.columns.len());
                entry.columns.extend(given.by_ref().take(width));
                continue;
            }
            let Some(column) = given.next() else { break };
            if call.type_oid == Oid::RECORD {
                let message = "a column definition list is required for functions returning \"record\"";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            match self.fields_of(&column.expr).filter(|_| self.is_row(call.type_oid)) {
                Some(fields) => {
                    entry.columns.extend(fields.into_iter().map(|(name, expr)| RangeColumn { name, expr }));
                    if calls.len() == 1 && !ordinality {
                        entry.whole = Some(column.expr);
                    }
                }
                None => entry.columns.push(column),
            }
        }
        entry.columns.extend(given);
        Ok(())
    }

    // ----- functions that users made

    /// A function that returns rows, alone: a sub-query that takes them apart. `None` if it is no such one.
    fn routine_in_from(&mut self, item: &RangeFunction) -> Result<Option<FromItem>> {
        let [RowsFromItem { function: Ast::FuncCall(call), columns }] = item.functions.as_slice() else {
            return Ok(None);
        };
        let call = &*self.without_void_parameters(call);
        let (schema, name) = self.split_name(&call.name, call.location)?;
        if self.routines_named(schema, name).is_empty() {
            return Ok(None);
        }
        let columns = if item.columns.is_empty() { columns } else { &item.columns };
        let defined = self.defined_columns(columns)?;
        let called = self.with_sets(|a| a.routine_call(call, (schema, name), &defined));
        let Some(value) = called.map_err(|e| self.at(e, call.location))? else { return Ok(None) };
        let fields = match value.type_oid {
            Oid::RECORD => self.records.fields(value.typmod).to_vec(),
            composite => match self.row_type_columns(composite) {
                Some(columns) => columns,
                None => return Ok(None),
            },
        };
        if fields.is_empty() {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), call.location));
        }
        self.rows_apart(value, fields, name, item).map(Some)
    }

    /// An extension's function whose columns the query defines. It gets a NULL of that row type in front of its arguments.
    fn records_in_from(&mut self, item: &RangeFunction) -> Result<Option<FromItem>> {
        let [RowsFromItem { function: Ast::FuncCall(call), columns }] = item.functions.as_slice() else {
            return Ok(None);
        };
        let (schema, name) = self.split_name(&call.name, call.location)?;
        let defined_here = |function: &functions::Function| {
            function.kind == FunctionKind::Set && function.returns == Oid::RECORD && function.columns.is_empty()
        };
        if !functions::named(name).iter().any(|function| !function.extension.is_empty() && defined_here(function)) {
            return Ok(None);
        }
        let args = call.args.iter().map(|arg| self.target_expr(arg)).collect::<Result<Vec<_>>>()?;
        let value = self.called_in_from((schema, name), args).map_err(|e| self.at(e, call.location))?;
        let ExprKind::Func(FunctionRef(function), mut args) = value.kind else { return Ok(None) };
        if !defined_here(function) {
            return Ok(None);
        }
        if self.to_be_printed() {
            return Err(Error::unsupported(format!("printing {name} in FROM")));
        }
        let columns = if item.columns.is_empty() { columns } else { &item.columns };
        let fields = self.defined_columns(columns)?;
        if fields.is_empty() {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), call.location));
        }
        let typmod = self.records.modifier(self.context.catalog, fields.clone());
        args.insert(0, Expr { typmod, ..Expr::null(Oid::RECORD) });
        let kind = ExprKind::Func(FunctionRef(function), args);
        self.rows_apart(Expr { kind, type_oid: Oid::RECORD, typmod }, fields, name, item).map(Some)
    }

    /// A call that gives rows: a sub-query that takes them apart, the fields' modifiers and domains enforced.
    pub(super) fn rows_apart(
        &mut self,
        value: Expr,
        fields: Vec<Field>,
        name: &str,
        item: &RangeFunction,
    ) -> Result<FromItem> {
        let id = self.fresh_entry();
        let mut outputs = vec![(String::new(), value.type_oid, value.typmod)];
        if item.ordinality {
            outputs.push(("ordinality".to_owned(), Oid::INT8, -1));
        }
        let inner = RangeVar::of_columns(String::new(), id, &outputs);
        let mut inner = inner.columns.into_iter().map(|column| column.expr);
        let Some(row) = inner.next() else { return Err(Error::internal("a function without a column")) };
        let function = value.set_call().map(|(function, _)| function);
        // What reads its fields off texts does not know modifiers.
        let is_json = json_records(function.map_or(name, |function| function.name)).is_some()
            || function.is_some_and(|function| !function.extension.is_empty() || function.name == "xmltable");
        let mut targets = Vec::with_capacity(fields.len() + 1);
        for (index, (name, type_oid, typmod)) in self.places_of(&value, &fields) {
            let field = self.field_select(row.clone(), index, type_oid, if is_json { -1 } else { typmod });
            let expr = if is_json { self.checked_value(field, type_oid, typmod)? } else { field };
            targets.push(Target { expr, name });
        }
        let mut shown_columns: Vec<Field> =
            targets.iter().map(|target| (target.name.clone(), target.expr.type_oid, target.expr.typmod)).collect();
        if let Some(number) = inner.next() {
            targets.push(Target { expr: number, name: "ordinality".to_owned() });
            shown_columns.push(("ordinality".to_owned(), Oid::INT8, -1));
        }
        let kind = EntryKind::Function { calls: vec![value], ordinality: item.ordinality };
        let from = vec![FromItem::Entry(RangeTblEntry::new(id, kind))];
        let query = Query::of(Body::Select(Box::new(Select { targets, from, ..Select::default() })));
        let shown = item.alias.as_ref().map_or_else(|| name.to_owned(), |alias| alias.name.clone());
        let entry = RangeVar::of_columns(shown, self.fresh_entry(), &shown_columns);
        let kind = EntryKind::Subquery { query: Box::new(query), lateral: true };
        self.entered(entry, kind, item.alias.as_ref())
    }

    /// The fields with their places in the row.
    fn places_of(&self, value: &Expr, fields: &[Field]) -> Vec<(usize, Field)> {
        match self.attributes(value.type_oid, value.typmod) {
            Some(attributes) if value.type_oid != Oid::RECORD => {
                let present = attributes
                    .into_iter()
                    .enumerate()
                    .filter_map(|(index, attribute)| attribute.map(|a| (index, (a.name, a.type_oid, a.typmod))));
                present.collect()
            }
            _ => fields.iter().cloned().enumerate().collect(),
        }
    }

    // ----- records of json

    /// A record's fields are read off its json: the function is a sub-query over it.
    fn json_records(
        &mut self,
        name: &str,
        records: &JsonRecords,
        call: &FuncCall,
        columns: &[ColumnDef],
        item: &RangeFunction,
    ) -> Result<FromItem> {
        if self.to_be_printed() {
            return Err(Error::unsupported(format!("printing {name} in FROM")));
        }
        let (base, json) = match (records.populates, call.args.as_slice()) {
            (false, [json]) => (Expr::null(Oid::RECORD), json),
            (true, [base, json]) => (self.target_expr(base)?, json),
            (true, [base, json, _]) if !records.binary => (self.target_expr(base)?, json),
            _ => {
                let mut types = Vec::with_capacity(call.args.len());
                for arg in &call.args {
                    types.push(self.expr(arg)?.type_oid);
                }
                self.resolve_function(name, &types)?;
                return Err(Error::unsupported(format!("{name} with these arguments")));
            }
        };
        let defined = self.defined_columns(columns)?;
        let base = match base.type_oid {
            Oid::RECORD if base.typmod == -1 && !defined.is_empty() => {
                let typmod = self.records.modifier(self.context.catalog, defined);
                Expr { typmod, ..base }
            }
            _ => base,
        };
        let base = self.populated(base, name).map_err(|e| self.at(e, call.location))?;
        let fields = match base.type_oid {
            Oid::RECORD => self.records.fields(base.typmod).to_vec(),
            composite => self.row_type_columns(composite).unwrap_or_default(),
        };
        if fields.is_empty() {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), call.location));
        }
        let json = self.expr(json)?;
        let json = self.implicit(json, if records.binary { Oid::JSONB } else { Oid::JSON })?;
        let function = functions::named(name).first().copied().ok_or_else(|| Error::internal("a function of json"))?;
        let (type_oid, typmod) = (base.type_oid, base.typmod);
        let kind = ExprKind::Func(FunctionRef(function), vec![base, json]);
        self.rows_apart(Expr { kind, type_oid, typmod }, fields, name, item)
    }

    /// The row that a function of json fills: 42804 for what is none.
    pub(super) fn populated(&self, base: Expr, name: &str) -> Result<Expr> {
        match base.type_oid {
            Oid::UNKNOWN => {
                let message = "could not determine polymorphic type because input has type unknown";
                Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
            }
            oid if self.is_row(oid) => Ok(base),
            _ => {
                let message = format!("first argument of {name} must be a row type");
                Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
            }
        }
    }

    fn defined_columns(&mut self, columns: &[ColumnDef]) -> Result<Vec<Field>> {
        let mut fields = Vec::with_capacity(columns.len());
        for column in columns {
            let Some(type_name) = &column.type_name else { return Err(Error::internal("a column without a type")) };
            let resolved = self.resolve_type(type_name)?;
            fields.push((column.name.clone(), resolved.oid, resolved.typmod));
        }
        Ok(fields)
    }
}
