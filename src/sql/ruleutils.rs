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
mod plan;
mod query;
mod sql_syntax;
mod user_objects;

use std::sync::Arc;

use crate::catalog::definitions::Names;
use crate::catalog::qualify::qualified;
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind};
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::written::WrittenNames;
use crate::sql::collations::{Collation, output_collations};
use crate::sql::planner::PlanContext;
use crate::sql::scan::Source;
use crate::sql::stored::{Origin, search_path};
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::parse;
use crate::sql::tree::{EntryId, Expr, ExprKind, Query};
use crate::types::format::FormatSettings;
use crate::types::pg_type::Oid;
use from::Shown;
pub(in crate::sql) use plan::PlanPrinter;

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

/// A value of an enum that is called otherwise now.
#[derive(Clone, Copy, Debug)]
pub struct Relabel<'r> {
    pub of: Oid,
    pub from: &'r str,
    pub to: &'r str,
}

/// A query analysed to be printed.
pub struct PrintableQuery {
    query: Query,
    names: WrittenNames,
    moments: Moments,
}

/// How dates and times in a text are read, and how they are written.
#[derive(Clone, Default)]
struct Moments {
    read: Arc<FormatSettings>,
    written: Arc<FormatSettings>,
}

impl Moments {
    /// A statement's are the session's; those that are kept are ISO's in UTC.
    fn of(origin: Origin, context: PlanContext<'_>) -> Self {
        match origin {
            Origin::Statement => Moments { read: context.settings.shared_format(), ..Moments::default() },
            Origin::Stored => Moments::default(),
        }
    }

    /// To be shown to the session.
    fn shown(context: PlanContext<'_>) -> Self {
        Moments { written: context.settings.shared_format(), ..Moments::default() }
    }
}

impl PrintableQuery {
    /// The collations of its columns.
    pub fn collations(&self, catalog: &CatalogSnapshot) -> Vec<Collation> {
        output_collations(catalog, &self.query)
    }
}

/// Analyses a query to be printed. What names mean is looked up in the context's catalog.
pub fn printable_query(query: &SelectStmt, origin: Origin, context: PlanContext<'_>) -> Result<PrintableQuery> {
    let source = no_source();
    let mut analyzer = printing_analyzer(&source, origin, context);
    let query = analyzer.query(query)?;
    let names = analyzer.written.take().map(|names| *names).unwrap_or_default();
    Ok(PrintableQuery { query, names, moments: Moments::of(origin, context) })
}

