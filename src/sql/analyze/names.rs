//! The names PostgreSQL gives to output columns without an alias.
//!
//! Owns: [`output_name`]. Specification: FigureColname in parse_target.c.

use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::query::{ResTarget, SelectBody, SelectStmt};

const NAMELESS: &str = "?column?";

/// The column's name in RowDescription.
pub(in crate::sql) fn output_name(ast: &Expr) -> String {
    figure(ast).map_or_else(|| NAMELESS.to_owned(), |name| name.text)
}

/// A name, and whether it is a real one rather than a type's or a construct's, which a cast around it replaces.
struct Figured {
    text: String,
    strong: bool,
}

fn strong(text: impl Into<String>) -> Option<Figured> {
    Some(Figured { text: text.into(), strong: true })
}

fn figure(ast: &Expr) -> Option<Figured> {
    let or_else = |inner: Option<&Expr>, otherwise: &dyn Fn() -> String| match inner.and_then(figure) {
        Some(name) if name.strong => Some(name),
        _ => Some(Figured { text: otherwise(), strong: false }),
    };
    match ast {
        Expr::ColumnRef(column) => column.fields.iter().rev().find_map(|field| match field {
            Field::Name(name) => strong(name),
            Field::Star => None,
        }),
        Expr::Indirection(node) => {
            let field = node.indirection.iter().rev().find_map(|step| match step {
                Indirection::Field(name) => strong(name),
                _ => None,
            });
            field.or_else(|| figure(&node.arg))
        }
        Expr::FuncCall(call) => strong(call.name.last()?),
        Expr::AExpr(node) if node.kind == AExprKind::NullIf => strong("nullif"),
        Expr::TypeCast(cast) => or_else(Some(&cast.arg), &|| cast.type_name.names.last().cloned().unwrap_or_default()),
        Expr::Collate(collate) => figure(collate.arg.as_ref()?),
        Expr::GroupingFunc(_) => strong("grouping"),
        Expr::SubLink(link) => match link.link_type {
            SubLinkType::Exists => strong("exists"),
            SubLinkType::Array => strong("array"),
            SubLinkType::Expr => strong(first_target(&link.subselect)?),
            SubLinkType::All | SubLinkType::Any => None,
        },
        Expr::Case(case) => or_else(case.defresult.as_ref(), &|| "case".to_owned()),
        Expr::Array(_) => strong("array"),
        Expr::Row(_) => strong("row"),
        Expr::Coalesce(_) => strong("coalesce"),
        Expr::MinMax(node) => strong(if node.greatest { "greatest" } else { "least" }),
        Expr::SqlValueFunction(function) => strong(value_function(function.op)),
        Expr::Xml(node) => match node.op {
            XmlExprOp::Concat => strong("xmlconcat"),
            XmlExprOp::Element => strong("xmlelement"),
            XmlExprOp::Forest => strong("xmlforest"),
            XmlExprOp::Parse => strong("xmlparse"),
            XmlExprOp::Pi => strong("xmlpi"),
            XmlExprOp::Root => strong("xmlroot"),
            XmlExprOp::IsDocument => None,
        },
        Expr::XmlSerialize(_) => strong("xmlserialize"),
        _ => None,
    }
}

/// The functions without parentheses, by the names they have with them.
pub(super) fn value_function(op: SqlValueFunctionOp) -> &'static str {
    match op {
        SqlValueFunctionOp::CurrentDate => "current_date",
        SqlValueFunctionOp::CurrentTime => "current_time",
        SqlValueFunctionOp::CurrentTimestamp => "current_timestamp",
        SqlValueFunctionOp::LocalTime => "localtime",
        SqlValueFunctionOp::LocalTimestamp => "localtimestamp",
        SqlValueFunctionOp::CurrentRole => "current_role",
        SqlValueFunctionOp::CurrentUser => "current_user",
        SqlValueFunctionOp::User => "user",
        SqlValueFunctionOp::SessionUser => "session_user",
        SqlValueFunctionOp::CurrentCatalog => "current_catalog",
        SqlValueFunctionOp::CurrentSchema => "current_schema",
    }
}

/// The name of a sub-query's first column.
fn first_target(select: &SelectStmt) -> Option<String> {
    match &select.body {
        SelectBody::Select(simple) => match simple.targets.first()? {
            ResTarget { name: Some(name), .. } => Some(name.clone()),
            ResTarget { value: Some(Expr::ColumnRef(column)), .. } if column.fields.last() == Some(&Field::Star) => {
                None
            }
            ResTarget { value, .. } => Some(output_name(value.as_ref()?)),
        },
        SelectBody::Values(_) => Some("column1".to_owned()),
        SelectBody::SetOperation(operation) => first_target(&operation.left),
    }
}
