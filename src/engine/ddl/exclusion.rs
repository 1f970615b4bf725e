//! EXCLUDE: an index that is no unique one, and triggers that look for rows for which all of the operators give true.
//!
//! Owns: the constraint's definition, its triggers in SQLite, the check of the rows there are. Must not know: when a
//! deferrable one is due (`engine::constraint_timing`). Specification: sql-createtable.html#SQL-CREATETABLE-EXCLUDE,
//! check_exclusion_or_unique_constraint in execIndexing.c. SQLite's index, if there is one, finds what `=` asks for;
//! other operators are asked for each row.

use super::Change;
use super::deferrable::free_rowid;
use super::index::{AccessMethod, accepts, check_key_count, included_columns, with_included};
use super::naming::{self, free_name, joined};
use super::sqlite::{in_database, qualified, quote};
use crate::catalog::definitions::quote_identifier;
use crate::catalog::schema::{Column, Constraint, ConstraintKind, Index, IndexKey, IndexOptions, Relation};
use crate::catalog::tables::operators::{OwnOperator, operator_by_oid, operators_named};
use crate::catalog::tables::recorded::{Recording, recording};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{ConstraintDefinition, Exclusion, IndexKeyDefinition, Name};
use crate::types::pg_type::Oid;

/// The columns of the row that was written, beside those of the table.
const NEW: &str = "__pg_new_";

/// What a conflict is told by: both rows' keys as text.
struct ConflictQuery {
    /// FROM and WHERE.
    source: String,
    names: String,
    written: String,
    existing: String,
}

fn trigger_name(constraint: &Constraint, event: &str) -> String {
    format!("__pg_exclude_{}_{event}", constraint.oid.0)
}

fn exclusions(relation: &Relation) -> impl Iterator<Item = &Constraint> {
    relation.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Exclusion(_)))
}

