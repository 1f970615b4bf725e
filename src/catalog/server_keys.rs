//! Foreign keys that SQLite does not check, or whose actions it does not take: the server does.
//!
//! Owns: [`ServerKeys`]. Must not know: how they are checked (`engine::key_checks`), how actions are taken
//! (`engine::referential_actions`). Specification: addFkRecurseReferenced() in tablecmds.c for the names.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::schema::{CatalogSnapshot, Constraint, ForeignKey, Relation, RelationKind, UserTypeKind};
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};

/// The foreign keys that are the server's, by OID.
#[derive(Debug, Default)]
pub struct ServerKeys {
    /// Those that SQLite does not know at all: to partitioned tables, between types that are not stored alike.
    pub own: Arc<BTreeSet<Oid>>,
    /// Those whose actions SQLite does not take: they change tables that have triggers, or tables from which such actions
    /// go on; they set some of their columns only; ON UPDATE they change the table itself; and those that SQLite does not
    /// know.
    pub acting: Arc<BTreeSet<Oid>>,
}

/// The declared type whose affinity leaves stored values as they are.
pub fn declared_type(repr: Repr) -> &'static str {
    if repr.array_of.is_some() {
        return "TEXT";
    }
    match repr.scalar {
        scalar if scalar.is_integer() => "INTEGER",
        // No affinity: with REAL, SQLite stores whole numbers as integers, and -0 as 0.
        Scalar::Float4 | Scalar::Float8 => "FLOAT BLOB",
        // No affinity.
        Scalar::Xid8 => "BLOB",
        scalar if scalar.is_blob() => "BLOB",
        _ => "TEXT",
    }
}

/// How SQLite gets on with the two sides of a key's column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Same,
    /// It compares them, but would hand on a value as the other side has it.
    Compared,
    Different,
}

impl CatalogSnapshot {
    fn likeness(&self, child: &Relation, constraint: &Constraint, key: &ForeignKey, parent: &Relation) -> Likeness {
        let mut found = Likeness::Same;
        for (own, other) in constraint.columns.iter().zip(&key.columns) {
            let (Some(a), Some(b)) = (child.column_by_number(*own), parent.column_by_number(*other)) else { continue };
            let (base, other) = (self.base_type(a.type_oid), self.base_type(b.type_oid));
            if base == other {
                continue;
            }
            let is_number = |oid: Oid| type_info(oid).is_some_and(|info| info.category == b'N');
            // Dates and times look alike, and are not.
            let moments = [Oid::DATE, Oid::TIMESTAMP, Oid::TIMESTAMPTZ];
            let alike = declared_type(a.repr) == declared_type(b.repr) && a.repr.collation() == b.repr.collation();
            // SQLite does not read a numeric's text as a float.
            let is_read = base == Oid::NUMERIC && matches!(other, Oid::FLOAT4 | Oid::FLOAT8);
            if is_number(base) && is_number(other) && !is_read {
                found = if found == Likeness::Different { found } else { Likeness::Compared };
            } else if moments.contains(&base) || !alike || is_read {
                found = Likeness::Different;
            }
        }
        found
    }

    /// Whether a foreign key is one that SQLite does not know.
    pub fn checks_key_itself(&self, child: &Relation, constraint: &Constraint) -> bool {
        let Some(key) = constraint.foreign_key() else { return false };
        let parent =
            if key.relation == child.oid { Some(child) } else { self.relations.get(&key.relation).map(|p| &**p) };
        let Some(parent) = parent else { return false };
        parent.is_partitioned() || self.likeness(child, constraint, key, parent) == Likeness::Different
    }

    /// The type a domain stands for.
    pub fn base_type(&self, oid: Oid) -> Oid {
        match self.types.get(&oid).map(|t| &t.kind) {
            Some(UserTypeKind::Domain { base, .. }) => self.base_type(*base),
            _ => oid,
        }
    }

    /// See [`ServerKeys`].
    pub fn server_keys(&self) -> &ServerKeys {
        self.server_keys.get_or_init(|| Arc::new(self.find_server_keys()))
    }

    /// See [`ServerKeys::acting`].
    pub fn acting_keys(&self) -> &Arc<BTreeSet<Oid>> {
        &self.server_keys().acting
    }

