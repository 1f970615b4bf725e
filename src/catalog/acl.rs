//! Access control lists: who may do what with an object, and who has said so.
//!
//! Owns: [`Privileges`], [`AclItem`], [`Acl`], [`Holder`]: what lists mean and how GRANT and REVOKE change them. Must not
//! know: objects, statements. Specification: ddl-priv.html, acl.h and acl.c.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::catalog::roles::Roles;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;

/// A set of privileges, in the lower half, and of the options to grant them, in the upper half (AclMode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Privileges(pub u64);

/// Letter, SQL's word, privilege; the order of the bits is acl.h's.
const NAMES: &[(char, &str, Privileges)] = &[
    ('a', "INSERT", Privileges::INSERT),
    ('r', "SELECT", Privileges::SELECT),
    ('w', "UPDATE", Privileges::UPDATE),
    ('d', "DELETE", Privileges::DELETE),
    ('D', "TRUNCATE", Privileges::TRUNCATE),
    ('x', "REFERENCES", Privileges::REFERENCES),
    ('t', "TRIGGER", Privileges::TRIGGER),
    ('X', "EXECUTE", Privileges::EXECUTE),
    ('U', "USAGE", Privileges::USAGE),
    ('C', "CREATE", Privileges::CREATE),
    ('T', "TEMPORARY", Privileges::TEMPORARY),
    ('c', "CONNECT", Privileges::CONNECT),
    ('s', "SET", Privileges(1 << 12)),
    ('A', "ALTER SYSTEM", Privileges(1 << 13)),
];

impl Privileges {
    pub const NONE: Privileges = Privileges(0);
    pub const INSERT: Privileges = Privileges(1);
    pub const SELECT: Privileges = Privileges(1 << 1);
    pub const UPDATE: Privileges = Privileges(1 << 2);
    pub const DELETE: Privileges = Privileges(1 << 3);
    pub const TRUNCATE: Privileges = Privileges(1 << 4);
    pub const REFERENCES: Privileges = Privileges(1 << 5);
    pub const TRIGGER: Privileges = Privileges(1 << 6);
    pub const EXECUTE: Privileges = Privileges(1 << 7);
    pub const USAGE: Privileges = Privileges(1 << 8);
    pub const CREATE: Privileges = Privileges(1 << 9);
    pub const TEMPORARY: Privileges = Privileges(1 << 10);
    pub const CONNECT: Privileges = Privileges(1 << 11);

    /// Both.
    pub const fn and(self, other: Privileges) -> Privileges {
        Privileges(self.0 | other.0)
    }

    /// What is in both.
    pub const fn common(self, other: Privileges) -> Privileges {
        Privileges(self.0 & other.0)
    }

    /// What is not in the other.
    pub const fn without(self, other: Privileges) -> Privileges {
        Privileges(self.0 & !other.0)
    }

    /// The options to grant these.
    pub const fn options(self) -> Privileges {
        Privileges(self.0 << 32)
    }

    /// Those that these options grant.
    pub const fn granted(self) -> Privileges {
        Privileges(self.0 >> 32)
    }

    /// The privileges without the options.
    pub const fn plain(self) -> Privileges {
        Privileges(self.0 & 0xffff_ffff)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn contains(self, other: Privileges) -> bool {
        self.0 & other.0 == other.0
    }

    /// The privilege of that word, in any case; TEMP is TEMPORARY.
    pub fn named(word: &str) -> Option<Privileges> {
        let word = if word.eq_ignore_ascii_case("temp") { "TEMPORARY" } else { word };
        NAMES.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(word)).map(|(.., privilege)| *privilege)
    }

    /// Each of the privileges: SQL's word, and whether there is the option to grant it.
    pub fn words(self) -> impl Iterator<Item = (&'static str, bool)> {
        let has = move |privilege: &Privileges| self.contains(*privilege);
        NAMES.iter().filter(move |(.., p)| has(p)).map(move |(_, name, p)| (*name, self.contains(p.options())))
    }
}

