//! Rows of information_schema's relations that describe types: columns, domains, element_types, sequences.
//!
//! Must not know: SQLite. Specification: information-schema.html; the conditions are those of information_schema.sql.

use crate::catalog::composite::relation_of;
use crate::catalog::definitions::Names;
use crate::catalog::definitions::identity_of;
use crate::catalog::schema::{Column, Identity, Relation, RelationKind, UserTypeKind};
use crate::catalog::tables::classes::{columns_of, user_sequences};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::relations::listed;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::types::{array_name, recorded_name, type_facts, user_types};
use crate::types::pg_type::{Oid, type_info};

/// The database's collation.
const DEFAULT_COLLATION: Oid = Oid(100);
/// What character_octet_length says of text without a length.
const UNLIMITED_OCTETS: i64 = 1 << 30;
/// The longest character in UTF-8.
const CHARACTER_OCTETS: i64 = 4;

/// A type's schema and name.
pub fn type_name(view: &View<'_>, oid: Oid) -> (String, String) {
    if let Some(info) = type_info(oid) {
        return ("pg_catalog".to_owned(), info.name.to_owned());
    }
    match view.catalog.user_type(oid) {
        Some(user) if user.oid == oid => (user.schema.clone(), user.name.clone()),
        Some(user) => (user.schema.clone(), array_name(&user.name)),
        None => match relation_of(view.catalog, oid) {
            Some((relation, false)) => (relation.schema.clone(), relation.name.clone()),
            Some((relation, true)) => (relation.schema.clone(), array_name(&relation.name)),
            None => ("pg_catalog".to_owned(), String::new()),
        },
    }
}

/// The type under a domain, and the modifier that holds.
fn base_type(view: &View<'_>, oid: Oid, typmod: i32) -> (Oid, i32) {
    match view.catalog.types.get(&oid).map(|t| &t.kind) {
        Some(UserTypeKind::Domain { base, typmod, .. }) => base_type(view, *base, *typmod),
        _ => (oid, typmod),
    }
}

/// Sets the columns that describe a type: data_type, lengths, precisions and udt_*. `oid` is no domain.
fn describe_type(rows: &mut Rows, view: &View<'_>, oid: Oid, typmod: i32) {
    describe_values(rows, view, oid, typmod);
    let (schema, name) = type_name(view, oid);
    rows.set("udt_catalog", Cell::Database);
    rows.set("udt_schema", schema.into());
    rows.set("udt_name", name.into());
}

/// Less udt_*.
fn describe_values(rows: &mut Rows, view: &View<'_>, oid: Oid, typmod: i32) {
    let data_type = if type_facts(view.catalog, oid).category == b'A' {
        "ARRAY".to_owned()
    } else if type_info(oid).is_some() {
        Names { catalog: view.catalog, search_path: &[] }.format_type(oid, None)
    } else {
        "USER-DEFINED".to_owned()
    };
    let (precision, radix, scale) = numeric_facts(oid, typmod);
    let length = match oid {
        Oid::BPCHAR | Oid::VARCHAR if typmod >= 4 => Some(i64::from(typmod) - 4),
        Oid::BIT | Oid::VARBIT if typmod >= 0 => Some(i64::from(typmod)),
        _ => None,
    };
    let octets = matches!(oid, Oid::TEXT | Oid::BPCHAR | Oid::VARCHAR)
        .then(|| length.map_or(UNLIMITED_OCTETS, |l| l * CHARACTER_OCTETS));
    rows.set("data_type", data_type.into());
    rows.set("character_maximum_length", length.into());
    rows.set("character_octet_length", octets.into());
    rows.set("numeric_precision", precision.into());
    rows.set("numeric_precision_radix", radix.into());
    rows.set("numeric_scale", scale.into());
    rows.set("datetime_precision", datetime_precision(oid, typmod).into());
    rows.set("interval_type", interval_fields(view, oid, typmod).into());
}

