//! The expressions of policies: checked when they are given, and their texts.
//!
//! Owns: [`text`], [`uses`]. Must not know: when a policy counts (`sql::analyze::row_security`). Specification:
//! sql-createpolicy.html, CreatePolicy() in policy.c.

use crate::catalog::definitions::Names;
use crate::catalog::policy::Policy;
use crate::catalog::schema::{Relation, Uses};
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::planner::PlanContext;
use crate::sql::ruleutils::{self, Unknown};
use crate::sql::scan::Source;
use crate::sql::stored;
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::{parse, print};
use crate::sql::tree::Expr;
use crate::types::pg_type::Oid;

/// A text without constants of its own. PostgreSQL says of nothing in a policy where it stands.
fn source() -> Source<'static> {
    Source { text: "", offset: 0, key: String::new(), literals: Vec::new(), tokens: Vec::new() }
}

/// Checks an expression of a policy that is being made, and gives its text and what it refers to.
pub fn text(expr: &Ast, relation: &Relation, context: PlanContext<'_>) -> Result<(String, Uses)> {
    let context = PlanContext { security: None, ..context };
    let empty = source();
    let mut analyzer = Analyzer::new(context, &empty, &[]);
    let row = analyzer.fresh_entry();
    let typed = analyzer.policy_condition(expr, (row, relation), false)?;
    let uses = used(&analyzer, relation);
    let search_path = stored::search_path();
    let names = Names { catalog: context.catalog, search_path: &search_path };
    let kept = ruleutils::text_to_keep(expr, Some(relation), Unknown::Text, &names, context).ok().flatten();
    if let Some(text) = kept {
        return Ok((text, uses));
    }
    // Whoever reads the text must find in it what was meant.
    let text = print::expression(expr);
    match means(&text, relation, context).is_ok_and(|again| again == typed) {
        true => Ok((text, uses)),
        false => Err(Error::unsupported("a policy with this expression")),
    }
}

/// What a text means where nothing but its own names count.
fn means(text: &str, relation: &Relation, context: PlanContext<'_>) -> Result<Expr> {
    let (expr, empty) = (parse::expression(text)?, source());
    let mut analyzer = stored_analyzer(&empty, context);
    let row = analyzer.fresh_entry();
    analyzer.policy_condition(&expr, (row, relation), false)
}

fn stored_analyzer<'a>(source: &'a Source<'a>, context: PlanContext<'a>) -> Analyzer<'a> {
    let mut analyzer = Analyzer::new(PlanContext { may_use: &|_| true, security: None, ..context }, source, &[]);
    analyzer.search_path = stored::search_path();
    analyzer
}

/// What the texts of a policy refer to.
pub fn uses(policy: &Policy, relation: &Relation, context: PlanContext<'_>) -> Uses {
    let mut uses = Uses::default();
    for text in policy.using.iter().chain(&policy.with_check) {
        let Ok(expr) = parse::expression(text) else { continue };
        let empty = source();
        let mut analyzer = stored_analyzer(&empty, context);
        let row = analyzer.fresh_entry();
        if analyzer.policy_condition(&expr, (row, relation), false).is_ok() {
            add_uses(&mut uses, used(&analyzer, relation));
        }
    }
    uses
}

/// Adds what another text refers to.
pub fn add_uses(uses: &mut Uses, more: Uses) {
    uses.columns.extend(more.columns);
    uses.routines.extend(more.routines);
    uses.columns.sort_unstable();
    uses.columns.dedup();
    uses.routines.sort_unstable();
    uses.routines.dedup();
}

fn used(analyzer: &Analyzer<'_>, relation: &Relation) -> Uses {
    let used = analyzer.used.borrow();
    let whole = used.relations.iter().filter(|oid| used.columns.iter().all(|(of, _)| of != *oid));
    let whole = whole.filter(|oid| **oid != relation.oid).map(|oid| (*oid, 0));
    let columns: Vec<(Oid, i16)> = used.columns.iter().copied().chain(whole).collect();
    let mut uses = Uses::default();
    add_uses(&mut uses, Uses { columns, constraints: Vec::new(), routines: used.routines.iter().copied().collect() });
    uses
}
