//! The names PostgreSQL gives to output columns without an alias.
//!
//! Owns: [`output_name`]. Specification: FigureColname in parse_target.c.

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, DataType, Expr as Ast, FunctionArguments, ObjectNamePart, SelectItem, SetExpr,
};

use crate::catalog::schema::CatalogSnapshot;
use crate::sql::analyze::analyzer::fold;
use crate::sql::analyze::type_name;
use crate::types::pg_type::type_info;

const NAMELESS: &str = "?column?";

/// The column's name in RowDescription.
pub(super) fn output_name(ast: &Ast) -> String {
    figure(ast).0.unwrap_or_else(|| NAMELESS.to_owned())
}

/// The name and how much it is worth: 2 for a real name, 1 for a type's or construct's.
fn figure(ast: &Ast) -> (Option<String>, u8) {
    let strong = |name: &str| (Some(name.to_owned()), 2);
    match ast {
        Ast::Identifier(ident) => (Some(fold(ident)), 2),
        Ast::CompoundIdentifier(parts) => (parts.last().map(fold), 2),
        Ast::Nested(inner) | Ast::Collate { expr: inner, .. } => figure(inner),
        Ast::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Ast::Identifier(field)) => Some(fold(field)),
                _ => None,
            });
            field.map_or_else(|| figure(root), |name| (Some(name), 2))
        }
        Ast::Function(call) => match call.name.0.last() {
            Some(ObjectNamePart::Identifier(name)) if matches!(call.args, FunctionArguments::Subquery(_)) => {
                (Some(fold(name)), 2)
            }
            Some(ObjectNamePart::Identifier(name)) => (Some(fold(name)), 2),
            _ => (None, 0),
        },
        Ast::Cast { expr, data_type, .. } => match figure(expr) {
            (Some(name), 2) => (Some(name), 2),
            _ => (Some(type_label(data_type)), 1),
        },
        Ast::TypedString(typed) => (Some(type_label(&typed.data_type)), 1),
        Ast::Interval(_) => (Some("interval".to_owned()), 1),
        Ast::Case { else_result, .. } => match else_result.as_deref().map(figure) {
            Some((Some(name), 2)) => (Some(name), 2),
            _ => (Some("case".to_owned()), 1),
        },
        Ast::Extract { .. } => strong("extract"),
        Ast::AtTimeZone { .. } => strong("timezone"),
        Ast::Position { .. } => strong("position"),
        Ast::Substring { shorthand: true, .. } => strong("substr"),
        Ast::Substring { .. } => strong("substring"),
        Ast::Overlay { .. } => strong("overlay"),
        Ast::Ceil { .. } => strong("ceil"),
        Ast::Floor { .. } => strong("floor"),
        Ast::Trim { trim_where, .. } => strong(match trim_where {
            Some(sqlparser::ast::TrimWhereField::Leading) => "ltrim",
            Some(sqlparser::ast::TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Ast::Array(_) => strong("array"),
        Ast::Tuple(_) => strong("row"),
        Ast::Exists { .. } => strong("exists"),
        Ast::Subquery(query) => match first_target(&query.body) {
            Some(SelectItem::ExprWithAlias { alias, .. }) => (Some(fold(alias)), 2),
            Some(SelectItem::UnnamedExpr(expr)) => figure(expr),
            _ => (None, 0),
        },
        _ => (None, 0),
    }
}

fn first_target(body: &SetExpr) -> Option<&SelectItem> {
    match body {
        SetExpr::Select(select) => select.projection.first(),
        SetExpr::Query(query) => first_target(&query.body),
        SetExpr::SetOperation { left, .. } => first_target(left),
        _ => None,
    }
}

/// The internal name of a type, without array brackets: what a cast gives its column.
fn type_label(data_type: &DataType) -> String {
    if let DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _) | ArrayElemTypeDef::AngleBracket(inner)) =
        data_type
    {
        return type_label(inner);
    }
    if let DataType::Custom(name, _) = data_type
        && let Some(ident) = name.0.last().and_then(ObjectNamePart::as_ident)
    {
        return fold(ident);
    }
    let resolved = type_name::resolve(data_type, &CatalogSnapshot::default(), &[]);
    resolved.ok().and_then(|r| type_info(r.oid)).map_or_else(|| NAMELESS.to_owned(), |info| info.name.to_owned())
}
