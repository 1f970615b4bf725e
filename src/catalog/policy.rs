//! Row security as the catalog has it: whether a table has it, and its policies.
//!
//! Owns: [`RowSecurity`], [`Policy`] and pg_policy's letters. Must not know: where they are kept (`catalog::store`), what
//! they do to statements (`sql::analyze::row_security`). Specification: catalog-pg-policy.html, sql-createpolicy.html.

use std::sync::Arc;

use crate::catalog::privileges::PG_CLASS;
use crate::catalog::roles::Roles;
use crate::catalog::schema::{CatalogSnapshot, Relation, Uses};
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;

pub const PG_POLICY: Oid = Oid(3256);

/// Of a table (pg_class.relrowsecurity, relforcerowsecurity, and its rows in pg_policy).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSecurity {
    pub enabled: bool,
    /// For its owner as well.
    pub forced: bool,
    /// By name.
    pub policies: Vec<Arc<Policy>>,
}

/// A policy (pg_policy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub oid: Oid,
    pub name: String,
    pub permissive: bool,
    pub command: PolicyCommand,
    /// In the order of their OIDs; `Oid::INVALID` is PUBLIC.
    pub roles: Vec<Oid>,
    /// USING and WITH CHECK, as PostgreSQL text.
    pub using: Option<String>,
    pub with_check: Option<String>,
    /// Of both.
    pub uses: Uses,
}

/// What a policy is for (polcmd).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCommand {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// Letter and word.
const COMMANDS: [(PolicyCommand, &str, &str); 5] = [
    (PolicyCommand::All, "*", "ALL"),
    (PolicyCommand::Select, "r", "SELECT"),
    (PolicyCommand::Insert, "a", "INSERT"),
    (PolicyCommand::Update, "w", "UPDATE"),
    (PolicyCommand::Delete, "d", "DELETE"),
];

impl PolicyCommand {
    /// polcmd
    pub fn letter(self) -> &'static str {
        COMMANDS.iter().find(|(command, ..)| *command == self).map_or("*", |(_, letter, _)| letter)
    }

    /// pg_policies.cmd
    pub fn word(self) -> &'static str {
        COMMANDS.iter().find(|(command, ..)| *command == self).map_or("ALL", |(.., word)| word)
    }

    /// By its letter or its word.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |(_, letter, word): &&(Self, &str, &str)| *letter == name || word.eq_ignore_ascii_case(name);
        COMMANDS.iter().find(is_it).map(|(command, ..)| *command)
    }
}

impl RowSecurity {
    /// The policy of that name.
    pub fn policy(&self, name: &str) -> Option<&Arc<Policy>> {
        self.policies.iter().find(|policy| policy.name == name)
    }

    /// Puts a policy in the place of the one with its OID, or among the others.
    pub fn put(&mut self, policy: Policy) {
        self.policies.retain(|known| known.oid != policy.oid);
        self.policies.push(Arc::new(policy));
        self.policies.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// For whom a statement is planned: what decides whose policies count in it.
#[derive(Clone, Debug)]
pub struct SecurityContext {
    pub roles: Roles,
    /// current_user
    pub role: Oid,
    /// Who owns the database.
    pub owner: Oid,
    /// The variable of that name.
    pub row_security: bool,
}

/// A plan made for one is right for the other.
impl PartialEq for SecurityContext {
    fn eq(&self, other: &Self) -> bool {
        self.role == other.role
            && self.owner == other.owner
            && self.row_security == other.row_security
            && Arc::ptr_eq(&self.roles.facts, &other.roles.facts)
    }
}

impl SecurityContext {
    /// has_privs_of_role
    pub fn has_privileges_of(&self, member: Oid, role: Oid) -> bool {
        self.roles.has_privileges_of(member, role, self.owner)
    }

    /// Whether a table's policies count for a role (check_enable_rls): 42501 if they do and the session does not want
    /// that.
    pub fn applies(&self, catalog: &CatalogSnapshot, relation: &Relation, user: Oid) -> Result<bool> {
        let bypasses = self.roles.is_superuser(user) || self.roles.get(user).is_some_and(|role| role.bypass_rls);
        if !relation.row_security().enabled || bypasses {
            return Ok(false);
        }
        let owns = self.has_privileges_of(user, catalog.owner_of(PG_CLASS, relation.oid));
        if owns && !relation.row_security().forced {
            return Ok(false);
        }
        if self.row_security {
            return Ok(true);
        }
        let message = format!("query would be affected by row-level security policy for table \"{}\"", relation.name);
        let error = Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message);
        let hint = "To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.";
        Err(if owns { error.with_hint(hint) } else { error })
    }
}

impl Relation {
    /// Whether a parameter of WITH (…) is true.
    pub fn is_on(&self, parameter: &str) -> bool {
        let value = self.options.parameters.iter().find_map(|known| known.strip_prefix(parameter)?.strip_prefix('='));
        value.is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            let begins = |word: &str| !value.is_empty() && word.starts_with(&value);
            begins("true") || begins("yes") || value == "on" || value == "1"
        })
    }

    /// Its row security.
    pub fn row_security(&self) -> &RowSecurity {
        &self.options.row_security
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_words() {
        for (command, letter, word) in COMMANDS {
            assert_eq!((command.letter(), command.word()), (letter, word));
            assert_eq!((PolicyCommand::named(letter), PolicyCommand::named(word)), (Some(command), Some(command)));
        }
        assert_eq!(PolicyCommand::named("truncate"), None);
    }
}
