//! What all databases of a server share: roles, whose databases are, what sessions of them start with, comments on them.
//!
//! Owns: [`ClusterFacts`], an immutable picture, and [`ClusterChange`], how the next one is made of it. Must not know: where
//! they are kept (`catalog::store`), how statements ask for a change. Databases are known by name here, because a file or
//! an object is found by its name; one that is not mentioned is as PostgreSQL makes it. What roles mean is in `catalog::roles`.
//! Specification: catalog-pg-database.html, catalog-pg-db-role-setting.html, catalog-pg-shdescription.html.

use std::collections::BTreeMap;

use crate::catalog::acl::{Acl, AclKind};
use crate::catalog::roles::{Membership, RoleFacts};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::error::{Error, SqlState};
use crate::types::pg_type::Oid;

/// The database in which this is kept, and which clients connect to when they have none in mind.
pub const POSTGRES: &str = "postgres";
/// What a new database is made of.
pub const TEMPLATE1: &str = "template1";
/// What stays as it was made.
pub const TEMPLATE0: &str = "template0";

/// The databases that every server has, whether or not somebody has used them.
pub const ALWAYS: &[&str] = &[POSTGRES, TEMPLATE0, TEMPLATE1];

/// The locale of every database: text is ordered by its bytes.
pub const LOCALE: &str = "C.UTF-8";

/// The facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterFacts {
    /// The databases of which there is something to say.
    pub databases: BTreeMap<String, DatabaseFacts>,
    /// ALTER DATABASE … SET and ALTER ROLE … SET, in the order in which they were first set.
    pub settings: BTreeMap<SettingOf, Vec<(String, String)>>,
    /// Roles that were made, and the bootstrap superuser if it was altered; its name is the configuration's.
    pub roles: BTreeMap<Oid, RoleFacts>,
    /// By role and member.
    pub memberships: BTreeMap<(Oid, Oid), Membership>,
}

/// A database (pg_database).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFacts {
    pub owner: Oid,
    pub is_template: bool,
    pub allow_connections: bool,
    /// -1 is no limit. Superusers are not held to it.
    pub connection_limit: i32,
    pub collate: String,
    pub ctype: String,
    pub comment: Option<String>,
    /// Who may do what with it, if that was ever said.
    pub acl: Option<Acl>,
}

/// Whose sessions a setting is for; `None` is all databases, all roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingOf {
    pub database: Option<String>,
    pub role: Option<Oid>,
}

/// A change of the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterChange {
    /// A database becomes like this.
    Database(String, DatabaseFacts),
    /// COMMENT ON DATABASE.
    Comment(String, Option<String>),
    /// A database is no more.
    Dropped(String),
    Renamed {
        from: String,
        to: String,
    },
    /// SET; without a value, RESET.
    Setting(SettingOf, String, Option<String>),
    /// RESET ALL
    ResetAll(SettingOf),
    /// A role of an OID that no other has.
    NewRole(Oid, RoleFacts),
    /// A role becomes like this.
    Role(Oid, RoleFacts),
    DroppedRole(Oid),
    /// Of a role, its member; without a membership it is none any more.
    Member(Oid, Oid, Option<Membership>),
}

impl DatabaseFacts {
    /// A database of that name of which nothing was said.
    pub fn of(name: &str) -> Self {
        let comment = match name {
            POSTGRES => Some("default administrative connection database"),
            TEMPLATE0 => Some("unmodifiable empty database"),
            TEMPLATE1 => Some("default template for new databases"),
            _ => None,
        };
        DatabaseFacts {
            owner: BOOTSTRAP_SUPERUSER,
            is_template: matches!(name, TEMPLATE0 | TEMPLATE1),
            allow_connections: name != TEMPLATE0,
            connection_limit: -1,
            collate: LOCALE.to_owned(),
            ctype: LOCALE.to_owned(),
            comment: comment.map(str::to_owned),
            acl: None,
        }
    }

    /// Who may do what with it.
    pub fn privileges(&self) -> Acl {
        self.acl.clone().unwrap_or_else(|| Acl::default_of(AclKind::Database, self.owner))
    }
}

impl ClusterFacts {
    /// What is said of the database of that name.
    pub fn database(&self, name: &str) -> DatabaseFacts {
        self.databases.get(name).cloned().unwrap_or_else(|| DatabaseFacts::of(name))
    }

    /// Whether there is anything of the database that is not so by itself.
    pub fn mentions(&self, name: &str) -> bool {
        self.databases.contains_key(name) || self.settings.keys().any(|of| of.database.as_deref() == Some(name))
    }

    /// The variables that sessions of a role in a database start with, later ones over earlier ones, and where each is
    /// from as pg_settings calls it.
    pub fn settings_at_start(&self, database: &str, role: Oid) -> Vec<(&'static str, &str, &str)> {
        let (database, role) = (Some(database.to_owned()), Some(role));
        let sources = [
            (SettingOf::default(), "global"),
            (SettingOf { database: database.clone(), role: None }, "database"),
            (SettingOf { database: None, role }, "user"),
            (SettingOf { database, role }, "database user"),
        ];
        let of = sources.iter().filter_map(|(of, source)| Some((self.settings.get(of)?, *source)));
        of.flat_map(|(settings, source)| settings.iter().map(move |(n, v)| (source, n.as_str(), v.as_str()))).collect()
    }