/// Precision, radix and scale of a number.
fn numeric_facts(oid: Oid, typmod: i32) -> (Option<i32>, Option<i32>, Option<i32>) {
    match oid {
        Oid::INT2 => (Some(16), Some(2), Some(0)),
        Oid::INT4 => (Some(32), Some(2), Some(0)),
        Oid::INT8 => (Some(64), Some(2), Some(0)),
        Oid::FLOAT4 => (Some(24), Some(2), None),
        Oid::FLOAT8 => (Some(53), Some(2), None),
        Oid::NUMERIC if typmod < 4 => (None, Some(10), None),
        Oid::NUMERIC => (Some(((typmod - 4) >> 16) & 0xffff), Some(10), Some((typmod - 4) & 0xffff)),
        _ => (None, None, None),
    }
}

fn datetime_precision(oid: Oid, typmod: i32) -> Option<i32> {
    match oid {
        Oid::DATE => Some(0),
        Oid::TIME | Oid::TIMETZ | Oid::TIMESTAMP | Oid::TIMESTAMPTZ => Some(if typmod < 0 { 6 } else { typmod }),
        Oid::INTERVAL if typmod < 0 || typmod & 0xffff == 0xffff => Some(6),
        Oid::INTERVAL => Some(typmod & 0xffff),
        _ => None,
    }
}

/// The fields an interval is limited to, in capitals.
fn interval_fields(view: &View<'_>, oid: Oid, typmod: i32) -> Option<String> {
    if oid != Oid::INTERVAL || typmod < 0 {
        return None;
    }
    let text = Names { catalog: view.catalog, search_path: &[] }.format_type(oid, Some(typmod));
    let fields = text.strip_prefix("interval")?.trim_start();
    let fields = fields.split('(').next().unwrap_or_default();
    Some(fields.to_uppercase()).filter(|f| !f.is_empty())
}

/// YES or NO.
pub fn yes_or_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}

/// The columns of the system relations.
pub fn system_columns(rows: &mut Rows, view: &View<'_>) {
    for system in listed() {
        for (column, &(declared, collation)) in system.relation.columns.iter().zip(&system.declared) {
            column_row(rows, &system.relation, column, system.kind == b'r');
            describe_type(rows, view, column.type_oid, column.typmod);
            describe_collation(rows, view, collation);
            if declared != column.type_oid {
                describe_domain(rows, "information_schema", recorded_name(declared).map_or("", |(_, name)| name));
            }
        }
    }
}

/// information_schema.columns of users' relations.
pub fn columns(rows: &mut Rows, view: &View<'_>) {
    let of_rows = |r: &&&std::sync::Arc<Relation>| {
        matches!(r.kind, RelationKind::Table | RelationKind::View) && !r.is_materialized()
    };
    for relation in view.user_relations().iter().filter(of_rows) {
        let writable = match relation.kind {
            RelationKind::View => view.source.updatable_columns(relation).unwrap_or_default(),
            _ => Vec::new(),
        };
        for column in &columns_of(relation) {
            let updatable = relation.kind == RelationKind::Table || writable.contains(&column.number);
            column_row(rows, relation, column, updatable);
            let (base, typmod) = base_type(view, column.type_oid, column.typmod);
            describe_type(rows, view, base, typmod);
            match &column.options.collation {
                Some(kept) => name_collation(rows, view, view.catalog.collation_oid(kept)),
                None => describe_collation(rows, view, type_facts(view.catalog, column.type_oid).collation),
            }
            if base != column.type_oid {
                let (schema, name) = type_name(view, column.type_oid);
                describe_domain(rows, &schema, &name);
            }
            if let Some(identity) = column.identity {
                describe_identity(rows, view, relation, column, identity);
            }
        }
    }
}

/// information_schema.attributes: the columns of composite types.
pub fn attributes(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations().iter().filter(|r| r.kind == RelationKind::Composite) {
        for column in &relation.columns {
            row!(rows,
                udt_catalog: Cell::Database,
                udt_schema: &relation.schema,
                udt_name: &relation.name,
                attribute_name: &column.name,
                ordinal_position: column.number,
                is_nullable: "YES",
                attribute_udt_catalog: Cell::Database,
                dtd_identifier: column.number.to_string(),
                is_derived_reference_attribute: "NO",
            );
            let (base, typmod) = base_type(view, column.type_oid, column.typmod);
            describe_values(rows, view, base, typmod);
            let (schema, name) = type_name(view, base);
            rows.set("attribute_udt_schema", schema.into());
            rows.set("attribute_udt_name", name.into());
            match &column.options.collation {
                Some(kept) => name_collation(rows, view, view.catalog.collation_oid(kept)),
                None => describe_collation(rows, view, type_facts(view.catalog, base).collation),
            }
        }
    }
}

