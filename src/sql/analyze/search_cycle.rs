//! SEARCH and CYCLE: a recursive query that also gives where each of its rows was found, and stops where it was before.
//!
//! Owns: [`Analyzer::search_cycle`], which writes the query as one without these clauses. Specification:
//! queries-with.html#QUERIES-WITH-SEARCH, rewriteSearchAndCycle in rewriteSearchCycle.c, analyzeCTE in parse_cte.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::expression::{
    AArrayExpr, AConst, AExpr, AExprKind, AIndirection, CaseExpr, CaseWhen, CoercionForm, ColumnRef, ConstValue,
    Expr as Ast, Field, Indirection, RowExpr,
};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{
    Alias, CommonTableExpr, CteCycleClause, CteSearchClause, FromItem, RangeSubselect, ResTarget, SelectBody,
    SelectStmt, SetOperation, SimpleSelect,
};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::locations::expr_location;

/// What PostgreSQL calls the two terms.
const LEFT: &str = "*TLOCRN*";
const RIGHT: &str = "*TROCRN*";

impl Analyzer<'_> {
    /// The query without its clauses, and its columns' names; those it has besides `names` come last.
    pub(super) fn search_cycle(&mut self, cte: &CommonTableExpr, names: &[String]) -> Result<CommonTableExpr> {
        let Stmt::Select(query) = &*cte.query else { return Err(not_recursive()) };
        let SelectBody::SetOperation(operation) = &query.body else { return Err(not_recursive()) };
        self.check_search(cte.search.as_ref(), names)?;
        self.check_cycle(cte, names)?;
        let refused = |message: String| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        let is_query = |side: &SelectStmt| !matches!(side.body, SelectBody::SetOperation(_));
        if !is_query(&operation.left) {
            return refused("with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT".to_owned());
        }
        let SelectBody::Select(term) = &operation.right.body else {
            let message = "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT";
            return Err(match operation.right.body {
                SelectBody::SetOperation(_) => Error::new(SqlState::SYNTAX_ERROR, message),
                _ => Error::new(SqlState::FEATURE_NOT_SUPPORTED, message),
            });
        };
        let hidden = operation.right.with.as_ref().is_some_and(|with| with.ctes.iter().any(|own| own.name == cte.name));
        let mut references = term.from.iter().filter_map(|item| reference(item, &cte.name));
        let Some(reference) = references.next().filter(|_| !hidden) else {
            return refused(format!(
                "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{}\" must be at the top level of its \
                 right-hand SELECT",
                cte.name
            ));
        };
        if term.distinct.is_some() || !term.group.is_empty() {
            return Err(Error::unsupported("SEARCH or CYCLE over a term with DISTINCT or GROUP BY"));
        }
        let (mut first, mut next) = (stars(LEFT), stars(RIGHT));
        let mut extra: Vec<String> = Vec::new();
        if let Some(search) = &cte.search {
            let column = &search.sequence_column;
            extra.push(column.clone());
            let row = |table| search.columns.iter().map(move |name| column_of(table, name));
            match search.breadth_first {
                true => {
                    let depth = Ast::Indirection(Box::new(AIndirection {
                        arg: column_of(RIGHT, column),
                        indirection: vec![Indirection::Field("f1".to_owned())],
                    }));
                    let deeper = operator("+", depth, integer(1));
                    first.push(target(row_of(std::iter::once(integer(0)).chain(row(LEFT)).collect()), column));
                    next.push(target(row_of(std::iter::once(deeper).chain(row(RIGHT)).collect()), column));
                }
                false => {
                    first.push(target(array_of(row_of(row(LEFT).collect())), column));
                    let path = operator("||", column_of(RIGHT, column), row_of(row(RIGHT).collect()));
                    next.push(target(path, column));
                }
            }
        }
        let mut goes_on = None;
        if let Some(cycle) = &cte.cycle {
            let row = |table| row_of(cycle.columns.iter().map(|name| column_of(table, name)).collect());
            let (mark, path) = (&cycle.mark_column, &cycle.path_column);
            extra.extend([mark.clone(), path.clone()]);
            let (found, default) = marks(cycle);
            first.push(target(default.clone(), mark));
            first.push(target(array_of(row(LEFT)), path));
            let before = Ast::AExpr(Box::new(AExpr {
                kind: AExprKind::OpAny,
                name: vec!["=".to_owned()],
                left: Some(row(RIGHT)),
                right: column_of(RIGHT, path),
                location: Location::UNKNOWN,
            }));
            let when = CaseWhen { expr: before, result: found.clone(), location: Location::UNKNOWN };
            let case = CaseExpr { arg: None, args: vec![when], defresult: Some(default), location: Location::UNKNOWN };
            next.push(target(Ast::Case(Box::new(case)), mark));
            next.push(target(operator("||", column_of(RIGHT, path), row(RIGHT)), path));
            goes_on = Some(operator("<>", column_of(RIGHT, mark), found));
        }
        let mut term = (**term).clone();
        term.targets.extend(extra.iter().map(|name| target(column_of(&reference, name), name)));
        let right = SelectStmt { body: SelectBody::Select(Box::new(term)), ..operation.right.clone() };
        let all: Vec<String> = names.iter().chain(&extra).cloned().collect();
        let left = around(operation.left.clone(), (LEFT, names), (first, None));
        let right = around(right, (RIGHT, &all), (narrowed(next, names), goes_on));
        let operation = SetOperation { op: operation.op, all: operation.all, left, right };
        let query = SelectStmt { body: SelectBody::SetOperation(Box::new(operation)), ..(**query).clone() };
        Ok(CommonTableExpr {
            columns: all,
            query: Box::new(Stmt::Select(Box::new(query))),
            search: None,
            cycle: None,
            ..cte.clone()
        })
    }

    fn syntax(&self, message: String, location: Location) -> Error {
        self.at(Error::new(SqlState::SYNTAX_ERROR, message), location)
    }

    fn check_search(&self, search: Option<&CteSearchClause>, names: &[String]) -> Result<()> {
        let Some(search) = search else { return Ok(()) };
        self.check_columns("search", &search.columns, names, search.location)?;
        if names.contains(&search.sequence_column) {
            let message = format!(
                "search sequence column name \"{}\" already used in WITH query column list",
                search.sequence_column
            );
            return Err(self.syntax(message, search.location));
        }
        Ok(())
    }

    fn check_columns(&self, what: &str, columns: &[String], names: &[String], at: Location) -> Result<()> {
        for (index, column) in columns.iter().enumerate() {
            if !names.contains(column) {
                return Err(self.syntax(format!("{what} column \"{column}\" not in WITH query column list"), at));
            }
            if columns.iter().take(index).any(|other| other == column) {
                let error = Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("{what} column \"{column}\" specified more than once"),
                );
                return Err(self.at(error, at));
            }
        }
        Ok(())
    }

    fn check_cycle(&mut self, cte: &CommonTableExpr, names: &[String]) -> Result<()> {
        let Some(cycle) = &cte.cycle else { return Ok(()) };
        self.check_columns("cycle", &cycle.columns, names, cycle.location)?;
        let (found, default) = marks(cycle);
        let types = [self.expr(&found)?.type_oid, self.expr(&default)?.type_oid];
        self.common_type(&types, "CYCLE").map_err(|error| self.at(error, expr_location(&default)))?;
        for (what, column) in [("mark", &cycle.mark_column), ("path", &cycle.path_column)] {
            if names.contains(column) {
                let message = format!("cycle {what} column name \"{column}\" already used in WITH query column list");
                return Err(self.syntax(message, cycle.location));
            }
        }
        if cycle.mark_column == cycle.path_column {
            let message = "cycle mark column name and cycle path column name are the same";
            return Err(self.syntax(message.to_owned(), cycle.location));
        }
        if let Some(search) = &cte.search {
            for (what, column) in [("mark", &cycle.mark_column), ("path", &cycle.path_column)] {
                if *column == search.sequence_column {
                    let message = format!("search sequence column name and cycle {what} column name are the same");
                    return Err(self.syntax(message, search.location));
                }
            }
        }
        Ok(())
    }
}