    /// What is wrong with a change, now that others may have made theirs.
    pub fn conflict(&self, change: &ClusterChange) -> Option<Error> {
        let (oid, role) = match change {
            ClusterChange::NewRole(oid, role) | ClusterChange::Role(oid, role) => (oid, role),
            _ => return None,
        };
        let taken = self.roles.iter().any(|(other, known)| other != oid && known.name == role.name);
        let message = "duplicate key value violates unique constraint \"pg_authid_rolname_index\"";
        taken.then(|| {
            let detail = format!("Key (rolname)=({}) already exists.", role.name);
            Error::new(SqlState::UNIQUE_VIOLATION, message).with_detail(detail)
        })
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &ClusterChange) {
        match change {
            ClusterChange::Database(name, facts) => self.put(name, facts.clone()),
            ClusterChange::Comment(name, comment) => {
                let facts = DatabaseFacts { comment: comment.clone(), ..self.database(name) };
                self.put(name, facts);
            }
            ClusterChange::Dropped(name) => {
                self.databases.remove(name);
                self.settings.retain(|of, _| of.database.as_ref() != Some(name));
            }
            ClusterChange::Renamed { from, to } => {
                let facts = self.databases.remove(from);
                self.databases.extend(facts.map(|facts| (to.clone(), facts)));
                let settings = std::mem::take(&mut self.settings).into_iter();
                self.settings = settings
                    .map(|(mut of, settings)| {
                        of.database = of.database.map(|name| if name == *from { to.clone() } else { name });
                        (of, settings)
                    })
                    .collect();
            }
            ClusterChange::Setting(of, name, value) => self.set(of, name, value.as_deref()),
            ClusterChange::ResetAll(of) => {
                self.settings.remove(of);
            }
            ClusterChange::NewRole(oid, role) | ClusterChange::Role(oid, role) => {
                self.roles.insert(*oid, role.clone());
            }
            ClusterChange::DroppedRole(oid) => {
                self.roles.remove(oid);
                self.memberships.retain(|(role, member), _| role != oid && member != oid);
                self.settings.retain(|of, _| of.role != Some(*oid));
            }
            ClusterChange::Member(role, member, Some(more)) => {
                self.memberships.insert((*role, *member), *more);
            }
            ClusterChange::Member(role, member, None) => {
                self.memberships.remove(&(*role, *member));
            }
        }
    }

    fn put(&mut self, name: &str, facts: DatabaseFacts) {
        if facts == DatabaseFacts::of(name) {
            self.databases.remove(name);
        } else {
            self.databases.insert(name.to_owned(), facts);
        }
    }

    fn set(&mut self, of: &SettingOf, name: &str, value: Option<&str>) {
        let settings = self.settings.entry(of.clone()).or_default();
        let known = settings.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match (known, value) {
            (Some((_, old)), Some(value)) => *old = value.to_owned(),
            (None, Some(value)) => settings.push((name.to_owned(), value.to_owned())),
            (_, None) => settings.retain(|(known, _)| !known.eq_ignore_ascii_case(name)),
        }
        if settings.is_empty() {
            self.settings.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_database(name: &str) -> SettingOf {
        SettingOf { database: Some(name.to_owned()), role: None }
    }

    fn setting(of: SettingOf, name: &str, value: Option<&str>) -> ClusterChange {
        ClusterChange::Setting(of, name.to_owned(), value.map(str::to_owned))
    }

    #[test]
    fn what_is_as_by_default_is_not_kept() {
        let mut facts = ClusterFacts::default();
        let limited = DatabaseFacts { connection_limit: 3, ..DatabaseFacts::of("app") };
        facts.apply(&ClusterChange::Database("app".to_owned(), limited));
        facts.apply(&setting(of_database("app"), "work_mem", Some("64MB")));
        assert!(facts.mentions("app"));
        facts.apply(&setting(of_database("app"), "WORK_MEM", None));
        facts.apply(&ClusterChange::Database("app".to_owned(), DatabaseFacts::of("app")));
        assert_eq!(facts, ClusterFacts::default());
    }

    #[test]
    fn the_narrower_setting_comes_last() {
        let mut facts = ClusterFacts::default();
        let role = Some(BOOTSTRAP_SUPERUSER);
        facts.apply(&setting(SettingOf { database: Some("app".to_owned()), role }, "a.b", Some("4")));
        facts.apply(&setting(SettingOf { database: None, role }, "a.b", Some("3")));
        facts.apply(&setting(of_database("app"), "a.b", Some("2")));
        facts.apply(&setting(of_database("other"), "a.b", Some("9")));
        facts.apply(&setting(SettingOf::default(), "a.b", Some("1")));
        let values = |facts: &ClusterFacts, name: &str| {
            let start = facts.settings_at_start(name, BOOTSTRAP_SUPERUSER);
            start.iter().map(|(_, _, value)| (*value).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values(&facts, "app"), ["1", "2", "3", "4"]);
        facts.apply(&ClusterChange::Renamed { from: "app".to_owned(), to: "new".to_owned() });
        assert_eq!(values(&facts, "app"), ["1", "3"]);
        assert_eq!(values(&facts, "new"), ["1", "2", "3", "4"]);
        facts.apply(&ClusterChange::Dropped("new".to_owned()));
        assert_eq!(values(&facts, "new"), ["1", "3"]);
    }
}
