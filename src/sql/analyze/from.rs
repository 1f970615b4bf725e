//! FROM: tables, views, sub-queries, functions, joins.
//!
//! Owns: [`Analyzer::from_clause`], and set-returning functions wherever they stand.
//! Specification: sql-select.html#SQL-FROM, queries-table-expressions.html.

use std::ops::Range;
use std::rc::Rc;

use crate::catalog::schema::{Relation, RelationKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::call::{contains_aggregate, contains_window};
use crate::sql::analyze::expr::element_value;
use crate::sql::analyze::names::output_name;
use crate::sql::analyze::scope::{Merged, RangeVar};
use crate::sql::analyze::stored;
use crate::sql::functions::{Call, Function, FunctionKind};
use crate::sql::search::Volatile;
use crate::sql::syntax::ast::expression::{CoercionForm, Expr as Ast};
use crate::sql::syntax::ast::query::{
    Alias, FromItem as Item, JoinExpr, JoinQuals, JoinType, RangeFunction, RangeSubselect, RangeVar as RangeName,
};
use crate::sql::syntax::parse;
use crate::sql::tree::{Body, ColumnRef, Expr, ExprKind, FromItem, JoinKind, Query, Select, Target};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// The FROM list; its entries are added to the innermost scope.
    pub(super) fn from_clause(&mut self, from: &[Item]) -> Result<Vec<FromItem>> {
        self.set_gives_rows(false);
        let items = from.iter().map(|item| self.from_item(item)).collect();
        self.set_gives_rows(true);
        items
    }

    fn set_gives_rows(&mut self, gives_rows: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.gives_rows = gives_rows;
        }
    }

    fn entry_count(&self) -> usize {
        self.scopes.last().map_or(0, |s| s.entries.len())
    }

    fn add_entry(&mut self, entry: RangeVar) -> Result<()> {
        let Some(scope) = self.scopes.last_mut() else { return Err(Error::internal("no scope")) };
        let taken = !entry.name.is_empty()
            && scope.entries.iter().any(|e| {
                e.name == entry.name && (e.schema == entry.schema || e.schema.is_none() || entry.schema.is_none())
            });
        if taken {
            let message = format!("table name \"{}\" specified more than once", entry.name);
            return Err(Error::new(SqlState::DUPLICATE_ALIAS, message));
        }
        scope.entries.push(entry);
        Ok(())
    }

    fn from_item(&mut self, item: &Item) -> Result<FromItem> {
        match item {
            Item::Relation(name) => self.table(name).map_err(|e| self.at(e, name.location)),
            Item::Subselect(sub) => self.derived(sub).map_err(|e| self.at(e, sub.location)),
            Item::Function(function) => self.function_in_from(function).map_err(|e| self.at(e, function.location)),
            Item::TableFunc(table) => Err(self.at(Error::unsupported("XMLTABLE"), table.location)),
            Item::TableSample(sample) => Err(self.at(Error::unsupported("TABLESAMPLE"), sample.location)),
            Item::Join(join) => self.deeper(|a| a.join(join)),
        }
    }

    // ----- tables and views

    fn table(&mut self, name: &RangeName) -> Result<FromItem> {
        let alias = name.alias.as_ref();
        if name.schema.is_none()
            && let Some(cte) = self.ctes.iter().rev().find(|c| c.name == name.relation).cloned()
        {
            let sqlite_alias = self.fresh_alias();
            let shown = alias.map_or_else(|| name.relation.clone(), |a| a.name.clone());
            let mut entry = RangeVar::positional(shown, sqlite_alias.clone(), &cte.columns);
            entry.carry_origins(&cte.origins);
            entry.rename_columns(column_aliases(alias))?;
            self.add_entry(entry)?;
            return Ok(FromItem::Cte { name: cte.sqlite_name, alias: sqlite_alias });
        }
        let relation = self.relation(name)?;
        self.permissions.borrow_mut().read(relation.oid);
        match relation.kind {
            RelationKind::View if relation.view_query.is_some() => self.view(relation, alias),
            RelationKind::Index => {
                let message = format!("cannot open relation \"{}\"", relation.name);
                let detail = "This operation is not supported for indexes.";
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_detail(detail))
            }
            RelationKind::Sequence => self.sequence(relation, alias),
            // A view without a query is SQLite's own, in a file that another program made.
            RelationKind::Table | RelationKind::System | RelationKind::View => {
                let sqlite_alias = self.fresh_alias();
                let shown = alias.map_or_else(|| relation.name.clone(), |a| a.name.clone());
                let mut entry = RangeVar::table(self, relation, shown, Some(sqlite_alias.clone()));
                if alias.is_some() {
                    entry.schema = None;
                }
                entry.rename_columns(column_aliases(alias))?;
                self.add_entry(entry)?;
                Ok(FromItem::Table { name: relation.sqlite_name.clone(), alias: sqlite_alias })
            }
        }
    }

    /// A view is its query, analysed anew under the names it was stored with.
    fn view(&mut self, relation: &Relation, alias: Option<&Alias>) -> Result<FromItem> {
        let text = relation.view_query.as_deref().unwrap_or_default();
        let ast = parse::query(text)?;
        self.permissions.borrow_mut().enter_view(relation.oid);
        let query = self.stored(|a| a.deeper(|a| a.query(&ast)))?;
        self.permissions.borrow_mut().leave_view();
        let sqlite_alias = self.fresh_alias();
        let outputs = query.outputs();
        let columns: Vec<(String, Oid, i32)> = relation
            .columns
            .iter()
            .zip(outputs)
            .map(|(column, (_, type_oid, typmod))| (column.name.clone(), type_oid, typmod))
            .collect();
        let shown = alias.map_or_else(|| relation.name.clone(), |a| a.name.clone());
        let mut entry = RangeVar::positional(shown, sqlite_alias.clone(), &columns);
        entry.schema = alias.is_none().then(|| relation.schema.clone());
        for (column, declared) in entry.columns.iter_mut().zip(&relation.columns) {
            if let ExprKind::Column(reference) = &mut column.expr.kind {
                reference.table = relation.oid;
                reference.attribute = declared.number;
            }
        }
        entry.rename_columns(column_aliases(alias))?;
        self.add_entry(entry)?;
        Ok(FromItem::Derived { query: Box::new(query), alias: sqlite_alias })
    }

    /// Analyses stored text: nothing of the statement around it is in scope, and names mean what they meant when it
    /// was stored (those outside of `public` are written with their schema).
    pub(super) fn stored<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let scopes = std::mem::take(&mut self.scopes);
        let ctes = std::mem::take(&mut self.ctes);
        let search_path = std::mem::replace(&mut self.search_path, stored::search_path());
        self.in_stored_text += 1;
        let result = run(self);
        self.in_stored_text -= 1;
        self.search_path = search_path;
        self.ctes = ctes;
        self.scopes = scopes;
        result
    }

    /// A sequence read as a table of one row.
    fn sequence(&mut self, relation: &Relation, alias: Option<&Alias>) -> Result<FromItem> {
        let oid = || Expr::constant(crate::types::value::Value::Integer(i64::from(relation.oid.0)), Oid::REGCLASS);
        let columns = [
            ("last_value", Expr::function("pg_sequence_position", vec![oid()], Oid::INT8)),
            ("log_cnt", Expr::constant(crate::types::value::Value::Integer(0), Oid::INT8)),
            ("is_called", Expr::function("pg_sequence_is_called", vec![oid()], Oid::BOOL)),
        ];
        let targets = columns.into_iter().map(|(name, expr)| Target { name: name.to_owned(), expr }).collect();
        let query = Query::of(Body::Select(Box::new(Select {
            distinct: false,
            distinct_on: Vec::new(),
            targets,
            from: Vec::new(),
            selection: None,
            group_by: Vec::new(),
            having: None,
            unique: false,
        })));
        let sqlite_alias = self.fresh_alias();
        let shown = alias.map_or_else(|| relation.name.clone(), |a| a.name.clone());
        let mut entry = RangeVar::positional(shown, sqlite_alias.clone(), &query.outputs());
        entry.carry_origins(&[(relation.oid, 1), (relation.oid, 2), (relation.oid, 3)]);
        entry.rename_columns(column_aliases(alias))?;
        self.add_entry(entry)?;
        Ok(FromItem::Derived { query: Box::new(query), alias: sqlite_alias })
    }

    fn derived(&mut self, sub: &RangeSubselect) -> Result<FromItem> {
        let lateral = sub.lateral;
        let siblings: Vec<Rc<str>> =
            self.scopes.last().map_or(Vec::new(), |s| s.entries.iter().filter_map(|e| e.alias.clone()).collect());
        let (query, columns) = self.hiding_siblings(!lateral, |a| a.subquery(&sub.subquery))?;
        let depends = lateral && mentions(&query, &siblings);
        if depends && Volatile::yielded_by(&query.body) {
            return Err(Error::unsupported("a LATERAL sub-query with a volatile function that refers to FROM items"));
        }
        if depends && !is_single_row(&query) {
            return Err(Error::unsupported("a LATERAL sub-query over tables that refers to preceding FROM items"));
        }
        let Some(alias) = &sub.alias else { return Err(Error::internal("a sub-query without an alias")) };
        let sqlite_alias = self.fresh_alias();
        let mut entry = RangeVar::positional(alias.name.clone(), sqlite_alias.clone(), &columns);
        let query = if depends {
            inline_row(&mut entry, query)
        } else {
            entry.carry_origins(&query.origins());
            query
        };
        entry.rename_columns(&alias.columns)?;
        self.add_entry(entry)?;
        Ok(FromItem::Derived { query: Box::new(query), alias: sqlite_alias })
    }

    /// Runs with the entries of the innermost scope out of sight: a sub-query in FROM does not see its siblings.
    fn hiding_siblings<T>(&mut self, hide: bool, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let depth = self.scopes.len();
        let mut before = Vec::new();
        if hide && let Some(scope) = self.scopes.last_mut() {
            before = scope.entries.iter().map(|e| e.visible).collect();
            scope.entries.iter_mut().for_each(|e| e.visible = false);
        }
        let merged = self.scopes.last_mut().map(|s| std::mem::take(&mut s.merged)).unwrap_or_default();
        let result = run(self);
        if let Some(scope) = self.scopes.get_mut(depth.wrapping_sub(1)) {
            scope.merged = merged;
            scope.entries.iter_mut().zip(before).for_each(|(e, visible)| e.visible = visible);
        }
        result
    }

    // ----- functions

    fn function_in_from(&mut self, item: &RangeFunction) -> Result<FromItem> {
        let [only] = item.functions.as_slice() else {
            return Err(Error::unsupported("ROWS FROM with several functions"));
        };
        if !item.columns.is_empty() || !only.columns.is_empty() {
            return Err(Error::unsupported("a column definition list for a function in FROM"));
        }
        let (alias, ordinality) = (item.alias.as_ref(), item.ordinality);
        let call = match &only.function {
            Ast::FuncCall(call) if call.format == CoercionForm::ExplicitCall => call,
            other => return self.value_in_from(other, alias, ordinality),
        };
        let plain = call.agg_order.is_empty() && !call.agg_star && !call.agg_distinct && !call.func_variadic;
        if !plain {
            return Err(Error::unsupported("this form of a function in FROM"));
        }
        let (_, function_name) = self.split_name(&call.name, call.location)?;
        if function_name == "unnest" {
            return self.unnest_in_from(&call.args, alias, ordinality);
        }
        let mut values = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            values.push(self.expr(arg)?);
        }
        let types: Vec<Oid> = values.iter().map(|v| v.type_oid).collect();
        let function = self.resolve_function(function_name, &types)?;
        match function.kind {
            FunctionKind::Set => self.set_function(function, values, alias, ordinality),
            FunctionKind::Scalar => self.scalar_in_from(function_name, values, alias, ordinality),
            _ => {
                let message = "aggregate functions are not allowed in functions in FROM";
                Err(Error::new(SqlState::GROUPING_ERROR, message))
            }
        }
    }

    /// A function that returns one value, as a table of one row.
    fn scalar_in_from(
        &mut self,
        name: &str,
        args: Vec<Expr>,
        alias: Option<&Alias>,
        ordinality: bool,
    ) -> Result<FromItem> {
        let expr = self.function(name, args)?;
        self.single_row(name, expr, alias, ordinality)
    }

    /// What the grammar writes like a function: CURRENT_DATE, COALESCE(…), CAST(…) …
    fn value_in_from(&mut self, ast: &Ast, alias: Option<&Alias>, ordinality: bool) -> Result<FromItem> {
        let expr = self.expr(ast)?;
        self.single_row(&output_name(ast), expr, alias, ordinality)
    }

    fn single_row(&mut self, name: &str, expr: Expr, alias: Option<&Alias>, ordinality: bool) -> Result<FromItem> {
        let expr = self.resolve_unknown(expr)?;
        let shown = alias.map_or_else(|| name.to_owned(), |a| a.name.clone());
        let mut targets = vec![Target { name: shown.clone(), expr }];
        if ordinality {
            let one = Expr::constant(crate::types::value::Value::Integer(1), Oid::INT8);
            targets.push(Target { name: "ordinality".to_owned(), expr: one });
        }
        let query = Query::of(Body::Select(Box::new(Select {
            distinct: false,
            distinct_on: Vec::new(),
            targets,
            from: Vec::new(),
            selection: None,
            group_by: Vec::new(),
            having: None,
            unique: false,
        })));
        let sqlite_alias = self.fresh_alias();
        let mut entry = RangeVar::positional(shown, sqlite_alias.clone(), &query.outputs());
        entry.is_function = true;
        entry.rename_columns(column_aliases(alias))?;
        self.add_entry(entry)?;
        Ok(FromItem::Derived { query: Box::new(query), alias: sqlite_alias })
    }

    /// A set-returning function: a table-valued function of SQLite.
    fn set_function(
        &mut self,
        function: &'static Function,
        args: Vec<Expr>,
        alias: Option<&Alias>,
        ordinality: bool,
    ) -> Result<FromItem> {
        let sqlite_alias = self.fresh_alias();
        let (item, columns) = self.set_call(function, args, sqlite_alias.clone())?;
        self.add_function_entry(function.name, columns, alias, ordinality, sqlite_alias)?;
        Ok(item)
    }

    fn add_function_entry(
        &mut self,
        name: &str,
        columns: Vec<(String, Expr)>,
        alias: Option<&Alias>,
        ordinality: bool,
        sqlite_alias: Rc<str>,
    ) -> Result<()> {
        let shown = alias.map_or_else(|| name.to_owned(), |a| a.name.clone());
        // Those with an OUT parameter keep its name.
        let single = columns.len() == 1 && !name.contains("array_elements");
        let mut columns: Vec<_> = columns
            .into_iter()
            .map(|(name, expr)| crate::sql::analyze::scope::RangeColumn {
                // A function of one value names its column like itself, or like its alias.
                name: if single { shown.clone() } else { name },
                expr,
            })
            .collect();
        if ordinality {
            let position = function_column(&sqlite_alias, "rowid", Oid::INT8);
            columns.push(crate::sql::analyze::scope::RangeColumn { name: "ordinality".to_owned(), expr: position });
        }
        let mut entry = RangeVar {
            name: shown,
            schema: None,
            columns,
            visible: true,
            relation: None,
            alias: Some(sqlite_alias),
            is_function: true,
        };
        entry.rename_columns(column_aliases(alias))?;
        self.add_entry(entry)
    }

    /// The FROM item of a set-returning function, and its columns.
    fn set_call(
        &mut self,
        function: &'static Function,
        args: Vec<Expr>,
        alias: Rc<str>,
    ) -> Result<(FromItem, Vec<(String, Expr)>)> {
        let given: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
        let (mut args, result) = self.arguments(function, args)?;
        let name = match function.call {
            Call::Function(name) => name,
            Call::Typed(name) => {
                // int2vector and oidvector pass for arrays, but count from 0: the function must know.
                let mut typed = args.clone();
                let vectors = typed.iter_mut().zip(given);
                vectors.filter(|(_, oid)| is_vector(*oid)).for_each(|(arg, oid)| arg.type_oid = oid);
                args.insert(0, self.types_of(&typed));
                name
            }
            Call::Template(_) => return Err(Error::internal("a set-returning function by template")),
        };
        let single = [("value", result)];
        let columns = if function.columns.is_empty() { &single } else { function.columns };
        let columns =
            columns.iter().map(|&(name, oid)| (name.to_owned(), function_column(&alias, name, oid))).collect();
        // SQLite may call it for each row of the tables beside it.
        let args = args.into_iter().map(|arg| self.once(arg, |_, arg| Ok(arg))).collect::<Result<Vec<_>>>()?;
        Ok((FromItem::Function { name, args, alias }, columns))
    }

    fn unnest_in_from(&mut self, arrays: &[Ast], alias: Option<&Alias>, ordinality: bool) -> Result<FromItem> {
        let sqlite_alias = self.fresh_alias();
        let mut args = Vec::with_capacity(arrays.len());
        let mut columns = Vec::with_capacity(arrays.len());
        for (index, array) in arrays.iter().enumerate() {
            let array = self.expr(array)?;
            let column = self.unnested(&array, &sqlite_alias, index)?;
            columns.push(("unnest".to_owned(), column));
            args.push(array);
        }
        self.add_function_entry("unnest", columns, alias, ordinality, sqlite_alias.clone())?;
        unnest_item(args, sqlite_alias)
    }

    /// The column that holds the elements of the `index`-th array of a pg_unnest.
    fn unnested(&mut self, array: &Expr, alias: &Rc<str>, index: usize) -> Result<Expr> {
        let Some(element) = self.element_type(array.type_oid) else {
            let message = format!("function unnest({}) does not exist", self.type_name(array.type_oid));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            ));
        };
        let value = function_column(alias, &value_name(index), element);
        Ok(element_value(value))
    }

    /// A set-returning function in the select list joins the FROM list.
    pub(super) fn set_returning_in_select(&mut self, function: &'static Function, args: Vec<Expr>) -> Result<Expr> {
        self.require_set_context()?;
        if function.name == "unnest" {
            let array = args.into_iter().next().ok_or_else(|| Error::internal("unnest without an argument"))?;
            return self.unnest_in_select(array).map(|(value, _)| value);
        }
        let alias = self.set_alias();
        let (item, columns) = self.set_call(function, args, alias.clone())?;
        let [(_, value)] = columns.as_slice() else {
            return Err(Error::unsupported(format!("{} in the select list", function.name)));
        };
        let index =
            self.add_set_call(SetCall { element: self.internal_name(value.type_oid), source: SetSource::Call(item) })?;
        Ok(function_column(&alias, &value_name(index), value.type_oid))
    }

    /// unnest(array) in the select list: the element and its position.
    pub(super) fn unnest_in_select(&mut self, array: Expr) -> Result<(Expr, Expr)> {
        self.require_set_context()?;
        let alias = self.set_alias();
        let same = self.set_calls.as_ref().and_then(|sets| {
            sets.calls.iter().position(|c| matches!(&c.source, SetSource::Array(known) if *known == array))
        });
        let index = match same {
            Some(index) => index,
            None => self.add_set_call(SetCall { element: String::new(), source: SetSource::Array(array.clone()) })?,
        };
        let value = self.unnested(&array, &alias, index)?;
        Ok((value, function_column(&alias, "rowid", Oid::INT4)))
    }

    fn set_alias(&mut self) -> Rc<str> {
        if let Some(alias) = self.set_calls.as_ref().and_then(|sets| sets.alias.clone()) {
            return alias;
        }
        let alias = self.fresh_alias();
        if let Some(sets) = &mut self.set_calls {
            sets.alias = Some(alias.clone());
        }
        alias
    }

    fn add_set_call(&mut self, call: SetCall) -> Result<usize> {
        let Some(sets) = &mut self.set_calls else { return Ok(0) };
        sets.calls.push(call);
        // Side by side they are unnested, which would flatten arrays.
        if sets.calls.len() > 1 && sets.calls.iter().any(|call| call.element.starts_with('_')) {
            return Err(Error::unsupported("a function that returns a set of arrays beside another set"));
        }
        Ok(sets.calls.len() - 1)
    }

    fn require_set_context(&self) -> Result<()> {
        if self.set_calls.is_some() {
            return Ok(());
        }
        Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "set-returning functions are not allowed here, only in the select list and in FROM",
        ))
    }

    // ----- joins

    fn join(&mut self, join: &JoinExpr) -> Result<FromItem> {
        if join.alias.is_some() {
            return Err(self.at(Error::unsupported("an alias for a parenthesised join"), join.location));
        }
        let start = self.entry_count();
        let left = self.from_item(&join.left)?;
        let middle = self.entry_count();
        let kind = match (join.join_type, &join.quals, join.natural) {
            (JoinType::Inner, JoinQuals::None, false) => JoinKind::Cross,
            (JoinType::Inner, ..) => JoinKind::Inner,
            (JoinType::Left, ..) => JoinKind::Left,
            (JoinType::Right, ..) => JoinKind::Right,
            (JoinType::Full, ..) => JoinKind::Full,
        };
        let right = match kind {
            // What the right side is cannot depend on a row of the left that may not be there.
            JoinKind::Right | JoinKind::Full => self.out_of_reach(start..middle, |a| a.from_item(&join.right))?,
            _ => self.from_item(&join.right)?,
        };
        let end = self.entry_count();
        let on = match &join.quals {
            JoinQuals::On(condition) => Some(self.join_condition(start, condition)?),
            JoinQuals::Using(_, Some(_)) => {
                return Err(self.at(Error::unsupported("an alias for JOIN … USING"), join.location));
            }
            JoinQuals::Using(names, None) => self.using(kind, start, middle, end, names)?,
            JoinQuals::None if join.natural => {
                let names = self.common_columns(start, middle, end);
                self.using(kind, start, middle, end, &names)?
            }
            JoinQuals::None => None,
        };
        let nullable = match kind {
            JoinKind::Inner | JoinKind::Cross => 0..0,
            JoinKind::Left => middle..end,
            JoinKind::Right => start..middle,
            JoinKind::Full => start..end,
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.get_mut(nullable).into_iter().flatten().for_each(RangeVar::make_nullable);
        }
        Ok(FromItem::Join { kind, left: Box::new(left), right: Box::new(right), on })
    }

    /// Does something in which these entries can be named, but not used.
    fn out_of_reach<T>(&mut self, entries: Range<usize>, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let mut outer = Vec::new();
        if let Some(scope) = self.scopes.last_mut() {
            outer.clone_from(&scope.out_of_reach);
            scope.out_of_reach.extend(entries);
        }
        let result = run(self);
        if let Some(scope) = self.scopes.last_mut() {
            scope.out_of_reach = outer;
        }
        result
    }

    /// ON sees only the tables of its own join.
    fn join_condition(&mut self, start: usize, condition: &Ast) -> Result<Expr> {
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.iter_mut().take(start).for_each(|e| e.visible = false);
            scope.gives_rows = true;
        }
        let result = self.condition(condition, "JOIN/ON");
        if let Some(scope) = self.scopes.last_mut() {
            scope.entries.iter_mut().take(start).for_each(|e| e.visible = true);
            scope.gives_rows = false;
        }
        result
    }

    fn common_columns(&self, start: usize, middle: usize, end: usize) -> Vec<String> {
        let Some(scope) = self.scopes.last() else { return Vec::new() };
        let names = |from: usize, to: usize| -> Vec<String> {
            scope
                .entries
                .get(from..to)
                .unwrap_or(&[])
                .iter()
                .flat_map(|e| e.columns.iter().map(|c| c.name.clone()))
                .collect()
        };
        let right = names(middle, end);
        let mut common = Vec::new();
        for name in names(start, middle) {
            if right.contains(&name) && !common.contains(&name) {
                common.push(name);
            }
        }
        common
    }

    /// JOIN … USING (names): equality of each, and one merged column of each.
    fn using(
        &mut self,
        kind: JoinKind,
        start: usize,
        middle: usize,
        end: usize,
        names: &[String],
    ) -> Result<Option<Expr>> {
        let mut condition: Option<Expr> = None;
        for name in names {
            let (left, mut hides) = self.side_column(start, middle, name, "left")?;
            let (right, hides_right) = self.side_column(middle, end, name, "right")?;
            hides.extend(hides_right);
            let equal = self.operator("=", left.clone(), right.clone())?;
            condition = Some(match condition {
                None => equal,
                Some(condition) => Expr::template("({0} AND {1})", vec![condition, equal], Oid::BOOL),
            });
            self.note_use([&left, &right].into_iter());
            let common = self.common_type(&[left.type_oid, right.type_oid], "JOIN/USING")?;
            let left = self.to_common(left, common, "JOIN/USING")?;
            let right = self.to_common(right, common, "JOIN/USING")?;
            let expr = match kind {
                JoinKind::Right => right,
                JoinKind::Full => Expr::function("coalesce", vec![left, right], common),
                _ => left,
            };
            if let Some(scope) = self.scopes.last_mut() {
                scope.merged.retain(|m| m.name != *name || !m.hides.iter().any(|h| hides.contains(h)));
                scope.merged.push(Merged { name: name.clone(), expr, hides });
            }
        }
        Ok(condition)
    }

    /// The column of one side of a join, and the entries it stands for.
    fn side_column(&self, from: usize, to: usize, name: &str, side: &str) -> Result<(Expr, Vec<usize>)> {
        let Some(scope) = self.scopes.last() else { return Err(Error::internal("no scope")) };
        let merged =
            scope.merged.iter().rev().find(|m| m.name == name && m.hides.iter().all(|h| (from..to).contains(h)));
        if let Some(merged) = merged {
            return Ok((merged.expr.clone(), merged.hides.clone()));
        }
        let mut found = None;
        for (index, entry) in scope.entries.iter().enumerate().take(to).skip(from) {
            for column in entry.columns.iter().filter(|c| c.name == name) {
                if found.is_some() {
                    let message = format!("common column name \"{name}\" appears more than once in {side} table");
                    return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message));
                }
                found = Some((column.expr.clone(), vec![index]));
            }
        }
        found.ok_or_else(|| {
            let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        })
    }
}

