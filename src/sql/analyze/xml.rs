//! The xml expressions.
//!
//! Owns: [`Analyzer::xml_expr`], [`Analyzer::xml_serialize`]. Must not know: xml. Specification: transformXmlExpr and
//! transformXmlSerialize; map_sql_identifier_to_xml_name in xml.c; get_rule_expr for how they are printed.

use crate::catalog::definitions::quote_identifier;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::names::output_name;
use crate::sql::casts::CastContext;
use crate::sql::functions::{self, Function};
use crate::sql::syntax::ast::expression::{Expr as Ast, XmlExpr, XmlExprOp, XmlSerialize, XmlStandalone};
use crate::sql::syntax::ast::query::{RangeFunction, RangeTableFunc, ResTarget};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind, FromItem, FunctionRef, Written};
use crate::types::pg_type::Oid;
use crate::types::value::Value;
use crate::types::xml::name_of_identifier;

/// What a construct is printed as: texts, and between them the operands.
struct Printed(Vec<String>);

impl Printed {
    fn new(start: impl Into<String>) -> Self {
        Printed(vec![start.into()])
    }

    fn put(&mut self, text: &str) {
        if let Some(last) = self.0.last_mut() {
            last.push_str(text);
        }
    }

    fn operand(&mut self, separator: &str) {
        self.put(separator);
        self.0.push(String::new());
    }
}

fn constant(value: Value, type_oid: Oid) -> Expr {
    Expr::new(ExprKind::Const(value), type_oid)
}

fn text(text: impl Into<String>) -> Expr {
    constant(Value::Text(text.into()), Oid::TEXT)
}

