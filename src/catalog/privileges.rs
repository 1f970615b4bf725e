//! Whose the objects of a database are, and who may do what with them.
//!
//! Owns: [`ObjectPrivileges`], [`DefaultAcl`], and how a [`CatalogSnapshot`] answers for its objects. Must not know: how
//! these are kept (`catalog::store`), sessions. What was never said follows from what PostgreSQL does by itself: objects
//! are the bootstrap superuser's, lists are those of acldefault. Specification: ddl-priv.html, aclchk.c.

use crate::catalog::acl::{Acl, AclItem, AclKind, Holder, Privileges};
use crate::catalog::roles::{DATABASE_OWNER, READ_ALL_DATA, WRITE_ALL_DATA};
use crate::catalog::schema::{CatalogSnapshot, RelationKind};
use crate::types::pg_type::Oid;

pub const PG_TYPE: Oid = Oid(1247);
pub const PG_CLASS: Oid = Oid(1259);
pub const PG_NAMESPACE: Oid = Oid(2615);

/// An object: its catalog, its OID, and a column's number or 0.
pub type ObjectAddress = (Oid, Oid, i16);

/// What was said of an object. A column has no owner of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPrivileges {
    pub owner: Oid,
    pub acl: Option<Acl>,
}

/// What objects that a role makes have from the start (pg_default_acl).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultAcl {
    pub oid: Oid,
    pub role: Oid,
    /// `Oid::INVALID`: in every schema.
    pub schema: Oid,
    pub kind: AclKind,
    pub acl: Acl,
}

/// Relations of pg_catalog that not everybody may read.
const NOT_PUBLIC: &[&str] = &[
    "pg_authid",
    "pg_config",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_largeobject",
    "pg_replication_origin_status",
    "pg_shadow",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_subscription",
    "pg_user_mapping",
];

impl CatalogSnapshot {
    /// Whose an object is.
    pub fn owner_of(&self, class: Oid, object: Oid) -> Oid {
        if let Some(known) = self.privileges.get(&(class, object, 0)) {
            return known.owner;
        }
        match class {
            PG_NAMESPACE if self.schemas.iter().any(|s| s.oid == object && s.name == "public") => DATABASE_OWNER,
            // An index is its table's owner's.
            PG_CLASS if self.relations.get(&object).is_some_and(|r| r.kind == RelationKind::Index) => {
                self.index(object).map_or(Oid::BOOTSTRAP_SUPERUSER, |(table, _)| self.owner_of(PG_CLASS, table.oid))
            }
            PG_TYPE if !self.types.contains_key(&object) => match self.user_type(object) {
                Some(element) => self.owner_of(PG_TYPE, element.oid),
                None => Oid::BOOTSTRAP_SUPERUSER,
            },
            _ => Oid::BOOTSTRAP_SUPERUSER,
        }
    }

    /// An object's list as pg_class.relacl and its kin show it: none where nothing was said.
    pub fn shown_acl(&self, (class, object, part): ObjectAddress) -> Option<Acl> {
        if let Some(known) = self.privileges.get(&(class, object, part)) {
            return known.acl.clone();
        }
        let item = |grantee, grantor, privileges: &[Privileges]| AclItem {
            grantee,
            grantor,
            privileges: privileges.iter().fold(Privileges::NONE, |all, one| all.and(*one)),
        };
        let superuser = Oid::BOOTSTRAP_SUPERUSER;
        match class {
            PG_NAMESPACE => {
                let schema = self.schemas.iter().find(|s| s.oid == object)?;
                let owner = match schema.name.as_str() {
                    "public" => DATABASE_OWNER,
                    "pg_catalog" | "information_schema" | "pgserver" => superuser,
                    _ => return None,
                };
                let own = item(owner, owner, &[Privileges::USAGE, Privileges::CREATE]);
                Some(Acl(vec![own, item(Oid::INVALID, owner, &[Privileges::USAGE])]))
            }
            PG_CLASS if part == 0 => {
                let relation = self.relations.get(&object).filter(|r| r.kind == RelationKind::System)?;
                let own = AclItem { grantee: superuser, grantor: superuser, privileges: AclKind::Relation.all() };
                let mut items = vec![own];
                if relation.schema != "pg_catalog" || !NOT_PUBLIC.contains(&relation.name.as_str()) {
                    items.push(item(Oid::INVALID, superuser, &[Privileges::SELECT]));
                }
                Some(Acl(items))
            }
            _ => None,
        }
    }

