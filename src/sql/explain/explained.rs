//! EXPLAIN's own planning: the statement it is given, analysed like any other, and its outline.

use super::{
    Action, Analysed, Analyzer, Modified, Source, Stmt, describe, finish_modify, lowered_query, select_into,
    text_column, tree_targets,
};
use crate::error::{Error, Result};
use crate::sql::analyze::written::WrittenNames;
use crate::sql::explain::{Explain, Explained, Options, outline};
use crate::sql::plan::{FieldDescription, PreparedCommand, SqliteStatement, Tag};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::utility::{self, Utility};
use crate::types::pg_type::Oid;

/// EXPLAIN. The constants of the explained statement stand in its plan.
pub(super) fn explain(
    outer: &mut Analyzer<'_>,
    (statement, location): (&Stmt, Location),
    options: Options,
    param_types: &[Oid],
) -> Result<Analysed> {
    let context = outer.context();
    let text = outer.source().text;
    let inner = Source { literals: Vec::new(), ..outer.source().clone() };
    let mut analyzer = Analyzer::new(context, &inner, param_types);
    analyzer.outer = outer.outer;
    analyzer.is_inner = outer.is_inner;
    analyzer.inlines = true;
    analyzer.explained = Some(Box::new(WrittenNames::default()));
    let explained = match statement {
        Stmt::Select(select) => query(&mut analyzer, select, options)?,
        Stmt::Insert(insert) => {
            let modified = analyzer.insert(insert)?;
            change(&mut analyzer, modified, options)?
        }
        Stmt::Update(update) => {
            let modified = analyzer.update(update)?;
            change(&mut analyzer, modified, options)?
        }
        Stmt::Delete(delete) => {
            let modified = analyzer.delete(delete)?;
            change(&mut analyzer, modified, options)?
        }
        Stmt::Merge(merge) => {
            let modified = analyzer.merge(merge)?;
            change(&mut analyzer, modified, options)?
        }
        Stmt::CreateTableAs(create) => match &*create.query {
            _ if options.analyze => return Err(Error::unsupported("EXPLAIN ANALYZE of CREATE TABLE AS")),
            Stmt::Select(select) => query(&mut analyzer, select, options)?,
            _ => return Err(Error::unsupported("EXPLAIN of CREATE TABLE AS EXECUTE")),
        },
        Stmt::RefreshMatView(_) => Explained::Utility(options),
        other => match utility::utility(other, text).transpose()? {
            Some(Utility::Declare { query: select, .. }) => query(&mut analyzer, select, options)?,
            Some(Utility::Prepared(PreparedCommand::Execute { name, arguments }, _)) => {
                let words = location.byte().and_then(|byte| text.get(..byte)).unwrap_or_default().to_owned();
                Explained::Execute { name, arguments, words }
            }
            _ => return Err(Error::unsupported("EXPLAIN of this statement")),
        },
    };
    analyzer.check_params()?;
    outer.params = analyzer.params.clone();
    let column = FieldDescription { type_oid: options.column_type(), ..text_column("QUERY PLAN") };
    Ok((Tag::Fixed("EXPLAIN"), Some(vec![column]), Action::Explain(explained)))
}

fn query(analyzer: &mut Analyzer<'_>, select: &SelectStmt, options: Options) -> Result<Explained> {
    let mut select = select.clone();
    if let Some(analysed) = select_into(analyzer, &select) {
        if options.analyze {
            return Err(Error::unsupported("EXPLAIN ANALYZE of SELECT INTO"));
        }
        analysed?;
        if let crate::sql::syntax::ast::query::SelectBody::Select(simple) = &mut select.body {
            simple.into = None;
        }
    }
    let tree = analyzer.query(&select)?;
    describe(analyzer, &tree_targets(&tree), &tree);
    let statement = lowered_query(analyzer, &tree)?;
    let names = analyzer.explained.take().unwrap_or_default();
    let outline = outline::of_query(&tree, &names, analyzer.context(), options.verbose);
    Ok(explained(statement, (Tag::Select, true), outline, options))
}

fn change(analyzer: &mut Analyzer<'_>, modified: Modified<'_>, options: Options) -> Result<Explained> {
    let tree = modified.tree.clone();
    let (tag, columns, action) = finish_modify(analyzer, modified)?;
    let Action::Sqlite(statement) = action else { return Err(Error::internal("a change of data")) };
    let names = analyzer.explained.take().unwrap_or_default();
    let outline = outline::of_change(&tree, &names, analyzer.context(), options.verbose);
    Ok(explained(statement, (tag, columns.is_some()), outline, options))
}

fn explained(
    statement: SqliteStatement,
    (tag, gives_rows): (Tag, bool),
    outline: outline::Outline,
    options: Options,
) -> Explained {
    Explained::Statement(Box::new(Explain { statement, tag, gives_rows, outline, options }))
}
