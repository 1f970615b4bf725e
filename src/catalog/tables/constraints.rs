//! Rows of pg_constraint, pg_index, pg_depend and pg_rewrite.
//!
//! Must not know: SQLite. Specification: catalogs.html.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::catalog::dependencies::{self, Dependency, Kind};
use crate::catalog::members::member;
use crate::catalog::objects::{PG_CAST, PG_OPERATOR};
use crate::catalog::policy::PG_POLICY;
use crate::catalog::routines::PG_PROC;
use crate::catalog::schema::{
    CatalogSnapshot, Constraint, ConstraintKind, Index, IndexKey, Relation, RelationKind, UserTypeKind,
};
use crate::catalog::tables::classes::default_oid;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::relations::listed;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::triggers::trigger_constraints;
use crate::catalog::tables::types::user_types;
use crate::types::pg_type::{Oid, type_info};

/// OIDs of the catalogs that others refer to.
pub const PG_TYPE: Oid = Oid(1247);
pub const PG_CLASS: Oid = Oid(1259);
pub const PG_CONSTRAINT: Oid = Oid(2606);
pub const PG_ATTRDEF: Oid = Oid(2604);
pub const PG_REWRITE: Oid = Oid(2618);
pub const PG_TRIGGER: Oid = Oid(2620);
pub const PG_NAMESPACE: Oid = Oid(2615);
/// pg_authid itself.
pub const PG_AUTHID: Oid = Oid(1260);
pub const PG_DATABASE: Oid = Oid(1262);
const PG_EXTENSION: Oid = Oid(3079);
pub const PG_LANGUAGE: Oid = Oid(2612);

/// The keys of the system's relations.
pub fn system_constraints(rows: &mut Rows, view: &View<'_>) {
    for system in listed() {
        for constraint in &system.relation.constraints {
            table_constraint(rows, view, &system.relation, constraint);
        }
    }
}

/// Tables' and domains' constraints.
pub fn constraints(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for constraint in &relation.constraints {
            table_constraint(rows, view, relation, constraint);
        }
    }
    trigger_constraints(rows, view);
    for user in user_types(view.catalog) {
        let UserTypeKind::Domain { checks, .. } = &user.kind else { continue };
        for (check, number) in checks.iter().zip(1u32..) {
            row!(rows,
                oid: domain_constraint_oid(user.oid, number),
                conname: &check.name,
                connamespace: view.namespace_oid(&user.schema),
                contype: "c",
                convalidated: !check.not_valid,
                contypid: user.oid,
                confupdtype: " ",
                confdeltype: " ",
                confmatchtype: " ",
                conislocal: true,
                conbin: &check.expression,
            );
        }
    }
}

/// The OID of a domain's check. The catalog keeps none; this one is the same every time.
pub fn domain_constraint_oid(domain: Oid, number: u32) -> Oid {
    Oid(0x8000_0000 | (domain.0.wrapping_mul(64).wrapping_add(number) & 0x7fff_ffff))
}

fn table_constraint(rows: &mut Rows, view: &View<'_>, relation: &Relation, constraint: &Constraint) {
    let foreign = constraint.foreign_key();
    let of_partitions = constraint.options.parent.is_some() || foreign.is_some() && relation.is_partitioned();
    let letter = |l: Option<u8>| Cell::letter(l.unwrap_or(b' '));
    let columns =
        if constraint.columns.is_empty() { Cell::Null } else { Cell::ints(constraint.columns.iter().copied()) };
    row!(rows,
        oid: constraint.oid,
        conname: &constraint.name,
        connamespace: view.namespace_oid(&relation.schema),
        contype: constraint_letter(&constraint.kind),
        condeferrable: constraint.deferrable,
        condeferred: constraint.initially_deferred,
        convalidated: !constraint.options.not_valid,
        conrelid: relation.oid,
        conindid: view.constraint_index(relation, constraint).map_or(Oid::INVALID, |i| i.oid),
        confrelid: foreign.map_or(Oid::INVALID, |f| f.relation),
        confupdtype: letter(foreign.map(|f| f.on_update)),
        confdeltype: letter(foreign.map(|f| f.on_delete)),
        confmatchtype: letter(foreign.map(|_| if constraint.options.match_full { b'f' } else { b's' })),
        conislocal: !constraint.options.not_local,
        coninhcount: i32::from(constraint.options.inherited),
        conparentid: constraint.options.parent.unwrap_or_default(),
        connoinherit: constraint.options.no_inherit || constraint.check().is_none() && !of_partitions,
        conkey: columns,
        confkey: foreign.map(|f| Cell::ints(f.columns.iter().copied())),
        confdelsetcols: match foreign {
            Some(f) if !f.set_columns.is_empty() => Cell::ints(f.set_columns.iter().copied()),
            _ => Cell::Null,
        },
        conexclop: match &constraint.kind {
            ConstraintKind::Exclusion(operators) => Cell::oids(operators.iter().copied()),
            _ => Cell::Null,
        },
        conbin: constraint.check().map(str::to_owned),
    );
}

