//! Rows of information_schema's relations about schemas, tables, constraints, views, roles and privileges.
//!
//! Must not know: SQLite. Specification: information-schema.html; the conditions are those of information_schema.sql.

use std::collections::BTreeSet;

use crate::catalog::definitions::check;
use crate::catalog::privileges::PG_NAMESPACE;
use crate::catalog::schema::{CheckOption, Constraint, ConstraintKind, Relation, RelationKind, UserTypeKind};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::information_columns::yes_or_no;
use crate::catalog::tables::own;
use crate::catalog::tables::relations::listed;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::types::user_types;
use crate::catalog::trigger::{Events, Timing};

/// information_schema_catalog_name.
pub fn catalog_name(rows: &mut Rows, _view: &View<'_>) {
    row!(rows, catalog_name: Cell::Database);
}

/// schemata.
pub fn schemata(rows: &mut Rows, view: &View<'_>) {
    for schema in view.catalog.schemas.iter().filter(|schema| schema.oid != own::NAMESPACE) {
        let owner = view.owner_name(PG_NAMESPACE, schema.oid);
        row!(rows, catalog_name: Cell::Database, schema_name: &schema.name, schema_owner: owner);
    }
}

/// character_sets.
pub fn character_sets(rows: &mut Rows, _view: &View<'_>) {
    row!(rows,
        character_set_name: "UTF8",
        character_repertoire: "UCS",
        form_of_use: "UTF8",
        default_collate_catalog: Cell::Database,
    );
}

/// tables: the system relations.
pub fn system_tables(rows: &mut Rows, _view: &View<'_>) {
    for system in listed() {
        table_row(rows, &system.relation, system.kind == b'v', false);
    }
}

/// tables: users'.
pub fn tables(rows: &mut Rows, view: &View<'_>) {
    for relation in view
        .user_relations()
        .into_iter()
        .filter(|r| matches!(r.kind, RelationKind::Table | RelationKind::View) && !r.is_materialized())
    {
        let is_view = relation.kind == RelationKind::View;
        let insertable = !is_view || view.source.updatable_columns(relation).is_some_and(|columns| !columns.is_empty());
        table_row(rows, relation, is_view, insertable);
    }
}

fn table_row(rows: &mut Rows, relation: &Relation, is_view: bool, insertable: bool) {
    row!(rows,
        table_catalog: Cell::Database,
        table_schema: &relation.schema,
        table_name: &relation.name,
        table_type: match (is_view, relation.temporary) {
            (true, _) => "VIEW",
            (false, true) => "LOCAL TEMPORARY",
            (false, false) => "BASE TABLE",
        },
        is_insertable_into: yes_or_no(insertable),
        is_typed: "NO",
        commit_action: relation.temporary.then_some("PRESERVE"),
    );
}

/// views: users'.
pub fn views(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations().into_iter().filter(|r| r.kind == RelationKind::View) {
        let writable = view.source.updatable_columns(relation).is_some_and(|columns| !columns.is_empty());
        row!(rows,
            table_catalog: Cell::Database,
            table_schema: &relation.schema,
            table_name: &relation.name,
            view_definition: view.source.view_definition(relation),
            check_option: match relation.check_option() {
                None => "NONE",
                Some(CheckOption::Local) => "LOCAL",
                Some(CheckOption::Cascaded) => "CASCADED",
            },
            is_updatable: yes_or_no(writable),
            is_insertable_into: yes_or_no(writable),
            is_trigger_updatable: yes_or_no(has_trigger(relation, |on| on.update)),
            is_trigger_deletable: yes_or_no(has_trigger(relation, |on| on.delete)),
            is_trigger_insertable_into: yes_or_no(has_trigger(relation, |on| on.insert)),
        );
    }
}

/// Whether a view has a trigger INSTEAD OF an event.
fn has_trigger(view: &Relation, event: fn(&Events) -> bool) -> bool {
    view.options.triggers.iter().any(|trigger| trigger.timing == Timing::InsteadOf && event(&trigger.events))
}

/// Every constraint of every table.
fn all_constraints<'a>(view: &View<'a>) -> Vec<(&'a Relation, &'a Constraint)> {
    let relations = view.user_relations();
    relations.into_iter().flat_map(|r| r.constraints.iter().map(move |c| (r.as_ref(), c))).collect()
}

