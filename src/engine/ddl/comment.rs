//! COMMENT ON.

use super::Change;
use super::large_object::PG_LARGEOBJECT;
use crate::catalog::composite::row_type_oid;
use crate::catalog::objects::{PG_CAST, PG_OPERATOR};
use crate::catalog::policy::PG_POLICY;
use crate::catalog::routines::PG_PROC;
use crate::catalog::schema::{RelationKind, UserTypeKind};
use crate::catalog::tables::constraints::domain_constraint_oid;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CommentTarget, Name, ObjectKind};
use crate::sql::syntax::ast::statement::ObjectRef;
use crate::types::pg_type::Oid;

/// The catalogs that comments are about, by the OID pg_description.classoid has.
pub(super) const PG_CLASS: Oid = Oid(1259);
pub(super) const PG_CONSTRAINT: Oid = Oid(2606);
const PG_NAMESPACE: Oid = Oid(2615);
const PG_TRIGGER: Oid = Oid(2620);
const PG_TYPE: Oid = Oid(1247);

impl Change<'_> {
    pub(super) fn comment(&mut self, target: &CommentTarget, text: Option<&str>) -> Result<()> {
        let key = match target {
            CommentTarget::Named(kind, object) => {
                if let ObjectRef::LargeObject(number) = &**object {
                    return self.set_comment((PG_LARGEOBJECT, self.large_object(number)?, 0), text);
                }
                let (class, oid) = self.named_object(*kind, object)?;
                // One that is recorded is hidden by an empty one.
                let hidden = oid < Oid::FIRST_NORMAL;
                return self.set_comment((class, oid, 0), text.or(hidden.then_some("")));
            }
            CommentTarget::Routine(kind, object) => {
                let routine = self.named_routine(*kind, object)?;
                self.require_routine_owner(&routine)?;
                (PG_PROC, routine.oid, 0)
            }
            CommentTarget::Operator(object) => (PG_OPERATOR, self.require_operator_owner(object)?, 0),
            CommentTarget::Cast(source, target) => (PG_CAST, self.named_cast(source, target)?, 0),
            CommentTarget::Object { kind: ObjectKind::Schema, name } => {
                (PG_NAMESPACE, self.existing_schema(&name.name)?.oid, 0)
            }
            CommentTarget::Object { kind: ObjectKind::Type | ObjectKind::Domain, name } => {
                let row_type = self.find_row_type(name).filter(|_| self.find_type(name).is_none());
                let oid = match row_type {
                    Some(relation) => row_type_oid(&relation),
                    None => self.user_type(name)?.oid,
                };
                (PG_TYPE, oid, 0)
            }
            CommentTarget::Object { kind, name } => (PG_CLASS, self.commented_relation(*kind, name)?, 0),
            CommentTarget::Column { table, column } => {
                let relation = self.relation(table)?;
                let Some(found) = relation.column(column) else {
                    let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                };
                (PG_CLASS, relation.oid, i32::from(found.number))
            }
            CommentTarget::Constraint { table, constraint } => {
                let relation = self.relation(table)?;
                let Some(found) = relation.constraints.iter().find(|c| c.name == *constraint) else {
                    let message = format!("constraint \"{constraint}\" for table \"{}\" does not exist", relation.name);
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                };
                (PG_CONSTRAINT, found.oid, 0)
            }
            CommentTarget::Trigger { table, trigger } => {
                let relation = self.relation(table)?;
                (PG_TRIGGER, self.trigger_of(&relation, trigger)?.oid, 0)
            }
            CommentTarget::Policy { table, policy } => {
                let relation = self.relation(table)?;
                (PG_POLICY, self.policy_of(&relation, policy)?.oid, 0)
            }
            CommentTarget::DomainConstraint { domain, constraint } => {
                let user_type = self.user_type(domain)?;
                let UserTypeKind::Domain { checks, .. } = &user_type.kind else {
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{domain}\" is not a domain")));
                };
                let numbered = checks.iter().zip(1..).find(|(check, _)| check.name == *constraint);
                let Some((_, number)) = numbered else {
                    let message = format!("constraint \"{constraint}\" for domain {domain} does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                };
                (PG_CONSTRAINT, domain_constraint_oid(user_type.oid, number), 0)
            }
        };
        self.set_comment(key, text)
    }

    fn commented_relation(&self, kind: ObjectKind, name: &Name) -> Result<Oid> {
        let relation = self.relation(name)?;
        let fits = match kind {
            ObjectKind::View => relation.kind == RelationKind::View,
            ObjectKind::MaterializedView => relation.is_materialized(),
            ObjectKind::Index => relation.kind == RelationKind::Index,
            ObjectKind::Sequence => relation.kind == RelationKind::Sequence,
            _ => relation.kind == RelationKind::Table && !relation.is_materialized(),
        };
        if !fits {
            let article = if kind == ObjectKind::Index { "an" } else { "a" };
            let message = format!("\"{}\" is not {article} {}", relation.name, kind.noun());
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        Ok(relation.oid)
    }
}
