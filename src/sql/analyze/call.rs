//! Function calls: ordinary functions, aggregates, window functions, set-returning ones, and the constructs that
//! PostgreSQL's grammar spells like functions.
//!
//! Owns: [`Analyzer::special_call`] and what it leads to. Specification: functions.html, sql-expressions.html.

use sqlparser::ast::{
    self, DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Spanned, WindowFrameBound, WindowSpec, WindowType,
};

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::{Analyzer, fold};
use crate::sql::analyze::expr::EXPANDED_ARRAY;
use crate::sql::functions::{self, Function, FunctionKind, Volatility};
use crate::sql::tree::{Aggregate, Expr, ExprKind, Frame, FrameBound, SortKey, Window};
use crate::types::pg_type::Oid;

/// The most arguments of a function (FUNC_MAX_ARGS).
const MAX_ARGUMENTS: usize = 100;

impl Analyzer<'_> {
    /// Everything that is, or means, a function call.
    pub(super) fn special_call(&mut self, ast: &Ast) -> Result<Expr> {
        match ast {
            Ast::Function(call) => self.function_call(call).map_err(|e| self.at(e, call.name.span())),
            Ast::Extract { field, expr, .. } => {
                let field = match field {
                    // EXTRACT('year' FROM …)
                    ast::DateTimeField::Custom(name) => name.value.to_lowercase(),
                    field => field.to_string().to_lowercase(),
                };
                let field = Expr::text(field);
                let source = self.expr(expr)?;
                self.function("extract", vec![field, source])
            }
            Ast::AtTimeZone { timestamp, time_zone } => {
                let (value, zone) = (self.expr(timestamp)?, self.expr(time_zone)?);
                self.function("timezone", vec![zone, value])
            }
            Ast::Position { expr, r#in } => {
                let (part, whole) = (self.expr(expr)?, self.expr(r#in)?);
                self.function("position", vec![whole, part])
            }
            Ast::Substring { expr, substring_from, substring_for, .. } => {
                let mut args = vec![self.expr(expr)?];
                match (substring_from, substring_for) {
                    (None, Some(length)) => {
                        args.push(Expr::constant(crate::types::value::Value::Integer(1), Oid::INT4));
                        args.push(self.expr(length)?);
                    }
                    (from, length) => {
                        for part in [from, length].into_iter().flatten() {
                            args.push(self.expr(part)?);
                        }
                    }
                }
                self.function("substring", args)
            }
            Ast::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                let mut args = vec![self.expr(expr)?];
                for part in trim_what.iter().map(|w| &**w).chain(trim_characters.iter().flatten()) {
                    args.push(self.expr(part)?);
                }
                self.function(name, args)
            }
            Ast::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut args = vec![self.expr(expr)?, self.expr(overlay_what)?, self.expr(overlay_from)?];
                if let Some(length) = overlay_for {
                    args.push(self.expr(length)?);
                }
                self.function("overlay", args)
            }
            Ast::Ceil { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                let value = self.expr(expr)?;
                self.function("ceil", vec![value])
            }
            Ast::Floor { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                let value = self.expr(expr)?;
                self.function("floor", vec![value])
            }
            other => Err(self.at(Error::unsupported(format!("the expression {other}")), other.span())),
        }
    }

    /// A call of an ordinary function by name, arguments analysed.
    pub(super) fn function(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
        let function = self.resolve_function(name, &types)?;
        self.ordinary(function, args)
    }

    fn ordinary(&mut self, function: &'static Function, args: Vec<Expr>) -> Result<Expr> {
        let (args, result) = self.arguments(function, args)?;
        if function.volatility == Volatility::Writes {
            self.writes = true;
        }
        Ok(self.call(function.call, args, result))
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
            .map(|(i, arg)| self.argument(arg, declared.get(i).copied().unwrap_or(Oid::ANY), actual.get(i).copied()))
            .collect::<Result<Vec<_>>>()?;
        let args = args.into_iter().map(|arg| self.resolve_unknown(arg)).collect::<Result<Vec<_>>>()?;
        Ok((args, result))
    }

    fn function_call(&mut self, call: &Call) -> Result<Expr> {
        let (schema, name, _) = self.split_name(&call.name)?;
        if schema.as_deref() == Some("information_schema") && name == "_pg_expandarray" {
            return self.expand_array(&call.args);
        }
        if let Some(schema) = schema
            && schema != "pg_catalog"
        {
            if schema != "information_schema" && !self.catalog().has_schema(&schema) {
                return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")));
            }
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {schema}.{name}() does not exist")));
        }
        if !matches!(call.parameters, FunctionArguments::None) {
            return Err(Error::unsupported("a function with parameters in a second pair of parentheses"));
        }
        let list = match &call.args {
            FunctionArguments::None => return self.bare_call(&name),
            FunctionArguments::Subquery(query) => {
                let (query, columns) = self.subquery(query)?;
                let [(_, element, _)] = columns.as_slice() else {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery must return only one column"));
                };
                return match name.as_str() {
                    "array" => self.array_of_query(query, *element),
                    _ => {
                        let kind = ExprKind::ScalarQuery(Box::new(query));
                        self.function(&name, vec![Expr::new(kind, *element)])
                    }
                };
            }
            FunctionArguments::List(list) => list,
        };
        let star = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        if let Some(expr) = self.json_of_row(&name, call, list)? {
            return Ok(expr);
        }
        let args = if star { Vec::new() } else { self.call_arguments(&list.args)? };
        if let Some(expr) = self.construct(&name, &args)? {
            return Ok(expr);
        }
        if args.len() > MAX_ARGUMENTS {
            let message = format!("cannot pass more than {MAX_ARGUMENTS} arguments to a function");
            return Err(self.at(Error::new(SqlState::TOO_MANY_ARGUMENTS, message), call.span()));
        }
        let args = self.of_compatible_types(&name, args);
        let types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
        let function = match (star, functions::named(&name)) {
            (true, [function, ..]) if name == "count" => *function,
            _ => self.resolve_function(&name, &types)?,
        };
        match function.kind {
            FunctionKind::Scalar if call.over.is_none() && call.filter.is_none() => {
                if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
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
            FunctionKind::Aggregate | FunctionKind::Window => self.aggregate(function, args, star, call, list),
            FunctionKind::Set => self.set_returning_in_select(function, args),
        }
    }

    /// information_schema._pg_expandarray(array): rows of element and position, which JDBC asks for.
    fn expand_array(&mut self, args: &FunctionArguments) -> Result<Expr> {
        let FunctionArguments::List(list) = args else { return Err(Error::unsupported("this call")) };
        let args = self.call_arguments(&list.args)?;
        let [array] = <[Expr; 1]>::try_from(args).map_err(|_| Error::unsupported("this call"))?;
        let (value, position) = self.unnest_in_select(array)?;
        let row = Expr::function("json_array", vec![value, position], Oid::RECORD);
        Ok(Expr { typmod: EXPANDED_ARRAY, ..row })
    }

    /// row_to_json(t), json_agg(t) …: the row of a table as a JSON object.
    fn json_of_row(&mut self, name: &str, call: &Call, list: &ast::FunctionArgumentList) -> Result<Option<Expr>> {
        let build = match name {
            "row_to_json" | "to_json" | "json_agg" => "json_build_object",
            "to_jsonb" | "jsonb_agg" => "jsonb_build_object",
            _ => return Ok(None),
        };
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(row))] = list.args.as_slice() else { return Ok(None) };
        let Some(fields) = self.row_fields(row) else { return Ok(None) };
        let object = if build == "jsonb_build_object" {
            let pairs = fields.into_iter().flat_map(|(name, value)| [Expr::text(name), value]).collect();
            self.function(build, pairs)?
        } else {
            self.compact_object(fields)?
        };
        if !name.ends_with("_agg") {
            return Ok(Some(object));
        }
        let function = self.resolve_function(name, &[object.type_oid])?;
        self.aggregate(function, vec![object], false, call, list).map(Some)
    }

    /// {"a":1,"b":null}: without the blanks that json_build_object writes.
    fn compact_object(&mut self, fields: Vec<(String, Expr)>) -> Result<Expr> {
        let mut text = Expr::text("{");
        for (index, (name, value)) in fields.into_iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let key = serde_json::to_string(&name).map_err(|e| Error::internal(format!("a column's name: {e}")))?;
            let json = self.function("to_json", vec![value])?;
            let json = Expr::function("coalesce", vec![json, Expr::text("null")], Oid::TEXT);
            let key = Expr::text(format!("{comma}{key}:"));
            text = Expr::template("({0} || {1} || {2})", vec![text, key, json], Oid::TEXT);
        }
        Ok(Expr::template("({0} || '}')", vec![text], Oid::JSON))
    }

    fn call_arguments(&mut self, args: &[FunctionArg]) -> Result<Vec<Expr>> {
        args.iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => match self.expr(expr)? {
                    Expr { kind: ExprKind::Row(_), .. } => {
                        Err(Error::unsupported("a row as an argument of a function"))
                    }
                    expr => Ok(expr),
                },
                FunctionArg::Unnamed(_) => Err(Error::unsupported("* as an argument of this function")),
                FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                    Err(Error::unsupported("calling a function with named arguments"))
                }
            })
            .collect()
    }

    /// Value and default of lag and lead need one type between them: anycompatible. Where they have none, the resolution
    /// says so.
    fn of_compatible_types(&mut self, name: &str, args: Vec<Expr>) -> Vec<Expr> {
        let ("lag" | "lead", [value, offset, default]) = (name, args.as_slice()) else { return args };
        match self.unify(vec![value.clone(), default.clone()], name).map(|(pair, _)| <[Expr; 2]>::try_from(pair)) {
            Ok(Ok([value, default])) => vec![value, offset.clone(), default],
            _ => args,
        }
    }

    /// CURRENT_DATE and its kin: functions without parentheses.
    pub(super) fn bare_call(&mut self, name: &str) -> Result<Expr> {
        self.function(name, Vec::new())
    }

    /// What looks like a function but has rules of its own.
    fn construct(&mut self, name: &str, args: &[Expr]) -> Result<Option<Expr>> {
        Ok(Some(match (name, args) {
            ("coalesce", [_, ..]) => {
                let (mut args, common) = self.unify(args.to_vec(), "COALESCE")?;
                match args.len() {
                    1 => args.swap_remove(0),
                    _ => Expr::function("coalesce", args, common),
                }
            }
            ("nullif", [a, b]) => {
                let equal = self.operator("=", a.clone(), b.clone())?;
                let ExprKind::Compare(_, left, _) = &equal.kind else {
                    return Err(Error::unsupported("NULLIF over these types"));
                };
                // The operator's own argument: of nullif(1, 2.0) that is a numeric.
                let value = if a.type_oid == left.type_oid { a.clone() } else { (**left).clone() };
                let type_oid = value.type_oid;
                let null = Expr::new(ExprKind::Null, type_oid);
                let kind = ExprKind::Case { whens: vec![(equal, null)], otherwise: Some(Box::new(value)) };
                Expr::new(kind, type_oid)
            }
            ("greatest" | "least", [_, ..]) => {
                let construct = if name == "greatest" { "GREATEST" } else { "LEAST" };
                let (args, common) = self.unify(args.to_vec(), construct)?;
                if self.is_enum(common) {
                    return Err(Error::unsupported(format!("{construct} over an enum")));
                }
                Expr::new(ExprKind::Extreme { greatest: name == "greatest", args }, common)
            }
            ("row", _) => Expr::new(ExprKind::Row(args.to_vec()), Oid::RECORD),
            ("current_timestamp" | "localtimestamp" | "current_time" | "localtime", [precision]) => {
                let Some(digits) = self.constant_text(precision).and_then(|p| p.parse::<i32>().ok()) else {
                    return Ok(None);
                };
                let value = self.function(name, Vec::new())?;
                let type_oid = value.type_oid;
                self.cast(value, type_oid, digits.min(6))?
            }
            ("pg_typeof", [value]) => {
                let oid = if value.type_oid == Oid::UNKNOWN { Oid::UNKNOWN } else { value.type_oid };
                Expr::constant(crate::types::value::Value::Integer(i64::from(oid.0)), Oid::REGTYPE)
            }
            _ => return Ok(None),
        }))
    }

    fn aggregate(
        &mut self,
        function: &'static Function,
        args: Vec<Expr>,
        star: bool,
        call: &Call,
        list: &ast::FunctionArgumentList,
    ) -> Result<Expr> {
        if !call.within_group.is_empty() {
            return Err(Error::unsupported("an ordered-set aggregate (WITHIN GROUP)"));
        }
        if call.null_treatment.is_some() {
            return Err(Error::unsupported("IGNORE NULLS and RESPECT NULLS"));
        }
        if call.over.is_none() && args.iter().any(contains_aggregate) {
            return Err(Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested"));
        }
        let (mut args, result) = if star { (args, function.returns) } else { self.arguments(function, args)? };
        if matches!(function.name, "min" | "max") && self.is_enum(result) {
            return Err(Error::unsupported(format!("{} over an enum", function.name)));
        }
        let given = args.clone();
        let name = match function.call {
            functions::Call::Function(name) => name,
            functions::Call::Typed(name) => {
                args.insert(0, self.types_of(&args));
                name
            }
            functions::Call::Template(_) => return Err(Error::internal("an aggregate by template")),
        };
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        if distinct && call.over.is_some() {
            return Err(Error::unsupported("DISTINCT for window functions"));
        }
        // PostgreSQL finds distinct values by sorting them, and so they come sorted.
        let sorted: Vec<Expr> = if distinct && list.clauses.is_empty() { args.clone() } else { Vec::new() };
        if distinct && args.len() > 1 {
            // SQLite allows DISTINCT over one argument only.
            if matches!(function.call, functions::Call::Function(_)) {
                args.insert(0, self.types_of(&args));
            }
            args = vec![Expr::function("pg_pack", args, Oid::TEXT)];
        }
        let mut order_by: Vec<SortKey> = sorted
            .into_iter()
            .filter(|arg| !matches!(arg.kind, ExprKind::Const(_)))
            .map(|expr| SortKey { expr, output: None, descending: false, nulls_first: false })
            .collect();
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(keys) => order_by = self.sort_keys(keys)?,
                other => return Err(Error::unsupported(format!("{other} in a function call"))),
            }
        }
        if distinct && order_by.is_empty() && function.name.contains("agg") {
            // PostgreSQL finds duplicates by sorting, and what collects values shows their order.
            order_by = given
                .into_iter()
                .map(|expr| SortKey { expr, output: None, descending: false, nulls_first: false })
                .collect();
        }
        let filter = call.filter.as_deref().map(|f| self.condition(f, "FILTER")).transpose()?;
        let over = call.over.as_ref().map(|over| self.window(over)).transpose()?;
        let aggregate = Aggregate { function: name, args, star, distinct, order_by, filter, over };
        Ok(Expr::new(ExprKind::Aggregate(Box::new(aggregate)), result))
    }

    /// ORDER BY inside an aggregate or a window: expressions only, no positions.
    pub(super) fn sort_keys(&mut self, keys: &[ast::OrderByExpr]) -> Result<Vec<SortKey>> {
        keys.iter()
            .map(|key| {
                let expr = self.expr(&key.expr)?;
                let expr = self.resolve_unknown(expr)?;
                Ok(self.sort_key(expr, None, key))
            })
            .collect()
    }

    pub(super) fn sort_key(&self, expr: Expr, output: Option<usize>, key: &ast::OrderByExpr) -> SortKey {
        let descending = matches!(key.options.sort, Some(ast::OrderBySort::Desc));
        let nulls_first = key.options.nulls_first.unwrap_or(descending);
        let (expr, output) = if self.is_enum(expr.type_oid) { (self.enum_order(expr), None) } else { (expr, output) };
        SortKey { expr, output, descending, nulls_first }
    }

    fn window(&mut self, over: &WindowType) -> Result<Window> {
        match over {
            WindowType::NamedWindow(name) => {
                let spec = self.named_window(name)?;
                self.window_spec(&spec)
            }
            WindowType::WindowSpec(spec) => self.window_spec(spec),
        }
    }

    fn named_window(&self, name: &ast::Ident) -> Result<WindowSpec> {
        let wanted = fold(name);
        let found = self.windows.iter().find(|(name, _)| *name == wanted).map(|(_, spec)| spec.clone());
        found.ok_or_else(|| {
            let message = format!("window \"{wanted}\" does not exist");
            self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), name.span)
        })
    }

    fn window_spec(&mut self, spec: &WindowSpec) -> Result<Window> {
        let base = match &spec.window_name {
            Some(name) => {
                let base = self.named_window(name)?;
                Some(self.window_spec(&base)?)
            }
            None => None,
        };
        let mut partition_by = Vec::new();
        for expr in &spec.partition_by {
            let expr = self.expr(expr)?;
            partition_by.push(self.resolve_unknown(expr)?);
        }
        let mut order_by = self.sort_keys(&spec.order_by)?;
        if let Some(base) = base {
            partition_by = base.partition_by;
            if order_by.is_empty() {
                order_by = base.order_by;
            }
        }
        let frame = match &spec.window_frame {
            None => None,
            Some(frame) => Some(Frame {
                units: match frame.units {
                    ast::WindowFrameUnits::Rows => "ROWS",
                    ast::WindowFrameUnits::Range => "RANGE",
                    ast::WindowFrameUnits::Groups => "GROUPS",
                },
                start: self.frame_bound(&frame.start_bound, frame.units)?,
                end: frame.end_bound.as_ref().map(|b| self.frame_bound(b, frame.units)).transpose()?,
            }),
        };
        Ok(Window { partition_by, order_by, frame })
    }

    fn frame_bound(&mut self, bound: &WindowFrameBound, units: ast::WindowFrameUnits) -> Result<FrameBound> {
        let (offset, preceding) = match bound {
            WindowFrameBound::CurrentRow => return Ok(FrameBound::CurrentRow),
            WindowFrameBound::Preceding(None) => return Ok(FrameBound::UnboundedPreceding),
            WindowFrameBound::Following(None) => return Ok(FrameBound::UnboundedFollowing),
            WindowFrameBound::Preceding(Some(offset)) => (offset, true),
            WindowFrameBound::Following(Some(offset)) => (offset, false),
        };
        let offset = self.expr(offset)?;
        if units == ast::WindowFrameUnits::Range && !matches!(offset.type_oid, Oid::INT2 | Oid::INT4 | Oid::INT8) {
            return Err(Error::unsupported("a RANGE frame with an offset that is not an integer"));
        }
        let offset = self.implicit(offset, Oid::INT8)?;
        Ok(if preceding { FrameBound::Preceding(offset) } else { FrameBound::Following(offset) })
    }
}

/// Whether an aggregate (not a window function) of this query level is in the expression.
pub(super) fn contains_aggregate(expr: &Expr) -> bool {
    if let ExprKind::Aggregate(aggregate) = &expr.kind
        && aggregate.over.is_none()
    {
        return true;
    }
    let mut found = false;
    expr.for_each_child(&mut |child| found |= contains_aggregate(child));
    found
}

/// Whether a window function is in the expression.
pub(super) fn contains_window(expr: &Expr) -> bool {
    if let ExprKind::Aggregate(aggregate) = &expr.kind
        && aggregate.over.is_some()
    {
        return true;
    }
    let mut found = false;
    expr.for_each_child(&mut |child| found |= contains_window(child));
    found
}
