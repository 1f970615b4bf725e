//! Rows of pg_namespace, pg_class, pg_attribute, pg_attrdef and pg_sequence.
//!
//! Must not know: SQLite. Specification: catalogs.html.

use std::borrow::Cow;

use crate::catalog::composite::row_type_oid;
use crate::catalog::inheritance::{KeyColumn, PartitionBound, Strategy};
use crate::catalog::members;
use crate::catalog::privileges::{PG_CLASS, PG_NAMESPACE};
use crate::catalog::schema::{Column, DroppedColumn, Identity, Index, Relation, RelationKind, SequenceOptions};
use crate::catalog::tables::constraints::operator_class;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::own;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::catalog::tables::relations::listed;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::catalog::tables::types::{TypeFacts, type_facts};
use crate::types::pg_type::{Oid, type_info};

/// The access method heap (pg_am.dat).
pub const HEAP: Oid = Oid(2);

/// The OID of an access method.
pub fn access_method(name: &str) -> Oid {
    let mut lines = Recording::new(recording!("pg_am")).lines();
    let found = lines.find(|line| line.text("amname") == name);
    let own = found.and_then(|line| line.number("oid").try_into().ok()).map(Oid);
    own.or_else(|| members::access_method(name).map(|(oid, _)| oid)).unwrap_or(Oid::INVALID)
}

/// The OID of one of PostgreSQL's collations.
pub fn recorded_collation(name: &str) -> Oid {
    let mut lines = Recording::new(recording!("pg_collation")).lines();
    let found = lines.find(|line| line.text("collname") == name);
    found.and_then(|line| line.number("oid").try_into().ok()).map_or(Oid::INVALID, Oid)
}

/// The locale of a collation of ICU's, as SQLite's collations are called after it (`engine::functions::collations`).
pub fn recorded_collation_locale(oid: Oid) -> Option<Cow<'static, str>> {
    let own = i64::from(oid.0);
    Recording::new(recording!("pg_collation")).lines().find(|line| line.number("oid") == own)?.optional("colliculocale")
}

/// The name of the collation with that OID.
pub fn recorded_collation_name(oid: Oid) -> Option<String> {
    let mut lines = Recording::new(recording!("pg_collation")).lines();
    let found = lines.find(|line| line.number("oid") == i64::from(oid.0));
    found.map(|line| line.text("collname").into_owned())
}

/// Options as catalogs have them: an array of "name=value", NULL if there are none.
fn option_array(parameters: &[String]) -> Cell {
    let own: Vec<&String> = parameters.iter().filter(|p| !p.starts_with("toast.")).collect();
    if own.is_empty() { Cell::Null } else { Cell::texts(own) }
}

/// pg_class.relkind of a relation.
fn relkind(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table if relation.is_materialized() => "m",
        RelationKind::Table if relation.is_partitioned() => "p",
        RelationKind::Table | RelationKind::System => "r",
        RelationKind::View => "v",
        RelationKind::Composite => "c",
        RelationKind::Index => "i",
        RelationKind::Sequence => "S",
    }
}

/// The schemas.
pub fn namespaces(rows: &mut Rows, view: &View<'_>) {
    for schema in view.catalog.schemas.iter().filter(|schema| schema.oid != own::NAMESPACE) {
        let (owner, acl) = view.owner_and_acl(PG_NAMESPACE, schema.oid, 0);
        row!(rows, oid: schema.oid, nspname: &schema.name, nspowner: owner, nspacl: acl);
    }
}

/// The system relations' rows in pg_class.
pub fn system_classes(rows: &mut Rows, of: &View<'_>) {
    for system in listed() {
        let view = system.kind == b'v';
        row!(rows,
            oid: system.relation.oid,
            relname: &system.relation.name,
            relnamespace: namespace_oid(&system.relation.schema),
            reltype: system.row_type,
            relowner: BOOTSTRAP_SUPERUSER,
            relam: if view { Oid::INVALID } else { HEAP },
            relfilenode: if view { Oid::INVALID } else { system.relation.oid },
            reltuples: -1.0,
            relhasindex: !system.relation.indexes.is_empty(),
            relisshared: system.shared,
            relpersistence: "p",
            relkind: Cell::letter(system.kind),
            relnatts: count(system.relation.columns.len()),
            relhasrules: view,
            relispopulated: true,
            relreplident: "n",
        );
        for index in &system.relation.indexes {
            index_class(rows, of, &system.relation, index);
            rows.set("relisshared", system.shared.into());
        }
    }
}

