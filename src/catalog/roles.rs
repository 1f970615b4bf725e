//! Roles: their attributes, who is a member of whom, and what follows from it.
//!
//! Owns: [`RoleFacts`], [`Membership`], [`Roles`]. Must not know: where they are kept (`catalog::store`), statements,
//! which privileges there are (`catalog::acl`). Specification: catalog-pg-authid.html, catalog-pg-auth-members.html,
//! predefined-roles.html, acl.c.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use crate::catalog::cluster::ClusterFacts;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::types::pg_type::Oid;

/// A role (pg_authid).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFacts {
    pub name: String,
    pub superuser: bool,
    pub inherit: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub can_login: bool,
    pub replication: bool,
    pub bypass_rls: bool,
    /// -1 is no limit.
    pub connection_limit: i32,
    /// As `catalog::password` writes it.
    pub password: Option<String>,
    /// A timestamptz as it is stored.
    pub valid_until: Option<String>,
    pub comment: Option<String>,
}

/// That a role is a member of another (pg_auth_members).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub grantor: Oid,
    /// WITH ADMIN OPTION
    pub admin: bool,
}

/// The roles of a server.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    pub facts: Arc<ClusterFacts>,
    /// The name of the superuser that the configuration says.
    superuser: Arc<str>,
}

/// Whoever owns the database at hand is its only member.
pub const DATABASE_OWNER: Oid = Oid(6171);
pub const READ_ALL_DATA: Oid = Oid(6181);
pub const WRITE_ALL_DATA: Oid = Oid(6182);
pub const READ_ALL_STATS: Oid = Oid(3375);
pub const READ_ALL_SETTINGS: Oid = Oid(3374);
pub const SIGNAL_BACKEND: Oid = Oid(4200);
pub const CHECKPOINT: Oid = Oid(4544);

/// The memberships that every server has (pg_auth_members as initdb makes it): pg_monitor's.
pub const PREDEFINED_MEMBERSHIPS: &[(Oid, Oid)] =
    &[(READ_ALL_SETTINGS, Oid(3373)), (READ_ALL_STATS, Oid(3373)), (Oid(3377), Oid(3373))];

/// The roles that PostgreSQL always has.
static PREDEFINED: LazyLock<Vec<(Oid, RoleFacts)>> = LazyLock::new(|| {
    let lines = Recording::new(recording!("pg_authid")).lines();
    let role = |line: crate::catalog::tables::recorded::Line| {
        let oid = Oid(line.number("oid").try_into().unwrap_or_default());
        (oid, RoleFacts::new(line.text("rolname")))
    };
    lines.map(role).collect()
});

impl RoleFacts {
    /// As CREATE ROLE makes it.
    pub fn new(name: impl Into<String>) -> Self {
        RoleFacts {
            name: name.into(),
            superuser: false,
            inherit: true,
            create_role: false,
            create_db: false,
            can_login: false,
            replication: false,
            bypass_rls: false,
            connection_limit: -1,
            password: None,
            valid_until: None,
            comment: None,
        }
    }

    /// The superuser a server is set up with.
    pub fn bootstrap_superuser(name: impl Into<String>) -> Self {
        RoleFacts {
            superuser: true,
            create_role: true,
            create_db: true,
            can_login: true,
            replication: true,
            bypass_rls: true,
            ..RoleFacts::new(name)
        }
    }
}

impl Roles {
    /// Those of a cluster whose first superuser has that name.
    pub fn new(facts: Arc<ClusterFacts>, superuser: Arc<str>) -> Self {
        Roles { facts, superuser }
    }

    /// The role with that OID.
    pub fn get(&self, oid: Oid) -> Option<RoleFacts> {
        if oid == Oid::BOOTSTRAP_SUPERUSER {
            return Some(self.bootstrap());
        }
        let predefined = || PREDEFINED.iter().find(|(known, _)| *known == oid).map(|(_, role)| role.clone());
        self.facts.roles.get(&oid).cloned().or_else(predefined)
    }

    fn bootstrap(&self) -> RoleFacts {
        let name = self.superuser.to_string();
        match self.facts.roles.get(&Oid::BOOTSTRAP_SUPERUSER) {
            Some(changed) => RoleFacts { name, ..changed.clone() },
            None => RoleFacts::bootstrap_superuser(name),
        }
    }

    /// The OID of the role of that name.
    pub fn named(&self, name: &str) -> Option<Oid> {
        if *self.superuser == *name {
            return Some(Oid::BOOTSTRAP_SUPERUSER);
        }
        let other = |(oid, role): (&Oid, &RoleFacts)| role.name == name && *oid != Oid::BOOTSTRAP_SUPERUSER;
        let own = self.facts.roles.iter().find(|(oid, role)| other((oid, role)));
        let predefined = || PREDEFINED.iter().find(|(_, role)| role.name == name).map(|(oid, _)| *oid);
        own.map(|(oid, _)| *oid).or_else(predefined)
    }

    /// The role's name; of one that is no more, its OID.
    pub fn name(&self, oid: Oid) -> String {
        if oid == Oid::BOOTSTRAP_SUPERUSER {
            return self.superuser.to_string();
        }
        let own = self.facts.roles.get(&oid).map(|role| role.name.clone());
        own.or_else(|| self.get(oid).map(|role| role.name)).unwrap_or_else(|| oid.to_string())
    }

