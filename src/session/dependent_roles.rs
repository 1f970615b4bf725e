//! Whether anything still depends on a role that is to be dropped.
//!
//! Must not know: roles' statements (`session::role`). Specification: checkSharedDependencies of pg_shdepend.c.
//!
//! All databases are opened and looked at, since a list of privileges in any of them may name the role.

use crate::catalog::acl::AclKind;
use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::policy::Policy;
use crate::catalog::privileges::{ObjectAddress, PG_CLASS, PG_TYPE};
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind};
use crate::error::{Error, SqlState};
use crate::session::machine::{Outcome, StateMachine};
use crate::types::pg_type::Oid;

/// How many objects are named in a DETAIL.
const NAMED: usize = 100;

/// What is the role's, or whose list names it: in the order of the objects' OIDs, whether it is the role's.
fn objects_of(catalog: &CatalogSnapshot, role: Oid) -> Vec<(ObjectAddress, bool)> {
    let named = catalog.privileges.iter().filter_map(|(address, known)| {
        let owned = known.owner == role && address.2 == 0;
        let named = || known.acl.as_ref().is_some_and(|acl| acl.roles().any(|named| named == role));
        // What its owner may do with it goes with it.
        let granted = known.owner != role && named();
        (owned || granted).then_some((*address, owned))
    });
    let mut found: Vec<_> = named.collect();
    found.sort_by_key(|((class, object, part), _)| (*object, *class, *part));
    found
}

/// The policies that name a role.
fn policies_of(catalog: &CatalogSnapshot, role: Oid) -> Vec<(&Relation, &Policy)> {
    let all = catalog
        .relations
        .values()
        .flat_map(|relation| relation.row_security().policies.iter().map(move |policy| (&**relation, &**policy)));
    all.filter(|(_, policy)| policy.roles.contains(&role)).collect()
}

impl StateMachine {
    /// 2BP01 if something is the role's, or there are privileges that it has.
    pub(super) async fn check_nothing_depends_on(&mut self, role: Oid) -> Outcome<()> {
        let roles = self.context().roles();
        let mut found = Vec::new();
        for (name, database) in &roles.facts.databases {
            if database.owner == role {
                found.push(format!("owner of database {name}"));
            } else if database.acl.as_ref().is_some_and(|acl| acl.roles().any(|named| named == role)) {
                found.push(format!("privileges for database {name}"));
            }
        }
        let (own, search_path) = {
            let context = self.context();
            (context.database.clone(), context.settings.search_path())
        };
        let catalog = self.engine.catalog();
        let names = Names { catalog: &catalog, search_path: &search_path };
        let mut here = Vec::new();
        for (address, owned) in objects_of(&catalog, role) {
            let verb = if owned { "owner of" } else { "privileges for" };
            here.push((address.1, format!("{verb} {}", description(&names, address))));
        }
        for (relation, policy) in policies_of(&catalog, role) {
            let table = description(&names, (PG_CLASS, relation.oid, 0));
            here.push((policy.oid, format!("target of policy {} on {table}", policy.name)));
        }
        for default in &catalog.default_acls {
            let what = format!(
                "default privileges on new {} belonging to role {}{}",
                plural(default.kind),
                roles.name(default.role),
                in_schema(&catalog, default.schema)
            );
            if default.role == role {
                here.push((default.oid, format!("owner of {what}")));
            } else if default.acl.roles().any(|named| named == role) {
                here.push((default.oid, format!("privileges for {what}")));
            }
        }
        here.sort_by_key(|(oid, _)| *oid);
        found.extend(here.into_iter().map(|(_, text)| text));
        for name in self.databases.names() {
            if name == own {
                continue;
            }
            let catalog = match self.databases.open(&name).await {
                Ok(database) => database.catalog(),
                // Somebody has dropped it meanwhile.
                Err(error) if error.code() == SqlState::INVALID_CATALOG_NAME => continue,
                Err(error) => return Err(error.into()),
            };
            let defaults = catalog.default_acls.iter();
            let defaults = defaults.filter(|d| d.role == role || d.acl.roles().any(|named| named == role)).count();
            match objects_of(&catalog, role).len() + policies_of(&catalog, role).len() + defaults {
                0 => {}
                1 => found.push(format!("1 object in database {name}")),
                count => found.push(format!("{count} objects in database {name}")),
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let more = found.len().saturating_sub(NAMED);
        found.truncate(NAMED);
        if more > 0 {
            found.push(format!("and {more} other objects (see server log for list)"));
        }
        let message = format!("role \"{}\" cannot be dropped because some objects depend on it", roles.name(role));
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message).with_detail(found.join("\n")).into())
    }
}

/// getObjectDescription()
fn description(names: &Names<'_>, (class, object, part): ObjectAddress) -> String {
    let qualified = |schema: &str, name: &str, visible: bool| match visible {
        true => quote_identifier(name),
        false => format!("{}.{}", quote_identifier(schema), quote_identifier(name)),
    };
    match class {
        PG_CLASS => {
            let Some(relation) = names.catalog.relations.get(&object) else { return format!("relation {object}") };
            let kind = match relation.kind {
                RelationKind::View => "view",
                RelationKind::Sequence => "sequence",
                _ => "table",
            };
            let shown = qualified(&relation.schema, &relation.name, names.relation_is_visible(relation));
            match relation.column_by_number(part) {
                Some(column) => format!("column {} of {kind} {shown}", quote_identifier(&column.name)),
                None => format!("{kind} {shown}"),
            }
        }
        PG_TYPE => format!("type {}", names.format_type(object, None)),
        _ => {
            let schema = names.catalog.schemas.iter().find(|schema| schema.oid == object);
            format!("schema {}", schema.map_or_else(|| object.to_string(), |schema| quote_identifier(&schema.name)))
        }
    }
}

fn in_schema(catalog: &CatalogSnapshot, schema: Oid) -> String {
    let found = catalog.schemas.iter().find(|known| known.oid == schema);
    found.map_or_else(String::new, |schema| format!(" in schema {}", quote_identifier(&schema.name)))
}

fn plural(kind: AclKind) -> &'static str {
    match kind {
        AclKind::Sequence => "sequences",
        AclKind::Function => "functions",
        AclKind::Type => "types",
        AclKind::Schema => "schemas",
        _ => "relations",
    }
}