/// The tables, views, sequences and indexes users made.
pub fn classes(rows: &mut Rows, view: &View<'_>) {
    let references = referenced_tables(view);
    for relation in view.user_relations() {
        class(rows, view, relation, references.contains(&relation.oid));
        for index in &relation.indexes {
            index_class(rows, view, relation, index);
        }
    }
}

/// The tables that foreign keys point to.
pub fn referenced_tables(view: &View<'_>) -> Vec<Oid> {
    let constraints = view.catalog.relations.values().flat_map(|r| &r.constraints);
    let mut tables: Vec<Oid> = constraints.filter_map(|c| c.foreign_key().map(|f| f.relation)).collect();
    let partitioned = |oid: &Oid| view.catalog.relations.get(oid).is_some_and(|table| table.is_partitioned());
    let roots: Vec<Oid> = tables.iter().filter(|oid| partitioned(oid)).copied().collect();
    tables.extend(roots.into_iter().flat_map(|root| view.catalog.inheritors(root)).map(|below| below.oid));
    tables
}

fn class(rows: &mut Rows, view: &View<'_>, relation: &Relation, referenced: bool) {
    let table = relation.kind == RelationKind::Table;
    let stored = table && !relation.is_partitioned();
    let inheritance = &relation.options.inheritance;
    let foreign = relation.constraints.iter().any(|c| c.foreign_key().is_some());
    let (owner, acl) = view.owner_and_acl(PG_CLASS, relation.oid, 0);
    row!(rows,
        oid: relation.oid,
        relname: &relation.name,
        relnamespace: view.namespace_oid(&relation.schema),
        reltype: row_type_oid(relation),
        relowner: owner,
        relacl: acl,
        relam: if stored { HEAP } else { Oid::INVALID },
        relfilenode: if matches!(relation.kind, RelationKind::View | RelationKind::Composite) || table && !stored { Oid::INVALID } else { relation.oid },
        relpages: i32::from(relation.kind == RelationKind::Sequence),
        reltuples: match relation.kind {
            RelationKind::Sequence => 1.0,
            _ => -1.0,
        },
        relhasindex: !relation.indexes.is_empty(),
        relpersistence: persistence(relation),
        relkind: relkind(relation),
        relnatts: count(columns_of(relation).len() + relation.options.dropped.len()),
        relchecks: count(relation.constraints.iter().filter(|c| c.check().is_some()).count()),
        relhasrules: relation.kind == RelationKind::View || relation.is_materialized(),
        relhastriggers: foreign || referenced || !relation.options.triggers.is_empty(),
        relrowsecurity: relation.row_security().enabled,
        relforcerowsecurity: relation.row_security().forced,
        relispopulated: !relation.options.unpopulated,
        relreplident: Cell::letter(relation.options.replica_identity.unwrap_or(if table { b'd' } else { b'n' })),
        relminmxid: i32::from(stored),
        relhassubclass: !inheritance.children.is_empty(),
        relispartition: inheritance.bound.is_some(),
        relpartbound: inheritance.bound.as_ref().map(|bound| bound.text()),
        reloptions: option_array(&relation.options.parameters),
    );
}

fn persistence(relation: &Relation) -> &'static str {
    match (relation.temporary, relation.options.unlogged) {
        (true, _) => "t",
        (false, true) => "u",
        (false, false) => "p",
    }
}