fn not_recursive() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "WITH query is not recursive")
}

/// What a FROM item calls the query of that name.
fn reference(item: &FromItem, name: &str) -> Option<String> {
    match item {
        FromItem::Relation(table) if table.schema.is_none() && table.relation == name => {
            Some(table.alias.as_ref().map_or_else(|| table.relation.clone(), |alias| alias.name.clone()))
        }
        FromItem::Join(join) => reference(&join.left, name).or_else(|| reference(&join.right, name)),
        _ => None,
    }
}

/// What the mark is in a cycle and before.
fn marks(cycle: &CteCycleClause) -> (Ast, Ast) {
    let boolean = |value| constant(ConstValue::Boolean(value));
    cycle.mark.clone().unwrap_or_else(|| (boolean(true), boolean(false)))
}

/// SELECT targets FROM (query) AS table (names) WHERE condition.
fn around(
    query: SelectStmt,
    (table, names): (&str, &[String]),
    (targets, condition): (Vec<ResTarget>, Option<Ast>),
) -> SelectStmt {
    let alias = Some(Alias { name: table.to_owned(), columns: names.to_vec() });
    let location = query.location;
    let sub = RangeSubselect { lateral: false, subquery: query, alias, location };
    let select = SimpleSelect {
        distinct: None,
        targets,
        into: None,
        from: vec![FromItem::Subselect(Box::new(sub))],
        where_clause: condition,
        group: Vec::new(),
        group_distinct: false,
        having: None,
        windows: Vec::new(),
    };
    SelectStmt {
        with: None,
        body: SelectBody::Select(Box::new(select)),
        sort: Vec::new(),
        limit_offset: None,
        limit_count: None,
        limit_option: Default::default(),
        locking: Vec::new(),
        location,
    }
}