/// Kinds of objects that have privileges (acldefault's letters).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AclKind {
    Column,
    Relation,
    Sequence,
    Database,
    Function,
    Language,
    LargeObject,
    Schema,
    Parameter,
    Tablespace,
    ForeignDataWrapper,
    ForeignServer,
    Type,
}

/// Letter, kind, all privileges, the public's by default; what messages call it.
type KindRow = (char, AclKind, u64, u64, &'static str);

const TABLE_ALL: u64 = 0x7f;

const KINDS: &[KindRow] = &[
    ('c', AclKind::Column, 1 | 1 << 1 | 1 << 2 | 1 << 5, 0, "column"),
    ('r', AclKind::Relation, TABLE_ALL, 0, "relation"),
    ('s', AclKind::Sequence, 1 << 1 | 1 << 2 | 1 << 8, 0, "sequence"),
    ('d', AclKind::Database, 1 << 9 | 1 << 10 | 1 << 11, 1 << 10 | 1 << 11, "database"),
    ('f', AclKind::Function, 1 << 7, 1 << 7, "function"),
    ('l', AclKind::Language, 1 << 8, 1 << 8, "language"),
    ('L', AclKind::LargeObject, 1 << 1 | 1 << 2, 0, "large object"),
    ('n', AclKind::Schema, 1 << 8 | 1 << 9, 0, "schema"),
    ('p', AclKind::Parameter, 1 << 12 | 1 << 13, 0, "parameter"),
    ('t', AclKind::Tablespace, 1 << 9, 0, "tablespace"),
    ('F', AclKind::ForeignDataWrapper, 1 << 8, 0, "foreign-data wrapper"),
    ('S', AclKind::ForeignServer, 1 << 8, 0, "foreign server"),
    ('T', AclKind::Type, 1 << 8, 1 << 8, "type"),
];

impl AclKind {
    fn row(self) -> &'static KindRow {
        // Every kind has a row; the first one otherwise.
        KINDS.iter().find(|row| row.1 == self).unwrap_or(&KINDS[0])
    }

    /// The kind of acldefault's letter.
    pub fn of_letter(letter: char) -> Option<AclKind> {
        KINDS.iter().find(|row| row.0 == letter).map(|row| row.1)
    }

    /// acldefault's letter.
    pub fn letter(self) -> char {
        self.row().0
    }

    /// Every privilege that such an object can have (ACL_ALL_RIGHTS).
    pub fn all(self) -> Privileges {
        Privileges(self.row().2)
    }

    /// What messages call it.
    pub fn noun(self) -> &'static str {
        self.row().4
    }
}

/// What a role has been granted by another. PUBLIC is [`Oid::INVALID`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AclItem {
    pub grantee: Oid,
    pub grantor: Oid,
    pub privileges: Privileges,
}

/// An object's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl(pub Vec<AclItem>);

/// A role that wants to do something, with everything of its that counts.
#[derive(Clone, Debug)]
pub struct Holder {
    pub role: Oid,
    pub superuser: bool,
    /// The roles whose privileges it has, itself included.
    pub roles: BTreeSet<Oid>,
}

impl Holder {
    /// The role, in a database of that owner.
    pub fn new(roles: &Roles, role: Oid, database_owner: Oid) -> Self {
        Holder { role, superuser: roles.is_superuser(role), roles: roles.roles_of(role, true, database_owner) }
    }

    /// Whether it has the privileges of that role.
    pub fn has_privileges_of(&self, role: Oid) -> bool {
        self.superuser || self.roles.contains(&role)
    }
}

/// What becomes of privileges that others were granted by whom they are revoked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependents {
    Restrict,
    Cascade,
}

impl Acl {
    /// What an object without a list of its own means (acldefault).
    pub fn default_of(kind: AclKind, owner: Oid) -> Acl {
        let row = kind.row();
        let item = |grantee, privileges| AclItem { grantee, grantor: owner, privileges: Privileges(privileges) };
        let owned = if kind == AclKind::Column { 0 } else { row.2 };
        let items = [item(Oid::INVALID, row.3), item(owner, owned)];
        Acl(items.into_iter().filter(|item| !item.privileges.is_empty()).collect())
    }