fn index_class(rows: &mut Rows, view: &View<'_>, relation: &Relation, index: &Index) {
    row!(rows,
        oid: index.oid,
        relname: &index.name,
        relnamespace: view.namespace_oid(&relation.schema),
        relowner: view.catalog.owner_of(PG_CLASS, relation.oid),
        relam: access_method(&index.method),
        relfilenode: if relation.is_partitioned() { Oid::INVALID } else { index.oid },
        relpages: i32::from(!relation.is_partitioned()),
        relpersistence: persistence(relation),
        relkind: if relation.is_partitioned() { "I" } else { "i" },
        relispartition: index.options.parent.is_some(),
        relhassubclass: relation.is_partitioned() && !relation.options.inheritance.children.is_empty(),
        relnatts: count(index.keys.len() + index.included.len()),
        relispopulated: true,
        relreplident: "n",
        reloptions: option_array(&index.options.parameters),
    );
}

/// The system relations' columns.
pub fn system_attributes(rows: &mut Rows, view: &View<'_>) {
    for system in listed() {
        let columns = system.relation.columns.iter().zip(&system.declared);
        for (column, &(declared, collation)) in columns {
            let facts = TypeFacts { collation, ..system_facts(column.type_oid) };
            attribute(rows, system.relation.oid, column, declared, facts);
        }
        if system.kind == b'r' {
            hidden_attributes(rows, system.relation.oid);
        }
        for index in &system.relation.indexes {
            index_attributes(rows, view, &system.relation, index);
        }
    }
}

fn system_facts(oid: Oid) -> TypeFacts {
    type_info(oid).map_or(TypeFacts::UNKNOWN, TypeFacts::of)
}

/// The columns of what users made, indexes included.
pub fn attributes(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for column in &columns_of(relation) {
            attribute(rows, relation.oid, column, column.type_oid, column_facts(view, column));
            if view.catalog.base_type(column.type_oid) != column.type_oid {
                // A domain is no array, whatever it is over.
                rows.set("attndims", Cell::Int(0));
            }
            if view.catalog.privileges.contains_key(&(PG_CLASS, relation.oid, column.number)) {
                rows.set("attacl", view.owner_and_acl(PG_CLASS, relation.oid, column.number).1);
            }
        }
        for dropped in &relation.options.dropped {
            dropped_attribute(rows, relation.oid, dropped, type_facts(view.catalog, dropped.type_oid));
        }
        if relation.kind == RelationKind::Table {
            hidden_attributes(rows, relation.oid);
        }
        for index in &relation.indexes {
            index_attributes(rows, view, relation, index);
        }
    }
}

/// A relation's columns; a sequence has three of its own.
pub fn columns_of(relation: &Relation) -> Vec<Column> {
    if relation.kind != RelationKind::Sequence || !relation.columns.is_empty() {
        return relation.columns.clone();
    }
    let columns = [("last_value", Oid::INT8), ("log_cnt", Oid::INT8), ("is_called", Oid::BOOL)];
    columns.into_iter().zip(1i16..).map(|((name, type_oid), number)| plain_column(number, name, type_oid)).collect()
}

fn plain_column(number: i16, name: &str, type_oid: Oid) -> Column {
    Column {
        not_null: true,
        ..Column::new(
            number,
            name.to_owned(),
            (type_oid, -1),
            type_info(type_oid).map_or(TypeFacts::UNKNOWN.repr, |t| t.repr),
        )
    }
}

/// The facts of a column's type, under the column's collation.
fn column_facts(view: &View<'_>, column: &Column) -> TypeFacts {
    let facts = type_facts(view.catalog, column.type_oid);
    let own = column.options.collation.as_ref().map(|kept| view.catalog.collation_oid(kept));
    TypeFacts { collation: own.unwrap_or(facts.collation), ..facts }
}

fn dropped_attribute(rows: &mut Rows, relation: Oid, column: &DroppedColumn, facts: TypeFacts) {
    row!(rows,
        attrelid: relation,
        attname: format!("........pg.dropped.{}........", column.number),
        atttypid: Oid::INVALID,
        attlen: facts.len,
        attnum: column.number,
        attndims: i32::from(facts.repr.array_of.is_some()),
        attcacheoff: -1,
        atttypmod: column.typmod,
        attbyval: facts.by_value,
        attalign: Cell::letter(facts.align),
        attstorage: Cell::letter(facts.storage),
        attisdropped: true,
        attislocal: true,
        attcollation: facts.collation,
    );
}