/// The set-returning functions of one select list. They run in lockstep, as PostgreSQL runs them: one row takes the
/// next value of each, NULL from those that have ended.
#[derive(Default)]
pub struct SetCalls {
    alias: Option<Rc<str>>,
    calls: Vec<SetCall>,
}

struct SetCall {
    source: SetSource,
    /// The element type's name, for making an array of the values.
    element: String,
}

enum SetSource {
    Array(Expr),
    Call(FromItem),
}

impl SetCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The one FROM item that yields them all: the function itself if there is one, else all as arrays side by side.
    pub(super) fn into_item(self) -> Option<FromItem> {
        let alias = self.alias?;
        let mut calls = self.calls;
        if let [SetCall { source: SetSource::Call(_), .. }] = calls.as_slice()
            && let Some(SetCall { source: SetSource::Call(item), .. }) = calls.pop()
        {
            return Some(item);
        }
        let arrays = calls.into_iter().map(SetCall::into_array).collect();
        unnest_item(arrays, alias).ok()
    }
}

impl SetCall {
    fn into_array(self) -> Expr {
        let item = match self.source {
            SetSource::Array(array) => return array,
            SetSource::Call(item) => item,
        };
        let target = Target { name: String::new(), expr: function_value(&item) };
        let query = Query::of(Body::Select(Box::new(Select {
            distinct: false,
            distinct_on: Vec::new(),
            targets: vec![target],
            from: vec![item],
            selection: None,
            group_by: Vec::new(),
            having: None,
            unique: false,
        })));
        let kind = ExprKind::ArrayQuery { query: Box::new(query), element: self.element };
        Expr::new(kind, Oid::TEXT_ARRAY)
    }
}