/// table_constraints; a NOT NULL counts as a check here.
pub fn table_constraints(rows: &mut Rows, view: &View<'_>) {
    for (table, constraint) in all_constraints(view) {
        let kind = match &constraint.kind {
            ConstraintKind::Exclusion(_) => continue,
            ConstraintKind::PrimaryKey => "PRIMARY KEY",
            ConstraintKind::Unique => "UNIQUE",
            ConstraintKind::Check(_) => "CHECK",
            ConstraintKind::ForeignKey(_) => "FOREIGN KEY",
        };
        constraint_row(rows, table, &constraint.name, kind);
        rows.set("is_deferrable", yes_or_no(constraint.deferrable).into());
        rows.set("initially_deferred", yes_or_no(constraint.initially_deferred).into());
        if matches!(constraint.kind, ConstraintKind::Unique) {
            rows.set("nulls_distinct", "YES".into());
        }
    }
    for (table, name, _) in not_nulls(view) {
        constraint_row(rows, table, &name, "CHECK");
    }
}

fn constraint_row(rows: &mut Rows, table: &Relation, name: &str, kind: &'static str) {
    row!(rows,
        constraint_catalog: Cell::Database,
        constraint_schema: &table.schema,
        constraint_name: name.to_owned(),
        table_catalog: Cell::Database,
        table_schema: &table.schema,
        table_name: &table.name,
        constraint_type: kind,
        is_deferrable: "NO",
        initially_deferred: "NO",
        enforced: "YES",
    );
}

/// The columns that are NOT NULL: table, the constraint's invented name, the column.
fn not_nulls<'a>(view: &View<'a>) -> Vec<(&'a Relation, String, &'a str)> {
    let tables = view.user_relations().into_iter().filter(|r| r.kind == RelationKind::Table);
    let mut found = Vec::new();
    for table in tables {
        let namespace = view.namespace_oid(&table.schema);
        for column in table.columns.iter().filter(|c| c.not_null) {
            let name = format!("{namespace}_{}_{}_not_null", table.oid, column.number);
            found.push((table.as_ref(), name, column.name.as_str()));
        }
    }
    found
}

/// check_constraints.
pub fn check_constraints(rows: &mut Rows, view: &View<'_>) {
    // Equal rows are one.
    let mut checks = BTreeSet::new();
    for (table, constraint) in all_constraints(view) {
        if let Some(expression) = constraint.check() {
            checks.insert((&table.schema, &constraint.name, clause(expression)));
        }
    }
    checks.into_iter().for_each(|(schema, name, clause)| check_row(rows, schema, name, clause));
    for user in user_types(view.catalog) {
        let UserTypeKind::Domain { checks, .. } = &user.kind else { continue };
        for check in checks {
            check_row(rows, &user.schema, &check.name, clause(&check.expression));
        }
    }
    for (table, name, column) in not_nulls(view) {
        check_row(rows, &table.schema, &name, format!("{column} IS NOT NULL"));
    }
}

/// What stands after CHECK in the constraint's definition.
fn clause(expression: &str) -> String {
    let text = check(expression);
    text.strip_prefix("CHECK ").map_or(text.clone(), str::to_owned)
}

fn check_row(rows: &mut Rows, schema: &str, name: &str, clause: String) {
    row!(rows,
        constraint_catalog: Cell::Database,
        constraint_schema: schema.to_owned(),
        constraint_name: name.to_owned(),
        check_clause: clause,
    );
}

/// domain_constraints.
pub fn domain_constraints(rows: &mut Rows, view: &View<'_>) {
    for user in user_types(view.catalog) {
        let UserTypeKind::Domain { checks, .. } = &user.kind else { continue };
        for check in checks {
            row!(rows,
                constraint_catalog: Cell::Database,
                constraint_schema: &user.schema,
                constraint_name: &check.name,
                domain_catalog: Cell::Database,
                domain_schema: &user.schema,
                domain_name: &user.name,
                is_deferrable: "NO",
                initially_deferred: "NO",
            );
        }
    }
}

/// Primary, unique and foreign keys.
fn is_key((_, constraint): &(&Relation, &Constraint)) -> bool {
    !matches!(constraint.kind, ConstraintKind::Check(_) | ConstraintKind::Exclusion(_))
}