fn attribute(rows: &mut Rows, relation: Oid, column: &Column, declared: Oid, facts: TypeFacts) {
    row!(rows,
        attrelid: relation,
        attname: &column.name,
        atttypid: declared,
        attstattarget: column.options.statistics.unwrap_or(-1),
        attlen: facts.len,
        attnum: column.number,
        attndims: i32::from(facts.repr.array_of.is_some()),
        attcacheoff: -1,
        atttypmod: column.typmod,
        attbyval: facts.by_value,
        attalign: Cell::letter(facts.align),
        attstorage: Cell::letter(column.options.storage.unwrap_or(facts.storage)),
        attcompression: column.options.compression.map_or(Cell::from(""), Cell::letter),
        attnotnull: column.not_null,
        atthasdef: column.default.is_some() && column.identity.is_none(),
        attidentity: match column.identity {
            Some(Identity::Always) => "a",
            Some(Identity::ByDefault) => "d",
            None => "",
        },
        attgenerated: if column.generated { "s" } else { "" },
        attislocal: !column.options.not_local,
        attinhcount: i32::from(column.options.inherited),
        attcollation: facts.collation,
        attoptions: option_array(&column.options.parameters),
    );
}

/// The columns that every table has.
fn hidden_attributes(rows: &mut Rows, relation: Oid) {
    const HIDDEN: &[(&str, Oid)] = &[
        ("ctid", Oid(27)),
        ("xmin", Oid::XID),
        ("cmin", Oid::CID),
        ("xmax", Oid::XID),
        ("cmax", Oid::CID),
        ("tableoid", Oid::OID),
    ];
    for (number, &(name, type_oid)) in (1i16..).zip(HIDDEN) {
        let facts = system_facts(type_oid);
        row!(rows,
            attrelid: relation,
            attname: name,
            atttypid: type_oid,
            attlen: facts.len,
            attnum: -number,
            attcacheoff: -1,
            atttypmod: -1,
            attbyval: facts.by_value,
            attalign: Cell::letter(facts.align),
            attstorage: Cell::letter(facts.storage),
            attnotnull: true,
            attislocal: true,
        );
    }
}

fn index_attributes(rows: &mut Rows, view: &View<'_>, relation: &Relation, index: &Index) {
    for (place, of_index) in view.index_columns(relation, index).into_iter().enumerate() {
        let number = i16::try_from(place + 1).unwrap_or(i16::MAX);
        let facts = type_facts(view.catalog, of_index.type_oid);
        let kept = of_index.kept.unwrap_or(of_index.type_oid);
        let mut column = plain_column(number, &of_index.name, kept);
        column.not_null = false;
        let table_column = relation.column_by_number(of_index.column);
        let key = index.keys.get(place);
        let collation = key.and_then(|key| key.collation.clone());
        column.options.collation = collation.or(table_column.and_then(|c| c.options.collation.clone()));
        column.options.statistics = index.options.statistics.iter().find(|(n, _)| *n == number).map(|(_, s)| *s);
        column.options.storage = table_column.and_then(|c| c.options.storage).filter(|_| of_index.kept.is_none());
        column.typmod = if of_index.kept.is_some() { -1 } else { of_index.typmod };
        // What is only carried along is not compared.
        let collation = if key.is_some() { facts.collation } else { Oid::INVALID };
        if key.is_none() {
            column.options.collation = None;
        }
        let kept_facts = TypeFacts { collation, ..type_facts(view.catalog, kept) };
        attribute(rows, index.oid, &column, kept, kept_facts);
        rows.set("attndims", Cell::Int(i64::from(table_column.is_some() && facts.repr.array_of.is_some())));
    }
}

/// What inherits from what, indexes of partitions from those of the partitioned table.
pub fn inheritance(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for (parent, number) in relation.options.inheritance.parents.iter().zip(1..) {
            row!(rows, inhrelid: relation.oid, inhparent: *parent, inhseqno: number);
        }
        for index in &relation.indexes {
            if let Some(parent) = index.options.parent {
                row!(rows, inhrelid: index.oid, inhparent: parent, inhseqno: 1);
            }
        }
    }
}