/// The `value` column of a function in FROM.
fn function_value(item: &FromItem) -> Expr {
    match item {
        FromItem::Function { alias, .. } => function_column(alias, "value", Oid::TEXT),
        _ => Expr::new(ExprKind::Null, Oid::TEXT),
    }
}

/// How many arrays pg_unnest takes.
const MAX_UNNEST: usize = 8;

fn unnest_item(args: Vec<Expr>, alias: Rc<str>) -> Result<FromItem> {
    if args.len() > MAX_UNNEST {
        return Err(Error::unsupported(format!("more than {MAX_UNNEST} sets side by side")));
    }
    Ok(FromItem::Function { name: "pg_unnest", args, alias })
}

/// The name of pg_unnest's `index`-th column.
fn value_name(index: usize) -> String {
    if index == 0 { "value".to_owned() } else { format!("value{}", index + 1) }
}

/// A column of a table-valued function.
fn function_column(alias: &Rc<str>, name: &str, type_oid: Oid) -> Expr {
    let reference = ColumnRef {
        alias: Some(alias.clone()),
        column: name.into(),
        table: Oid::INVALID,
        attribute: 0,
        not_null: false,
    };
    Expr::new(ExprKind::Column(reference), type_oid)
}

/// The names in alias (a, b, …).
fn column_aliases(alias: Option<&Alias>) -> &[String] {
    alias.map_or(&[], |alias| &alias.columns)
}