    /// Whose an object is, and its list, which is that of acldefault where nothing was said.
    pub fn owner_and_acl(&self, address: ObjectAddress, kind: AclKind) -> (Oid, Acl) {
        let owner = self.owner_of(address.0, address.1);
        (owner, self.shown_acl(address).unwrap_or_else(|| Acl::default_of(kind, owner)))
    }

    /// Which of the privileges a role has on an object (pg_class_aclmask and its kin).
    pub fn mask(&self, holder: &Holder, address: ObjectAddress, kind: AclKind, wanted: Privileges) -> Privileges {
        if holder.superuser {
            return wanted;
        }
        let (owner, acl) = self.owner_and_acl(address, kind);
        acl.mask(holder, owner, wanted).and(self.predefined(holder, address.0).common(wanted))
    }

    /// What the roles pg_read_all_data and pg_write_all_data may do with objects of a catalog.
    fn predefined(&self, holder: &Holder, class: Oid) -> Privileges {
        let of = |role, privileges| if holder.roles.contains(&role) { privileges } else { Privileges::NONE };
        match class {
            PG_CLASS => {
                let writes = Privileges::INSERT.and(Privileges::UPDATE).and(Privileges::DELETE);
                of(READ_ALL_DATA, Privileges::SELECT).and(of(WRITE_ALL_DATA, writes))
            }
            PG_NAMESPACE => of(READ_ALL_DATA, Privileges::USAGE).and(of(WRITE_ALL_DATA, Privileges::USAGE)),
            _ => Privileges::NONE,
        }
    }

    /// Whether it has them all on a relation.
    pub fn may(&self, holder: &Holder, relation: Oid, wanted: Privileges) -> bool {
        let kind = self.kind_of_relation(relation);
        self.mask(holder, (PG_CLASS, relation, 0), kind, wanted) == wanted
    }

    /// The kind of its privileges.
    pub fn kind_of_relation(&self, relation: Oid) -> AclKind {
        match self.relations.get(&relation).map(|r| r.kind) {
            Some(RelationKind::Sequence) => AclKind::Sequence,
            _ => AclKind::Relation,
        }
    }

    /// Whether it has them all on a column, by the column's own list or the relation's.
    pub fn may_column(&self, holder: &Holder, relation: Oid, column: i16, wanted: Privileges) -> bool {
        let address = (PG_CLASS, relation, column);
        let (owner, acl) = self.owner_and_acl(address, AclKind::Column);
        acl.mask(holder, owner, wanted) == wanted || self.may(holder, relation, wanted)
    }

    /// Whether it has them on a schema. A session's own temporary schema it may use as it likes.
    pub fn may_schema(&self, holder: &Holder, name: &str, wanted: Privileges) -> bool {
        let Some(schema) = self.schemas.iter().find(|schema| schema.name == name) else { return true };
        name == "pg_temp" || self.mask(holder, (PG_NAMESPACE, schema.oid, 0), AclKind::Schema, wanted) == wanted
    }

    /// Whether the role is, or has the privileges of, an object's owner.
    pub fn owns(&self, holder: &Holder, class: Oid, object: Oid) -> bool {
        holder.superuser || holder.roles.contains(&self.owner_of(class, object))
    }

    /// The list that an object begins with which a role makes in a schema (get_user_default_acl); none where nobody has
    /// said anything.
    pub fn initial_acl(&self, role: Oid, schema: Oid, kind: AclKind) -> Option<Acl> {
        let of = |schema| self.default_acls.iter().find(|d| (d.role, d.schema, d.kind) == (role, schema, kind));
        let (global, local) = (of(Oid::INVALID), of(schema).filter(|_| schema != Oid::INVALID));
        if global.is_none() && local.is_none() {
            return None;
        }
        let hard = Acl::default_of(kind, role);
        let mut acl = global.map_or_else(|| hard.clone(), |global| global.acl.clone());
        for item in local.into_iter().flat_map(|local| &local.acl.0) {
            match acl.0.iter_mut().find(|known| (known.grantee, known.grantor) == (item.grantee, item.grantor)) {
                Some(known) => known.privileges = known.privileges.and(item.privileges),
                None => acl.0.push(*item),
            }
        }
        (acl != hard).then_some(acl)
    }
}
