//! The xml expressions and XMLTABLE.
//!
//! Owns: [`Parser::xml_expr`], [`Parser::xmltable`]. Must not know: xml. Specification: functions-xml.html, gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{RangeTableFunc, RangeTableFuncCol, ResTarget};
use crate::sql::syntax::grammar::operand::func_call;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

fn xml(op: XmlExprOp, location: Location) -> XmlExpr {
    XmlExpr {
        op,
        name: None,
        named_args: Vec::new(),
        args: Vec::new(),
        document: false,
        preserve_whitespace: false,
        standalone: XmlStandalone::Omitted,
        location,
    }
}

impl Parser<'_> {
    /// What follows one of the xml keywords.
    pub(super) fn xml_expr(&mut self, keyword: K, location: Location) -> Result<Expr> {
        self.parens(|p| {
            let expr = match keyword {
                K::Xmlconcat => XmlExpr { args: p.expr_list()?, ..xml(XmlExprOp::Concat, location) },
                K::Xmlelement => p.xml_element(location)?,
                K::Xmlexists => {
                    let path = p.c_expr()?;
                    let document = p.xmlexists_argument()?;
                    return Ok(func_call("xmlexists", vec![path, document], CoercionForm::SqlSyntax, location));
                }
                K::Xmlforest => XmlExpr { named_args: p.xml_attribute_list()?, ..xml(XmlExprOp::Forest, location) },
                K::Xmlparse => {
                    let document = p.document_or_content()?;
                    let args = vec![p.a_expr()?];
                    let preserve_whitespace = p.xml_whitespace_option()?;
                    XmlExpr { args, document, preserve_whitespace, ..xml(XmlExprOp::Parse, location) }
                }
                K::Xmlpi => {
                    p.expect(K::Name)?;
                    let name = Some(p.col_label()?);
                    let args = if p.eat_symbol(b',') { vec![p.a_expr()?] } else { Vec::new() };
                    XmlExpr { name, args, ..xml(XmlExprOp::Pi, location) }
                }
                K::Xmlroot => p.xml_root(location)?,
                _ => {
                    let document = p.document_or_content()?;
                    let expr = p.a_expr()?;
                    p.expect(K::As)?;
                    let type_name = p.simple_type_name()?;
                    return Ok(Expr::XmlSerialize(Box::new(XmlSerialize { document, expr, type_name, location })));
                }
            };
            Ok(Expr::Xml(Box::new(expr)))
        })
    }

    fn xml_element(&mut self, location: Location) -> Result<XmlExpr> {
        self.expect(K::Name)?;
        let mut element = XmlExpr { name: Some(self.col_label()?), ..xml(XmlExprOp::Element, location) };
        if !self.eat_symbol(b',') {
            return Ok(element);
        }
        if self.eat(K::Xmlattributes) {
            element.named_args = self.parens(Self::xml_attribute_list)?;
            if !self.eat_symbol(b',') {
                return Ok(element);
            }
        }
        element.args = self.expr_list()?;
        Ok(element)
    }

    fn xml_attribute_list(&mut self) -> Result<Vec<ResTarget>> {
        self.comma_list(|p| {
            let location = p.location();
            let value = Some(p.a_expr()?);
            let name = p.optional(K::As, Self::col_label)?;
            Ok(ResTarget { name, indirection: Vec::new(), value, location })
        })
    }

    fn xml_root(&mut self, location: Location) -> Result<XmlExpr> {
        let value = self.a_expr()?;
        self.expect_symbol(b',')?;
        self.expect(K::Version)?;
        let version = if self.eat_all(&[K::No, K::Value]) {
            Expr::Const(AConst { value: ConstValue::Null, location: Location::UNKNOWN })
        } else {
            self.a_expr()?
        };
        let standalone = if !self.eat_symbol(b',') {
            XmlStandalone::Omitted
        } else {
            self.expect(K::Standalone)?;
            if self.eat(K::Yes) {
                XmlStandalone::Yes
            } else {
                self.expect(K::No)?;
                if self.eat(K::Value) { XmlStandalone::NoValue } else { XmlStandalone::No }
            }
        };
        Ok(XmlExpr { args: vec![value, version], standalone, ..xml(XmlExprOp::Root, location) })
    }

    fn document_or_content(&mut self) -> Result<bool> {
        if self.eat(K::Document) {
            return Ok(true);
        }
        self.expect(K::Content)?;
        Ok(false)
    }

    fn xml_whitespace_option(&mut self) -> Result<bool> {
        if self.eat(K::Preserve) {
            self.expect(K::Whitespace)?;
            return Ok(true);
        }
        if self.eat(K::Strip) {
            self.expect(K::Whitespace)?;
        }
        Ok(false)
    }

    /// PASSING [BY REF] document [BY REF]
    fn xmlexists_argument(&mut self) -> Result<Expr> {
        self.expect(K::Passing)?;
        self.xml_passing_mech()?;
        let document = self.c_expr()?;
        self.xml_passing_mech()?;
        Ok(document)
    }

    fn xml_passing_mech(&mut self) -> Result<()> {
        if self.eat(K::By) && !self.eat(K::Ref) {
            self.expect(K::Value)?;
        }
        Ok(())
    }

    /// XMLTABLE([XMLNAMESPACES(…),] row PASSING document COLUMNS …)
    pub(super) fn xmltable(&mut self, lateral: bool) -> Result<RangeTableFunc> {
        let location = self.location();
        self.expect(K::Xmltable)?;
        self.parens(|p| {
            let mut namespaces = Vec::new();
            if p.eat(K::Xmlnamespaces) {
                namespaces = p.parens_list(Self::xml_namespace_el)?;
                p.expect_symbol(b',')?;
            }
            let row = p.c_expr()?;
            let document = p.xmlexists_argument()?;
            p.expect(K::Columns)?;
            let columns = p.comma_list(Self::xmltable_column_el)?;
            Ok(RangeTableFunc { lateral, document, row, namespaces, columns, alias: None, location })
        })
    }

    fn xml_namespace_el(&mut self) -> Result<ResTarget> {
        let location = self.location();
        if self.eat(K::Default) {
            let value = Some(self.b_expr()?);
            return Ok(ResTarget { name: None, indirection: Vec::new(), value, location });
        }
        let value = Some(self.b_expr()?);
        self.expect(K::As)?;
        Ok(ResTarget { name: Some(self.col_label()?), indirection: Vec::new(), value, location })
    }

    fn xmltable_column_el(&mut self) -> Result<RangeTableFuncCol> {
        let location = self.location();
        let name = self.col_id()?;
        let mut column =
            RangeTableFuncCol { name, type_name: None, not_null: false, path: None, default: None, location };
        if self.eat(K::For) {
            self.expect(K::Ordinality)?;
            return Ok(column);
        }
        column.type_name = Some(self.type_name()?);
        let mut nullability = false;
        loop {
            let at = self.location();
            if self.eat(K::Default) {
                let value = self.b_expr()?;
                if column.default.replace(value).is_some() {
                    return Err(self.syntax_error_at(at, "only one DEFAULT value is allowed"));
                }
            } else if self.at(K::Not) || self.at(K::Null) {
                let not = self.eat(K::Not);
                self.expect(K::Null)?;
                if std::mem::replace(&mut nullability, true) {
                    let message =
                        format!("conflicting or redundant NULL / NOT NULL declarations for column \"{}\"", column.name);
                    return Err(self.syntax_error_at(at, message));
                }
                column.not_null = not;
            } else if self.is_ident() {
                let option = self.ident()?;
                let value = self.b_expr()?;
                if option == "__pg__is_not_null" {
                    let message = format!("option name \"{option}\" cannot be used in XMLTABLE");
                    return Err(self.syntax_error_at(at, message));
                }
                if option != "path" {
                    let message = format!("unrecognized column option \"{option}\"");
                    return Err(self.error_at(at, SqlState::SYNTAX_ERROR, message));
                }
                if column.path.replace(value).is_some() {
                    return Err(self.syntax_error_at(at, "only one PATH value per column is allowed"));
                }
            } else {
                return Ok(column);
            }
        }
    }
}
