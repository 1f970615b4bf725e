//! CREATE, ALTER and DROP STATISTICS.
//!
//! Specification: sql-createstatistics.html, statscmds.c.

use super::Change;
use super::owner::noun_of;
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::schema::{Column, Relation, RelationKind};
use crate::catalog::statistics::{ExtendedStatistics, KINDS, PG_STATISTIC_EXT};
use crate::engine::identity::denied;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::sql::ddl::{CreateStatsStmt, Expr, FromItem, KeyPart, Name, StatisticsChange};
use crate::sql::stored;
use crate::types::order::has_order;
use crate::types::pg_type::Oid;

/// The most columns of one (STATS_MAX_DIMENSIONS).
const MAX_COLUMNS: usize = 8;

fn unsupported(message: impl Into<String>) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.into())
}

impl Change<'_> {
    pub(super) fn create_statistics(&mut self, create: &CreateStatsStmt, name: &Name) -> Result<()> {
        let [FromItem::Relation(from)] = create.relations.as_slice() else {
            return Err(unsupported("only a single relation is allowed in CREATE STATISTICS"));
        };
        let table = self.relation(&Name { schema: from.schema.clone(), name: from.relation.clone() })?;
        if table.kind != RelationKind::Table {
            let message = format!("cannot define statistics for relation \"{}\"", table.name);
            let kind = super::drop::object_kind(&table).map_or("relation", |kind| kind.noun());
            let plural = if kind == "index" { "indexes".to_owned() } else { format!("{kind}s") };
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .with_detail(format!("This operation is not supported for {plural}.")));
        }
        self.require_table(&table)?;
        let schema = self.creation_schema(name, false)?;
        if self.catalog.extended_statistics().any(|(_, own)| own.schema == schema && own.name == name.name) {
            let message = format!("statistics object \"{}\" already exists", name.name);
            if create.if_not_exists {
                self.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if create.exprs.len() > MAX_COLUMNS {
            let message = format!("cannot have more than {MAX_COLUMNS} columns in statistics");
            return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
        }
        let (mut columns, mut expressions) = (Vec::new(), Vec::new());
        for part in &create.exprs {
            let name = match part {
                KeyPart::Column(name) => Some(name.as_str()),
                KeyPart::Expr(expression) => stored::column_name(expression),
            };
            match (name, part) {
                (None, KeyPart::Expr(expression)) => {
                    expressions.push(self.statistics_expression(&table, expression, create.exprs.len() == 1)?);
                }
                (name, _) => columns.push(self.statistics_column(&table, name.unwrap_or_default())?),
            }
        }
        let is_single = create.exprs.len() == 1 && expressions.len() == 1;
        if is_single && !create.stat_types.is_empty() {
            return Err(unsupported(
                "when building statistics on a single expression, statistics kinds may not be specified",
            ));
        }
        let mut kinds = Vec::new();
        for kind in &create.stat_types {
            let Some((letter, _)) = KINDS.iter().find(|(_, name)| name == kind) else {
                let message = format!("unrecognized statistics kind \"{kind}\"");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            };
            kinds.push(*letter);
        }
        let kinds = KINDS.iter().map(|(letter, _)| *letter).filter(|l| kinds.is_empty() || kinds.contains(l)).collect();
        let kinds = if is_single { Vec::new() } else { kinds };
        if columns.len() + expressions.len() < 2 && !is_single {
            let message = "extended statistics require at least 2 columns";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        columns.sort_unstable();
        if columns.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            let message = "duplicate column name in statistics definition";
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let is_twice = |(place, text): (usize, &String)| expressions.iter().take(place).any(|other| other == text);
        if expressions.iter().enumerate().any(is_twice) {
            let message = "duplicate expression in statistics definition";
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let oid = self.new_oid()?;
        let mut changed = Relation::clone(&table);
        let made = ExtendedStatistics { oid, schema, name: name.name.clone(), columns, kinds, target: -1, expressions };
        changed.options.statistics.push(made);
        self.put_relation(changed)
    }

    /// An expression as it is kept. What has no order can be counted alone only.
    fn statistics_expression(&self, table: &Relation, expression: &Expr, is_single: bool) -> Result<String> {
        self.check_expression(expression, table)?;
        let text = self.deparse(expression, table);
        let type_oid = self.stored_expression(&text, table)?.type_oid;
        if !is_single && !has_order(self.catalog.base_type(type_oid)) {
            return Err(unsupported(format!(
                "expression cannot be used in multivariate statistics because its type {} has no default btree operator class",
                self.type_display(type_oid)
            )));
        }
        Ok(text)
    }

    /// Whether statistics are still there without a column of their table.
    pub(super) fn keeps_statistics(&self, own: &ExtendedStatistics, table: &Relation, column: &Column) -> bool {
        let uses = |text: &String| self.text_columns(Some(text), table).contains(&column.name);
        !own.columns.contains(&column.number) && !own.expressions.iter().any(uses)
    }

    fn statistics_column(&self, table: &Relation, name: &str) -> Result<i16> {
        const SYSTEM: &[&str] = &["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];
        let Some(column) = table.column(name) else {
            return Err(match SYSTEM.contains(&name) {
                true => unsupported("statistics creation on system columns is not supported"),
                false => Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist")),
            });
        };
        if !has_order(self.catalog.base_type(column.type_oid)) {
            return Err(unsupported(format!(
                "column \"{name}\" cannot be used in statistics because its type {} has no default btree operator class",
                self.type_display(column.type_oid)
            )));
        }
        Ok(column.number)
    }

    /// 42501 unless the table is one's own.
    fn require_table(&self, table: &Relation) -> Result<()> {
        let holder = &*self.holder();
        match holder.superuser || self.catalog.owns(holder, PG_CLASS, table.oid) {
            true => Ok(()),
            false => Err(denied(format!("must be owner of {} {}", noun_of(table), table.name))),
        }
    }

    /// The table of statistics of that name, and their OID; 42704.
    fn statistics_named(&self, name: &Name) -> Result<(std::sync::Arc<Relation>, Oid)> {
        if let Some(schema) = name.schema.as_ref().filter(|schema| !self.catalog.has_schema(schema)) {
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")));
        }
        let schemas = name.schema.as_ref().map_or(self.search_path.as_slice(), std::slice::from_ref);
        let found = schemas.iter().find_map(|schema| {
            let is_it = |own: &ExtendedStatistics| own.schema == *schema && own.name == name.name;
            self.catalog.extended_statistics().find(|(_, own)| is_it(own))
        });
        found.map(|(table, own)| (std::sync::Arc::clone(table), own.oid)).ok_or_else(|| {
            let message = format!("statistics object \"{name}\" does not exist");
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    pub(super) fn own_statistics(&self, name: &Name) -> Result<(Relation, Oid)> {
        let (table, oid) = self.statistics_named(name)?;
        let holder = &*self.holder();
        match holder.superuser || holder.has_privileges_of(self.catalog.statistics_owner(&table, oid)) {
            true => Ok((Relation::clone(&table), oid)),
            false => Err(denied(format!("must be owner of statistics object {name}"))),
        }
    }

    pub(super) fn alter_statistics(&mut self, change: &StatisticsChange, name: &Name) -> Result<()> {
        let alter = match change {
            StatisticsChange::Target(alter) => alter,
            StatisticsChange::Owner(owner) => {
                let (_, oid) = self.own_statistics(name)?;
                let owner = self.role(owner)?;
                self.require_member(owner)?;
                return self.set_owner((PG_STATISTIC_EXT, oid, 0), owner);
            }
            StatisticsChange::Rename(to) => return self.move_statistics(name, None, Some(to)),
            StatisticsChange::SetSchema(schema) => return self.move_statistics(name, Some(schema), None),
        };
        let (mut table, oid) = match self.own_statistics(name) {
            Ok(found) => found,
            Err(error) if alter.missing_ok && error.code() == SqlState::UNDEFINED_OBJECT => {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", error.message()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut target = alter.target;
        if target < -1 {
            let message = format!("statistics target {target} is too low");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        if target > 10_000 {
            target = 10_000;
            let message = "lowering statistics target to 10000".to_owned();
            self.notices.push(ErrorFields::new(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, message));
        }
        table.options.statistics.iter_mut().filter(|own| own.oid == oid).for_each(|own| own.target = target);
        self.put_relation(table)
    }

    fn move_statistics(&mut self, name: &Name, schema: Option<&str>, to: Option<&str>) -> Result<()> {
        let (mut table, oid) = self.own_statistics(name)?;
        let schema = schema.map(|schema| self.existing_schema(schema).map(|found| found.name.clone())).transpose()?;
        let Some(own) = table.options.statistics.iter_mut().find(|own| own.oid == oid) else {
            return Err(Error::internal("statistics without a table"));
        };
        let (old, new) = (own.schema.clone(), schema.unwrap_or_else(|| own.schema.clone()));
        let called = to.unwrap_or(&own.name).to_owned();
        if to.is_none() && old == new {
            return Ok(());
        }
        let is_taken = |other: &ExtendedStatistics| other.schema == new && other.name == called;
        if self.catalog.extended_statistics().any(|(_, other)| is_taken(other)) {
            let message = format!("statistics object \"{called}\" already exists in schema \"{new}\"");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        (own.schema, own.name) = (new, called);
        self.put_relation(table)
    }

    pub(super) fn drop_statistics(&mut self, names: &[Name], if_exists: bool) -> Result<()> {
        let mut found = Vec::new();
        for name in names {
            match self.own_statistics(name) {
                Ok((table, oid)) => found.push((table.oid, oid)),
                Err(error)
                    if if_exists
                        && matches!(error.code(), SqlState::UNDEFINED_OBJECT | SqlState::INVALID_SCHEMA_NAME) =>
                {
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", error.message()));
                }
                Err(error) => return Err(error),
            }
        }
        for (table, oid) in found {
            let mut table = self.current(table)?;
            table.options.statistics.retain(|own| own.oid != oid);
            self.forget_comments(oid)?;
            self.put_relation(table)?;
        }
        Ok(())
    }
}
