//! Queries and expressions as PostgreSQL prints them: pg_get_viewdef, pg_get_expr, pg_get_constraintdef, pg_get_indexdef,
//! and the texts that the catalog keeps.
//!
//! Owns: [`Style`], [`query_text`], [`expression_text`]; the printer, of which the parts are in the folder: `query` (SELECT
//! and its clauses), `from`, `expr`, `parentheses` (which of them are needed), `constant`, `layout` (lines). Must not
//! know: where a text is kept. A construct that has no rule here is an error: whoever asks falls back on the text there is.
//! Specification: ruleutils.c, whose names the functions have.

mod constant;
mod expr;
mod from;
mod layout;
mod parentheses;
mod query;
mod sql_syntax;

use crate::catalog::definitions::Names;
use crate::catalog::qualify::qualified;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::written::WrittenNames;
use crate::sql::planner::PlanContext;
use crate::sql::scan::Source;
use crate::sql::stored::{Origin, search_path};
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::parse;
use crate::sql::tree::{EntryId, Expr, ExprKind, Query};
use crate::types::pg_type::Oid;
use from::Shown;

/// How a text is to look (prettyFlags, wrapColumn).
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Parentheses only where they are needed.
    pub paren: bool,
    /// Clauses on lines of their own.
    pub indent: bool,
    /// How long a line may get where it can be broken; negative: not at all.
    pub wrap: i32,
}

impl Style {
    /// What is kept and what is shown unless something else is asked for (PRETTYFLAG_INDENT).
    pub const VIEW: Style = Style { paren: false, indent: true, wrap: 0 };
    /// With the `pretty` argument.
    pub const PRETTY: Style = Style { paren: true, indent: true, wrap: 0 };
}

/// A query analysed to be printed.
pub struct PrintableQuery {
    query: Query,
    names: WrittenNames,
}

/// Analyses a query to be printed. What names mean is looked up in the context's catalog.
pub fn printable_query(query: &SelectStmt, origin: Origin, context: PlanContext<'_>) -> Result<PrintableQuery> {
    let source = no_source();
    let mut analyzer = printing_analyzer(&source, origin, context);
    let query = analyzer.query(query)?;
    let names = analyzer.written.take().map(|names| *names).unwrap_or_default();
    Ok(PrintableQuery { query, names })
}

/// The text of a query, whose columns are called like `columns` where there are some.
pub fn query_text(query: &PrintableQuery, names: &Names<'_>, columns: &[String], style: Style) -> Result<String> {
    let mut printer = Printer::new(names, &query.names, style);
    // A view's query has the entries "old" and "new" as well, which count as names.
    printer.taken.extend(["old".to_owned(), "new".to_owned()]);
    printer.prefix = true;
    printer.query_def(&query.query, Some(columns).filter(|columns| !columns.is_empty()), true)?;
    Ok(printer.out)
}

/// An expression analysed to be printed: over the columns of a relation, or over nothing.
pub struct PrintableExpr {
    expr: Expr,
    names: WrittenNames,
    row: Option<(EntryId, Oid)>,
    /// Of a domain's check, which is over VALUE.
    over_value: bool,
}

/// What becomes of an expression of unknown type.
#[derive(Clone, Copy, Debug)]
pub enum Unknown {
    /// It is text.
    Text,
    /// It is of this type: a default's.
    Of(Oid),
}

/// Analyses an expression to be printed.
pub fn printable_expression(
    expr: &Ast,
    relation: Option<&Relation>,
    (origin, unknown): (Origin, Unknown),
    context: PlanContext<'_>,
) -> Result<PrintableExpr> {
    let source = no_source();
    let mut analyzer = printing_analyzer(&source, origin, context);
    let row = analyzer.fresh_entry();
    let mut typed = analyzer.expr_over(expr, relation.map(|relation| (row, relation)))?;
    if typed.type_oid == Oid::UNKNOWN {
        typed = match unknown {
            Unknown::Text => analyzer.resolve_unknown(typed)?,
            Unknown::Of(oid) => {
                let (base, _) = analyzer.base_type(oid, -1);
                analyzer.implicit(typed, base)?
            }
        };
    }
    let names = analyzer.written.take().map(|names| *names).unwrap_or_default();
    Ok(PrintableExpr {
        expr: typed,
        names,
        row: relation.map(|relation| (row, relation.oid)),
        over_value: relation.is_some_and(|relation| relation.oid == Oid::INVALID),
    })
}

