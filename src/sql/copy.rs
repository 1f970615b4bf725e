//! COPY: its names and options looked up, and the statement behind it.
//!
//! Owns: [`plan`]. The data formats are the session's. Specification: sql-copy.html.

use crate::catalog::schema::{Column, RelationKind};
use crate::catalog::trigger::Event;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::lower;
use crate::sql::plan::{
    Bind, CopyDirection, CopyFormat, CopyHeader, CopyOptions, CopyPlan, FieldDescription, LockWait, SqliteStatement,
};
use crate::sql::planner::{PlanContext, named_relation};
use crate::sql::scan::Source;
use crate::sql::syntax::ast::expression::{ColumnRef, Expr, Field};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{FromItem, RangeVar, ResTarget, SelectBody, SelectStmt, SimpleSelect};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::tree::{Modify, Target};
use crate::sql::types::repr_of;
use crate::sql::utility::{CopySource, CopyStatement, CopyWords};
use crate::types::pg_type::{Oid, type_info};

/// Plans a COPY.
pub fn plan(statement: &CopyStatement<'_>, context: PlanContext<'_>, source: &Source<'_>) -> Result<CopyPlan> {
    // Constants of COPY's text are not lifted.
    let source = Source { literals: Vec::new(), ..source.clone() };
    let mut analyzer = Analyzer::new(context, &source, &[]);
    let repr = |oid| repr_of(context.catalog, oid);
    let mut changed = None;
    let (relation, columns, lowered) =
        match (&statement.source, statement.direction) {
            (CopySource::Query(ast), _) => {
                let tree = analyzer.query(ast)?;
                let columns = tree.outputs().into_iter().map(|(name, oid, typmod)| (name, 0, oid, typmod)).collect();
                (String::new(), columns, lower::query(&tree, lower::Context::of(&analyzer))?)
            }
            (CopySource::Modify(ast), _) => {
                let modified = match ast {
                    Stmt::Insert(ast) => analyzer.insert(ast)?,
                    Stmt::Update(ast) => analyzer.update(ast)?,
                    Stmt::Delete(ast) => analyzer.delete(ast)?,
                    _ => return Err(Error::unsupported("COPY of this statement")),
                };
                let returning = modified.tree.returning();
                if returning.is_empty() {
                    let message = "COPY query must have a RETURNING clause";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                analyzer.outputs = returning.iter().map(|t| (t.expr.type_oid, t.expr.typmod)).collect();
                let column = |t: &Target| (t.name.clone(), 0, t.expr.type_oid, t.expr.typmod);
                let columns = returning.iter().map(column).collect();
                changed = Some(modified.relation.oid);
                (String::new(), columns, lower::modify(&modified.tree, lower::Context::of(&analyzer))?)
            }
            (CopySource::Table { relation: name, columns, condition }, direction) => {
                let table = &name.relation;
                let relation = named_relation(name.schema.as_deref(), table, context)?;
                if relation.kind == RelationKind::View && direction == CopyDirection::To {
                    let message = format!("cannot copy from view \"{table}\"");
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                        .with_hint("Try the COPY (SELECT ...) TO variant."));
                }
                if relation.is_partitioned() && direction == CopyDirection::To {
                    let message = format!("cannot copy from partitioned table \"{table}\"");
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                        .with_hint("Try the COPY (SELECT ...) TO variant."));
                }
                if relation.is_materialized() {
                    let verb = if direction == CopyDirection::To { "from" } else { "to" };
                    let message = format!("cannot copy {verb} materialized view \"{table}\"");
                    let error = Error::new(SqlState::WRONG_OBJECT_TYPE, message);
                    let hint = "Try the COPY (SELECT ...) TO variant.";
                    return Err(if direction == CopyDirection::To { error.with_hint(hint) } else { error });
                }
                let instead = direction == CopyDirection::From && relation.has_instead(Event::Insert);
                if relation.kind != RelationKind::Table
                    && !instead
                    && !(relation.kind == RelationKind::System && direction == CopyDirection::To)
                {
                    let verb = if direction == CopyDirection::To { "from" } else { "to" };
                    let kind = if relation.kind == RelationKind::Sequence { "sequence" } else { "view" };
                    let message = format!("cannot copy {verb} {kind} \"{table}\"");
                    let error = Error::new(SqlState::WRONG_OBJECT_TYPE, message);
                    let hint = "To enable copying to a view, provide an INSTEAD OF INSERT trigger.";
                    return Err(if relation.kind == RelationKind::View { error.with_hint(hint) } else { error });
                }
                let chosen = copied_columns(relation, columns)?;
                let described: Vec<(String, i16, Oid, i32)> =
                    chosen.iter().map(|c| (c.name.clone(), c.number, c.type_oid, c.typmod)).collect();
                let lowered = match direction {
                    CopyDirection::From => {
                        analyzer.refuse_copy_of_secured(relation)?;
                        let insert = analyzer.copy_row(relation, &chosen, *condition)?;
                        lower::modify(&Modify::Insert(insert), lower::Context::of(&analyzer))?
                    }
                    CopyDirection::To => {
                        analyzer.check_copy_of_secured(relation)?;
                        let ast = select_columns(name, &chosen);
                        let tree = analyzer.query(&ast)?;
                        lower::query(&tree, lower::Context::of(&analyzer))?
                    }
                };
                (relation.name.clone(), described, lowered)
            }
        };
    analyzer.check_policies()?;
    let write = statement.direction == CopyDirection::From || changed.is_some() || analyzer.writes;
    let target = match (&statement.source, statement.direction) {
        (CopySource::Table { relation, .. }, CopyDirection::From) => {
            Some(named_relation(relation.schema.as_deref(), &relation.relation, context)?.oid)
        }
        _ => None,
    };
    let columns: Vec<FieldDescription> = columns
        .into_iter()
        .map(|(name, attribute, declared, typmod)| {
            let (type_oid, typmod) = analyzer.base_type(declared, typmod);
            FieldDescription {
                name,
                table_oid: target.unwrap_or_default(),
                attribute,
                type_oid,
                type_len: type_info(type_oid).map_or(-1, |info| info.len),
                typmod,
                repr: analyzer.records.info(type_oid, typmod).map_or_else(|| repr(type_oid), |info| info.repr),
            }
        })
        .collect();
    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    let options = options(&statement.options, statement.direction, &names)?;
    let key_sources = match target {
        Some(_) => columns.iter().enumerate().map(|(at, column)| (column.attribute, Bind::Param(at))).collect(),
        None => Vec::new(),
    };
    let statement_sql = SqliteStatement {
        sql: lowered.translated.sql.into(),
        binds: lowered.translated.binds,
        write,
        locks_rows: false,
        waits: false,
        wait: LockWait::Usual,
        target: target.or(changed),
        permissions: analyzer.permissions.borrow().entries().into(),
        key_sources,
        folded: None,
        before: lowered.before,
        fires: lowered.fires,
    };
    Ok(CopyPlan { direction: statement.direction, columns, options, relation, statement: statement_sql })
}

