//! Whether the current role may run a statement: what the statement needs against what the role has.
//!
//! Must not know: how what a statement needs was found (`sql::permission`), changes of the schema (`engine::ddl`).
//! Specification: ddl-priv.html, ExecCheckRTPerms of execMain.c.

use std::collections::BTreeSet;

use crate::catalog::acl::{Holder, Privileges};
use crate::catalog::policy::SecurityContext;
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::roles::SIGNAL_BACKEND;
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind};
use crate::engine::context::SessionContext;
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::permission::PermissionEntry;
use crate::types::pg_type::Oid;

impl SessionContext {
    /// Whether the current role is the bootstrap superuser, and nobody else reads for it: known at once.
    pub fn needs_no_permission(&self, entries: &[PermissionEntry]) -> bool {
        self.role() == Oid::BOOTSTRAP_SUPERUSER && entries.iter().all(|entry| entry.view.is_none())
    }

    /// 42501 unless the current role, and the owners of the views that are read, may do all of it.
    pub fn check_permissions(&mut self, catalog: &CatalogSnapshot, entries: &[PermissionEntry]) -> Result<()> {
        if self.needs_no_permission(entries) {
            return Ok(());
        }
        let holder = self.holder();
        let own = |entry: &&PermissionEntry| entry.view.is_none() && entry.named;
        for relation in entries.iter().filter(own).filter_map(|entry| catalog.relations.get(&entry.relation)) {
            if !catalog.may_schema(&holder, &relation.schema, Privileges::USAGE) {
                return Err(denied(format!("permission denied for schema {}", relation.schema)));
            }
        }
        for entry in entries {
            let allowed = match entry.view {
                None => may(catalog, &holder, entry),
                Some(view) => may(catalog, &self.holder_of(catalog.owner_of(PG_CLASS, view)), entry),
            };
            if let (false, Some(relation)) = (allowed, catalog.relations.get(&entry.relation)) {
                return Err(refused(relation));
            }
        }
        Ok(())
    }

    /// 42501 for a schema that the current role may not use.
    pub fn check_schema(&mut self, schema: &str) -> Result<()> {
        if self.role() == Oid::BOOTSTRAP_SUPERUSER {
            return Ok(());
        }
        let holder = self.holder();
        match self.catalog.may_schema(&holder, schema, Privileges::USAGE) {
            true => Ok(()),
            false => Err(denied(format!("permission denied for schema {schema}"))),
        }
    }

    /// 42501 for what is done to a superuser's session, and to that of a role whose privileges one does not have. The words
    /// are for what is done, to what, and that it is being done.
    pub fn check_may_signal(&mut self, role: Oid, (verb, process, participle): (&str, &str, &str)) -> Result<()> {
        if self.is_superuser() {
            return Ok(());
        }
        if self.roles().is_superuser(role) {
            return Err(denied(format!("must be a superuser to {verb} superuser {process}")));
        }
        match self.has_privileges_of(role) || self.has_privileges_of(SIGNAL_BACKEND) {
            true => Ok(()),
            false => Err(denied(format!(
                "must be a member of the role whose {process} is being {participle} or member of pg_signal_backend"
            ))),
        }
    }

    /// The same for ending a session.
    pub fn check_may_terminate(&mut self, role: Oid) -> Result<()> {
        self.check_may_signal(role, ("terminate", "process", "terminated"))
    }

    fn holder_of(&self, role: Oid) -> Holder {
        let roles = self.roles();
        let owner = self.database_owner(&roles.facts);
        Holder::new(&roles, role, owner)
    }

    /// An error as the current role may see it: what a constraint's error tells of rows only who may read the table is told
    /// (BuildIndexValueDescription, ExecBuildSlotValueDescription). PostgreSQL tells the columns that may be read.
    pub fn shown_error(&mut self, catalog: &CatalogSnapshot, error: Error) -> Error {
        let fields = error.fields();
        let of_constraint = fields.code.as_str().starts_with("23") && fields.detail.is_some();
        let (Some(schema), Some(table), true) = (&fields.schema, &fields.table, of_constraint) else { return error };
        if self.role() == Oid::BOOTSTRAP_SUPERUSER {
            return error;
        }
        let Some(relation) = catalog.relation(schema, table) else { return error };
        let security = self.security(catalog).map(|context| SecurityContext { row_security: true, ..context });
        // Of a row that others refer to it is the row's own table that counts.
        let key = relation.constraints.iter().find(|c| Some(&c.name) == fields.constraint.as_ref());
        let referenced = key.and_then(|constraint| constraint.foreign_key()).map(|key| key.relation);
        let of_referenced = fields.detail.as_ref().is_some_and(|detail| detail.contains(") is still referenced from "));
        let told = referenced.filter(|_| of_referenced).and_then(|oid| catalog.relations.get(&oid));
        let told = told.map_or(&**relation, |told| &**told);
        let hides = |context: SecurityContext| context.applies(catalog, told, context.role).unwrap_or(true);
        if security.is_some_and(hides) {
            return without_values(error);
        }
        let holder = self.holder();
        let may = |column: i16| catalog.may_column(&holder, relation.oid, column, Privileges::SELECT);
        match relation.columns.iter().all(|column| may(column.number)) {
            true => error,
            false => without_values(error),
        }
    }

