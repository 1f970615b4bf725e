//! As whom a session acts: the variables role and session_authorization, which keep the role's OID beside its name, and
//! is_superuser, which follows from them.
//!
//! Must not know: which roles there are, and who may become whom (`engine::identity`). Specification: sql-set-role.html,
//! sql-set-session-authorization.html; miscinit.c.

use crate::settings::session::{Settings, find};
use crate::settings::variable::Setting;
use crate::types::pg_type::Oid;

/// The roles of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// session_user
    pub session: Oid,
    /// current_user
    pub current: Oid,
}

impl Default for Identity {
    fn default() -> Self {
        Identity { session: Oid::BOOTSTRAP_SUPERUSER, current: Oid::BOOTSTRAP_SUPERUSER }
    }
}

/// A role, or nobody in particular: SET ROLE NONE, SET SESSION AUTHORIZATION DEFAULT.
pub type NamedRole<'n> = Option<(Oid, &'n str)>;

impl Settings {
    /// As whom the session acts.
    pub fn identity(&self) -> Identity {
        self.ready.identity
    }

    /// The session is that role's.
    pub fn begin_as(&mut self, role: Oid, name: &str, is_superuser: bool) {
        self.begin_with("session_authorization".into(), Setting::Role(role, name.into()), "configuration file");
        self.begin_with("is_superuser".into(), Setting::Boolean(is_superuser), "configuration file");
    }

    /// Its sessions begin with that role (ALTER ROLE … SET role).
    pub fn begin_with_role(&mut self, role: NamedRole<'_>, is_superuser: bool, source: &'static str) {
        self.begin_with("role".into(), setting(role), source);
        self.begin_with("is_superuser".into(), Setting::Boolean(is_superuser), source);
    }

    /// SET [LOCAL] ROLE. `is_superuser` is of the role that is the current one then.
    pub fn set_role(&mut self, role: NamedRole<'_>, is_superuser: bool, local: bool) {
        self.put("role", Some(setting(role)), local);
        self.put("is_superuser", Some(Setting::Boolean(is_superuser)), local);
        self.refresh();
    }

    /// SET [LOCAL] SESSION AUTHORIZATION; nobody is who has logged in. It ends SET ROLE.
    pub fn set_session_authorization(&mut self, role: NamedRole<'_>, is_superuser: bool, local: bool) {
        self.put("session_authorization", role.map(|role| setting(Some(role))), local);
        self.set_role(None, is_superuser, local);
    }

    fn put(&mut self, name: &'static str, value: Option<Setting>, local: bool) {
        if let Some(variable) = find(name).filter(|variable| variable.reported) {
            self.note_unreported(variable);
        }
        self.change(name.into(), |slot| match local {
            true => slot.local = value.or_else(|| slot.reset.clone()),
            false => (slot.session, slot.local) = (value, None),
        });
    }

    pub(super) fn identity_of_slots(&self) -> Identity {
        let role = |name: &str| match self.slots.get(name).and_then(super::session::Slot::effective) {
            Some(Setting::Role(oid, _)) => Some(*oid).filter(|oid| *oid != Oid::INVALID),
            _ => None,
        };
        let session = role("session_authorization").unwrap_or(Oid::BOOTSTRAP_SUPERUSER);
        Identity { session, current: role("role").unwrap_or(session) }
    }

    /// The name that "$user" stands for in search_path.
    pub(super) fn current_user(&self) -> String {
        match self.current("role").filter(|name| name != "none") {
            Some(name) => name,
            None => self.current("session_authorization").unwrap_or_default(),
        }
    }
}

fn setting(role: NamedRole<'_>) -> Setting {
    let (oid, name) = role.unwrap_or((Oid::INVALID, "none"));
    Setting::Role(oid, name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(settings: &Settings) -> (u32, u32, String, String) {
        let Identity { session, current } = settings.identity();
        let shown = |name| settings.show(name).unwrap();
        (session.0, current.0, shown("role"), shown("is_superuser"))
    }

    #[test]
    fn roles_are_set_and_undone_with_the_transaction() {
        let mut settings = Settings::default();
        assert_eq!(settings.identity(), Identity::default());
        settings.begin_as(Oid(101), "ann", true);
        assert_eq!(seen(&settings), (101, 101, "none".to_owned(), "on".to_owned()));
        settings.begin();
        settings.set_role(Some((Oid(102), "bob")), false, false);
        assert_eq!(seen(&settings), (101, 102, "bob".to_owned(), "off".to_owned()));
        assert!(settings.search_path().contains(&"bob".to_owned()));
        settings.savepoint();
        settings.set_session_authorization(Some((Oid(103), "cid")), false, true);
        assert_eq!(seen(&settings), (103, 103, "none".to_owned(), "off".to_owned()));
        settings.rollback_to(0);
        assert_eq!(seen(&settings), (101, 102, "bob".to_owned(), "off".to_owned()));
        settings.rollback();
        assert_eq!(seen(&settings), (101, 101, "none".to_owned(), "on".to_owned()));
        settings.set_session_authorization(Some((Oid(103), "cid")), false, false);
        settings.reset_all();
        assert_eq!(settings.show("session_authorization").unwrap(), "cid");
        settings.set_session_authorization(None, true, false);
        assert_eq!(seen(&settings), (101, 101, "none".to_owned(), "on".to_owned()));
    }
}