/// SELECT of a table's columns.
fn select_columns(table: &RangeVar, columns: &[&Column]) -> SelectStmt {
    let target = |column: &&Column| {
        let fields = vec![Field::Name(column.name.clone())];
        let value = Some(Expr::ColumnRef(ColumnRef { fields, location: Location::UNKNOWN }));
        ResTarget { name: None, indirection: Vec::new(), value, location: Location::UNKNOWN }
    };
    let select = SimpleSelect {
        targets: columns.iter().map(target).collect(),
        // The table's own rows, not those of its heirs.
        from: vec![FromItem::Relation(RangeVar { inherit: false, ..table.clone() })],
        ..SimpleSelect::default()
    };
    SelectStmt::of(SelectBody::Select(Box::new(select)), table.location)
}

fn copied_columns<'a>(relation: &'a crate::catalog::schema::Relation, names: &[String]) -> Result<Vec<&'a Column>> {
    if names.is_empty() {
        return Ok(relation.columns.iter().filter(|c| !c.generated).collect());
    }
    let mut columns: Vec<&Column> = Vec::with_capacity(names.len());
    for name in names {
        let Some(column) = relation.column(name) else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if column.generated {
            let message = format!("column \"{name}\" is a generated column");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                .with_detail("Generated columns cannot be used in COPY."));
        }
        if columns.iter().any(|c| c.number == column.number) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// The options checked as ProcessCopyOptions() does.
