//! Objects that users made and that are known by a name in a schema alone: collations.
//!
//! Owns: [`NamedObject`], [`NamedKind`] and how a [`CatalogSnapshot`] has them; what a collation is kept as where something
//! has it. Must not know: how they are kept (`catalog::store`), what orders by a collation. Specification:
//! catalog-pg-collation.html.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::schema::CatalogSnapshot;
use crate::catalog::tables::classes::{recorded_collation, recorded_collation_locale, recorded_collation_name};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::types::type_facts;
use crate::types::pg_type::Oid;

/// What such an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedKind {
    Collation,
}

impl NamedKind {
    pub const ALL: [NamedKind; 1] = [NamedKind::Collation];

    /// The catalog it is in.
    pub fn class(self) -> Oid {
        match self {
            NamedKind::Collation => Oid(3456),
        }
    }

    /// What messages call it; what the file calls it, too.
    pub fn noun(self) -> &'static str {
        match self {
            NamedKind::Collation => "collation",
        }
    }
}

/// Such an object.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedObject {
    pub oid: Oid,
    pub kind: NamedKind,
    pub schema: String,
    pub name: String,
    /// A collation's: locale (ICU), or collate and ctype.
    pub definition: Json,
}

impl NamedObject {
    /// Of a collation.
    pub fn encoding(&self) -> i32 {
        let encoding = self.definition.get("encoding").and_then(Json::as_i64);
        encoding.and_then(|encoding| i32::try_from(encoding).ok()).unwrap_or(-1)
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.definition.get(field).and_then(Json::as_str)
    }
}

/// A collation's definition: ICU's locale, or libc's two, and of which encoding it is; -1 for all.
pub fn collation_definition(icu: Option<&str>, [collate, ctype]: [Option<&str>; 2], encoding: i64) -> Json {
    json!({ "locale": icu, "collate": collate, "ctype": ctype, "encoding": encoding })
}

impl CatalogSnapshot {
    /// The object of that kind and name in a schema.
    pub fn named_object(&self, kind: NamedKind, schema: &str, name: &str) -> Option<&Arc<NamedObject>> {
        self.named.values().find(|own| own.kind == kind && own.schema == schema && own.name == name)
    }

    /// Those of a kind, in the order of their OIDs.
    pub fn named_objects(&self, kind: NamedKind) -> Vec<&Arc<NamedObject>> {
        let mut all: Vec<_> = self.named.values().filter(|own| own.kind == kind).collect();
        all.sort_unstable_by_key(|own| own.oid);
        all
    }

    /// The collation of a name as a statement writes it: those of pg_catalog come first.
    pub fn find_collation(&self, names: &[String], search_path: &[String]) -> Option<Oid> {
        let own = |name: &str| Some(recorded_collation(name)).filter(|oid| *oid != Oid::INVALID);
        let of = |schema: &str, name: &str| {
            self.named_object(NamedKind::Collation, schema, name).map(|collation| collation.oid)
        };
        match names {
            [name] => own(name).or_else(|| search_path.iter().find_map(|schema| of(schema, name))),
            [.., schema, name] if schema == "pg_catalog" => own(name),
            [.., schema, name] => of(schema, name),
            [] => None,
        }
    }

    /// What is kept where something has a collation: its name if it is one of PostgreSQL's, the number of one that users
    /// made, so that it may be renamed.
    pub fn kept_collation(&self, oid: Oid) -> String {
        recorded_collation_name(oid).unwrap_or_else(|| oid.0.to_string())
    }

    /// The collation that is kept so.
    pub fn collation_oid(&self, kept: &str) -> Oid {
        match recorded_collation(kept) {
            Oid::INVALID => {
                let oid = kept.parse().map_or(Oid::INVALID, Oid);
                if self.named.contains_key(&oid) { oid } else { Oid::INVALID }
            }
            own => own,
        }
    }

    /// The locale of a collation of ICU's, as SQLite's collations are called after it (`engine::functions::collations`).
    pub fn collation_locale(&self, oid: Oid) -> Option<Cow<'static, str>> {
        match self.named.get(&oid) {
            Some(own) => own.text("locale").map(|locale| Cow::Owned(locale.to_owned())),
            None => recorded_collation_locale(oid),
        }
    }

    /// The bare name of a collation, for messages.
    pub fn collation_name(&self, oid: Oid) -> Option<String> {
        recorded_collation_name(oid).or_else(|| self.named.get(&oid).map(|own| own.name.clone()))
    }

    /// Its schema.
    pub fn collation_schema(&self, oid: Oid) -> &str {
        self.named.get(&oid).map_or("pg_catalog", |own| own.schema.as_str())
    }

    /// The collation of a type's values: a domain may have its own (typcollation).
    pub fn type_collation(&self, oid: Oid) -> Oid {
        type_facts(self, oid).collation
    }
}

impl Names<'_> {
    /// A collation's name as SQL has to write it (generate_collation_name).
    pub fn collation(&self, oid: Oid) -> String {
        match self.catalog.named.get(&oid) {
            Some(own) => {
                let found = self.catalog.find_collation(std::slice::from_ref(&own.name), self.search_path);
                self.qualified(&own.schema, &own.name, found == Some(oid))
            }
            None => recorded_collation_name(oid).map(|name| quote_identifier(&name)).unwrap_or_default(),
        }
    }
}

/// pg_collation: those that users made.
pub fn collations(rows: &mut Rows, view: &View<'_>) {
    for own in view.catalog.named_objects(NamedKind::Collation) {
        let text = |field: &str| own.text(field).map(str::to_owned);
        let icu = own.text("locale").is_some();
        row!(rows,
            oid: own.oid,
            collname: &own.name,
            collnamespace: view.namespace_oid(&own.schema),
            collowner: view.catalog.owner_of(own.kind.class(), own.oid),
            collprovider: Cell::letter(if icu { b'i' } else { b'c' }),
            collisdeterministic: true,
            collencoding: own.encoding(),
            // Before PostgreSQL 15 ICU's locale stood there too: so clients look for it that are told of such a version.
            collcollate: text("collate").or_else(|| text("locale")),
            collctype: text("ctype").or_else(|| text("locale")),
            colliculocale: text("locale"),
        );
    }
}
