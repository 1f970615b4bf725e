//! The expressions of schema objects: checked when they are given, kept as PostgreSQL text, and translated anew each
//! time SQLite's side of the object is made.

use super::Change;
use crate::catalog::definitions::Names;
use crate::catalog::schema::{Column, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::type_name::ResolvedType;
use crate::sql::ddl::{Expr, Query};
use crate::sql::planner::PlanContext;
use crate::sql::ruleutils::{self, Unknown};
use crate::sql::stored::{
    self, DescribedQuery, Origin, RelationExpression, Target, describe_query, relation_expression,
};
use crate::sql::syntax::ast::expression::ConstValue;
use crate::sql::syntax::{parse, print};
use crate::types::pg_type::{Oid, Scalar, type_info};

/// What a stored expression must become in SQLite.
#[derive(Clone, Copy)]
pub(super) enum Coercion<'c> {
    Check,
    Boolean,
    Column(&'c Column),
}

impl Change<'_> {
    /// The session's context with the catalog as it is becoming.
    pub(super) fn planning(&self) -> PlanContext<'_> {
        PlanContext { catalog: &self.catalog, ..self.context }
    }

    fn analyse(
        &self,
        expression: &Expr,
        relation: Option<&Relation>,
        how: (Origin, Target<'_>),
    ) -> Result<Result<RelationExpression, Oid>> {
        relation_expression(expression, relation, how, self.planning())
    }

    /// A condition given in a statement: 42804 unless it is boolean. Gives the columns it is about.
    pub(super) fn check_condition(&self, expression: &Expr, relation: &Relation, clause: &str) -> Result<Vec<String>> {
        let analysed = self.analyse(expression, Some(relation), (Origin::Statement, Target::Condition(clause)))?;
        Ok(analysed.map(|e| column_names(relation, &e.columns)).unwrap_or_default())
    }

    /// Any expression given in a statement.
    pub(super) fn check_expression(&self, expression: &Expr, relation: &Relation) -> Result<()> {
        self.analyse(expression, Some(relation), (Origin::Statement, Target::Any)).map(|_| ())
    }

    /// The names of the columns that an expression of a statement refers to.
    pub(super) fn columns_of(&self, expression: &Expr, relation: &Relation) -> Vec<String> {
        let analysed = self.analyse(expression, Some(relation), (Origin::Statement, Target::Any));
        analysed.ok().and_then(Result::ok).map(|e| column_names(relation, &e.columns)).unwrap_or_default()
    }

    /// The names of the columns that a stored expression refers to.
    pub(super) fn text_columns(&self, text: Option<&str>, relation: &Relation) -> Vec<String> {
        let Some(Ok(expression)) = text.map(parse::expression) else { return Vec::new() };
        let analysed = self.analyse(&expression, Some(relation), (Origin::Stored, Target::Any));
        analysed.ok().and_then(Result::ok).map(|e| column_names(relation, &e.columns)).unwrap_or_default()
    }

    /// A default given in a statement, for a column of that name and type; `None` for the constant NULL.
    pub(super) fn default_expression(
        &self,
        default: &Expr,
        column: &str,
        (type_oid, typmod): (Oid, i32),
    ) -> Result<Option<String>> {
        let how = (Origin::Statement, Target::Assignment(type_oid, typmod));
        let analysed = self.analyse(default, None, how).map_err(|error| match error.code() {
            SqlState::UNDEFINED_COLUMN if stored::is_column(default) => {
                Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot use column reference in DEFAULT expression")
            }
            _ => error,
        })?;
        if let Err(from) = analysed {
            let message = format!(
                "column \"{column}\" is of type {} but default expression is of type {}",
                self.type_display(type_oid),
                self.type_display(from)
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                .with_hint("You will need to rewrite or cast the expression."));
        }
        if let Ok(value) = &analysed
            && is_literal(default)
            && self.base_type(type_oid) == type_oid
        {
            // PostgreSQL reads a literal when it is given.
            let sql = format!("SELECT {}", value.sql);
            self.sqlite(self.connection.query_row(&sql, [], |_| Ok(())))?;
        }
        // A length or a domain makes it a conversion, which is kept; an interval takes its precision when it is read.
        if matches!(default, Expr::Const(constant) if constant.value == ConstValue::Null)
            && self.base_type(type_oid) == type_oid
            && (typmod < 0 || is_interval(type_oid))
        {
            return Ok(None);
        }
        Ok(Some(self.printed(default, None, Unknown::Of(type_oid))))
    }

    /// A generation expression: assignable to its column.
    pub(super) fn check_generated(&self, expression: &Expr, column: &Column, relation: &Relation) -> Result<()> {
        let how = (Origin::Statement, Target::Assignment(column.type_oid, column.typmod));
        match self.analyse(expression, Some(relation), how)? {
            Ok(_) => Ok(()),
            Err(from) => {
                let message = format!(
                    "column \"{}\" is of type {} but generation expression is of type {}",
                    column.name,
                    self.type_display(column.type_oid),
                    self.type_display(from)
                );
                Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .with_hint("You will need to rewrite or cast the expression."))
            }
        }
    }

    /// ALTER COLUMN TYPE … USING: the SQLite expression that makes the new value from the old row.
    pub(super) fn converted(
        &self,
        using: Option<&Expr>,
        before: &Column,
        relation: &Relation,
        to: ResolvedType,
    ) -> Result<String> {
        let own = stored::column_expression(&before.name);
        let how = (Origin::Statement, Target::Assignment(to.oid, to.typmod));
        if let Ok(converted) = self.analyse(using.unwrap_or(&own), Some(relation), how)? {
            return Ok(converted.sql);
        }
        let type_name = self.type_display(to.oid);
        let (what, hint) = if using.is_some() {
            ("result of USING clause for column", "You might need to add an explicit cast.".to_owned())
        } else {
            let name = crate::catalog::definitions::quote_identifier(&before.name);
            ("column", format!("You might need to specify \"USING {name}::{type_name}\"."))
        };
        let message = format!("{what} \"{}\" cannot be cast automatically to type {type_name}", before.name);
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint))
    }

    /// The value a stored default gives to a column, in SQLite's dialect.
    pub(super) fn default_sql(&self, column: &Column) -> Result<String> {
        let Some(text) = &column.default else { return Ok("NULL".to_owned()) };
        let expression = parse::expression(text)?;
        let how = (Origin::Stored, Target::Assignment(column.type_oid, column.typmod));
        match self.analyse(&expression, None, how)? {
            Ok(value) => Ok(value.sql),
            Err(_) => Err(Error::internal("a stored default does not fit its column")),
        }
    }

    /// A stored expression in SQLite's dialect.
    pub(super) fn relation_sql(&self, text: &str, relation: &Relation, coercion: Coercion<'_>) -> Result<String> {
        let target = match coercion {
            Coercion::Check => Target::Condition("CHECK"),
            Coercion::Boolean => Target::Condition("WHERE"),
            Coercion::Column(column) => Target::Assignment(column.type_oid, column.typmod),
        };
        let expression = parse::expression(text)?;
        match self.analyse(&expression, Some(relation), (Origin::Stored, target))? {
            Ok(analysed) => Ok(analysed.sql),
            Err(_) => Err(Error::internal("a stored expression does not fit its column")),
        }
    }

    /// A stored index key in SQLite's dialect.
    pub(super) fn stored_expression(&self, text: &str, relation: &Relation) -> Result<RelationExpression> {
        let expression = parse::expression(text)?;
        let analysed = self.analyse(&expression, Some(relation), (Origin::Stored, Target::Any))?;
        analysed.map_err(|_| Error::internal("a stored expression"))
    }

    /// A statement's expression as PostgreSQL prints it; what has no rule for that, as it was written.
    pub(super) fn printed(&self, expression: &Expr, relation: Option<&Relation>, unknown: Unknown) -> String {
        let search_path = stored::search_path();
        let names = Names { catalog: &self.catalog, search_path: &search_path };
        let text = ruleutils::text_to_keep(expression, relation, unknown, &names, self.planning());
        text.ok().flatten().unwrap_or_else(|| print::expression(expression))
    }

    /// An expression's text.
    pub(super) fn deparse(&self, expression: &Expr, relation: &Relation) -> String {
        self.printed(expression, Some(relation), Unknown::Text)
    }

    /// A domain's default as text.
    pub(super) fn domain_default(&self, default: &Expr, base: ResolvedType) -> Result<Option<String>> {
        self.default_expression(default, "value", (base.oid, base.typmod))
    }

    /// A domain's CHECK as text: a condition over VALUE.
    pub(super) fn domain_check(&self, check: &Expr, base: ResolvedType) -> Result<String> {
        let value = stored::value_relation(base.oid, base.typmod, &self.catalog);
        self.check_condition(check, &value, "CHECK")?;
        Ok(self.deparse(check, &value))
    }

    /// A query that is not run yet: nobody's row security counts in it.
    pub(super) fn described_query(&self, query: &Query) -> Result<DescribedQuery> {
        describe_query(query, Origin::Statement, PlanContext { security: None, ..self.planning() })
    }

    /// The query of a statement, analysed.
    pub(super) fn analysed_query(&self, query: &Query) -> Result<DescribedQuery> {
        describe_query(query, Origin::Statement, self.planning())
    }

    /// A column's stored value as PostgreSQL's text, in SQLite's dialect.
    pub(super) fn output_sql(&self, column: &Column, prefix: &str) -> String {
        let name = format!("{prefix}{}", super::sqlite::quote(column.stored_name()));
        match type_info(self.base_type(column.type_oid)) {
            Some(info) => format!("coalesce(\"pg_out_{}\"({name}), 'null')", info.name),
            None => format!("coalesce({name}, 'null')"),
        }
    }
}

/// A string, maybe with its type.
fn is_literal(expression: &Expr) -> bool {
    match expression {
        Expr::Const(constant) => matches!(constant.value, ConstValue::String(_)),
        Expr::TypeCast(cast) => matches!(cast.arg, Expr::Const(_)),
        _ => false,
    }
}

fn is_interval(type_oid: Oid) -> bool {
    type_info(type_oid).is_some_and(|info| info.repr.scalar == Scalar::Interval)
}

fn column_names(relation: &Relation, numbers: &[i16]) -> Vec<String> {
    numbers.iter().filter_map(|&n| relation.column_by_number(n)).map(|c| c.name.clone()).collect()
}