/// All columns of a table.
fn stars(table: &str) -> Vec<ResTarget> {
    let fields = vec![Field::Name(table.to_owned()), Field::Star];
    let star = Ast::ColumnRef(ColumnRef { fields, location: Location::UNKNOWN });
    vec![ResTarget { name: None, indirection: Vec::new(), value: Some(star), location: Location::UNKNOWN }]
}

/// The recursive term's targets with its own columns in place of the star, which would give the added ones too.
fn narrowed(targets: Vec<ResTarget>, names: &[String]) -> Vec<ResTarget> {
    let own = names.iter().map(|name| target(column_of(RIGHT, name), name));
    own.chain(targets.into_iter().skip(1)).collect()
}

fn target(value: Ast, name: &str) -> ResTarget {
    ResTarget { name: Some(name.to_owned()), indirection: Vec::new(), value: Some(value), location: Location::UNKNOWN }
}

fn column_of(table: &str, name: &str) -> Ast {
    let fields = vec![Field::Name(table.to_owned()), Field::Name(name.to_owned())];
    Ast::ColumnRef(ColumnRef { fields, location: Location::UNKNOWN })
}

fn constant(value: ConstValue) -> Ast {
    Ast::Const(AConst { value, location: Location::UNKNOWN })
}

fn integer(value: i32) -> Ast {
    constant(ConstValue::Integer(value))
}

fn row_of(args: Vec<Ast>) -> Ast {
    Ast::Row(RowExpr { args, format: CoercionForm::ExplicitRow, location: Location::UNKNOWN })
}

fn array_of(element: Ast) -> Ast {
    Ast::Array(AArrayExpr { elements: vec![element], location: Location::UNKNOWN })
}

fn operator(name: &str, left: Ast, right: Ast) -> Ast {
    let (kind, name, left) = (AExprKind::Op, vec![name.to_owned()], Some(left));
    Ast::AExpr(Box::new(AExpr { kind, name, left, right, location: Location::UNKNOWN }))
}