fn options(words: &CopyWords, direction: CopyDirection, columns: &[&str]) -> Result<CopyOptions> {
    let format = words.format.unwrap_or(CopyFormat::Text);
    let csv = format == CopyFormat::Csv;
    let syntax = |message: &'static str| Err(Error::new(SqlState::SYNTAX_ERROR, message));
    let unsupported = |message: String| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    if format == CopyFormat::Binary {
        if words.delimiter.is_some() {
            return syntax("cannot specify DELIMITER in BINARY mode");
        }
        if words.null.is_some() {
            return syntax("cannot specify NULL in BINARY mode");
        }
    }
    let csv_only = [
        ("quote", words.quote.is_some()),
        ("escape", words.escape.is_some()),
        ("force quote", words.force_quote.is_some()),
        ("force not null", words.force_not_null.is_some()),
        ("force null", words.force_null.is_some()),
    ];
    if let Some((name, _)) = csv_only.iter().find(|(_, given)| *given && !csv) {
        return unsupported(format!("COPY {name} available only in CSV mode"));
    }
    if format == CopyFormat::Binary && words.header.is_some_and(|h| h != CopyHeader::No) {
        return unsupported("cannot specify HEADER in BINARY mode".to_owned());
    }
    let delimiter = one_byte(words.delimiter.as_deref(), if csv { b',' } else { b'\t' }, "COPY delimiter")?;
    let quote = one_byte(words.quote.as_deref(), b'"', "COPY quote")?;
    let escape = one_byte(words.escape.as_deref(), quote, "COPY escape")?;
    if matches!(delimiter, b'\r' | b'\n') {
        let message = "COPY delimiter cannot be newline or carriage return";
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter) {
        let message = format!("COPY delimiter cannot be \"{}\"", delimiter as char);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if csv && delimiter == quote {
        let message = "COPY delimiter and quote must be different";
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let null = words.null.clone().unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() });
    if null.contains(['\r', '\n']) {
        let message = "COPY null representation cannot use newline or carriage return";
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if words.force_quote.is_some() && direction == CopyDirection::From {
        return unsupported("COPY force quote only available using COPY TO".to_owned());
    }
    if words.force_not_null.is_some() && direction == CopyDirection::To {
        return unsupported("COPY force not null only available using COPY FROM".to_owned());
    }
    if words.force_null.is_some() && direction == CopyDirection::To {
        return unsupported("COPY force null only available using COPY FROM".to_owned());
    }
    let positions = |names: &Option<Vec<String>>| -> Result<Vec<usize>> {
        names.iter().flatten().map(|n| position(n, columns)).collect()
    };
    let force_quote = match &words.force_quote {
        None => Vec::new(),
        Some(None) => (0..columns.len()).collect(),
        Some(Some(names)) => names.iter().map(|n| position(n, columns)).collect::<Result<_>>()?,
    };
    Ok(CopyOptions {
        format,
        delimiter,
        null,
        header: words.header.unwrap_or(CopyHeader::No),
        quote,
        escape,
        force_quote,
        force_not_null: positions(&words.force_not_null)?,
        force_null: positions(&words.force_null)?,
        charset: words.charset,
        freeze: words.freeze,
    })
}

fn position(name: &str, columns: &[&str]) -> Result<usize> {
    columns.iter().position(|c| *c == name).ok_or_else(|| {
        let message = format!("column \"{name}\" not referenced by COPY");
        Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
    })
}

fn one_byte(text: Option<&str>, default: u8, what: &str) -> Result<u8> {
    match text.map(str::as_bytes) {
        None => Ok(default),
        Some([byte]) => Ok(*byte),
        Some(_) => {
            let message = format!("{what} must be a single one-byte character");
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
    }
}