    /// All roles, the superuser of the configuration first.
    pub fn all(&self) -> Vec<(Oid, RoleFacts)> {
        let own = self.facts.roles.iter().filter(|(oid, _)| **oid != Oid::BOOTSTRAP_SUPERUSER);
        let own = own.map(|(oid, role)| (*oid, role.clone()));
        let first = std::iter::once((Oid::BOOTSTRAP_SUPERUSER, self.bootstrap()));
        first.chain(PREDEFINED.iter().cloned()).chain(own).collect()
    }

    /// Those that no statement made.
    pub fn is_predefined(&self, oid: Oid) -> bool {
        oid == Oid::BOOTSTRAP_SUPERUSER || PREDEFINED.iter().any(|(known, _)| *known == oid)
    }

    /// superuser_arg()
    pub fn is_superuser(&self, oid: Oid) -> bool {
        oid == Oid::BOOTSTRAP_SUPERUSER || self.facts.roles.get(&oid).is_some_and(|role| role.superuser)
    }

    /// The memberships: role, member, more of it.
    pub fn memberships(&self) -> impl Iterator<Item = (Oid, Oid, Membership)> {
        let by_bootstrap = Membership { grantor: Oid::BOOTSTRAP_SUPERUSER, admin: false };
        let predefined = PREDEFINED_MEMBERSHIPS.iter().map(move |(role, member)| (*role, *member, by_bootstrap));
        predefined.chain(self.facts.memberships.iter().map(|((role, member), more)| (*role, *member, *more)))
    }

    /// The roles that a role is, itself first: only those whose privileges it has if `inherited` (roles_is_member_of).
    /// `owner` owns the database at hand.
    pub fn roles_of(&self, member: Oid, inherited: bool, owner: Oid) -> BTreeSet<Oid> {
        let mut found = BTreeSet::from([member]);
        let mut open = vec![member];
        while let Some(role) = open.pop() {
            if inherited && !self.get(role).is_some_and(|role| role.inherit) {
                continue;
            }
            let implicit = (role == owner).then_some(DATABASE_OWNER);
            let of = self.memberships().filter(|(_, member, _)| *member == role).map(|(of, ..)| of);
            for of in of.chain(implicit) {
                if found.insert(of) {
                    open.push(of);
                }
            }
        }
        found
    }

    /// Whether a role is a member, superuser or not (is_member_of_role_nosuper).
    pub fn is_member_by_grant(&self, member: Oid, role: Oid, owner: Oid) -> bool {
        member == role || self.roles_of(member, false, owner).contains(&role)
    }

    /// Whether it may SET ROLE to it (is_member_of_role).
    pub fn is_member(&self, member: Oid, role: Oid, owner: Oid) -> bool {
        member == role || self.is_superuser(member) || self.is_member_by_grant(member, role, owner)
    }

    /// Whether it has its privileges (has_privs_of_role).
    pub fn has_privileges_of(&self, member: Oid, role: Oid, owner: Oid) -> bool {
        member == role || self.is_superuser(member) || self.roles_of(member, true, owner).contains(&role)
    }

    /// Whether it may give memberships of it away (is_admin_of_role). No role has that option on itself.
    pub fn is_admin(&self, member: Oid, role: Oid, owner: Oid) -> bool {
        if self.is_superuser(member) {
            return true;
        }
        let roles = self.roles_of(member, false, owner);
        member != role && self.memberships().any(|(of, by, more)| of == role && more.admin && roles.contains(&by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(memberships: &[(u32, u32, bool)], without_inherit: &[u32]) -> Roles {
        let mut facts = ClusterFacts::default();
        for oid in 101..=105 {
            let inherit = !without_inherit.contains(&oid);
            facts.roles.insert(Oid(oid), RoleFacts { inherit, ..RoleFacts::new(format!("r{oid}")) });
        }
        let grantor = Oid::BOOTSTRAP_SUPERUSER;
        let of = memberships
            .iter()
            .map(|(role, member, admin)| ((Oid(*role), Oid(*member)), Membership { grantor, admin: *admin }));
        facts.memberships.extend(of);
        Roles::new(Arc::new(facts), "postgres".into())
    }

    #[test]
    fn memberships_are_followed_and_inheritance_ends_at_who_does_not_inherit() {
        let roles = roles(&[(101, 102, true), (102, 103, false), (101, 104, false)], &[103]);
        let owner = Oid(105);
        assert!(roles.is_member(Oid(103), Oid(101), owner) && !roles.has_privileges_of(Oid(103), Oid(102), owner));
        assert!(roles.has_privileges_of(Oid(102), Oid(101), owner) && !roles.is_member(Oid(101), Oid(102), owner));
        assert!(roles.is_admin(Oid(103), Oid(101), owner), "through a role that has the option");
        assert!(!roles.is_admin(Oid(104), Oid(101), owner) && !roles.is_admin(Oid(101), Oid(101), owner));
        assert!(roles.has_privileges_of(owner, DATABASE_OWNER, owner));
        assert!(roles.is_member(Oid::BOOTSTRAP_SUPERUSER, Oid(101), owner));
        assert!(!roles.is_member_by_grant(Oid::BOOTSTRAP_SUPERUSER, Oid(101), owner));
    }

    #[test]
    fn names_and_numbers() {
        let roles = roles(&[], &[]);
        assert_eq!(roles.named("postgres"), Some(Oid(10)));
        assert_eq!(roles.named("pg_read_all_data"), Some(READ_ALL_DATA));
        assert_eq!((roles.named("r101"), roles.named("nobody")), (Some(Oid(101)), None));
        assert_eq!((roles.name(Oid(10)), roles.name(Oid(999))), ("postgres".to_owned(), "999".to_owned()));
        assert_eq!(roles.all().len(), 1 + PREDEFINED.len() + 5);
    }
}
