//! What objects are called in messages.
//!
//! Owns: [`Names::describe`]. Must not know: who depends on them. Specification: getObjectDescription() in objectaddress.c.

use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::dependencies::Object;
use crate::catalog::members::member;
use crate::catalog::schema::{Relation, RelationKind, UserTypeKind};
use crate::types::pg_type::Oid;

impl Names<'_> {
    /// What messages and pg_describe_object call an object (getObjectDescription, which quotes few names).
    pub fn describe(&self, object: Object) -> String {
        let table = |oid: Oid| self.catalog.relations.get(&oid).map_or_else(String::new, |r| self.relation(r));
        let column = |oid: Oid, number: i16| {
            let relation = self.catalog.relations.get(&oid);
            relation.and_then(|r| r.column_by_number(number)).map_or_else(String::new, |c| c.name.clone())
        };
        let type_name = |oid: Oid| self.format_type(oid, None);
        let kind = |oid: Oid| self.catalog.relations.get(&oid).map_or("relation", |r| noun(r));
        match object {
            Object::Schema(oid) => {
                let name = self.catalog.schemas.iter().find(|s| s.oid == oid).map_or("", |s| s.name.as_str());
                format!("schema {name}")
            }
            Object::Relation(oid) => format!("{} {}", kind(oid), table(oid)),
            Object::Type(oid) => format!("type {}", type_name(oid)),
            Object::Constraint(relation, oid) => {
                let owner = self.catalog.relations.get(&relation);
                let name = owner.and_then(|r| r.constraints.iter().find(|c| c.oid == oid)).map(|c| c.name.clone());
                format!("constraint {} on table {}", name.unwrap_or_default(), table(relation))
            }
            Object::Routine(oid) => match self.catalog.routines.get(&oid).cloned() {
                Some(routine) => format!("function {}", self.routine_signature(&routine)),
                None => String::new(),
            },
            Object::Operator(oid) => {
                let Some(operator) = self.catalog.operators.get(&oid) else { return String::new() };
                let shown = |oid: Oid| if oid == Oid::INVALID { "NONE".to_owned() } else { type_name(oid) };
                let visible = self.search_path.contains(&operator.schema);
                let schema = if visible { String::new() } else { format!("{}.", quote_identifier(&operator.schema)) };
                format!("operator {schema}{}({},{})", operator.name, shown(operator.left), shown(operator.right))
            }
            Object::Cast(oid) => match self.catalog.casts.get(&oid) {
                Some(cast) => format!("cast from {} to {}", type_name(cast.source), type_name(cast.target)),
                None => String::new(),
            },
            Object::Named(kind, oid) => match self.catalog.named.get(&oid) {
                Some(own) => {
                    let visible = self.search_path.contains(&own.schema);
                    format!("{} {}", kind.noun(), self.qualified(&own.schema, &own.name, visible))
                }
                None => String::new(),
            },
            Object::DomainConstraint(domain, number) => {
                let kind = self.catalog.types.get(&domain).map(|t| &t.kind);
                let checks = if let Some(UserTypeKind::Domain { checks, .. }) = kind { checks.as_slice() } else { &[] };
                let place = usize::try_from(number).unwrap_or(0).checked_sub(1);
                let name = place.and_then(|place| checks.get(place)).map_or("", |check| check.name.as_str());
                format!("constraint {name}")
            }
            Object::Column(relation, number) => {
                format!("column {} of {} {}", column(relation, number), kind(relation), table(relation))
            }
            Object::Default(relation, number) => {
                format!("default value for column {} of table {}", column(relation, number), table(relation))
            }
            Object::Trigger(relation, oid) => {
                let owner = self.catalog.relations.get(&relation);
                let found = owner.and_then(|owner| owner.options.triggers.iter().find(|trigger| trigger.oid == oid));
                let name = found.map_or("", |trigger| trigger.name.as_str());
                format!("trigger {name} on {} {}", kind(relation), table(relation))
            }
            Object::Policy(relation, oid) => {
                let owner = self.catalog.relations.get(&relation);
                let found = owner.and_then(|r| r.row_security().policies.iter().find(|policy| policy.oid == oid));
                let name = found.map_or("", |policy| policy.name.as_str());
                format!("policy {name} on {} {}", kind(relation), table(relation))
            }
            Object::Rule(view) => format!("rule _RETURN on view {}", table(view)),
            Object::Extension(oid) => {
                let found = self.catalog.extensions.iter().find(|extension| extension.oid == oid);
                format!("extension {}", found.map_or("", |extension| extension.name.as_str()))
            }
            Object::Member(oid) => member(oid).map_or("", |member| member.description).to_owned(),
        }
    }
}

fn noun(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table if relation.is_materialized() => "materialized view",
        RelationKind::Table | RelationKind::System => "table",
        RelationKind::View => "view",
        RelationKind::Index => "index",
        RelationKind::Sequence => "sequence",
        RelationKind::Composite => "composite type",
    }
}