impl Change<'_> {
    pub(super) fn add_exclusion(
        &mut self,
        relation: &mut Relation,
        definition: &ConstraintDefinition,
        exclusion: &Exclusion,
    ) -> Result<()> {
        if relation.is_partitioned() {
            let message = "exclusion constraints are not supported on partitioned tables";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let method = AccessMethod::of(&exclusion.method, &self.catalog)?;
        let keys: Vec<IndexKeyDefinition> = exclusion.elements.iter().map(|(key, _)| key.clone()).collect();
        method.check_exclusion(&keys, &exclusion.included)?;
        let (keys, names) = self.index_keys(relation, &keys, &method)?;
        check_key_count(keys.len() + exclusion.included.len())?;
        let included = included_columns(relation, &exclusion.included)?;
        let names = with_included(names, exclusion.included.clone());
        let mut operators = Vec::new();
        for (key, (_, operator)) in keys.iter().zip(&exclusion.elements) {
            let type_oid = self.key_type(relation, key)?;
            operators.push(self.exclusion_operator(operator, type_oid, (key, &method))?);
        }
        let predicate = match &exclusion.predicate {
            Some(predicate) => {
                self.check_condition(predicate, relation, "WHERE")?;
                Some(self.deparse(predicate, relation))
            }
            None => None,
        };
        let mut parameters = Vec::new();
        super::parameters::set(
            &mut parameters,
            &definition.parameters,
            super::parameters::of_method(&exclusion.method),
        )?;
        let name = definition.name.clone().unwrap_or_else(|| {
            let taken = |name: &str| naming::is_taken(&self.catalog, relation, name);
            free_name(&relation.name, Some(&joined(&names)), "excl", taken)
        });
        if definition.name.is_some() {
            self.check_index_name(relation, &name)?;
        }
        let columns = keys.iter().map(|key| key.column).collect();
        let kind = ConstraintKind::Exclusion(operators);
        let constraint = self.push_constraint(relation, definition, name.clone(), kind, columns)?;
        relation.indexes.push(Index {
            oid: self.new_oid()?,
            name,
            unique: false,
            primary: false,
            keys,
            included,
            predicate,
            method: exclusion.method.clone(),
            constraint: Some(constraint),
            options: IndexOptions { parameters, ..Default::default() },
        });
        Ok(())
    }

    /// The operator of a key: one of two operands of the key's type, which may change places, of the index's family.
    fn exclusion_operator(&self, name: &Name, type_oid: Oid, (key, method): (&IndexKey, &AccessMethod)) -> Result<Oid> {
        let own = |operator: &&OwnOperator| operator.left == operator.right && accepts(operator.left, type_oid);
        let candidates = || operators_named(&name.name).iter().filter(own);
        let Some(found) = candidates().find(|o| o.left == type_oid).or_else(|| candidates().next()) else {
            let shown = self.type_display(type_oid);
            let message = format!("operator does not exist: {shown} {} {shown}", name.name);
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
                "No operator matches the given name and argument types. You might need to add explicit type casts.",
            ));
        };
        let operand = self.type_display(found.left);
        let refused = |why: String, detail: &str| {
            let message = format!("operator {}({operand},{operand}) is not {why}", found.name);
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_detail(detail))
        };
        let mut recorded = Recording::new(recording!("pg_operator")).lines();
        let commutes = recorded.find(|line| line.number("oid") == i64::from(found.oid.0));
        if commutes.is_none_or(|line| line.number("oprcom") != i64::from(found.oid.0)) {
            let detail = "Only commutative operators can be used in exclusion constraints.";
            return refused("commutative".to_owned(), detail);
        }
        // The members of gist's families are not recorded.
        let Some(family) = method.family(key.operator_class.as_deref(), type_oid) else { return Ok(found.oid) };
        let members = Recording::new(recording!("pg_amop")).lines().filter(|l| l.number("amopfamily") == family);
        let members: Vec<i64> = members.map(|line| line.number("amopopr")).collect();
        if members.is_empty() || members.contains(&i64::from(found.oid.0)) {
            return Ok(found.oid);
        }
        let mut families = Recording::new(recording!("pg_opfamily")).lines();
        let family = families.find(|line| line.number("oid") == family).map(|line| line.text("opfname").into_owned());
        let detail = "The exclusion operator must be related to the index operator class for the constraint.";
        refused(format!("a member of operator family \"{}\"", family.unwrap_or_default()), detail)
    }

    /// Makes the triggers anew that a table in SQLite needs, and removes those that it needed before.
    pub(super) fn renew_exclusion_triggers(&self, before: Option<&Relation>, relation: &Relation) -> Result<()> {
        for constraint in before.into_iter().chain([relation]).flat_map(exclusions) {
            for event in ["insert", "update"] {
                let name = in_database(relation, &trigger_name(constraint, event));
                self.execute(&format!("DROP TRIGGER IF EXISTS {name}"))?;
            }
        }
        exclusions(relation).try_for_each(|constraint| self.create_exclusion_triggers(relation, constraint))
    }

    fn create_exclusion_triggers(&self, relation: &Relation, constraint: &Constraint) -> Result<()> {
        let rowid = free_rowid(relation, "EXCLUDE in")?;
        let columns = relation.columns.iter().map(|column| format!("NEW.{0} AS {0}", quote(column.stored_name())));
        let columns: Vec<String> = columns.chain([format!("NEW.{rowid} AS {rowid}")]).collect();
        // SQLite reads the table's name in a trigger's body in the trigger's own schema.
        let table = quote(&relation.sqlite_name);
        let row = format!("(SELECT {})", columns.join(", "));
        let conflict = self.conflict_query(relation, constraint, (&table, &row))?;
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        for event in ["insert", "update"] {
            let sql = format!(
                "CREATE TRIGGER {} AFTER {event} ON {table} BEGIN \
                 SELECT pg_exclude({}, {}, NEW.{rowid}, {}, {}, {}, {}, {}, {}) {} LIMIT 1; END",
                in_database(relation, &trigger_name(constraint, event)),
                constraint.oid.0,
                i32::from(constraint.deferrable),
                text(&constraint.name),
                text(&relation.schema),
                text(&relation.name),
                text(&conflict.names),
                conflict.written,
                conflict.existing,
                conflict.source
            );
            self.execute(&sql)?;
        }
        Ok(())
    }

    /// The rows of a table that must not be beside a row that was written, which `row` gives.
    fn conflict_query(
        &self,
        relation: &Relation,
        constraint: &Constraint,
        (table, row): (&str, &str),
    ) -> Result<ConflictQuery> {
        let rowid = free_rowid(relation, "EXCLUDE in")?;
        let index = relation.indexes.iter().find(|index| index.constraint == Some(constraint.oid));
        let (Some(index), ConstraintKind::Exclusion(operators)) = (index, &constraint.kind) else {
            return Err(Error::internal("an exclusion constraint without an index"));
        };
        let mut both = relation.clone();
        let (mut written, mut conditions) = (vec![format!("{rowid} AS {NEW}rowid")], Vec::new());
        let (mut names, mut shown_new, mut shown_old) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (key, operator)) in index.keys.iter().zip(operators).enumerate() {
            let name = format!("{NEW}{number}");
            let (text, type_oid, typmod) = match (relation.column_by_number(key.column), &key.expression) {
                (Some(column), _) => (quote_identifier(&column.name), column.type_oid, column.typmod),
                (None, Some(text)) => (format!("({text})"), self.stored_expression(text, relation)?.type_oid, -1),
                (None, None) => return Err(Error::internal("index key")),
            };
            let repr = self.catalog.repr(type_oid).ok_or_else(|| Error::internal("a key's type"))?;
            let column = Column::new(
                i16::MAX - i16::try_from(number).unwrap_or_default(),
                name.clone(),
                (type_oid, typmod),
                repr,
            );
            both.columns.push(column.clone());
            let sql = self.stored_expression(&text, relation)?.sql;
            let operator = operator_by_oid(*operator).map_or("=", |operator| operator.name.as_str());
            conditions.push(self.stored_expression(&format!("{text} {operator} {name}"), &both)?.sql);
            shown_new.push(self.output_sql(&column, ""));
            shown_old.push(self.output_sql(&column, "").replace(&quote(&name), &format!("({sql})")));
            names.push(match relation.column_by_number(key.column) {
                Some(column) => quote_identifier(&column.name),
                None => key.expression.clone().unwrap_or_default(),
            });
            written.push(format!("{sql} AS {name}"));
        }
        let mut of_written = String::new();
        if let Some(predicate) = &index.predicate {
            let sql = self.stored_expression(predicate, relation)?.sql;
            of_written = format!(" WHERE ({sql})");
            conditions.push(sql);
        }
        let conditions: Vec<String> = conditions.iter().map(|condition| format!("({condition})")).collect();
        Ok(ConflictQuery {
            source: format!(
                "FROM (SELECT {} FROM {row}{of_written}) AS __pg_new, {table} AS __pg_old WHERE __pg_old.{rowid} <> {NEW}rowid AND {}",
                written.join(", "),
                conditions.join(" AND ")
            ),
            names: names.join(", "),
            written: shown_new.join(" || ', ' || "),
            existing: shown_old.join(" || ', ' || "),
        })
    }

    /// 23P01 if two of the rows there are must not be beside each other.
    pub(super) fn check_exclusion(&self, relation: &Relation, constraint: &Constraint) -> Result<()> {
        let table = qualified(relation);
        let query = self.conflict_query(relation, constraint, (&table, &table))?;
        let sql = format!("SELECT {}, {} {} LIMIT 1", query.written, query.existing, query.source);
        let mut statement = self.sqlite(self.connection.prepare(&sql))?;
        let mut rows = self.sqlite(statement.query([]))?;
        let Some(row) = self.sqlite(rows.next())? else { return Ok(()) };
        let (one, other): (String, String) = (self.sqlite(row.get(0))?, self.sqlite(row.get(1))?);
        let message = format!("could not create exclusion constraint \"{}\"", constraint.name);
        let detail = format!("Key ({0})=({one}) conflicts with key ({0})=({other}).", query.names);
        Err(Error::new(SqlState::EXCLUSION_VIOLATION, message)
            .with_detail(detail)
            .with_schema(&relation.schema)
            .with_table(&relation.name)
            .with_constraint(&constraint.name))
    }
}