/// key_column_usage: the columns of primary, unique and foreign keys.
pub fn key_column_usage(rows: &mut Rows, view: &View<'_>) {
    for (table, constraint) in all_constraints(view).into_iter().filter(is_key) {
        for (number, position) in constraint.columns.iter().zip(1usize..) {
            let Some(column) = table.column_by_number(*number) else { continue };
            row!(rows,
                constraint_catalog: Cell::Database,
                constraint_schema: &table.schema,
                constraint_name: &constraint.name,
                table_catalog: Cell::Database,
                table_schema: &table.schema,
                table_name: &table.name,
                column_name: &column.name,
                ordinal_position: i64::try_from(position).unwrap_or_default(),
                position_in_unique_constraint: unique_position(view, table, constraint, position),
            );
        }
    }
}

/// Where the column that a foreign key's n-th column refers to stands in the unique key it refers to.
fn unique_position(view: &View<'_>, table: &Relation, constraint: &Constraint, position: usize) -> Option<i64> {
    let foreign = constraint.foreign_key()?;
    let referenced = foreign.columns.get(position.checked_sub(1)?)?;
    let index = view.constraint_index(table, constraint)?;
    let place = index.keys.iter().position(|k| k.column == *referenced)?;
    i64::try_from(place + 1).ok()
}

/// constraint_column_usage: the columns a constraint speaks of; for a foreign key those it refers to.
pub fn constraint_column_usage(rows: &mut Rows, view: &View<'_>) {
    for (table, constraint) in all_constraints(view) {
        if matches!(constraint.kind, ConstraintKind::Exclusion(_)) {
            continue;
        }
        let (target, columns) = match constraint.foreign_key() {
            None => (Some(table), &constraint.columns),
            Some(foreign) => (view.catalog.relations.get(&foreign.relation).map(AsRef::as_ref), &foreign.columns),
        };
        let Some(target) = target else { continue };
        for column in columns.iter().filter_map(|&n| target.column_by_number(n)) {
            usage_row(rows, table, constraint, target);
            rows.set("column_name", (&column.name).into());
        }
    }
}

/// constraint_table_usage: the tables that keys are of; for a foreign key the one it refers to.
pub fn constraint_table_usage(rows: &mut Rows, view: &View<'_>) {
    for (table, constraint) in all_constraints(view).into_iter().filter(is_key) {
        let target = match constraint.foreign_key() {
            None => Some(table),
            Some(foreign) => view.catalog.relations.get(&foreign.relation).map(AsRef::as_ref),
        };
        if let Some(target) = target {
            usage_row(rows, table, constraint, target);
        }
    }
}

fn usage_row(rows: &mut Rows, table: &Relation, constraint: &Constraint, target: &Relation) {
    row!(rows,
        table_catalog: Cell::Database,
        table_schema: &target.schema,
        table_name: &target.name,
        constraint_catalog: Cell::Database,
        constraint_schema: &table.schema,
        constraint_name: &constraint.name,
    );
}

/// referential_constraints.
pub fn referential_constraints(rows: &mut Rows, view: &View<'_>) {
    for (table, constraint) in all_constraints(view) {
        let Some(foreign) = constraint.foreign_key() else { continue };
        let referenced = view.catalog.relations.get(&foreign.relation);
        let index = view.constraint_index(table, constraint);
        let unique =
            referenced.zip(index).and_then(|(r, i)| r.constraints.iter().find(|c| Some(c.oid) == i.constraint));
        row!(rows,
            constraint_catalog: Cell::Database,
            constraint_schema: &table.schema,
            constraint_name: &constraint.name,
            unique_constraint_catalog: unique.map(|_| Cell::Database),
            unique_constraint_schema: referenced.filter(|_| unique.is_some()).map(|r| &r.schema),
            unique_constraint_name: unique.map(|c| &c.name),
            match_option: if constraint.options.match_full { "FULL" } else { "NONE" },
            update_rule: rule(foreign.on_update),
            delete_rule: rule(foreign.on_delete),
        );
    }
}

fn rule(letter: u8) -> &'static str {
    match letter {
        b'c' => "CASCADE",
        b'n' => "SET NULL",
        b'd' => "SET DEFAULT",
        b'r' => "RESTRICT",
        _ => "NO ACTION",
    }
}