/// The text of a query, whose columns are called like `columns` where there are some.
pub fn query_text(
    query: &PrintableQuery,
    names: &Names<'_>,
    columns: &[String],
    style: Style,
    relabel: Option<Relabel<'_>>,
) -> Result<String> {
    let mut printer = Printer::new(names, &query.names, style);
    printer.relabel = relabel;
    printer.moments = query.moments.clone();
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
    /// The rows it is over, and what they are called.
    rows: Vec<(EntryId, &'static str)>,
    moments: Moments,
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
    let mut expr = analyzer.expr_over(expr, relation.map(|relation| (row, relation)))?;
    if expr.type_oid == Oid::UNKNOWN {
        expr = match unknown {
            Unknown::Text => analyzer.resolve_unknown(expr)?,
            Unknown::Of(oid) => {
                let (base, _) = analyzer.base_type(oid, -1);
                analyzer.implicit(expr, base)?
            }
        };
    }
    let names = analyzer.written.take().map(|names| *names).unwrap_or_default();
    Ok(PrintableExpr { expr, names, rows: vec![(row, "")], moments: Moments::of(origin, context) })
}

/// Analyses a trigger's condition to be printed.
fn printable_condition(
    expr: &Ast,
    relation: &Relation,
    origin: Origin,
    context: PlanContext<'_>,
) -> Result<PrintableExpr> {
    let source = no_source();
    let mut analyzer = printing_analyzer(&source, origin, context);
    let rows = (analyzer.fresh_entry(), analyzer.fresh_entry());
    let expr = analyzer.over_old_and_new(expr, relation, rows, true)?;
    let names = analyzer.written.take().map(|names| *names).unwrap_or_default();
    let rows = vec![(rows.0, "old"), (rows.1, "new")];
    Ok(PrintableExpr { expr, names, rows, moments: Moments::of(origin, context) })
}

/// The text to be kept of a trigger's condition.
pub fn condition_to_keep(
    expr: &Ast,
    relation: &Relation,
    names: &Names<'_>,
    context: PlanContext<'_>,
) -> Result<String> {
    let printable = printable_condition(expr, relation, Origin::Statement, context)?;
    expression_text(&printable, Some(relation), names, Style::VIEW)
}

/// A kept condition of a trigger, to be shown.
pub fn stored_condition(
    text: &str,
    relation: &Relation,
    names: &Names<'_>,
    context: PlanContext<'_>,
    style: Style,
) -> Option<String> {
    let expr = printable_condition(&parse::expression(text).ok()?, relation, Origin::Stored, context).ok()?;
    let expr = PrintableExpr { moments: Moments::shown(context), ..expr };
    expression_text(&expr, Some(relation), names, style).ok()
}

/// As [`renamed_expression`], of a trigger's condition.
pub fn renamed_condition(
    text: &str,
    (relation, renamed): (&Relation, &Relation),
    names: &Names<'_>,
    before: PlanContext<'_>,
    relabel: Option<Relabel<'_>>,
) -> Result<String> {
    let printable = printable_condition(&parse::expression(text)?, relation, Origin::Stored, before)?;
    printed_expression(&printable, Some(renamed), names, Style::VIEW, relabel)
}

/// The text of an expression; its columns are called as the relation has them.
pub fn expression_text(
    expr: &PrintableExpr,
    relation: Option<&Relation>,
    names: &Names<'_>,
    style: Style,
) -> Result<String> {
    printed_expression(expr, relation, names, style, None)
}

fn printed_expression(
    expr: &PrintableExpr,
    relation: Option<&Relation>,
    names: &Names<'_>,
    style: Style,
    relabel: Option<Relabel<'_>>,
) -> Result<String> {
    let mut printer = Printer::new(names, &expr.names, style);
    printer.relation = relation;
    printer.relabel = relabel;
    printer.moments = expr.moments.clone();
    if let Some(relation) = relation {
        // A domain's check is over VALUE.
        let verbatim = relation.oid == Oid::INVALID;
        let shown = |name: &String| if verbatim { name.to_uppercase() } else { name.clone() };
        for (row, name) in &expr.rows {
            let columns = relation.columns.iter().map(|c| (c.number, shown(&c.name))).collect();
            printer.prefix |= !name.is_empty();
            // A sub-query names its columns with it.
            let name = if name.is_empty() && !verbatim { relation.name.as_str() } else { name };
            printer.taken.push(name.to_owned());
            printer.shown.insert(*row, Shown { name: name.to_owned(), columns, verbatim });
        }
    }
    printer.expr(&expr.expr, false)?;
    Ok(printer.out)
}

/// The text to be kept of a statement's expression, if what is read from it is printed the same.
pub fn text_to_keep(
    expr: &Ast,
    relation: Option<&Relation>,
    unknown: Unknown,
    names: &Names<'_>,
    context: PlanContext<'_>,
) -> Result<Option<String>> {
    let printable = printable_expression(expr, relation, (Origin::Statement, unknown), context)?;
    let text = expression_text(&printable, relation, names, Style::VIEW)?;
    let parsed = parse::expression(&text)?;
    let again = printable_expression(&parsed, relation, (Origin::Stored, Unknown::Text), context)?;
    let again = expression_text(&again, relation, names, Style::VIEW)?;
    Ok(Some(text).filter(|text| again == *text))
}

/// A kept text after something it names was given another name: `relation` is as it was, `renamed` as it is.
pub fn renamed_expression(
    text: &str,
    (relation, renamed): (Option<&Relation>, Option<&Relation>),
    names: &Names<'_>,
    before: PlanContext<'_>,
    relabel: Option<Relabel<'_>>,
) -> Result<String> {
    let printable = printable_expression(&parse::expression(text)?, relation, (Origin::Stored, Unknown::Text), before)?;
    printed_expression(&printable, renamed, names, Style::VIEW, relabel)
}

/// A view's query, as the schema of the context has it now; with a semicolon.
pub fn view_definition(view: &Relation, names: &Names<'_>, context: PlanContext<'_>, style: Style) -> Option<String> {
    let text = view.view_query.as_deref()?;
    if view.kind == RelationKind::System {
        return Some(system_view(text, names, context, style) + ";");
    }
    let columns: Vec<String> = view.columns.iter().map(|column| column.name.clone()).collect();
    let printed = parse::query(text).and_then(|query| {
        let query = printable_query(&query, Origin::Stored, context)?;
        let query = PrintableQuery { moments: Moments::shown(context), ..query };
        query_text(&query, names, &columns, style, None)
    });
    let text = printed.unwrap_or_else(|_| qualified(text.trim_end_matches([';', ' ', '\n']), names).into_owned());
    Some(text + ";")
}

/// A system view's query as it was recorded; in another style if it is printed as recorded in that one.
fn system_view(text: &str, names: &Names<'_>, context: PlanContext<'_>, style: Style) -> String {
    let printed = |style: Style| {
        let query = printable_query(&parse::query(text)?, Origin::Stored, context)?;
        query_text(&query, names, &[], style, None)
    };
    let again = printed(Style::VIEW).is_ok_and(|again| again == text);
    printed(style).ok().filter(|_| again).unwrap_or_else(|| text.to_owned())
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
    let expr = PrintableExpr { moments: Moments::shown(context), ..expr };
    expression_text(&expr, relation, names, style).ok()
}

fn no_source() -> Source<'static> {
    Source { text: "", offset: 0, key: String::new(), literals: Vec::new(), tokens: Vec::new() }
}

fn printing_analyzer<'a>(source: &'a Source<'a>, origin: Origin, context: PlanContext<'a>) -> Analyzer<'a> {
    let mut analyzer = Analyzer::new(PlanContext { may_use: &|_| true, security: None, ..context }, source, &[]);
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
    /// The relation an expression is over; it may be that the catalog does not have it yet.
    relation: Option<&'p Relation>,
    relabel: Option<Relabel<'p>>,
    moments: Moments,
    /// What is printed is of a plan: sub-queries are numbered, and stand elsewhere.
    sub_plans: Option<usize>,
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
            relation: None,
            relabel: None,
            moments: Moments::default(),
            sub_plans: None,
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
