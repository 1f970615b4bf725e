//! Rows of pg_policy and pg_policies.
//!
//! Must not know: SQLite, what policies do. Specification: catalog-pg-policy.html, view-pg-policies.html.

use crate::catalog::definitions::Names;
use crate::catalog::policy::Policy;
use crate::catalog::qualify::qualified;
use crate::catalog::schema::Relation;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::types::pg_type::Oid;

fn all<'v>(view: &'v View<'_>) -> Vec<(&'v Relation, &'v Policy)> {
    let relations = view.user_relations().into_iter();
    let of = |relation: &'v std::sync::Arc<Relation>| {
        relation.row_security().policies.iter().map(move |policy| (&**relation, &**policy))
    };
    let mut all: Vec<_> = relations.flat_map(of).collect();
    all.sort_unstable_by_key(|(_, policy)| policy.oid);
    all
}

/// pg_policy
pub fn policies(rows: &mut Rows, view: &View<'_>) {
    for (relation, policy) in all(view) {
        row!(rows,
            oid: policy.oid,
            polname: &policy.name,
            polrelid: relation.oid,
            polcmd: policy.command.letter(),
            polpermissive: policy.permissive,
            polroles: Cell::oids(policy.roles.iter().copied()),
            polqual: policy.using.clone(),
            polwithcheck: policy.with_check.clone(),
        );
    }
}

/// pg_policies
pub fn shown_policies(rows: &mut Rows, view: &View<'_>) {
    let path = view.source.search_path();
    let names = Names { catalog: view.catalog, search_path: &path };
    let shown = |text: &Option<String>| text.as_deref().map(|text| qualified(text, &names).into_owned());
    let roles = view.source.roles();
    for (relation, policy) in all(view) {
        let mut named: Vec<String> = match policy.roles.as_slice() {
            [Oid::INVALID] => vec!["public".to_owned()],
            several => several.iter().filter(|oid| roles.get(**oid).is_some()).map(|oid| roles.name(*oid)).collect(),
        };
        named.sort();
        row!(rows,
            schemaname: &relation.schema,
            tablename: &relation.name,
            policyname: &policy.name,
            permissive: if policy.permissive { "PERMISSIVE" } else { "RESTRICTIVE" },
            roles: Cell::texts(named),
            cmd: policy.command.word(),
            qual: shown(&policy.using),
            with_check: shown(&policy.with_check),
        );
    }
}