    /// 42501 unless the current role has one of the privileges on a sequence. An identity column's may be used by who may
    /// insert into the table: PostgreSQL asks for nothing where it gives the column's value.
    pub fn check_sequence(&mut self, sequence: &Relation, any_of: &[Privileges]) -> Result<()> {
        if self.role() == Oid::BOOTSTRAP_SUPERUSER {
            return Ok(());
        }
        let (holder, catalog) = (self.holder(), &self.catalog);
        if any_of.iter().any(|wanted| catalog.may(&holder, sequence.oid, *wanted)) {
            return Ok(());
        }
        let owner = sequence.sequence.and_then(|options| options.owned_by);
        let table = owner.and_then(|(table, number)| Some((catalog.relations.get(&table)?, number)));
        let of_identity = table
            .filter(|(table, number)| table.column_by_number(*number).is_some_and(|column| column.identity.is_some()));
        let inserts = of_identity.is_some_and(|(table, number)| {
            let insert = Privileges::INSERT;
            let columns = || table.columns.iter().map(|column| column.number);
            let any = columns().any(|column| catalog.may_column(&holder, table.oid, column, insert));
            any_of.contains(&Privileges::USAGE) && any && number > 0
        });
        if inserts { Ok(()) } else { Err(refused(sequence)) }
    }
}

/// An error without the values of a row; of a foreign key is still told which table has, or has not, the key.
fn without_values(error: Error) -> Error {
    let detail = error.fields().detail.clone().filter(|_| error.code() == SqlState::FOREIGN_KEY_VIOLATION);
    let told =
        detail.as_deref().and_then(|detail| detail.rsplit_once(") is ")).map(|(_, told)| format!("Key is {told}"));
    match told {
        Some(told) => error.with_detail(told),
        None => error.without_detail(),
    }
}

/// ExecCheckRTEPerms
fn may(catalog: &CatalogSnapshot, holder: &Holder, entry: &PermissionEntry) -> bool {
    if holder.superuser {
        return true;
    }
    let changes = [Privileges::UPDATE, Privileges::DELETE, Privileges::TRUNCATE, Privileges::INSERT];
    if entry.locked && !changes.iter().any(|change| catalog.may(holder, entry.relation, *change)) {
        return false;
    }
    let kind = catalog.kind_of_relation(entry.relation);
    let has = catalog.mask(holder, (PG_CLASS, entry.relation, 0), kind, entry.required);
    let missing = entry.required.without(has);
    let by_column = [
        (Privileges::SELECT, &entry.selected),
        (Privileges::INSERT, &entry.inserted),
        (Privileges::UPDATE, &entry.updated),
    ];
    let all = by_column.iter().fold(Privileges::NONE, |all, (privilege, _)| all.and(*privilege));
    if !missing.without(all).is_empty() {
        return false;
    }
    let wanted = by_column.into_iter().filter(|(privilege, _)| missing.contains(*privilege));
    wanted.into_iter().all(|(privilege, columns)| may_columns(catalog, holder, entry.relation, privilege, columns))
}

/// On each of the columns; on any of the relation's where none is said.
fn may_columns(
    catalog: &CatalogSnapshot,
    holder: &Holder,
    relation: Oid,
    privilege: Privileges,
    columns: &BTreeSet<i16>,
) -> bool {
    let may = |column: i16| catalog.may_column(holder, relation, column, privilege);
    match columns.is_empty() {
        false => columns.iter().all(|column| may(*column)),
        true => {
            let relation = catalog.relations.get(&relation);
            relation.is_some_and(|relation| relation.columns.iter().any(|column| may(column.number)))
        }
    }
}

fn refused(relation: &Relation) -> Error {
    let noun = match relation.kind {
        RelationKind::Sequence => "sequence",
        RelationKind::View => "view",
        RelationKind::System => match crate::catalog::tables::relations::find(&relation.schema, &relation.name) {
            Some(system) if system.kind == b'v' => "view",
            _ => "table",
        },
        RelationKind::Table | RelationKind::Index | RelationKind::Composite => "table",
    };
    denied(format!("permission denied for {noun} {}", relation.name))
}
