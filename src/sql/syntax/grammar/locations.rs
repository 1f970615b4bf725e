//! Where an expression begins: nodeFuncs.c's exprLocation for the tree as written.
//!
//! Owns: [`expr_location`]. Must not know: the text.

use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::location::Location;

/// The leftmost location of an expression; what PostgreSQL points at when an expression is wrong as a whole.
pub fn expr_location(expr: &Expr) -> Location {
    match expr {
        Expr::ColumnRef(n) => n.location,
        Expr::ParamRef(n) => n.location,
        Expr::Const(n) => n.location,
        Expr::TypeCast(n) => leftmost(expr_location(&n.arg), leftmost(n.type_name.location, n.location)),
        Expr::Collate(n) => n.arg.as_ref().map_or(n.location, expr_location),
        Expr::AExpr(n) => leftmost(n.location, n.left.as_ref().map_or(n.location, expr_location)),
        Expr::Bool(n) => leftmost(n.location, n.args.first().map_or(n.location, expr_location)),
        Expr::FuncCall(n) => leftmost(n.location, n.args.first().map_or(n.location, expr_location)),
        Expr::Indirection(n) => expr_location(&n.arg),
        Expr::Array(n) => n.location,
        Expr::Row(n) => n.location,
        Expr::SubLink(n) => leftmost(n.test_expr.as_ref().map_or(n.location, expr_location), n.location),
        Expr::Case(n) => n.location,
        Expr::Coalesce(n) => n.location,
        Expr::MinMax(n) => n.location,
        Expr::NullTest(n) => leftmost(n.location, expr_location(&n.arg)),
        Expr::BooleanTest(n) => leftmost(n.location, expr_location(&n.arg)),
        Expr::SqlValueFunction(n) => n.location,
        Expr::Xml(n) => leftmost(n.location, n.args.first().map_or(n.location, expr_location)),
        Expr::XmlSerialize(n) => n.location,
        Expr::GroupingFunc(n) => n.location,
        Expr::NamedArg(n) => leftmost(n.location, expr_location(&n.arg)),
        Expr::SetToDefault(location) => *location,
        Expr::CurrentOf(_) => Location::UNKNOWN,
        Expr::MultiAssign(n) => expr_location(&n.source),
        Expr::List(items) => items.first().map_or(Location::UNKNOWN, expr_location),
    }
}

fn leftmost(one: Location, other: Location) -> Location {
    match (one.byte(), other.byte()) {
        (Some(a), Some(b)) if b < a => other,
        (None, _) => other,
        _ => one,
    }
}