/// pg_constraint.contype.
pub fn constraint_letter(kind: &ConstraintKind) -> &'static str {
    match kind {
        ConstraintKind::PrimaryKey => "p",
        ConstraintKind::Unique => "u",
        ConstraintKind::Exclusion(_) => "x",
        ConstraintKind::Check(_) => "c",
        ConstraintKind::ForeignKey(_) => "f",
    }
}

impl<'a> View<'a> {
    /// The index a constraint stands on: its own, or for a foreign key the one over the referenced columns.
    pub fn constraint_index(&self, relation: &'a Relation, constraint: &Constraint) -> Option<&'a Index> {
        match constraint.foreign_key() {
            None => relation.indexes.iter().find(|i| i.constraint == Some(constraint.oid)),
            Some(foreign) => {
                let referenced = self.catalog.relations.get(&foreign.relation)?;
                let covers = |i: &&Index| {
                    let mut keys: Vec<i16> = i.keys.iter().map(|k| k.column).collect();
                    let mut columns = foreign.columns.clone();
                    keys.sort_unstable();
                    columns.sort_unstable();
                    i.unique && i.predicate.is_none() && keys == columns
                };
                referenced.indexes.iter().find(covers)
            }
        }
    }
}

/// Indexes.
pub fn system_indexes(rows: &mut Rows, view: &View<'_>) {
    for system in listed() {
        for index in &system.relation.indexes {
            index_row(rows, view, &system.relation, index);
        }
    }
}

/// pg_index: users'.
pub fn indexes(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations() {
        for index in &relation.indexes {
            index_row(rows, view, relation, index);
        }
    }
}

fn index_row(rows: &mut Rows, view: &View<'_>, relation: &Relation, index: &Index) {
    let constraint = relation.constraints.iter().find(|c| Some(c.oid) == index.constraint);
    let described = view.index_columns(relation, index);
    let expressions: Vec<&str> = index.keys.iter().filter_map(|k| k.expression.as_deref()).collect();
    let options = index.keys.iter().map(|k| i32::from(k.descending) | (i32::from(k.nulls_first) << 1));
    let keys = i64::try_from(index.keys.len()).unwrap_or_default();
    let columns = index.keys.iter().map(|k| k.column).chain(index.included.iter().copied());
    row!(rows,
        indexrelid: index.oid,
        indrelid: relation.oid,
        indnatts: keys + i64::try_from(index.included.len()).unwrap_or_default(),
        indnkeyatts: keys,
        indisunique: index.unique,
        indnullsnotdistinct: index.options.nulls_not_distinct,
        indisprimary: index.primary,
        indisexclusion: constraint.is_some_and(|c| matches!(c.kind, ConstraintKind::Exclusion(_))),
        indimmediate: !constraint.is_some_and(|c| c.deferrable),
        indisclustered: index.options.clustered,
        indisreplident: index.options.replica_identity,
        indisvalid: !index.options.invalid,
        indisready: true,
        indislive: true,
        indkey: Cell::ints(columns),
        indcollation: Cell::oids(index.keys.iter().zip(&described).map(|(key, of)| key_collation(view, relation, key, of.type_oid))),
        indclass: Cell::oids(described.iter().take(index.keys.len()).map(|of| of.class)),
        indoption: Cell::ints(options),
        indexprs: Some(expressions.join(", ")).filter(|e| !e.is_empty()),
        indpred: index.predicate.clone(),
    );
}

/// The collation of a key: its own, its column's or its type's.
fn key_collation(view: &View<'_>, relation: &Relation, key: &IndexKey, type_oid: Oid) -> Oid {
    let column = relation.column_by_number(key.column).and_then(|c| c.options.collation.as_deref());
    match key.collation.as_deref().or(column) {
        Some(name) => view.catalog.collation_oid(name),
        None => view.catalog.type_collation(type_oid),
    }
}

/// The default operator class of an access method for a type.
pub fn operator_class(method: Oid, oid: Oid, category: u8) -> Oid {
    static CLASSES: OnceLock<HashMap<(i64, i64), Oid>> = OnceLock::new();
    let classes = CLASSES.get_or_init(|| {
        let lines = Recording::new(recording!("pg_opclass")).lines().filter(|l| l.number("opcdefault") != 0);
        let key = |l: &Line| (l.number("opcmethod"), l.number("opcintype"));
        lines.map(|l| (key(&l), Oid(l.number("oid").try_into().unwrap_or_default()))).collect()
    });
    let wanted = match category {
        b'A' => Oid::ANYARRAY,
        b'E' => Oid::ANYENUM,
        _ if oid == Oid::VARCHAR => Oid::TEXT,
        _ if oid == Oid::CIDR => Oid::INET,
        b'R' if type_info(oid).is_none() => Oid::ANYRANGE,
        // Domains and types of users are ordered as text is.
        _ if type_info(oid).is_none() => Oid::TEXT,
        _ => oid,
    };
    classes.get(&(i64::from(method.0), i64::from(wanted.0))).copied().unwrap_or_default()
}

/// The OID of a view's rule: the catalog keeps none.
pub fn rule_oid(view: Oid) -> Oid {
    Oid(0x8000_0000 | (view.0.wrapping_mul(256).wrapping_add(255) & 0x7fff_ffff))
}

/// Every view's rule.
pub fn rules(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_relations().iter().filter(|r| r.kind == RelationKind::View || r.is_materialized()) {
        row!(rows,
            oid: rule_oid(relation.oid),
            rulename: "_RETURN",
            ev_class: relation.oid,
            ev_type: "1",
            ev_enabled: "O",
            is_instead: true,
            ev_qual: "<>",
            ev_action: relation.view_query.clone().unwrap_or_default(),
        );
    }
}

/// One end of a dependency: catalog, object, column.
pub type Object = (Oid, Oid, i16);

/// A row of pg_depend.
pub fn depend(rows: &mut Rows, dependent: Object, on: Object, kind: &'static str) {
    row!(rows,
        classid: dependent.0,
        objid: dependent.1,
        objsubid: dependent.2,
        refclassid: on.0,
        refobjid: on.1,
        refobjsubid: on.2,
        deptype: kind,
    );
}

/// Which object depends on which.
pub fn dependencies(rows: &mut Rows, view: &View<'_>) {
    for Dependency { object, on, kind } in dependencies::dependencies(view.catalog) {
        let kind = match kind {
            Kind::Normal => "n",
            Kind::Automatic => "a",
            Kind::Internal => "i",
            Kind::Extension => "e",
            Kind::Partition => "P",
        };
        depend(rows, reference(object), reference(on), kind);
    }
    plpgsql(rows);
}

/// What the extension that every database has consists of: its language and the functions of that.
fn plpgsql(rows: &mut Rows) {
    let of = |text, name, wanted| Recording::new(text).lines().find(|line| line.text(name) == wanted);
    let (Some(extension), Some(language)) =
        (of(recording!("pg_extension"), "extname", "plpgsql"), of(recording!("pg_language"), "lanname", "plpgsql"))
    else {
        return;
    };
    let number = |line: &Line, column| Oid(line.number(column).try_into().unwrap_or_default());
    let on = (PG_EXTENSION, number(&extension, "oid"), 0);
    let own = (PG_LANGUAGE, number(&language, "oid"), 0);
    for function in ["lanplcallfoid", "laninline", "lanvalidator"].map(|column| number(&language, column)) {
        depend(rows, (PG_PROC, function, 0), on, "e");
        depend(rows, own, (PG_PROC, function, 0), "n");
    }
    depend(rows, own, on, "e");
}

/// How pg_depend names an object.
fn reference(object: dependencies::Object) -> Object {
    use dependencies::Object::*;
    match object {
        Schema(oid) => (PG_NAMESPACE, oid, 0),
        Relation(oid) => (PG_CLASS, oid, 0),
        Column(oid, number) => (PG_CLASS, oid, number),
        Default(oid, number) => (PG_ATTRDEF, default_oid(oid, number), 0),
        Constraint(_, oid) => (PG_CONSTRAINT, oid, 0),
        Trigger(_, oid) => (PG_TRIGGER, oid, 0),
        Policy(_, oid) => (PG_POLICY, oid, 0),
        Rule(view) => (PG_REWRITE, rule_oid(view), 0),
        Type(oid) => (PG_TYPE, oid, 0),
        Routine(oid) => (PG_PROC, oid, 0),
        Extension(oid) => (PG_EXTENSION, oid, 0),
        Member(oid) => (member(oid).map_or(PG_PROC, |member| member.class), oid, 0),
        Operator(oid) => (PG_OPERATOR, oid, 0),
        Cast(oid) => (PG_CAST, oid, 0),
        Named(kind, oid) => (kind.class(), oid, 0),
        DomainConstraint(domain, number) => (PG_CONSTRAINT, domain_constraint_oid(domain, number), 0),
    }
}

fn domain_constraint(catalog: &CatalogSnapshot, oid: Oid) -> Option<dependencies::Object> {
    catalog.types.values().find_map(|user_type| {
        let UserTypeKind::Domain { checks, .. } = &user_type.kind else { return None };
        let mut numbers = (1..).take(checks.len());
        let found = numbers.find(|number| domain_constraint_oid(user_type.oid, *number) == oid);
        found.map(|number| dependencies::Object::DomainConstraint(user_type.oid, number))
    })
}

/// The object of users that pg_depend names so.
pub fn referenced(
    catalog: &crate::catalog::schema::CatalogSnapshot,
    (class, oid, part): Object,
) -> Option<dependencies::Object> {
    use dependencies::Object::*;
    let mut relations = catalog.relations.values();
    match class {
        PG_NAMESPACE => catalog.schemas.iter().any(|schema| schema.oid == oid).then_some(Schema(oid)),
        PG_CLASS => match (catalog.relations.get(&oid)?, part) {
            (_, 0) => Some(Relation(oid)),
            (relation, part) => relation.column_by_number(part).map(|_| Column(oid, part)),
        },
        PG_ATTRDEF => relations.find_map(|r| {
            let mut defaults = r.columns.iter().filter(|column| column.default.is_some());
            defaults.find(|column| default_oid(r.oid, column.number) == oid).map(|column| Default(r.oid, column.number))
        }),
        PG_CONSTRAINT => relations
            .find(|r| r.constraints.iter().any(|constraint| constraint.oid == oid))
            .map(|r| Constraint(r.oid, oid))
            .or_else(|| domain_constraint(catalog, oid)),
        PG_TRIGGER => {
            relations.find(|r| r.options.triggers.iter().any(|trigger| trigger.oid == oid)).map(|r| Trigger(r.oid, oid))
        }
        PG_POLICY => relations
            .find(|r| r.row_security().policies.iter().any(|policy| policy.oid == oid))
            .map(|r| Policy(r.oid, oid)),
        PG_REWRITE => relations.find(|r| r.view_query.is_some() && rule_oid(r.oid) == oid).map(|r| Rule(r.oid)),
        PG_TYPE => catalog.user_type(oid).map(|_| Type(oid)),
        PG_PROC => catalog.routines.get(&oid).map(|_| Routine(oid)),
        PG_EXTENSION => catalog.extensions.iter().any(|extension| extension.oid == oid).then_some(Extension(oid)),
        PG_OPERATOR => catalog.operators.get(&oid).map(|_| Operator(oid)),
        PG_CAST => catalog.casts.get(&oid).map(|_| Cast(oid)),
        class => catalog.named.get(&oid).filter(|own| own.kind.class() == class).map(|own| Named(own.kind, oid)),
    }
}

/// What initdb granted: to use pg_catalog and information_schema.
pub fn initial_privileges(rows: &mut Rows, view: &View<'_>) {
    for line in Recording::new(recording!("pg_namespace")).lines().filter(|l| !l.text("nspacl").is_empty()) {
        row!(rows,
            objoid: view.namespace_oid(&line.text("nspname")),
            classoid: PG_NAMESPACE,
            privtype: "i",
            initprivs: line.text("nspacl"),
        );
    }
}
