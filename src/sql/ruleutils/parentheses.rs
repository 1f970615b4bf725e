//! Which parentheses are needed (isSimpleNode).

use super::Printer;
use super::expr::is_constant;
use crate::sql::tree::{Coercion, Expr, ExprKind, OperatorRef, Written};

/// PostgreSQL's nodes as isSimpleNode tells them apart.
enum Node<'e> {
    /// A word, or words that act as parentheses.
    Word,
    /// name(…) or name[…]; of a cast or of words of its own it is not.
    Function {
        call: bool,
    },
    /// A conversion that is no function: as simple as its operand.
    Relabel(&'e Expr),
    Operator,
    Test,
    /// AND, OR, NOT
    And,
    Or,
    Not,
    Other,
}

fn node(expr: &Expr) -> Node<'_> {
    match &expr.kind {
        _ if is_constant(expr) => Node::Word,
        ExprKind::Var(_) | ExprKind::DomainValue | ExprKind::Case { .. } => Node::Word,
        ExprKind::Written(Written::ValueFunction(..) | Written::Merged(_), _) => Node::Word,
        ExprKind::Func(..) | ExprKind::Written(Written::Call(_) | Written::Xml(_) | Written::XmlSerialize(..), _) => {
            Node::Function { call: true }
        }
        ExprKind::Row { .. }
        | ExprKind::Array(_)
        | ExprKind::Coalesce(_)
        | ExprKind::MinMax { .. }
        | ExprKind::NullIf { .. }
        | ExprKind::Subscript { .. }
        | ExprKind::Field { .. }
        | ExprKind::Slice { .. }
        | ExprKind::Grouping(_)
        | ExprKind::Aggref(_) => Node::Function { call: true },
        ExprKind::Written(Written::SqlSyntax, _)
        | ExprKind::CoerceTypmod { .. }
        | ExprKind::Coerce { how: Coercion::Cast(_), .. } => Node::Function { call: false },
        ExprKind::Coerce { arg, .. } | ExprKind::CoerceToDomain { arg, .. } => Node::Relabel(arg),
        ExprKind::Written(Written::Cast, args) => args.first().map_or(Node::Other, node),
        ExprKind::EnumOrder(arg) => node(arg),
        ExprKind::Op(..) | ExprKind::Written(Written::Operator(_) | Written::UserOperator(_), _) => Node::Operator,
        ExprKind::SubLink(_) | ExprKind::NullTest { .. } | ExprKind::BooleanTest { .. } => Node::Test,
        ExprKind::Distinct { negated, .. } => {
            if *negated {
                Node::Not
            } else {
                Node::Test
            }
        }
        ExprKind::RowCompare { op: "=", .. } => Node::And,
        ExprKind::RowCompare { op: "<>", .. } => Node::Or,
        ExprKind::And(_) => Node::And,
        ExprKind::Or(_) => Node::Or,
        ExprKind::Not(_) => Node::Not,
        _ => Node::Other,
    }
}

impl Printer<'_> {
    /// Whether it looks like a call, which GROUP BY could take for one of its own words.
    pub(super) fn is_function(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Func(..) | ExprKind::Aggref(_) => true,
            ExprKind::Written(Written::Call(_) | Written::SqlSyntax, _) => true,
            ExprKind::Written(Written::Cast, args) => args.first().is_some_and(|arg| self.is_function(arg)),
            ExprKind::CoerceTypmod { .. } | ExprKind::Coerce { how: Coercion::Cast(_), .. } => true,
            _ => false,
        }
    }

    pub(super) fn is_simple(&self, expr: &Expr, parent: &Expr) -> bool {
        match node(expr) {
            Node::Word | Node::Function { .. } => true,
            Node::Relabel(arg) => self.is_simple(arg, expr),
            Node::Operator => match node(parent) {
                Node::Operator => binds_tighter(expr, parent),
                _ => separates(parent),
            },
            Node::Test => separates(parent),
            Node::And | Node::Not => matches!(node(parent), Node::And | Node::Or) || encloses(parent),
            Node::Or => matches!(node(parent), Node::Or) || encloses(parent),
            Node::Other => false,
        }
    }
}

/// Whether a node has parentheses or separators of its own.
fn encloses(parent: &Expr) -> bool {
    matches!(node(parent), Node::Function { call: true }) || matches!(parent.kind, ExprKind::Case { .. })
}

fn separates(parent: &Expr) -> bool {
    encloses(parent) || matches!(node(parent), Node::And | Node::Or | Node::Not)
}

/// Of the basic operators we know which binds how.
fn binds_tighter(expr: &Expr, parent: &Expr) -> bool {
    let (Some((name, _)), Some((outer, first))) = (basic(expr), basic(parent)) else { return false };
    match (name, outer) {
        (true, false) => true,
        (false, true) => false,
        _ => first.is_some_and(|first| std::ptr::eq(first, expr)),
    }
}

/// Whether a basic binary operator multiplies, and its first operand.
fn basic(expr: &Expr) -> Option<(bool, Option<&Expr>)> {
    let ExprKind::Op(OperatorRef::Listed(operator), args) = &expr.kind else { return None };
    match (operator.name, args.as_slice()) {
        ("+" | "-", [first, _]) => Some((false, Some(first))),
        ("*" | "/" | "%", [first, _]) => Some((true, Some(first))),
        _ => None,
    }
}
