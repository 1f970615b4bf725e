//! Expressions.

use super::Printer;
use crate::sql::syntax::ast::expression::*;

impl Printer {
    pub(super) fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, ", ", |p, expr| p.expr(expr));
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::ColumnRef(column) => self.list(&column.fields, ".", |p, field| match field {
                Field::Name(name) => p.name(name),
                Field::Star => p.put("*"),
            }),
            Expr::ParamRef(param) => self.put(&format!("${}", param.number)),
            Expr::Const(constant) => self.constant(&constant.value),
            Expr::TypeCast(cast) => {
                self.put("CAST(");
                self.expr(&cast.arg);
                self.put(" AS ");
                self.type_name(&cast.type_name);
                self.put(")");
            }
            Expr::Collate(collate) => self.parens(|p| {
                if let Some(arg) = &collate.arg {
                    p.expr(arg);
                }
                p.put(" COLLATE ");
                p.any_name(&collate.name);
            }),
            // NULLIF(…) stands where a function does, in FROM, too.
            Expr::AExpr(node) if node.kind == AExprKind::NullIf => self.a_expr(node),
            Expr::AExpr(node) => self.parens(|p| p.a_expr(node)),
            Expr::Bool(node) => self.parens(|p| p.bool_expr(node)),
            Expr::FuncCall(call) => self.func_call(call),
            Expr::Indirection(node) => {
                self.parens(|p| p.expr(&node.arg));
                self.indirection(&node.indirection);
            }
            Expr::Array(array) => {
                self.put("ARRAY[");
                self.exprs(&array.elements);
                self.put("]");
            }
            Expr::Row(row) => {
                if row.format == CoercionForm::ExplicitRow || row.args.len() < 2 {
                    self.put("ROW");
                }
                self.parens(|p| p.exprs(&row.args));
            }
            Expr::SubLink(link) => self.sub_link(link),
            Expr::Case(case) => self.case(case),
            Expr::Coalesce(node) => self.call_of("COALESCE", &node.args),
            Expr::MinMax(node) => self.call_of(if node.greatest { "GREATEST" } else { "LEAST" }, &node.args),
            Expr::NullTest(node) => self.parens(|p| {
                p.expr(&node.arg);
                p.put(if node.is_null { " IS NULL" } else { " IS NOT NULL" });
            }),
            Expr::BooleanTest(node) => self.parens(|p| {
                p.expr(&node.arg);
                p.put(match node.test {
                    BoolTestType::IsTrue => " IS TRUE",
                    BoolTestType::IsNotTrue => " IS NOT TRUE",
                    BoolTestType::IsFalse => " IS FALSE",
                    BoolTestType::IsNotFalse => " IS NOT FALSE",
                    BoolTestType::IsUnknown => " IS UNKNOWN",
                    BoolTestType::IsNotUnknown => " IS NOT UNKNOWN",
                });
            }),
            Expr::SqlValueFunction(node) => self.sql_value_function(node),
            Expr::Xml(node) => self.xml(node),
            Expr::XmlSerialize(node) => {
                self.put("XMLSERIALIZE(");
                self.put(if node.document { "DOCUMENT " } else { "CONTENT " });
                self.expr(&node.expr);
                self.put(" AS ");
                self.type_name(&node.type_name);
                self.put(")");
            }
            Expr::GroupingFunc(node) => self.call_of("GROUPING", &node.args),
            Expr::NamedArg(node) => {
                self.name(&node.name);
                self.put(" => ");
                self.expr(&node.arg);
            }
            Expr::SetToDefault(_) => self.put("DEFAULT"),
            Expr::CurrentOf(cursor) => {
                self.put("CURRENT OF ");
                self.name(cursor);
            }
            // Printed with the targets that share it.
            Expr::MultiAssign(node) => self.expr(&node.source),
            Expr::List(items) => self.parens(|p| p.exprs(items)),
        }
    }

    fn constant(&mut self, value: &ConstValue) {
        match value {
            // A sign binds less than a cast.
            ConstValue::Integer(n) if *n < 0 => self.put(&format!("({n})")),
            ConstValue::Integer(n) => self.put(&n.to_string()),
            ConstValue::Float(text) if text.starts_with('-') => self.put(&format!("({text})")),
            ConstValue::Float(text) => self.put(text),
            ConstValue::Boolean(true) => self.put("true"),
            ConstValue::Boolean(false) => self.put("false"),
            ConstValue::String(text) => self.string(text),
            ConstValue::BitString(text) => {
                let (kind, digits) = text.split_at_checked(1).unwrap_or(("b", ""));
                self.put(&kind.to_ascii_uppercase());
                self.string(digits);
            }
            ConstValue::Null => self.put("NULL"),
        }
    }

    fn operator(&mut self, name: &[String]) {
        match name {
            [only] => self.put(only),
            [schemas @ .., operator] => {
                self.put("OPERATOR(");
                self.any_name(schemas);
                self.put(".");
                self.put(operator);
                self.put(")");
            }
            [] => self.put("="),
        }
    }

    /// An operator's name, for clauses that take one.
    pub(super) fn operator_name(&mut self, name: &[String]) {
        self.operator(name);
    }

    fn a_expr(&mut self, node: &AExpr) {
        let negated = node.name.first().is_some_and(|name| name.starts_with('!') || name == "<>");
        if node.kind == AExprKind::NullIf {
            self.put("NULLIF(");
            self.exprs(node.left.as_slice());
            self.put(", ");
            self.expr(&node.right);
            return self.put(")");
        }
        if let Some(left) = &node.left {
            self.expr(left);
            self.put(" ");
        }
        match node.kind {
            AExprKind::Op => self.operator(&node.name),
            AExprKind::OpAny | AExprKind::OpAll => {
                self.operator(&node.name);
                self.put(if node.kind == AExprKind::OpAny { " ANY " } else { " ALL " });
                return self.parens(|p| p.expr(&node.right));
            }
            AExprKind::Distinct => self.put("IS DISTINCT FROM"),
            AExprKind::NotDistinct => self.put("IS NOT DISTINCT FROM"),
            AExprKind::In => self.put(if negated { "NOT IN" } else { "IN" }),
            AExprKind::Like => self.put(if negated { "NOT LIKE" } else { "LIKE" }),
            AExprKind::ILike => self.put(if negated { "NOT ILIKE" } else { "ILIKE" }),
            AExprKind::Similar => return self.similar(&node.right, negated),
            AExprKind::Between
            | AExprKind::NotBetween
            | AExprKind::BetweenSymmetric
            | AExprKind::NotBetweenSymmetric => {
                self.put(node.name.first().map_or("BETWEEN", String::as_str));
                self.put(" ");
                let Expr::List(bounds) = &node.right else { return };
                return self.list(bounds, " AND ", |p, bound| p.expr(bound));
            }
            AExprKind::NullIf => {}
        }
        self.put(" ");
        self.expr(&node.right);
    }

    /// SIMILAR TO pattern [ESCAPE escape], which the grammar has made a call.
    fn similar(&mut self, right: &Expr, negated: bool) {
        self.put(if negated { "NOT SIMILAR TO " } else { "SIMILAR TO " });
        let Expr::FuncCall(call) = right else { return };
        self.list(&call.args, " ESCAPE ", |p, arg| p.expr(arg));
    }

    fn bool_expr(&mut self, node: &BoolExpr) {
        match node.op {
            BoolExprType::And => self.list(&node.args, " AND ", |p, arg| p.expr(arg)),
            BoolExprType::Or => self.list(&node.args, " OR ", |p, arg| p.expr(arg)),
            BoolExprType::Not => {
                self.put("NOT ");
                self.list(&node.args, "", |p, arg| p.expr(arg));
            }
        }
    }

    fn call_of(&mut self, name: &str, args: &[Expr]) {
        self.put(name);
        self.parens(|p| p.exprs(args));
    }

    pub(super) fn func_call(&mut self, call: &FuncCall) {
        if call.format == CoercionForm::SqlSyntax {
            return self.sql_syntax(call);
        }
        self.any_name(&call.name);
        self.parens(|p| {
            if call.agg_star {
                p.put("*");
            }
            if call.agg_distinct {
                p.put("DISTINCT ");
            }
            let last = call.args.len().saturating_sub(1);
            for (index, arg) in call.args.iter().enumerate() {
                if index > 0 {
                    p.put(", ");
                }
                if call.func_variadic && index == last {
                    p.put("VARIADIC ");
                }
                p.expr(arg);
            }
            if !call.agg_within_group {
                p.order_by(&call.agg_order);
            }
        });
        if call.agg_within_group {
            self.put(" WITHIN GROUP (");
            self.order_by(&call.agg_order);
            self.put(")");
        }
        if let Some(filter) = &call.agg_filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter);
            self.put(")");
        }
        if let Some(over) = &call.over {
            self.put(" OVER ");
            match &over.name {
                Some(name) => self.name(name),
                None => self.window_specification(over),
            }
        }
    }

    /// Calls in SQL's own words; which words, the function's name says.
    fn sql_syntax(&mut self, call: &FuncCall) {
        let words: (&str, &[&str]) = match call.name.last().map_or("", String::as_str) {
            "extract" => return self.extract(&call.args),
            "timezone" => return self.reversed(&call.args, "", " AT TIME ZONE "),
            "position" => return self.reversed(&call.args, "POSITION", " IN "),
            "overlaps" => return self.overlaps(&call.args),
            "is_normalized" => return self.is_normalized(&call.args),
            "normalize" => return self.normalize(&call.args),
            "btrim" => ("TRIM(BOTH FROM ", &[", "]),
            "ltrim" => ("TRIM(LEADING FROM ", &[", "]),
            "rtrim" => ("TRIM(TRAILING FROM ", &[", "]),
            "overlay" => ("OVERLAY(", &[" PLACING ", " FROM ", " FOR "]),
            "substring" => ("SUBSTRING(", &[" FROM ", " FOR "]),
            "pg_collation_for" => ("COLLATION FOR (", &[]),
            "xmlexists" => ("XMLEXISTS(", &[" PASSING "]),
            _ => ("(", &[", "]),
        };
        self.put(words.0);
        for (index, arg) in call.args.iter().enumerate() {
            if let Some(before) = index.checked_sub(1) {
                self.put(words.1.get(before).or(words.1.last()).unwrap_or(&", "));
            }
            self.expr(arg);
        }
        self.put(")");
    }

    fn extract(&mut self, args: &[Expr]) {
        self.put("EXTRACT(");
        self.list(args, " FROM ", |p, arg| p.expr(arg));
        self.put(")");
    }

    /// The second argument, words, the first.
    fn reversed(&mut self, args: &[Expr], before: &str, between: &str) {
        self.put(before);
        self.parens(|p| {
            for (index, arg) in args.iter().rev().enumerate() {
                if index > 0 {
                    p.put(between);
                }
                p.expr(arg);
            }
        });
    }

    fn overlaps(&mut self, args: &[Expr]) {
        let (left, right) = args.split_at(args.len() / 2);
        self.parens(|p| {
            p.put("ROW");
            p.parens(|p| p.exprs(left));
            p.put(" OVERLAPS ROW");
            p.parens(|p| p.exprs(right));
        });
    }

    fn is_normalized(&mut self, args: &[Expr]) {
        self.parens(|p| {
            p.list(args, " IS ", |p, arg| p.normal_form(arg));
            if args.len() == 1 {
                p.put(" IS");
            }
            p.put(" NORMALIZED");
        });
    }

    fn normalize(&mut self, args: &[Expr]) {
        self.put("NORMALIZE(");
        self.list(args, ", ", |p, arg| p.normal_form(arg));
        self.put(")");
    }

    /// NFC and its like are words behind the first argument.
    fn normal_form(&mut self, arg: &Expr) {
        match arg {
            Expr::Const(AConst { value: ConstValue::String(form), .. })
                if ["NFC", "NFD", "NFKC", "NFKD"].contains(&form.as_str()) =>
            {
                self.put(form);
            }
            other => self.expr(other),
        }
    }

    fn indirection(&mut self, indirection: &[Indirection]) {
        for step in indirection {
            match step {
                Indirection::Field(name) => {
                    self.put(".");
                    self.name(name);
                }
                Indirection::Star => self.put(".*"),
                Indirection::Index(index) => {
                    self.put("[");
                    self.expr(index);
                    self.put("]");
                }
                Indirection::Slice(lower, upper) => {
                    self.put("[");
                    self.exprs(lower.as_slice());
                    self.put(":");
                    self.exprs(upper.as_slice());
                    self.put("]");
                }
            }
        }
    }

    /// The fields and subscripts of an assigned column.
    pub(super) fn assigned(&mut self, name: &str, indirection: &[Indirection]) {
        self.name(name);
        self.indirection(indirection);
    }

    fn sub_link(&mut self, link: &SubLink) {
        let query = |p: &mut Self| p.parens(|p| p.select(&link.subselect));
        match (link.link_type, &link.test_expr) {
            (SubLinkType::Exists, _) => {
                self.put("EXISTS ");
                query(self);
            }
            (SubLinkType::Array, _) => {
                self.put("ARRAY");
                query(self);
            }
            (SubLinkType::Any | SubLinkType::All, Some(left)) => self.parens(|p| {
                p.expr(left);
                p.put(" ");
                if link.oper_name.is_empty() {
                    p.put("IN ");
                } else {
                    p.operator(&link.oper_name);
                    p.put(if link.link_type == SubLinkType::All { " ALL " } else { " ANY " });
                }
                query(p);
            }),
            _ => query(self),
        }
    }

    fn case(&mut self, case: &CaseExpr) {
        self.put("CASE");
        if let Some(arg) = &case.arg {
            self.put(" ");
            self.expr(arg);
        }
        for when in &case.args {
            self.put(" WHEN ");
            self.expr(&when.expr);
            self.put(" THEN ");
            self.expr(&when.result);
        }
        if let Some(otherwise) = &case.defresult {
            self.put(" ELSE ");
            self.expr(otherwise);
        }
        self.put(" END");
    }

    fn sql_value_function(&mut self, node: &SqlValueFunction) {
        self.put(match node.op {
            SqlValueFunctionOp::CurrentDate => "CURRENT_DATE",
            SqlValueFunctionOp::CurrentTime => "CURRENT_TIME",
            SqlValueFunctionOp::CurrentTimestamp => "CURRENT_TIMESTAMP",
            SqlValueFunctionOp::LocalTime => "LOCALTIME",
            SqlValueFunctionOp::LocalTimestamp => "LOCALTIMESTAMP",
            SqlValueFunctionOp::CurrentRole => "CURRENT_ROLE",
            SqlValueFunctionOp::CurrentUser => "CURRENT_USER",
            SqlValueFunctionOp::User => "USER",
            SqlValueFunctionOp::SessionUser => "SESSION_USER",
            SqlValueFunctionOp::CurrentCatalog => "CURRENT_CATALOG",
            SqlValueFunctionOp::CurrentSchema => "CURRENT_SCHEMA",
        });
        if let Some(precision) = node.typmod {
            self.put(&format!("({precision})"));
        }
    }

    fn xml(&mut self, node: &XmlExpr) {
        let named = |p: &mut Self| {
            p.list(&node.named_args, ", ", |p, target| {
                p.exprs(target.value.as_slice());
                if let Some(name) = &target.name {
                    p.put(" AS ");
                    p.name(name);
                }
            });
        };
        match node.op {
            XmlExprOp::IsDocument => {
                return self.parens(|p| {
                    p.exprs(&node.args);
                    p.put(" IS DOCUMENT");
                });
            }
            XmlExprOp::Concat => self.put("XMLCONCAT("),
            XmlExprOp::Element => self.put("XMLELEMENT(NAME "),
            XmlExprOp::Forest => self.put("XMLFOREST("),
            XmlExprOp::Parse => self.put(if node.document { "XMLPARSE(DOCUMENT " } else { "XMLPARSE(CONTENT " }),
            XmlExprOp::Pi => self.put("XMLPI(NAME "),
            XmlExprOp::Root => return self.xml_root(node),
        }
        if let Some(name) = &node.name {
            self.name(name);
        }
        match node.op {
            XmlExprOp::Forest => named(self),
            _ if !node.named_args.is_empty() => {
                self.put(", XMLATTRIBUTES(");
                named(self);
                self.put(")");
            }
            _ => {}
        }
        if node.name.is_some() && !node.args.is_empty() {
            self.put(", ");
        }
        self.exprs(&node.args);
        if node.preserve_whitespace {
            self.put(" PRESERVE WHITESPACE");
        }
        self.put(")");
    }

    fn xml_root(&mut self, node: &XmlExpr) {
        self.put("XMLROOT(");
        self.exprs(node.args.get(..1).unwrap_or_default());
        self.put(", VERSION ");
        match node.args.get(1) {
            Some(Expr::Const(AConst { value: ConstValue::Null, .. })) | None => self.put("NO VALUE"),
            Some(version) => self.expr(version),
        }
        self.put(match node.standalone {
            XmlStandalone::Yes => ", STANDALONE YES",
            XmlStandalone::No => ", STANDALONE NO",
            XmlStandalone::NoValue => ", STANDALONE NO VALUE",
            XmlStandalone::Omitted => "",
        });
        self.put(")");
    }
}