fn column_row(rows: &mut Rows, relation: &Relation, column: &Column, updatable: bool) {
    let default = column.default.clone().filter(|_| column.identity.is_none());
    let (default, generation) = if column.generated { (None, default) } else { (default, None) };
    row!(rows,
        table_catalog: Cell::Database,
        table_schema: &relation.schema,
        table_name: &relation.name,
        column_name: &column.name,
        ordinal_position: column.number,
        column_default: default,
        is_nullable: yes_or_no(!column.not_null),
        dtd_identifier: column.number.to_string(),
        is_self_referencing: "NO",
        is_identity: yes_or_no(column.identity.is_some()),
        identity_cycle: "NO",
        is_generated: if column.generated { "ALWAYS" } else { "NEVER" },
        generation_expression: generation,
        is_updatable: yes_or_no(updatable),
    );
}

fn describe_domain(rows: &mut Rows, schema: &str, name: &str) {
    rows.set("domain_catalog", Cell::Database);
    rows.set("domain_schema", schema.to_owned().into());
    rows.set("domain_name", name.to_owned().into());
}

/// The collation of a type, unless it is the database's.
fn describe_collation(rows: &mut Rows, view: &View<'_>, collation: Oid) {
    if ![Oid::INVALID, DEFAULT_COLLATION].contains(&collation) {
        name_collation(rows, view, collation);
    }
}

fn name_collation(rows: &mut Rows, view: &View<'_>, collation: Oid) {
    rows.set("collation_catalog", Cell::Database);
    rows.set("collation_schema", view.catalog.collation_schema(collation).to_owned().into());
    rows.set("collation_name", view.catalog.collation_name(collation).into());
}

fn describe_identity(rows: &mut Rows, view: &View<'_>, relation: &Relation, column: &Column, identity: Identity) {
    rows.set("identity_generation", if identity == Identity::Always { "ALWAYS" } else { "BY DEFAULT" }.into());
    let own = |sequence: &Relation| {
        identity_of(view.catalog, sequence).is_some_and(|(t, c)| (t.oid, c.number) == (relation.oid, column.number))
    };
    let sequence = user_sequences(view).into_iter().find(|(sequence, _)| own(sequence));
    let Some((_, options)) = sequence else { return };
    rows.set("identity_start", options.start.to_string().into());
    rows.set("identity_increment", options.increment.to_string().into());
    rows.set("identity_maximum", options.max.to_string().into());
    rows.set("identity_minimum", options.min.to_string().into());
    rows.set("identity_cycle", yes_or_no(options.cycle).into());
}

/// information_schema.domains.
pub fn domains(rows: &mut Rows, view: &View<'_>) {
    for user in user_types(view.catalog) {
        let UserTypeKind::Domain { base, typmod, default, .. } = &user.kind else { continue };
        row!(rows,
            domain_catalog: Cell::Database,
            domain_schema: &user.schema,
            domain_name: &user.name,
            domain_default: default.clone(),
            dtd_identifier: "1",
        );
        let (base, typmod) = base_type(view, *base, *typmod);
        describe_type(rows, view, base, typmod);
        describe_collation(rows, view, view.catalog.type_collation(user.oid));
    }
}

/// information_schema.sequences; those of identity columns are left out, as in PostgreSQL.
pub fn sequences(rows: &mut Rows, view: &View<'_>) {
    for (relation, options) in user_sequences(view) {
        if identity_of(view.catalog, relation).is_some() {
            continue;
        }
        let (precision, radix, scale) = numeric_facts(options.type_oid, -1);
        row!(rows,
            sequence_catalog: Cell::Database,
            sequence_schema: &relation.schema,
            sequence_name: &relation.name,
            data_type: type_info(options.type_oid).map(|t| t.sql_name),
            numeric_precision: precision,
            numeric_precision_radix: radix,
            numeric_scale: scale,
            start_value: options.start.to_string(),
            minimum_value: options.min.to_string(),
            maximum_value: options.max.to_string(),
            increment: options.increment.to_string(),
            cycle_option: yes_or_no(options.cycle),
        );
    }
}
