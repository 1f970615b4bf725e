//! Function calls: ordinary functions, aggregates, window functions, set-returning ones.
//!
//! Owns: [`Analyzer::function_call`] and what it leads to. Specification: functions.html, sql-expressions.html.

use std::borrow::Cow;

use crate::catalog::definitions::Names;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::function_from::json_records;
use crate::sql::analyze::ordered_set::is_ordered_set;
use crate::sql::casts::CastContext;
use crate::sql::collations::{Collation, collation_of};
use crate::sql::declared::declared_type;
use crate::sql::functions::{self, Function, FunctionKind, PG_TYPEOF, Volatility};
use crate::sql::syntax::ast::expression::{AConst, CoercionForm, ConstValue, Expr as Ast, FuncCall};
use crate::sql::syntax::ast::query::{SortBy, SortByDir, SortByNulls};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Aggref, EntryId, Expr, ExprKind, FunctionRef, SortKey};
use crate::sql::types;
use crate::types::extension;
use crate::types::pg_type::{Oid, type_by_name, type_info};
use crate::types::value::Value;

/// The most arguments of a function (FUNC_MAX_ARGS).
const MAX_ARGUMENTS: usize = 100;

impl Analyzer<'_> {
    /// A call of an ordinary function by name, arguments analysed.
    pub(super) fn function(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
        let function = self.resolve_function(name, &types)?;
        self.ordinary(function, args)
    }

    pub(super) fn ordinary(&mut self, function: &'static Function, args: Vec<Expr>) -> Result<Expr> {
        let (mut args, result) = self.arguments(function, args)?;
        if function.compares_by_order() {
            args = args.into_iter().map(|arg| self.enum_order(arg)).collect();
        }
        self.writes |= function.volatility == Volatility::Writes;
        self.waits |= function.volatility == Volatility::Waits;
        let typmod = record_modifier(&args, result);
        let call = Expr { typmod, ..Expr::new(ExprKind::Func(FunctionRef(function), args), result) };
        self.row_of_json(function.name, call)
    }

    /// Rows that functions of json fill are checked; which they are must be known.
    fn row_of_json(&mut self, name: &str, call: Expr) -> Result<Expr> {
        let Some(records) = json_records(name) else { return Ok(call) };
        let ExprKind::Func(_, args) = &call.kind else { return Ok(call) };
        let unknown = || {
            let message = format!("could not determine row type for result of {name}");
            let hint = "Provide a non-null record argument, or call the function in the FROM clause using a column \
                        definition list.";
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(hint)
        };
        match args.first() {
            Some(base) if records.populates => {
                let base = self.populated(base.clone(), name)?;
                if base.type_oid == Oid::RECORD && base.typmod == -1 {
                    return Err(unknown());
                }
                let filled = self.checked_parts(call)?;
                match base.kind {
                    ExprKind::CoerceToDomain { domain, .. } => self.coerce(filled, domain, -1, CastContext::Assignment),
                    _ => Ok(filled),
                }
            }
            _ => Err(unknown()),
        }
    }

    /// Arguments converted to the declared types, and the call's result type.
    pub(super) fn arguments(&mut self, function: &'static Function, args: Vec<Expr>) -> Result<(Vec<Expr>, Oid)> {
        let types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
        let last = function.args.last().copied().unwrap_or(Oid::ANY);
        let declared: Vec<Oid> = (0..args.len()).map(|i| function.args.get(i).copied().unwrap_or(last)).collect();
        let actual = self.actual_types(&declared, &types);
        let result = self.result_type(function.returns, &declared, &actual);
        let args = args
            .into_iter()
            .enumerate()
            .map(|(i, arg)| {
                let declared = declared.get(i).copied().unwrap_or(Oid::ANY);
                if declared != Oid::ANY {
                    return self.argument(arg, declared, actual.get(i).copied());
                }
                // A constant of which nothing tells the type is printed without one.
                if self.to_be_printed()
                    && arg.type_oid == Oid::UNKNOWN
                    && let Some(text) = self.constant_text(&arg)
                {
                    return Ok(Expr::constant(Value::Text(text), Oid::UNKNOWN));
                }
                let arg = self.determined(arg)?;
                let arg = self.argument(arg, declared, actual.get(i).copied())?;
                self.resolve_unknown(arg)
            })
            .collect::<Result<Vec<_>>>()?;
        let to_be_printed = self.to_be_printed();
        let resolved = |arg: Expr| match to_be_printed && arg.type_oid == Oid::UNKNOWN {
            true => Ok(arg),
            false => self.resolve_unknown(arg),
        };
        let args = args.into_iter().map(resolved).collect::<Result<Vec<_>>>()?;
        Ok((args, result))
    }

    pub(super) fn function_call(&mut self, call: &FuncCall) -> Result<Expr> {
        let call = &*self.without_void_parameters(call);
        let (schema, name) = self.split_name(&call.name, call.location)?;
        if schema == Some("information_schema") && name == "_pg_expandarray" {
            return self.expand_array(&call.args);
        }
        match (self.routine_call(call, (schema, name), &[]), call.args.as_slice()) {
            (Ok(Some(routine)), _) => return Ok(self.inlined(routine)),
            (Ok(None), _) => {}
            // The name may be a type's, too: a range's constructors are called like it.
            (Err(error), [argument])
                if error.code() == SqlState::UNDEFINED_FUNCTION && !matches!(argument, Ast::NamedArg(_)) =>
            {
                let argument = self.target_expr(argument)?;
                return self.call_as_cast((schema, name), vec![argument], call)?.ok_or(error);
            }
            (Err(error), _) => return Err(error),
        }
        if let Some(schema) = schema
            && schema != "pg_catalog"
            && self.functions_named(Some(schema), name).is_empty()
            && self.cast_target(Some(schema), name).is_none()
        {
            if schema != "information_schema" && !self.catalog().has_schema(schema) {
                return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")));
            }
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {schema}.{name}() does not exist")));
        }
        let called = call.name.join(".");
        if call.func_variadic {
            return self.variadic_call((schema, name), &called, call);
        }
        if call.agg_within_group {
            return self.ordered_set(name, call);
        }
        if let ("pg_collation_for", [arg]) = (name, call.args.as_slice()) {
            return self.collation_for(arg);
        }
        if call.format == CoercionForm::SqlSyntax && functions::named(name).is_empty() {
            return Err(Error::unsupported(name.to_uppercase()));
        }
        let args = match (name, call.args.as_slice()) {
            // The field is a word of the grammar; only its text decides.
            ("extract", [Ast::Const(AConst { value: ConstValue::String(field), location }), source]) => {
                self.pinned.extend(self.lifted(*location));
                vec![Expr::text(field.to_lowercase()), self.expr(source)?]
            }
            (_, args) => match self.named_arguments(name, args)? {
                Some(args) => args,
                None => self.call_arguments(args)?,
            },
        };
        if let Some(expr) = self.construct(name, &args)? {
            return Ok(expr);
        }
        if let Some(expr) = self.enum_function(name, &args)? {
            return Ok(expr);
        }
        if args.len() > MAX_ARGUMENTS {
            let message = format!("cannot pass more than {MAX_ARGUMENTS} arguments to a function");
            return Err(self.at(Error::new(SqlState::TOO_MANY_ARGUMENTS, message), call.location));
        }
        // A type's name before a constant of unknown type is a cast, whatever functions there are (func_get_detail).
        if let ([Expr { type_oid: Oid::UNKNOWN, .. }], [argument]) = (args.as_slice(), call.args.as_slice())
            && let at = expr_location(argument)
            && let Some(cast) = self.call_as_cast((schema, name), args.clone(), call).map_err(|e| self.at(e, at))?
        {
            return Ok(cast);
        }
        let types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
        let function = match (call.agg_star, functions::named(name)) {
            (true, [function, ..]) if name == "count" => *function,
            _ => match self.resolve_called(schema, name, &called, &types) {
                Ok(function) => function,
                Err(error) => return self.call_as_cast((schema, name), args, call)?.ok_or(error),
            },
        };
        match function.kind {
            FunctionKind::Scalar if call.over.is_none() && call.agg_filter.is_none() => {
                if call.agg_distinct {
                    let message = format!("DISTINCT specified, but {name} is not an aggregate function");
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                self.ordinary(function, args)
            }
            FunctionKind::Scalar if call.over.is_some() => {
                let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            FunctionKind::Scalar => {
                let message = format!("FILTER specified, but {name} is not an aggregate function");
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            FunctionKind::Window if call.over.is_none() => {
                Err(Error::new(SqlState::WINDOWING_ERROR, format!("window function {name} requires an OVER clause")))
            }
            FunctionKind::Aggregate if is_ordered_set(function) && call.over.is_none() => {
                let message = format!("WITHIN GROUP is required for ordered-set aggregate {name}");
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            FunctionKind::Aggregate | FunctionKind::Window => self.aggregate(function, args, call),
            FunctionKind::Set if call.over.is_some() => {
                let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            FunctionKind::Set => self.set_returning_in_select(function, args),
        }
    }

    /// A function that returns a set, where that is allowed.
    fn set_returning_in_select(&mut self, function: &'static Function, args: Vec<Expr>) -> Result<Expr> {
        self.may_return_set()?;
        self.set_function(function, args)
    }

    /// 0A000 where no function may return a set.
    pub(super) fn may_return_set(&self) -> Result<()> {
        if let Some(place) = self.without_sets {
            let mut message = format!("set-returning functions are not allowed in {place}");
            if place == "FROM" {
                message = "set-returning functions must appear at top level of FROM".to_owned();
            }
            let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
            return Err(match place {
                "CASE" | "COALESCE" => {
                    let hint = "You might be able to move the set-returning function into a LATERAL FROM item.";
                    error.with_hint(hint)
                }
                _ => error,
            });
        }
        Ok(())
    }

    /// A call of a function that returns a set. Without its arguments' own types a vector would pass for an array, which
    /// counts from 1.
    pub(super) fn set_function(&mut self, function: &'static Function, args: Vec<Expr>) -> Result<Expr> {
        let given: Vec<Oid> = args.iter().map(|arg| arg.type_oid).collect();
        let (mut args, result) = self.arguments(function, args)?;
        let vectors = args.iter_mut().zip(given);
        vectors
            .filter(|(_, oid)| matches!(*oid, Oid::INT2VECTOR | Oid::OIDVECTOR))
            .for_each(|(arg, oid)| arg.type_oid = oid);
        let typmod = record_modifier(&args, result);
        let call = Expr { typmod, ..Expr::new(ExprKind::Func(FunctionRef(function), args), result) };
        self.row_of_json(function.name, call)
    }

    /// information_schema._pg_expandarray(array): rows of element and position, which JDBC asks for.
    fn expand_array(&mut self, args: &[Ast]) -> Result<Expr> {
        let args = self.call_arguments(args)?;
        if args.len() != 1 {
            return Err(Error::unsupported("this call"));
        }
        self.set_returning_in_select(&functions::EXPAND_ARRAY, args)
    }

    /// int2(x), where int2 is no function of x's type but a type: a cast (func_get_detail).
    fn call_as_cast(
        &mut self,
        (schema, name): (Option<&str>, &str),
        args: Vec<Expr>,
        call: &FuncCall,
    ) -> Result<Option<Expr>> {
        let plain = call.over.is_none() && call.agg_filter.is_none() && call.agg_order.is_empty() && !call.agg_distinct;
        match (<[Expr; 1]>::try_from(args), self.cast_target(schema, name)) {
            (Ok([value]), Some(target)) if plain && self.casts_to(value.type_oid, target) => {
                self.cast(value, target, -1).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether a type's name is good for such a cast: one to a domain is where nothing is computed.
    fn casts_to(&self, from: Oid, to: Oid) -> bool {
        let (base, _) = self.base_type(to, -1);
        let by_text = || [from, base].iter().any(|oid| self.category(*oid) == b'S');
        self.can_coerce(from, base, CastContext::Explicit)
            && (base == to || [base, Oid::UNKNOWN].contains(&from) || by_text())
    }

    fn is_extension_type(&self, oid: Oid) -> bool {
        extension::of_oid(oid).is_some()
    }

    /// The type whose name stands where a function's does: a built-in one, or an extension's.
    fn cast_target(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let builtin = type_by_name(name).filter(|_| schema.is_none_or(|schema| schema == "pg_catalog"));
        builtin
            .map(|info| info.oid)
            .or_else(|| {
                let (of, info) = extension::named(name)?;
                self.extension_is_seen(of.extension, schema).then_some(info.oid)
            })
            .or_else(|| {
                let named = match schema {
                    Some(schema) => types::named(self.catalog(), schema, name),
                    None => self.search_path.iter().find_map(|schema| types::named(self.catalog(), schema, name)),
                };
                named.filter(|oid| !self.is_composite(*oid))
            })
    }

    /// A call without the parameters that are declared as void: so drivers mark what a function gives out
    /// (ParseFuncOrColumn).
    pub(super) fn without_void_parameters<'c>(&self, call: &'c FuncCall) -> Cow<'c, FuncCall> {
        let is_void = |arg: &Ast| match arg {
            Ast::ParamRef(param) => {
                let index = usize::try_from(param.number).ok().and_then(|number| number.checked_sub(1));
                index.and_then(|index| self.params.get(index)) == Some(&Oid::VOID)
            }
            _ => false,
        };
        if !call.args.iter().any(is_void) {
            return Cow::Borrowed(call);
        }
        let mut call = call.clone();
        call.args.retain(|arg| !is_void(arg));
        Cow::Owned(call)
    }

    fn call_arguments(&mut self, args: &[Ast]) -> Result<Vec<Expr>> {
        args.iter().map(|arg| self.target_expr(arg)).collect()
    }

    /// COLLATION FOR (value): the one that was asked for, or the database's.
    fn collation_for(&mut self, arg: &Ast) -> Result<Expr> {
        let value = self.expr(arg)?;
        let collatable = type_info(value.type_oid).is_none_or(|info| info.collation != Oid::INVALID);
        Ok(match arg {
            _ if value.type_oid == Oid::UNKNOWN => Expr::null(Oid::TEXT),
            _ if !collatable => {
                let message = format!("collations are not supported by type {}", self.type_name(value.type_oid));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            _ => match collation_of(self.catalog(), &value) {
                Collation::Conflict(..) => Expr::null(Oid::TEXT),
                known => {
                    let search_path = self.context.settings.search_path();
                    Expr::text(Names { catalog: self.catalog(), search_path: &search_path }.collation(known.oid()))
                }
            },
        })
    }

    /// What looks like a function but has rules of its own.
    fn construct(&mut self, name: &str, args: &[Expr]) -> Result<Option<Expr>> {
        Ok(Some(match (name, args) {
            (PG_TYPEOF, [value]) => Expr::integer(i64::from(declared_type(self.catalog(), value).0), Oid::REGTYPE),
            _ => return Ok(None),
        }))
    }

    fn aggregate(&mut self, function: &'static Function, args: Vec<Expr>, call: &FuncCall) -> Result<Expr> {
        self.check_aggregated(&args, call)?;
        if !call.agg_star && args.is_empty() && function.name == "count" {
            let message = format!("{0}(*) must be used to call a parameterless aggregate function", function.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let written = args.clone();
        let (args, result) = if call.agg_star { (args, function.returns) } else { self.arguments(function, args)? };
        let typmod = record_modifier(&args, result);
        self.aggref(function, (args, written), (result, typmod), call)
    }

    /// What an aggregate's arguments may not have in them.
    pub(super) fn check_aggregated(&mut self, args: &[Expr], call: &FuncCall) -> Result<()> {
        if call.over.is_none() {
            self.forbid_nested(args)?;
        }
        if args.iter().any(Expr::contains_window) {
            let message = match call.over {
                None => "aggregate function calls cannot contain window function calls",
                Some(_) => "window function calls cannot be nested",
            };
            let code = if call.over.is_none() { SqlState::GROUPING_ERROR } else { SqlState::WINDOWING_ERROR };
            return Err(Error::new(code, message));
        }
        self.forbid_sets(args, call.over.is_some())
    }

    /// The call of an aggregate or window function whose arguments are of its types; `written` are those that were
    /// given.
    pub(super) fn aggref(
        &mut self,
        function: &'static Function,
        (args, written): (Vec<Expr>, Vec<Expr>),
        (result, typmod): (Oid, i32),
        call: &FuncCall,
    ) -> Result<Expr> {
        let of = if call.over.is_none() { self.outer_query_of(&written)? } else { None };
        let distinct = call.agg_distinct;
        for (given, what) in [(distinct, "DISTINCT"), (!call.agg_order.is_empty(), "aggregate ORDER BY")] {
            if given && call.over.is_some() {
                let message = format!("{what} is not implemented for window functions");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        let mut order_by = self.sort_keys(&call.agg_order)?;
        for key in &mut order_by {
            // An argument that is a key, too, is one as it was converted (findTargetlistEntrySQL99).
            let place = written.iter().position(|arg| *arg == key.expr);
            if let Some(arg) =
                place.and_then(|place| args.get(place)).filter(|_| self.is_extension_type(key.expr.type_oid))
            {
                key.expr = arg.clone();
            }
        }
        if distinct {
            self.require_arguments(&order_by, &call.agg_order, &written)?;
        }
        let filter = self.filter(call)?;
        let over = call.over.as_ref().map(|over| self.window(over)).transpose()?;
        self.forbid_here(over.is_some(), of)?;
        self.last_aggregate = if over.is_some() { None } else { Some(call.location) };
        let (function, star) = (FunctionRef(function), call.agg_star);
        let aggregate = Aggref { function, args, star, distinct, order_by, filter, over, of, direct: Vec::new() };
        Ok(Expr { typmod, ..Expr::new(ExprKind::Aggref(Box::new(aggregate)), result) })
    }

    pub(super) fn filter(&mut self, call: &FuncCall) -> Result<Option<Expr>> {
        let Some(ast) = &call.agg_filter else { return Ok(None) };
        let filter = self.condition(ast, "FILTER")?;
        self.forbid_aggregates(&filter, "FILTER").map_err(|e| self.at(e, expr_location(ast)))?;
        Ok(Some(filter))
    }

    /// 42803 for an aggregate of an aggregate of the same query level, at the inner one.
    fn forbid_nested(&self, args: &[Expr]) -> Result<()> {
        let level = self.outer_query_of(args)?;
        let of_level = |part: &Expr| {
            let ExprKind::Aggref(inner) = &part.kind else { return false };
            inner.over.is_none() && self.level_of(inner.of) == self.level_of(level)
        };
        // Within a sub-query an aggregate that names no other query belongs to the sub-query.
        let of_outer =
            |part: &Expr| matches!(&part.kind, ExprKind::Aggref(inner) if inner.of.is_some()) && of_level(part);
        let nested = |part: &Expr| of_level(part) || part.subquery().is_some_and(|query| query.any(&of_outer));
        if !args.iter().any(|arg| arg.any(&nested)) {
            return Ok(());
        }
        let error = Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested");
        Err(self.last_aggregate.map_or(error.clone(), |location| self.at(error, location)))
    }

    /// The query level of an aggregate, by its `of`.
    fn level_of(&self, of: Option<EntryId>) -> Option<usize> {
        let innermost = self.scopes.len().checked_sub(1);
        let holds = |entry: EntryId| self.scopes.iter().rposition(|s| s.entries.iter().any(|e| e.entry == entry));
        of.map_or(innermost, holds)
    }

    /// 42803 for an aggregate, 42P20 for a window function, in a clause that may have none (check_agglevels_and_constraints,
    /// transformWindowFuncCall).
    fn forbid_here(&self, window: bool, of: Option<EntryId>) -> Result<()> {
        let scope = self.level_of(of).and_then(|level| self.scopes.get(level));
        let Some(clause) = scope.and_then(|scope| scope.clause) else { return Ok(()) };
        Err(match (window, clause) {
            (true, clause) => {
                let message = format!("window functions are not allowed in {clause}");
                Error::new(SqlState::WINDOWING_ERROR, message)
            }
            (false, "HAVING") => return Ok(()),
            (false, clause) => {
                let message = format!("aggregate functions are not allowed in {clause}");
                Error::new(SqlState::GROUPING_ERROR, message)
            }
        })
    }

    /// The query around this one to which an aggregate belongs: its arguments have columns, and all are from there
    /// (check_agg_arguments).
    pub(super) fn outer_query_of(&self, args: &[Expr]) -> Result<Option<EntryId>> {
        let level = |entry: EntryId| self.scopes.iter().rposition(|s| s.entries.iter().any(|e| e.entry == entry));
        let innermost = std::cell::Cell::new(None);
        let note = |part: &Expr| {
            if let ExprKind::Var(var) = &part.kind {
                innermost.set(innermost.get().max(level(var.entry).map(|level| (level, var.entry.0))));
            }
            false
        };
        args.iter().for_each(|arg| _ = arg.any_deep(&note));
        let Some((level, entry)) = innermost.get().filter(|(level, _)| level + 1 < self.scopes.len()) else {
            return Ok(None);
        };
        for cte in self.ctes.iter().filter(|cte| cte.level > level) {
            let reads = |part: &Expr| part.subquery().is_some_and(|query| query.reads_cte(cte.id));
            if args.iter().any(|arg| arg.any_deep(&reads)) {
                let detail = format!("CTE \"{}\" is below the aggregate's semantic level.", cte.name);
                let message = "outer-level aggregate cannot use a nested CTE";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
            }
        }
        Ok(Some(EntryId(entry)))
    }

    /// Functions that return sets run after aggregates and window functions.
    fn forbid_sets(&self, args: &[Expr], over: bool) -> Result<()> {
        if !args.iter().any(Expr::contains_set) {
            return Ok(());
        }
        let kind = if over { "window" } else { "aggregate" };
        let message = format!("{kind} function calls cannot contain set-returning function calls");
        let hint = "You might be able to move the set-returning function into a LATERAL FROM item.";
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(hint))
    }

    /// With DISTINCT an aggregate sorts by its arguments only.
    fn require_arguments(&mut self, order_by: &[SortKey], keys: &[SortBy], args: &[Expr]) -> Result<()> {
        for (key, ast) in order_by.iter().zip(keys) {
            let mut found = false;
            for arg in args {
                let same_type = arg.type_oid == key.expr.type_oid || arg.type_oid == Oid::UNKNOWN;
                found |= same_type && self.same_expr(arg, &key.expr) || self.enum_order(arg.clone()) == key.expr;
            }
            if !found {
                let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
                return Err(self.at(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message), expr_location(&ast.node)));
            }
        }
        Ok(())
    }

    /// ORDER BY inside an aggregate or a window: expressions only, no positions.
    pub(super) fn sort_keys(&mut self, keys: &[SortBy]) -> Result<Vec<SortKey>> {
        keys.iter()
            .map(|key| {
                let expr = self.expr(&key.node)?;
                let expr = self.resolve_unknown(expr)?;
                self.sort_key(expr, None, key)
            })
            .collect()
    }

    pub(super) fn sort_key(&mut self, expr: Expr, output: Option<usize>, key: &SortBy) -> Result<SortKey> {
        let descending = match &key.direction {
            SortByDir::Default | SortByDir::Asc => false,
            SortByDir::Desc => true,
            SortByDir::Using(operator) => match operator.last().map(String::as_str) {
                Some("<") => false,
                Some(">") => true,
                // The members of text_pattern_ops: text is ordered by its bytes anyway.
                Some(name @ ("~<~" | "~>~")) => {
                    let compared = self.operator(name, expr.clone(), expr.clone());
                    compared.map_err(|error| self.at(error, key.location))?;
                    name == "~>~"
                }
                _ => {
                    let message = format!("operator {} is not a valid ordering operator", operator.join("."));
                    let hint = "Ordering operators must be \"<\" or \">\" members of btree operator families.";
                    let error = Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_hint(hint);
                    return Err(self.at(error, key.location));
                }
            },
        };
        let nulls_first = match key.nulls {
            SortByNulls::Default => descending,
            SortByNulls::First => true,
            SortByNulls::Last => false,
        };
        let ordered = self.enum_order(expr.clone());
        let output = if ordered == expr { output } else { None };
        let expr = ordered;
        Ok(SortKey { expr, output, descending, nulls_first })
    }
}

/// Which records a polymorphic call gives: those that it takes.
pub(super) fn record_modifier(args: &[Expr], result: Oid) -> i32 {
    if !matches!(result, Oid::RECORD | Oid::RECORD_ARRAY) {
        return -1;
    }
    let records = args.iter().filter(|arg| matches!(arg.type_oid, Oid::RECORD | Oid::RECORD_ARRAY));
    records.map(|arg| arg.typmod).find(|typmod| *typmod != -1).unwrap_or(-1)
}
