//! CREATE, ALTER, DROP, RENAME of policies, and ALTER TABLE … ROW LEVEL SECURITY.
//!
//! Owns: which policies there can be. Must not know: what they do to statements (`sql::analyze::row_security`).
//! Specification: sql-createpolicy.html, policy.c.

use std::sync::Arc;

use super::drop::Object;
use super::owner::noun_of;
use super::{Change, system_relation};
use crate::catalog::acl::Holder;
use crate::catalog::policy::{Policy, PolicyCommand};
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::schema::{Relation, RelationKind, Uses};
use crate::engine::identity::denied;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::sql::ddl::{Expr, Name, PolicyStatement, RowSecurityChange};
use crate::sql::policy;
use crate::sql::syntax::ast::definition::{AlterPolicyStmt, CreatePolicyStmt};
use crate::sql::syntax::ast::statement::{RoleSpec, RoleSpecType};
use crate::types::pg_type::Oid;

impl Change<'_> {
    pub(super) fn policy(&mut self, table: &Name, statement: &PolicyStatement) -> Result<()> {
        match statement {
            PolicyStatement::Create(stmt) => self.create_policy(table, stmt),
            PolicyStatement::Alter(stmt) => self.alter_policy(table, stmt),
            PolicyStatement::Rename { name, to, if_exists } => self.rename_policy(table, (name, to), *if_exists),
            PolicyStatement::Drop { name, if_exists } => self.drop_policy(table, name, *if_exists),
        }
    }

    /// The table, which must be the role's (RangeVarCallbackForPolicy).
    fn secured_table(&self, name: &Name) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        self.require_policy_owner(&self.holder(), &relation)?;
        match relation.kind {
            RelationKind::System => Err(system_relation(&relation.name)),
            RelationKind::Table if !relation.is_materialized() && relation.declared => Ok(relation),
            RelationKind::Table if !relation.is_materialized() => {
                Err(Error::unsupported("a policy on a table that another program has made"))
            }
            _ => {
                let message = format!("\"{}\" is not a table", relation.name);
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    fn require_policy_owner(&self, holder: &Holder, relation: &Relation) -> Result<()> {
        match relation.kind == RelationKind::System && holder.superuser
            || self.catalog.owns(holder, PG_CLASS, relation.oid)
        {
            true => Ok(()),
            false => Err(denied(format!("must be owner of {} {}", noun_of(relation), relation.name))),
        }
    }

    fn create_policy(&mut self, table: &Name, stmt: &CreatePolicyStmt) -> Result<()> {
        let command =
            PolicyCommand::named(&stmt.command).ok_or_else(|| Error::internal("a policy for no known command"))?;
        let misuse = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message.to_owned()));
        if matches!(command, PolicyCommand::Select | PolicyCommand::Delete) && stmt.with_check.is_some() {
            return misuse("WITH CHECK cannot be applied to SELECT or DELETE");
        }
        if command == PolicyCommand::Insert && stmt.using.is_some() {
            return misuse("only WITH CHECK expression allowed for INSERT");
        }
        let roles = self.policy_roles(&stmt.roles)?;
        let relation = self.secured_table(table)?;
        let mut uses = Uses::default();
        let using = self.policy_text(stmt.using.as_ref(), &relation, &mut uses)?;
        let with_check = self.policy_text(stmt.with_check.as_ref(), &relation, &mut uses)?;
        if relation.row_security().policy(&stmt.name).is_some() {
            return Err(already_exists(&stmt.name, &relation));
        }
        let oid = self.new_oid()?;
        let (name, permissive) = (stmt.name.clone(), stmt.permissive);
        let policy = Policy { oid, name, permissive, command, roles, using, with_check, uses };
        self.put_policy(&relation, policy)
    }

    fn alter_policy(&mut self, table: &Name, stmt: &AlterPolicyStmt) -> Result<()> {
        let roles = stmt.roles.as_ref().map(|roles| self.policy_roles(roles)).transpose()?;
        let relation = self.secured_table(table)?;
        let mut uses = Uses::default();
        let using = self.policy_text(stmt.using.as_ref(), &relation, &mut uses)?;
        let with_check = self.policy_text(stmt.with_check.as_ref(), &relation, &mut uses)?;
        let known = self.policy_of(&relation, &stmt.name)?;
        let misuse = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message.to_owned()));
        if matches!(known.command, PolicyCommand::Select | PolicyCommand::Delete) && with_check.is_some() {
            return misuse("only USING expression allowed for SELECT, DELETE");
        }
        if known.command == PolicyCommand::Insert && using.is_some() {
            return misuse("only WITH CHECK expression allowed for INSERT");
        }
        let mut altered = Policy::clone(&known);
        altered.roles = roles.unwrap_or(altered.roles);
        altered.using = using.or(altered.using);
        altered.with_check = with_check.or(altered.with_check);
        altered.uses = policy::uses(&altered, &relation, self.planning());
        self.put_policy(&relation, altered)
    }

    fn rename_policy(&mut self, table: &Name, (name, to): (&str, &str), if_exists: bool) -> Result<()> {
        if if_exists && self.find(table).is_none() {
            let message = format!("relation \"{table}\" does not exist, skipping");
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            return Ok(());
        }
        let relation = self.secured_table(table)?;
        if relation.row_security().policy(to).is_some() {
            return Err(already_exists(to, &relation));
        }
        let known = self.policy_of(&relation, name)?;
        self.put_policy(&relation, Policy { name: to.to_owned(), ..Policy::clone(&known) })
    }

    fn drop_policy(&mut self, table: &Name, name: &str, if_exists: bool) -> Result<()> {
        let skipped = match self.find(table) {
            Some(relation) => {
                self.require_relation_owner(&relation)?;
                match relation.row_security().policy(name) {
                    Some(policy) => {
                        let object = Object::Policy(relation.oid, policy.oid);
                        return self.drop_objects(&[object], false);
                    }
                    None if if_exists => format!("policy \"{name}\" for relation \"{table}\" does not exist, skipping"),
                    None => return self.policy_of(&relation, name).map(|_| ()),
                }
            }
            None if if_exists => match table.schema.as_ref().filter(|schema| !self.catalog.has_schema(schema)) {
                Some(schema) => format!("schema \"{schema}\" does not exist, skipping"),
                None => format!("relation \"{table}\" does not exist, skipping"),
            },
            None => return self.relation(table).map(|_| ()),
        };
        self.notice(SqlState::SUCCESSFUL_COMPLETION, skipped);
        Ok(())
    }

    /// "relation", whatever kind it is.
    fn require_relation_owner(&self, relation: &Relation) -> Result<()> {
        match self.catalog.owns(&self.holder(), PG_CLASS, relation.oid) {
            true => Ok(()),
            false => Err(denied(format!("must be owner of relation {}", relation.name))),
        }
    }

    /// Removes a policy that nothing depends on.
    pub(super) fn remove_policy(&mut self, relation: Oid, policy: Oid) -> Result<()> {
        let Some(relation) = self.catalog.relations.get(&relation).cloned() else { return Ok(()) };
        let mut changed = Relation::clone(&relation);
        changed.options.row_security.policies.retain(|known| known.oid != policy);
        self.forget_comments(policy)?;
        self.put_relation(changed)
    }

    /// The policy of that name; 42704.
    pub(super) fn policy_of(&self, relation: &Relation, name: &str) -> Result<Arc<Policy>> {
        relation.row_security().policy(name).cloned().ok_or_else(|| {
            let message = format!("policy \"{name}\" for table \"{}\" does not exist", relation.name);
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    fn put_policy(&mut self, relation: &Relation, policy: Policy) -> Result<()> {
        let mut changed = relation.clone();
        changed.options.row_security.put(policy);
        self.put_relation(changed)
    }

    fn policy_text(&self, expr: Option<&Expr>, relation: &Relation, uses: &mut Uses) -> Result<Option<String>> {
        let Some(expr) = expr else { return Ok(None) };
        let (text, used) = policy::text(expr, relation, self.planning())?;
        policy::add_uses(uses, used);
        Ok(Some(text))
    }

    /// The roles of TO, each once (policy_role_list_to_array).
    fn policy_roles(&mut self, specs: &[RoleSpec]) -> Result<Vec<Oid>> {
        if specs.iter().any(|spec| spec.role == RoleSpecType::Public) {
            if specs.len() > 1 {
                let message = "ignoring specified roles other than PUBLIC".to_owned();
                let mut warning = ErrorFields::new(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, message);
                warning.hint = Some("All roles are members of the PUBLIC role.".to_owned());
                self.notices.push(warning);
            }
            return Ok(vec![Oid::INVALID]);
        }
        specs.iter().map(|spec| self.role(spec)).collect()
    }

    /// DROP OWNED: the roles are named by no policy any more; one that named nobody else goes.
    pub(super) fn drop_policies_of(&mut self, roles: &[Oid]) -> Result<()> {
        for relation in self.sorted_relations() {
            let mut changed = Relation::clone(&relation);
            let named = |policy: &Arc<Policy>| policy.roles.iter().any(|role| roles.contains(role));
            let concerned: Vec<_> = relation.row_security().policies.iter().filter(|p| named(p)).cloned().collect();
            if concerned.is_empty() {
                continue;
            }
            for policy in concerned {
                let mut left = Policy::clone(&policy);
                left.roles.retain(|role| !roles.contains(role));
                match left.roles.is_empty() {
                    true => {
                        changed.options.row_security.policies.retain(|known| known.oid != policy.oid);
                        self.forget_comments(policy.oid)?;
                    }
                    false => changed.options.row_security.put(left),
                }
            }
            self.put_relation(changed)?;
        }
        Ok(())
    }
}

/// ENABLE, DISABLE, FORCE and NO FORCE ROW LEVEL SECURITY.
pub(super) fn set_row_security(relation: &mut Relation, change: RowSecurityChange) -> Result<()> {
    if !relation.declared {
        return Err(Error::unsupported("row security of a table that another program has made"));
    }
    let security = &mut relation.options.row_security;
    match change {
        RowSecurityChange::Enable => security.enabled = true,
        RowSecurityChange::Disable => security.enabled = false,
        RowSecurityChange::Force => security.forced = true,
        RowSecurityChange::NoForce => security.forced = false,
    }
    Ok(())
}

fn already_exists(name: &str, relation: &Relation) -> Error {
    let message = format!("policy \"{name}\" for table \"{}\" already exists", relation.name);
    Error::new(SqlState::DUPLICATE_OBJECT, message)
}