    fn find_server_keys(&self) -> ServerKeys {
        let has_triggers = |r: &&Arc<Relation>| !r.options.triggers.is_empty() && r.kind == RelationKind::Table;
        let mut firing: BTreeSet<Oid> = self.relations.values().filter(has_triggers).map(|r| r.oid).collect();
        let (mut own, mut acting) = (BTreeSet::new(), BTreeSet::new());
        let mut keys: Vec<(Oid, Oid, Oid)> = Vec::new();
        for child in self.relations.values() {
            for constraint in &child.constraints {
                let Some(key) = constraint.foreign_key() else { continue };
                let Some(parent) = self.relations.get(&key.relation) else { continue };
                let likeness = self.likeness(child, constraint, key, parent);
                if self.checks_key_itself(child, constraint) {
                    own.insert(constraint.oid);
                    firing.extend([child.oid, parent.oid]);
                }
                if !key.acts() {
                    continue;
                }
                // What is set may move a row to another partition.
                let parts = child.is_partitioned() || constraint.options.parent.is_some();
                let whole = key.set_columns.is_empty() && !parts;
                // An UPDATE must not come to rows that its own action has changed.
                let to_itself = child.oid == parent.oid && key.on_update != b'a' && key.on_update != b'r';
                let compared = likeness == Likeness::Compared && key.on_update == b'c';
                if own.contains(&constraint.oid) || !whole || compared || to_itself {
                    acting.insert(constraint.oid);
                    firing.insert(parent.oid);
                }
                keys.push((child.oid, constraint.oid, parent.oid));
            }
        }
        if firing.is_empty() {
            return ServerKeys::default();
        }
        loop {
            let before = acting.len();
            for (child, key, parent) in &keys {
                if firing.contains(child) && acting.insert(*key) {
                    firing.insert(*parent);
                }
            }
            if acting.len() == before {
                return ServerKeys { own: Arc::new(own), acting: Arc::new(acting) };
            }
        }
    }

    /// Whether rows of a table are those that a key refers to: it is the key's table, or a partition of it.
    pub fn is_referred(&self, relation: &Relation, key: &ForeignKey) -> bool {
        key.relation == relation.oid
            || relation.is_partition()
                && self.partition_ancestors(relation).into_iter().any(|above| above.oid == key.relation)
    }

    /// Foreign keys among these to the rows of a table, with the tables that have them; of a partitioned table's key its
    /// parts are left out.
    pub fn keys_to<'c>(
        &'c self,
        relation: &Relation,
        among: &BTreeSet<Oid>,
    ) -> Vec<(&'c Arc<Relation>, &'c Constraint, &'c ForeignKey)> {
        let mut found = Vec::new();
        for child in self.relations.values() {
            for constraint in child.constraints.iter().filter(|constraint| among.contains(&constraint.oid)) {
                let is_part = constraint.options.parent.is_some_and(|above| among.contains(&above));
                let key = constraint.foreign_key().filter(|key| !is_part && self.is_referred(relation, key));
                found.extend(key.map(|key| (child, constraint, key)));
            }
        }
        found.sort_by_key(|(_, constraint, _)| constraint.oid);
        found
    }

    /// The places among a table's columns of those that a key refers to.
    pub fn referred_places(&self, relation: &Relation, key: &ForeignKey) -> Vec<usize> {
        let Some(parent) = self.relations.get(&key.relation) else { return Vec::new() };
        let place = |number: &i16| {
            let name = &parent.column_by_number(*number)?.name;
            relation.columns.iter().position(|column| column.name == *name)
        };
        key.columns.iter().filter_map(place).collect()
    }

    /// What PostgreSQL calls a key where it refers to a partition: it has a constraint for each.
    pub fn key_name(&self, child: &Relation, constraint: &Constraint, relation: &Relation) -> String {
        let Some(root) = constraint.foreign_key().and_then(|key| self.relations.get(&key.relation)) else {
            return constraint.name.clone();
        };
        if root.oid == relation.oid {
            return constraint.name.clone();
        }
        let mut order = Vec::new();
        let mut open = vec![root];
        while let Some(next) = open.pop() {
            order.push(next.oid);
            let children = next.options.inheritance.children.iter().rev();
            open.extend(children.filter_map(|oid| self.relations.get(oid)));
        }
        let place = order.iter().position(|oid| *oid == relation.oid).unwrap_or_default();
        let columns = constraint.columns.iter().filter_map(|number| child.column_by_number(*number));
        let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        let first = format!("{}_{}_fkey", child.name, columns.join("_"));
        let number = if first == constraint.name { place } else { place.saturating_sub(1) };
        if number == 0 { first } else { format!("{first}{number}") }
    }
}