    /// Which of the wanted privileges the role has (aclmask with ACLMASK_ALL).
    pub fn mask(&self, holder: &Holder, owner: Oid, wanted: Privileges) -> Privileges {
        let options = Privileges(wanted.0 & !0xffff_ffff);
        let owned = if !options.is_empty() && holder.has_privileges_of(owner) { options } else { Privileges::NONE };
        let granted = self.0.iter().filter(|item| item.grantee == Oid::INVALID || holder.roles.contains(&item.grantee));
        granted.fold(owned, |all, item| all.and(item.privileges)).common(wanted)
    }

    /// Which of the options one role has itself (aclmask_direct).
    fn mask_direct(&self, role: Oid, owner: Oid, wanted: Privileges) -> Privileges {
        let owned = if role == owner { wanted } else { Privileges::NONE };
        let own = self.0.iter().filter(|item| item.grantee == role);
        own.fold(owned, |all, item| all.and(item.privileges)).common(wanted)
    }

    /// As whom a role grants or revokes privileges, and which options it has (select_best_grantor).
    pub fn best_grantor(&self, holder: &Holder, owner: Oid, privileges: Privileges) -> (Oid, Privileges) {
        let needed = privileges.options();
        if holder.role == owner || holder.superuser {
            return (owner, needed);
        }
        let mut best = (holder.role, Privileges::NONE);
        let first = std::iter::once(holder.role);
        for role in first.chain(holder.roles.iter().copied().filter(|role| *role != holder.role)) {
            let options = self.mask_direct(role, owner, needed);
            if options == needed {
                return (role, options);
            }
            if options.0.count_ones() > best.1.0.count_ones() {
                best = (role, options);
            }
        }
        best
    }

