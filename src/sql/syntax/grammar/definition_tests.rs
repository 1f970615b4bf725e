//! The grammar of definitions and utility statements against what PostgreSQL 15 said of the same texts.
//!
//! `fixtures/grammar.tsv` holds a statement and PostgreSQL's verdict a line, recorded by
//! `scripts/grammar-check --record`.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::definition::DefArg;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::statement::statement;
use crate::sql::syntax::lexer::tokens;

fn parsed(text: &str) -> Result<Option<Stmt>> {
    statement(text, &tokens(text, true))
}

#[test]
fn verdicts_are_postgresqls() {
    for line in include_str!("../../../../fixtures/grammar.tsv").lines() {
        let (text, expected) = line.split_once('\t').unwrap();
        let verdict = match parsed(text) {
            Ok(_) => "ok".to_owned(),
            Err(error) => {
                let position = error.fields().position.unwrap_or(0);
                format!("{} {position} {}", error.code().as_str(), error.message())
            }
        };
        assert_eq!(verdict, expected, "{text}");
    }
}

#[test]
fn a_recursive_view_is_rewritten() {
    let written = parsed("create recursive view v (a, b) as select 1, 2").unwrap();
    let same = parsed("create view v (a, b) as with recursive v (a, b) as (select 1, 2) select a, b from v").unwrap();
    assert_eq!(written, same);
}

#[test]
fn a_type_in_an_operators_definition_may_be_none() {
    let Some(Stmt::AlterOperator(stmt)) =
        parsed("alter operator + (none, int) set (restrict = none, join = f)").unwrap()
    else {
        panic!("no AlterOperator")
    };
    assert_eq!(stmt.operator.args.first(), Some(&None));
    let args: Vec<bool> = stmt.options.iter().map(|option| option.arg.is_some()).collect();
    assert_eq!(args, [false, true]);
}

#[test]
fn begin_takes_sqlites_locks() {
    for (text, lock) in [("begin immediate", "immediate"), ("begin exclusive transaction read only", "exclusive")] {
        let Some(Stmt::Transaction(stmt)) = parsed(text).unwrap() else { panic!("{text}") };
        let option = stmt.options.first().unwrap();
        assert_eq!((option.name.as_str(), &option.arg), ("transaction_lock", &Some(DefArg::String(lock.to_owned()))));
    }
}

#[test]
fn bodies_in_bodies_are_bounded() {
    let nested = |levels: usize| {
        let open = "create function f() returns int begin atomic ".repeat(levels);
        format!("{open} select 1; {}", "end; ".repeat(levels).trim_end_matches("; "))
    };
    assert!(parsed(&nested(20)).is_ok());
    assert_eq!(parsed(&nested(400)).unwrap_err().code(), SqlState::STATEMENT_TOO_COMPLEX);
}