/// Whether a query's text would mention one of these aliases.
fn mentions(query: &Query, aliases: &[Rc<str>]) -> bool {
    let text = crate::sql::translate::query(query, &crate::sql::translate::builtin_repr).sql;
    aliases.iter().any(|alias| text.contains(&format!("{alias}.\"")))
}

fn is_vector(oid: Oid) -> bool {
    matches!(oid, Oid::INT2VECTOR | Oid::OIDVECTOR)
}

/// Whether a query is SELECT of expressions and nothing else: always one row, which its expressions can stand for.
fn is_single_row(query: &Query) -> bool {
    let Body::Select(select) = &query.body else { return false };
    query.ctes.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && select.from.is_empty()
        && select.selection.is_none()
        && select.group_by.is_empty()
        && select.having.is_none()
        && !select.targets.iter().any(|t| contains_aggregate(&t.expr) || contains_window(&t.expr))
}

/// Makes an entry's columns the expressions of a one-row query, because SQLite has no LATERAL. What is left of the
/// query is a row that says whether there is one: an outer join may have none, and then the columns are NULL.
fn inline_row(entry: &mut RangeVar, mut query: Query) -> Query {
    let Body::Select(select) = &mut query.body else { return query };
    let there = Expr::constant(crate::types::value::Value::Integer(1), Oid::BOOL);
    let targets = std::mem::replace(&mut select.targets, vec![Target { name: "there".to_owned(), expr: there }]);
    let marker = RangeVar::positional(String::new(), entry.alias.clone().unwrap_or_default(), &query.outputs());
    for (column, target) in entry.columns.iter_mut().zip(targets) {
        let Some(marker) = marker.columns.first() else { continue };
        let (type_oid, typmod) = (column.expr.type_oid, column.expr.typmod);
        let whens = vec![(Expr::template("({0} IS NOT NULL)", vec![marker.expr.clone()], Oid::BOOL), target.expr)];
        column.expr = Expr { kind: ExprKind::Case { whens, otherwise: None }, type_oid, typmod };
    }
    query
}
