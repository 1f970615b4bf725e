//! What running a body may do, as far as its texts say.
//!
//! Owns: [`effects`]. It decides whether a statement that calls the function takes the write ticket before it begins: a
//! text that cannot be judged counts as one that writes.

use std::collections::BTreeSet;

use crate::catalog::routines::Effects;
use crate::sql::functions::{self, Volatility};
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::lexer::{Token, TokenKind, tokens};
use crate::sql::syntax::parse;
use crate::sql::syntax::token_value::TokenValue;

/// The effects of statements; `is_dynamic` says that others are computed when it runs.
pub(super) fn effects<'t>(texts: impl Iterator<Item = &'t str>, is_dynamic: bool) -> Effects {
    let mut writes = is_dynamic;
    let mut calls = BTreeSet::new();
    for text in texts {
        let tokens = tokens(text, true);
        writes |= match parse::statement(text, &tokens) {
            Ok(Some(statement)) => statement_writes(&statement),
            Ok(None) => false,
            Err(_) => true,
        };
        called(text, &tokens, &mut calls);
    }
    let built_in = |name: &String| functions::named(name).iter().any(|f| f.volatility == Volatility::Writes);
    writes |= calls.iter().any(built_in);
    Effects { writes, calls: calls.into_iter().collect() }
}

fn statement_writes(statement: &Stmt) -> bool {
    match statement {
        Stmt::Select(select) => query_writes(select),
        // CALL is judged by what is called.
        Stmt::Call(_) | Stmt::VariableSet(_) | Stmt::VariableShow { .. } | Stmt::Return(_) | Stmt::Notify { .. } => {
            false
        }
        _ => true,
    }
}

fn query_writes(query: &SelectStmt) -> bool {
    use crate::sql::syntax::ast::query::SelectBody;
    let into = matches!(&query.body, SelectBody::Select(simple) if simple.into.is_some());
    let modifies = |with: &crate::sql::syntax::ast::query::WithClause| {
        with.ctes.iter().any(|cte| !matches!(&*cte.query, Stmt::Select(_)))
    };
    into || !query.locking.is_empty() || query.with.as_ref().is_some_and(modifies)
}

/// The names that stand before a parenthesis.
fn called(text: &str, tokens: &[Token], calls: &mut BTreeSet<String>) {
    for pair in tokens.windows(2) {
        let [name, open] = pair else { continue };
        let is_name = matches!(name.kind, TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::Keyword(_));
        if is_name && open.kind == TokenKind::Symbol(b'(') {
            calls.extend(TokenValue { text }.name(name));
        }
    }
}