    /// GRANT or REVOKE of one item (aclupdate). `roles` finds what a role has through others.
    pub fn update(
        &mut self,
        change: AclItem,
        grants: bool,
        owner: Oid,
        dependents: Dependents,
        roles: &Roles,
    ) -> Result<()> {
        if grants && change.grantee != Oid::INVALID {
            self.check_circularity(change, owner, roles)?;
        }
        let same = |item: &AclItem| item.grantee == change.grantee && item.grantor == change.grantor;
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(AclItem { privileges: Privileges::NONE, ..change });
            self.0.len() - 1
        });
        let Some(item) = self.0.get_mut(at) else { return Ok(()) };
        let old = item.privileges;
        item.privileges = if grants { old.and(change.privileges) } else { old.without(change.privileges) };
        let lost = old.without(item.privileges).granted();
        if item.privileges.is_empty() {
            self.0.remove(at);
        }
        if !lost.is_empty() && change.grantee != Oid::INVALID {
            self.revoke_dependents(change.grantee, lost, owner, dependents, roles)?;
        }
        Ok(())
    }

    /// 0LP01 where somebody would be granted an option by whom he has granted it.
    fn check_circularity(&self, change: AclItem, owner: Oid, roles: &Roles) -> Result<()> {
        let options = change.privileges.granted();
        if options.is_empty() || change.grantor == owner {
            return Ok(());
        }
        let mut without = self.clone();
        loop {
            let of = |item: &&AclItem| item.grantee == change.grantee && !item.privileges.granted().is_empty();
            let Some(item) = without.0.iter().find(of).copied() else { break };
            let privileges = item.privileges.granted().and(item.privileges.granted().options());
            without.update(AclItem { privileges, ..item }, false, owner, Dependents::Cascade, roles)?;
        }
        let grantor = Holder::new(roles, change.grantor, Oid::INVALID);
        let own = without.mask(&Holder { superuser: false, ..grantor }, owner, options.options()).granted();
        if own.contains(options) {
            return Ok(());
        }
        let message = "grant options cannot be granted back to your own grantor";
        Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message))
    }

    /// What a role has granted by options that it does not have any more (recursive_revoke).
    fn revoke_dependents(
        &mut self,
        grantor: Oid,
        lost: Privileges,
        owner: Oid,
        dependents: Dependents,
        roles: &Roles,
    ) -> Result<()> {
        if grantor == owner {
            return Ok(());
        }
        let holder = Holder { superuser: false, ..Holder::new(roles, grantor, Oid::INVALID) };
        let lost = lost.without(self.mask(&holder, owner, lost.options()).granted());
        loop {
            let by = |item: &&AclItem| item.grantor == grantor && !item.privileges.plain().common(lost).is_empty();
            let Some(item) = self.0.iter().find(by).copied() else { return Ok(()) };
            if dependents == Dependents::Restrict {
                let error = Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist");
                return Err(error.with_hint("Use CASCADE to revoke them too."));
            }
            let change = AclItem { privileges: lost.and(lost.options()), ..item };
            self.update(change, false, owner, dependents, roles)?;
        }
    }

    /// The list when the object has another owner (aclnewowner): what the old one granted the new one has granted.
    pub fn with_owner(&self, old: Oid, new: Oid) -> Acl {
        let renamed = |role| if role == old { new } else { role };
        let mut items: Vec<AclItem> = Vec::new();
        for item in &self.0 {
            let item = AclItem { grantee: renamed(item.grantee), grantor: renamed(item.grantor), ..*item };
            match items.iter_mut().find(|known| known.grantee == item.grantee && known.grantor == item.grantor) {
                Some(known) => known.privileges = known.privileges.and(item.privileges),
                None => items.push(item),
            }
        }
        Acl(items)
    }

    /// All roles it names.
    pub fn roles(&self) -> impl Iterator<Item = Oid> {
        self.0.iter().flat_map(|item| [item.grantee, item.grantor]).filter(|role| *role != Oid::INVALID)
    }

    /// As aclitem writes each item, with roles by their names.
    pub fn texts(&self, roles: &Roles) -> Vec<String> {
        let name = |role| quoted(&roles.name(role));
        self.0.iter().map(|item| item.text(&name)).collect()
    }

    /// As it is kept: roles by their OIDs, since they may be renamed without this database's knowing.
    pub fn to_stored(&self) -> String {
        let number = |role: Oid| role.0.to_string();
        self.0.iter().map(|item| item.text(&number)).collect::<Vec<_>>().join(",")
    }

    /// Reads [`to_stored`](Self::to_stored); what is no item is left out.
    pub fn from_stored(text: &str) -> Acl {
        Acl(text.split(',').filter_map(AclItem::from_stored).collect())
    }
}

impl AclItem {
    fn text(&self, name: &dyn Fn(Oid) -> String) -> String {
        let mut text = if self.grantee == Oid::INVALID { String::new() } else { name(self.grantee) };
        text.push('=');
        for (letter, _, privilege) in NAMES {
            if self.privileges.contains(*privilege) {
                text.push(*letter);
                if self.privileges.contains(privilege.options()) {
                    text.push('*');
                }
            }
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "/{}", name(self.grantor));
        text
    }

    fn from_stored(text: &str) -> Option<AclItem> {
        let (grantee, rest) = text.split_once('=')?;
        let (letters, grantor) = rest.split_once('/')?;
        let mut privileges = Privileges::NONE;
        let mut last = Privileges::NONE;
        for letter in letters.chars() {
            if letter == '*' {
                privileges = privileges.and(last.options());
                continue;
            }
            last = NAMES.iter().find(|(known, ..)| *known == letter).map(|(.., privilege)| *privilege)?;
            privileges = privileges.and(last);
        }
        let grantee = if grantee.is_empty() { Oid::INVALID } else { Oid(grantee.parse().ok()?) };
        Some(AclItem { grantee, grantor: Oid(grantor.parse().ok()?), privileges })
    }
}

/// A role's name as aclitem writes it (putid).
fn quoted(name: &str) -> String {
    match name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
#[path = "acl_tests.rs"]
mod tests;
