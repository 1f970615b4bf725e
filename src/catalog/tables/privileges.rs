//! Owners and privileges as catalogs show them: lists of aclitem, pg_default_acl, information_schema's grants.
//!
//! Must not know: SQLite. Specification: catalog-pg-default-acl.html, infoschema-table-privileges.html and its kin; the
//! queries of information_schema.sql.

use crate::catalog::acl::{Acl, AclKind, Privileges};
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::schema::{Relation, RelationKind};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::information_columns::yes_or_no;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::types::pg_type::Oid;

impl View<'_> {
    /// Whose an object is, and its list; NULL where nothing was said, as everywhere in what is there from the start but
    /// the schemas for which PostgreSQL says something.
    pub fn owner_and_acl(&self, class: Oid, object: Oid, part: i16) -> (Oid, Cell) {
        let own = class != PG_CLASS && self.catalog.schemas.iter().any(|s| s.oid == object && s.name == "pgserver");
        let acl = self.catalog.shown_acl((class, object, part)).filter(|_| !own);
        (self.catalog.owner_of(class, object), self.list(acl.as_ref()))
    }

    fn list(&self, acl: Option<&Acl>) -> Cell {
        acl.map_or(Cell::Null, |acl| Cell::texts(acl.texts(&self.source.roles())))
    }

    /// The name of an object's owner.
    pub fn owner_name(&self, class: Oid, object: Oid) -> String {
        self.source.roles().name(self.catalog.owner_of(class, object))
    }

    /// Users' relations that information_schema's grants are about.
    fn granted_relations(&self) -> impl Iterator<Item = &Relation> {
        self.user_relations()
            .into_iter()
            .map(AsRef::as_ref)
            .filter(|r| matches!(r.kind, RelationKind::Table | RelationKind::View) && !r.is_materialized())
    }
}

/// pg_default_acl.
pub fn default_acls(rows: &mut Rows, view: &View<'_>) {
    for default in &view.catalog.default_acls {
        // The letters of pg_default_acl are those of relkind and its kin.
        let letter = match default.kind {
            AclKind::Sequence => 'S',
            kind => kind.letter(),
        };
        row!(rows,
            oid: default.oid,
            defaclrole: default.role,
            defaclnamespace: default.schema,
            defaclobjtype: Cell::Text(letter.to_string().into()),
            defaclacl: view.list(Some(&default.acl)),
        );
    }
}

/// A grant as information_schema shows it: grantor, grantee, privilege, whether it may be granted on.
type Shown = (String, String, &'static str, bool);

/// The grants of a list that the current role has to do with.
fn shown(view: &View<'_>, acl: &Acl, owner: Oid, of: Privileges) -> Vec<Shown> {
    let (roles, own) = (view.source.roles(), view.source.role());
    let database_owner = roles.facts.database(&view.source.database()).owner;
    let mine = |role: Oid| roles.has_privileges_of(own, role, database_owner);
    let mut found = Vec::new();
    for item in acl.0.iter().filter(|item| mine(item.grantor) || item.grantee == Oid::INVALID || mine(item.grantee)) {
        let grantee = match item.grantee {
            Oid::INVALID => "PUBLIC".to_owned(),
            role => roles.name(role),
        };
        for (word, option) in item.privileges.common(of.and(of.options())).words() {
            // The owner may always grant.
            let option = option || item.grantee == owner;
            found.push((roles.name(item.grantor), grantee.clone(), word, option));
        }
    }
    found
}

/// table_privileges and role_table_grants.
pub fn table_privileges(rows: &mut Rows, view: &View<'_>) {
    for relation in view.granted_relations() {
        let (owner, acl) = view.catalog.owner_and_acl((PG_CLASS, relation.oid, 0), AclKind::Relation);
        for (grantor, grantee, privilege, grantable) in shown(view, &acl, owner, AclKind::Relation.all()) {
            row!(rows,
                grantor: grantor,
                grantee: grantee,
                table_catalog: Cell::Database,
                table_schema: &relation.schema,
                table_name: &relation.name,
                privilege_type: privilege,
                is_grantable: yes_or_no(grantable),
                with_hierarchy: yes_or_no(privilege == "SELECT"),
            );
        }
    }
}

/// column_privileges and role_column_grants: what a table's list says holds for its columns.
pub fn column_privileges(rows: &mut Rows, view: &View<'_>) {
    for relation in view.granted_relations() {
        let (owner, table) = view.catalog.owner_and_acl((PG_CLASS, relation.oid, 0), AclKind::Relation);
        for column in &relation.columns {
            let own = view.catalog.shown_acl((PG_CLASS, relation.oid, column.number)).unwrap_or_default();
            let acl = Acl(table.0.iter().chain(&own.0).copied().collect());
            for (grantor, grantee, privilege, grantable) in shown(view, &acl, owner, AclKind::Column.all()) {
                row!(rows,
                    grantor: grantor,
                    grantee: grantee,
                    table_catalog: Cell::Database,
                    table_schema: &relation.schema,
                    table_name: &relation.name,
                    column_name: &column.name,
                    privilege_type: privilege,
                    is_grantable: yes_or_no(grantable),
                );
            }
        }
    }
}
