//! The tree as written back to text: what is parsed from it again is the same tree.
//!
//! Owns: [`expression`], [`query`], [`type_name`], [`statement`], [`object_words`] and the primitives that its files share. Operators
//! stand in parentheses, so that no precedence matters. Must not know: what a name means. Specification: gram.y.

mod alter;
pub mod check;
mod definition;
mod expression;
mod foreign;
mod modify;
mod options;
mod privilege;
mod query;
mod routine;
mod statement;
#[cfg(test)]
mod tests;
mod type_name;
mod utility;

pub use crate::sql::syntax::print::routine::object_words;

use crate::catalog::definitions::quote_identifier;
use crate::sql::syntax::ast::expression::{Expr, TypeName};
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::ast::statement::Stmt;

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

/// A statement's text; `None` for one that the printer does not know.
pub fn statement(stmt: &Stmt) -> Option<String> {
    let mut printer = Printer::default();
    printer.statement(stmt);
    printer.is_whole.then_some(printer.text)
}

fn printed(print: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer::default();
    print(&mut printer);
    printer.text
}

/// A text that grows.
struct Printer {
    text: String,
    /// False once something was met that has no text here.
    is_whole: bool,
}

impl Default for Printer {
    fn default() -> Self {
        Printer { text: String::new(), is_whole: true }
    }
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// What stands here has no text.
    fn unknown(&mut self) {
        self.is_whole = false;
    }

    /// Words, if they are to be said.
    fn word(&mut self, said: bool, words: &str) {
        if said {
            self.put(words);
        }
    }

    fn name(&mut self, name: &str) {
        self.text.push_str(&quote_identifier(name));
    }

    /// A name in quotes, where gram.y would take the word for something else.
    fn quoted(&mut self, name: &str) {
        self.put("\"");
        self.put(&name.replace('"', "\"\""));
        self.put("\"");
    }

    /// Words before a name, if there is one.
    fn named(&mut self, words: &str, name: Option<&String>) {
        if let Some(name) = name {
            self.put(words);
            self.name(name);
        }
    }

    /// Words before a string, if there is one.
    fn with_string(&mut self, words: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.put(words);
            self.string(text);
        }
    }

    /// a, b, …
    fn name_list(&mut self, names: &[String]) {
        self.list(names, ", ", |p, name| p.name(name));
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
        self.parens(|p| p.name_list(names));
    }

    /// [ (a, b, …)]
    fn opt_names(&mut self, names: &[String]) {
        if !names.is_empty() {
            self.put(" ");
            self.names(names);
        }
    }
}