impl Analyzer<'_> {
    /// An operand of that type, else 42804.
    fn xml_operand(&mut self, ast: &Ast, type_oid: Oid, construct: &str) -> Result<Expr> {
        let value = self.expr(ast)?;
        let from = value.type_oid;
        match self.try_coerce(value, type_oid, -1, CastContext::Implicit)? {
            Some(value) => Ok(value),
            None => {
                let (wanted, given) = (self.type_name(type_oid), self.type_name(from));
                let message = format!("argument of {construct} must be type {wanted}, not type {given}");
                Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), expr_location(ast)))
            }
        }
    }

    /// A value of any type.
    fn xml_value(&mut self, ast: &Ast) -> Result<Expr> {
        let value = self.expr(ast)?;
        match value.type_oid {
            // It is not converted.
            Oid::UNKNOWN if self.to_be_printed() => Ok(value),
            _ => self.resolve_unknown(value),
        }
    }

    /// Attributes, or the elements of a forest: names as xml has them, and values.
    fn xml_named(&mut self, node: &XmlExpr, printed: &mut Printed, values: &mut Vec<Expr>) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (place, ResTarget { name, value, location, .. }) in node.named_args.iter().enumerate() {
            let Some(value) = value else { continue };
            let own = match (name, value) {
                (Some(name), _) => name.clone(),
                (None, Ast::ColumnRef(_)) => output_name(value),
                _ => {
                    let what = if node.op == XmlExprOp::Element { "attribute" } else { "element" };
                    let message = format!("unnamed XML {what} value must be a column reference");
                    return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), *location));
                }
            };
            let mapped = name_of_identifier(&own, name.is_none());
            if node.op == XmlExprOp::Element && names.contains(&mapped) {
                let message = format!("XML attribute name \"{mapped}\" appears more than once");
                return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), *location));
            }
            names.push(mapped);
            printed.operand(if place > 0 { ", " } else { "" });
            printed.put(&format!(" AS {}", quote_identifier(&own)));
            values.push(self.xml_value(value)?);
        }
        Ok(names)
    }

    pub(super) fn xml_expr(&mut self, node: &XmlExpr) -> Result<Expr> {
        let own = node.name.as_deref().unwrap_or("");
        let (function, extra, values, printed): (&'static Function, Vec<Expr>, Vec<Expr>, Printed);
        let operand = |a: &mut Self, index: usize, type_oid, construct| match node.args.get(index) {
            Some(ast) => a.xml_operand(ast, type_oid, construct).map(|value| vec![value]),
            None => Ok(Vec::new()),
        };
        match node.op {
            XmlExprOp::Concat => {
                let mut shown = Printed::new("XMLCONCAT(");
                let mut all = Vec::new();
                for (place, arg) in node.args.iter().enumerate() {
                    shown.operand(if place > 0 { ", " } else { "" });
                    all.push(self.xml_operand(arg, Oid::XML, "XMLCONCAT")?);
                }
                shown.put(")");
                (function, extra, values, printed) = (&functions::XML_CONCAT, Vec::new(), all, shown);
            }
            XmlExprOp::Element => {
                let mut shown = Printed::new(format!("XMLELEMENT(NAME {}", quote_identifier(own)));
                let mut all = Vec::new();
                if !node.named_args.is_empty() {
                    shown.put(", XMLATTRIBUTES(");
                }
                let names = self.xml_named(node, &mut shown, &mut all)?;
                if !node.named_args.is_empty() {
                    shown.put(")");
                }
                for arg in &node.args {
                    shown.operand(", ");
                    all.push(self.xml_value(arg)?);
                }
                shown.put(")");
                let names = serde_json::json!([name_of_identifier(own, false), names]).to_string();
                (function, extra, values, printed) = (&functions::XML_ELEMENT, vec![text(names)], all, shown);
            }
            XmlExprOp::Forest => {
                let (mut shown, mut all) = (Printed::new("XMLFOREST("), Vec::new());
                let names = self.xml_named(node, &mut shown, &mut all)?;
                shown.put(")");
                let names = serde_json::json!(["", names]).to_string();
                (function, extra, values, printed) = (&functions::XML_FOREST, vec![text(names)], all, shown);
            }
            XmlExprOp::Parse => {
                let of = if node.document { "DOCUMENT" } else { "CONTENT" };
                let mut shown = Printed::new(format!("XMLPARSE({of} "));
                shown.operand("");
                shown.put(if node.preserve_whitespace { " PRESERVE WHITESPACE)" } else { " STRIP WHITESPACE)" });
                let all = operand(self, 0, Oid::TEXT, "XMLPARSE")?;
                let parse = if node.document { &functions::XML_PARSE_DOCUMENT } else { &functions::XML_PARSE_CONTENT };
                (function, extra, values, printed) = (parse, Vec::new(), all, shown);
            }
            XmlExprOp::Pi => {
                let mut shown = Printed::new(format!("XMLPI(NAME {}", quote_identifier(own)));
                if !node.args.is_empty() {
                    shown.operand(", ");
                }
                shown.put(")");
                let all = operand(self, 0, Oid::TEXT, "XMLPI")?;
                let name = text(name_of_identifier(own, false));
                (function, extra, values, printed) = (&functions::XML_PI, vec![name], all, shown);
            }
            XmlExprOp::Root => {
                let mut shown = Printed::new("XMLROOT(");
                shown.operand("");
                let mut all = operand(self, 0, Oid::XML, "XMLROOT")?;
                let version = operand(self, 1, Oid::TEXT, "XMLROOT")?;
                let no_value = version.iter().any(|version| matches!(version.kind, ExprKind::Null));
                shown.put(", VERSION ");
                if no_value {
                    shown.put("NO VALUE");
                    all.push(Expr::null(Oid::TEXT));
                } else {
                    shown.operand("");
                    all.extend(version);
                }
                let (words, code) = match node.standalone {
                    XmlStandalone::Yes => (", STANDALONE YES", 1),
                    XmlStandalone::No => (", STANDALONE NO", 0),
                    XmlStandalone::NoValue => (", STANDALONE NO VALUE", -1),
                    XmlStandalone::Omitted => ("", 2),
                };
                shown.put(words);
                shown.put(")");
                let code = constant(Value::Integer(code), Oid::INT4);
                (function, extra, values, printed) = (&functions::XML_ROOT, vec![code], all, shown);
            }
            XmlExprOp::IsDocument => {
                let mut shown = Printed::new("");
                shown.operand("");
                shown.put(" IS DOCUMENT");
                let all = operand(self, 0, Oid::XML, "IS DOCUMENT")?;
                (function, extra, values, printed) = (&functions::XML_IS_DOCUMENT, Vec::new(), all, shown);
            }
        }
        Ok(self.xml_call(function, (extra, values), printed, function.returns))
    }

    fn xml_call(
        &self,
        function: &'static Function,
        (mut args, values): (Vec<Expr>, Vec<Expr>),
        Printed(printed): Printed,
        type_oid: Oid,
    ) -> Expr {
        if self.to_be_printed() {
            // The version that is none is no operand of what is printed.
            let values = values.into_iter().take(printed.len() - 1).collect();
            return Expr::new(ExprKind::Written(Written::Xml(printed), values), type_oid);
        }
        args.extend(values);
        Expr::new(ExprKind::Func(FunctionRef(function), args), type_oid)
    }

    pub(super) fn xml_serialize(&mut self, node: &XmlSerialize) -> Result<Expr> {
        let value = self.xml_operand(&node.expr, Oid::XML, "XMLSERIALIZE")?;
        let target = self.resolve_type(&node.type_name)?;
        let of = if node.document { "DOCUMENT" } else { "CONTENT" };
        let function =
            if node.document { &functions::XML_SERIALIZE_DOCUMENT } else { &functions::XML_SERIALIZE_CONTENT };
        let text = match self.to_be_printed() {
            true => {
                let what = Written::XmlSerialize(of, target.oid, target.typmod);
                Expr::new(ExprKind::Written(what, vec![value]), Oid::TEXT)
            }
            false => Expr::new(ExprKind::Func(FunctionRef(function), vec![value]), Oid::TEXT),
        };
        match self.try_coerce(text, target.oid, target.typmod, CastContext::Implicit)? {
            Some(value) => Ok(value),
            None => {
                let message = format!("cannot cast XMLSERIALIZE result to {}", self.type_name(target.oid));
                Err(self.at(Error::new(SqlState::CANNOT_COERCE, message), node.location))
            }
        }
    }

    /// XMLTABLE (transformRangeTableFunc).
    pub(super) fn xml_table(&mut self, table: &RangeTableFunc) -> Result<FromItem> {
        if self.to_be_printed() {
            return Err(self.at(Error::unsupported("XMLTABLE in a stored query"), table.location));
        }
        let row = self.xml_operand(&table.row, Oid::TEXT, "XMLTABLE")?;
        let document = self.xml_operand(&table.document, Oid::XML, "XMLTABLE")?;
        let (mut names, mut more) = (Vec::new(), Vec::new());
        for ResTarget { name, value, location, .. } in &table.namespaces {
            let (Some(name), Some(value)) = (name, value) else {
                let message = "DEFAULT namespace is not supported";
                return Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), *location));
            };
            if names.contains(name) {
                let message = format!("namespace name \"{name}\" is not unique");
                return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), *location));
            }
            names.push(name.clone());
            more.push(self.xml_operand(value, Oid::TEXT, "XMLTABLE")?);
        }
        let mut fields: Vec<(String, Oid, i32)> = Vec::new();
        // Whether it counts the rows, whether it may not be NULL.
        let mut described: Vec<(String, bool, bool)> = Vec::new();
        for column in &table.columns {
            let wrong = |message: &str| Error::new(SqlState::SYNTAX_ERROR, message.to_owned());
            if fields.iter().any(|(name, ..)| *name == column.name) {
                let error = wrong(&format!("column name \"{}\" is not unique", column.name));
                return Err(self.at(error, column.location));
            }
            let counts = column.type_name.is_none();
            if counts && described.iter().any(|(_, counts, _)| *counts) {
                return Err(self.at(wrong("only one FOR ORDINALITY column is allowed"), column.location));
            }
            described.push((column.name.clone(), counts, column.not_null));
            let Some(type_name) = &column.type_name else {
                fields.push((column.name.clone(), Oid::INT4, -1));
                continue;
            };
            let resolved = self.resolve_type(type_name)?;
            fields.push((column.name.clone(), resolved.oid, resolved.typmod));
            more.push(match &column.path {
                Some(path) => self.xml_operand(path, Oid::TEXT, "XMLTABLE")?,
                None => text(column.name.as_str()),
            });
            more.push(match &column.default {
                Some(default) => self.xml_operand(default, resolved.oid, "XMLTABLE")?,
                None => Expr::null(resolved.oid),
            });
        }
        // pg_pack is a function of SQLite.
        const MOST: usize = 90;
        if more.len() > MOST {
            return Err(self.at(Error::unsupported("XMLTABLE of so many columns"), table.location));
        }
        let typmod = self.records.modifier(self.context.catalog, fields.clone());
        let described = serde_json::json!([names, described]).to_string();
        let mut args = vec![Expr { typmod, ..Expr::null(Oid::RECORD) }, row, document, text(described)];
        // SQLite takes no more than sixteen arguments of which some may be NULL.
        if !more.is_empty() {
            args.push(Expr::new(ExprKind::Func(FunctionRef(&functions::XML_TABLE_VALUES), more), Oid::TEXT));
        }
        let kind = ExprKind::Func(FunctionRef(&functions::XML_TABLE), args);
        let item = RangeFunction {
            lateral: true,
            ordinality: false,
            rows_from: false,
            functions: Vec::new(),
            alias: table.alias.clone(),
            columns: Vec::new(),
            location: table.location,
        };
        self.rows_apart(Expr { kind, type_oid: Oid::RECORD, typmod }, fields, "xmltable", &item)
    }
}