/// Partitioned tables.
pub fn partitioned_tables(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        let inheritance = &relation.options.inheritance;
        let Some(key) = &inheritance.key else { continue };
        let is_default = |oid: &Oid| {
            let child = view.catalog.relations.get(oid);
            child.is_some_and(|child| child.options.inheritance.bound == Some(PartitionBound::Default))
        };
        let default = inheritance.children.iter().copied().find(is_default);
        let method = access_method(if key.strategy == Strategy::Hash { "hash" } else { "btree" });
        let facts: Vec<_> = key.columns.iter().map(|c| (c, type_facts(view.catalog, c.type_oid))).collect();
        let collation = |(column, facts): &(&KeyColumn, TypeFacts)| {
            column.collation.as_deref().map_or(facts.collation, |kept| view.catalog.collation_oid(kept))
        };
        let expressions: Vec<&str> = key.columns.iter().filter_map(|column| column.expression.as_deref()).collect();
        row!(rows,
            partrelid: relation.oid,
            partstrat: key.strategy.letter(),
            partnatts: count(key.columns.len()),
            partdefid: default.unwrap_or_default(),
            partattrs: Cell::ints(key.columns.iter().map(|column| column.column)),
            partclass: Cell::oids(facts.iter().map(|(c, f)| operator_class(method, c.type_oid, f.category))),
            partcollation: Cell::oids(facts.iter().map(collation)),
            partexprs: Some(expressions.join(", ")).filter(|text| !text.is_empty()),
        );
    }
}

/// Defaults and generation expressions.
pub fn defaults(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for column in relation.columns.iter().filter(|c| c.identity.is_none()) {
            if let Some(default) = &column.default {
                row!(rows,
                    oid: default_oid(relation.oid, column.number),
                    adrelid: relation.oid,
                    adnum: column.number,
                    adbin: default,
                );
            }
        }
    }
}

/// The OID of a column's row in pg_attrdef. The catalog has none for it; this one is the same every time and lies
/// beyond all that are given out.
pub fn default_oid(relation: Oid, column: i16) -> Oid {
    let number =
        relation.0.wrapping_sub(Oid::FIRST_NORMAL.0).wrapping_mul(256).wrapping_add(u32::from(column.unsigned_abs()));
    Oid(0x8000_0000 | (number & 0x7fff_ffff))
}

/// Sequences' parameters.
pub fn sequences(rows: &mut Rows, view: &View<'_>) {
    for (relation, options) in user_sequences(view) {
        row!(rows,
            seqrelid: relation.oid,
            seqtypid: options.type_oid,
            seqstart: options.start,
            seqincrement: options.increment,
            seqmax: options.max,
            seqmin: options.min,
            seqcache: options.cache,
            seqcycle: options.cycle,
        );
    }
}

/// Every sequence with its parameters.
pub fn user_sequences<'a>(view: &View<'a>) -> Vec<(&'a Relation, &'a SequenceOptions)> {
    let relations = view.user_relations();
    relations.into_iter().filter_map(|r| r.sequence.as_ref().map(|s| (r.as_ref(), s))).collect()
}

/// The OID of one of the schemas that PostgreSQL always has.
fn namespace_oid(schema: &str) -> Oid {
    match schema {
        "pg_catalog" => Oid(11),
        "pg_toast" => Oid(99),
        "public" => Oid(2200),
        "information_schema" => information_schema_oid(),
        own::NAME => own::NAMESPACE,
        _ => Oid::INVALID,
    }
}

/// initdb gives information_schema's OID; it is the one recorded.
fn information_schema_oid() -> Oid {
    let mut schemas = Recording::new(recording!("pg_namespace")).lines();
    let found = schemas.find(|s| s.text("nspname") == "information_schema");
    Oid(found.and_then(|s| s.number("oid").try_into().ok()).unwrap_or_default())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl View<'_> {
    /// A schema's OID.
    pub fn namespace_oid(&self, schema: &str) -> Oid {
        let own = self.catalog.schemas.iter().find(|s| s.name == schema);
        own.map_or_else(|| namespace_oid(schema), |s| s.oid)
    }
}
