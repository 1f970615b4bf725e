//! The tree as written back to text: what is parsed from it again is the same tree.
//!
//! Owns: [`expression`], [`query`], [`type_name`] and the primitives that its files share. Operators
//! stand in parentheses, so that no precedence matters. Must not know: what a name means. Specification: gram.y.

mod expression;
mod modify;
mod query;
mod type_name;

use crate::catalog::definitions::quote_identifier;
use crate::sql::syntax::ast::expression::{Expr, TypeName};
use crate::sql::syntax::ast::query::SelectStmt;

/// An expression's text.
pub fn expression(expr: &Expr) -> String {
    printed(|p| p.expr(expr))
}

/// A query's text.
pub fn query(select: &SelectStmt) -> String {
    printed(|p| p.select(select))
}

/// A type's text.
pub fn type_name(type_name: &TypeName) -> String {
    printed(|p| p.type_name(type_name))
}

fn printed(print: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer { text: String::new() };
    print(&mut printer);
    printer.text
}

/// A text that grows.
struct Printer {
    text: String,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn name(&mut self, name: &str) {
        self.text.push_str(&quote_identifier(name));
    }

    /// a.b.c
    fn any_name(&mut self, names: &[String]) {
        self.list(names, ".", |p, name| p.name(name));
    }

    /// A string constant.
    fn string(&mut self, text: &str) {
        self.put("'");
        self.put(&text.replace('\'', "''"));
        self.put("'");
    }

    /// Items with something between them.
    fn list<T>(&mut self, items: &[T], between: &str, mut item: impl FnMut(&mut Self, &T)) {
        for (index, one) in items.iter().enumerate() {
            if index > 0 {
                self.put(between);
            }
            item(self, one);
        }
    }

    /// ( … )
    fn parens(&mut self, content: impl FnOnce(&mut Self)) {
        self.put("(");
        content(self);
        self.put(")");
    }

    /// (a, b, …)
    fn names(&mut self, names: &[String]) {
        self.parens(|p| p.list(names, ", ", |p, name| p.name(name)));
    }
}