/// The text of an expression. `implicit` shows a conversion around the whole of it that nobody asked for.
pub fn expression_text(expr: &PrintableExpr, names: &Names<'_>, style: Style) -> Result<String> {
    let mut printer = Printer::new(names, &expr.names, style);
    if let Some((entry, relation)) = expr.row {
        let columns = match names.catalog.relations.get(&relation) {
            Some(relation) => relation.columns.iter().map(|c| (c.number, c.name.clone())).collect(),
            None if expr.over_value => vec![(1, "VALUE".to_owned())],
            None => return Err(Error::internal("an expression over a relation that is not there")),
        };
        printer.shown.insert(entry, Shown { name: String::new(), columns, verbatim: expr.over_value });
    }
    printer.expr(&expr.expr, false)?;
    Ok(printer.out)
}

/// A view's query, as the schema of the context has it now; with a semicolon.
pub fn view_definition(view: &Relation, names: &Names<'_>, context: PlanContext<'_>, style: Style) -> Option<String> {
    let text = view.view_query.as_deref()?;
    let columns: Vec<String> = view.columns.iter().map(|column| column.name.clone()).collect();
    let printed = parse::query(text).and_then(|query| {
        let query = printable_query(&query, Origin::Stored, context)?;
        query_text(&query, names, &columns, style)
    });
    let text = printed.unwrap_or_else(|_| qualified(text.trim_end_matches([';', ' ', '\n']), names).into_owned());
    Some(text + ";")
}

/// A stored expression's text, over a relation's columns if there is one.
pub fn stored_expression(
    text: &str,
    relation: Option<&Relation>,
    names: &Names<'_>,
    context: PlanContext<'_>,
    style: Style,
) -> Option<String> {
    let expr = parse::expression(text).ok()?;
    let expr = printable_expression(&expr, relation, (Origin::Stored, Unknown::Text), context).ok()?;
    expression_text(&expr, names, style).ok()
}

fn no_source() -> Source<'static> {
    Source { text: "", offset: 0, key: String::new(), literals: Vec::new(), tokens: Vec::new() }
}

fn printing_analyzer<'a>(source: &'a Source<'a>, origin: Origin, context: PlanContext<'a>) -> Analyzer<'a> {
    let mut analyzer = Analyzer::new(PlanContext { may_use: &|_| true, ..context }, source, &[]);
    if origin == Origin::Stored {
        analyzer.search_path = search_path();
    }
    analyzer.written = Some(Box::new(WrittenNames { stored: origin == Origin::Stored, ..WrittenNames::default() }));
    analyzer
}

/// The printer (deparse_context).
struct Printer<'p> {
    catalog: &'p CatalogSnapshot,
    names: &'p Names<'p>,
    written: &'p WrittenNames,
    style: Style,
    out: String,
    indent: i32,
    /// Columns are written with their table (varprefix).
    prefix: bool,
    /// The names of entries that are in sight.
    taken: Vec<String>,
    shown: std::collections::HashMap<EntryId, Shown>,
}

impl<'p> Printer<'p> {
    fn new(names: &'p Names<'p>, written: &'p WrittenNames, style: Style) -> Self {
        Printer {
            catalog: names.catalog,
            names,
            written,
            style,
            out: String::new(),
            indent: 0,
            prefix: false,
            taken: Vec::new(),
            shown: std::collections::HashMap::new(),
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Parts with something between them.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        between: &str,
        mut one: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            one(self, item)?;
        }
        Ok(())
    }

    fn type_name(&self, oid: Oid, typmod: i32) -> String {
        self.names.format_type(oid, Some(typmod))
    }
}

/// What has no rule here.
fn unprintable(what: &str) -> Error {
    Error::unsupported(format!("printing {what}"))
}

/// An expression without the conversions that nobody asked for (strip_implicit_coercions).
fn without_implicit(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Coerce { arg, .. } | ExprKind::CoerceTypmod { arg, .. } | ExprKind::EnumOrder(arg) => {
            without_implicit(arg)
        }
        _ => expr,
    }
}
