//! A table's row security, as a part of what `__pg_option` says of it.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::options::{flag, list, number, read_uses, said, written_uses};
use crate::catalog::policy::{Policy, PolicyCommand, RowSecurity};
use crate::types::pg_type::Oid;

/// Null where nothing is said.
pub(super) fn written(security: &RowSecurity) -> Json {
    let RowSecurity { enabled, forced, policies } = security;
    let policies: Vec<Json> = policies.iter().map(|policy| written_policy(policy)).collect();
    Json::Object(said([("enabled", json!(enabled)), ("forced", json!(forced)), ("policies", Json::Array(policies))]))
}

fn written_policy(policy: &Policy) -> Json {
    let Policy { oid, name, permissive, command, roles, using, with_check, uses } = policy;
    Json::Object(said([
        ("oid", json!(oid.0)),
        ("name", json!(name)),
        ("permissive", json!(permissive)),
        ("command", json!(command.letter())),
        ("roles", json!(roles.iter().map(|role| role.0).collect::<Vec<_>>())),
        ("using", json!(using)),
        ("with_check", json!(with_check)),
        ("uses", written_uses(uses)),
    ]))
}

pub(super) fn read(said: Option<&Json>) -> RowSecurity {
    let Some(said) = said else { return RowSecurity::default() };
    let policies: Option<Vec<_>> = list(said, "policies").map(|said| read_policy(said).map(Arc::new)).collect();
    match policies {
        Some(policies) => RowSecurity { enabled: flag(said, "enabled"), forced: flag(said, "forced"), policies },
        // What cannot be read may have been a restriction: then nobody sees anything.
        None => RowSecurity { enabled: true, forced: true, policies: Vec::new() },
    }
}

fn read_policy(said: &Json) -> Option<Policy> {
    let text = |name: &str| said.get(name).and_then(Json::as_str).map(str::to_owned);
    let role = |role: &Json| role.as_u64().and_then(|oid| u32::try_from(oid).ok()).map(Oid);
    Some(Policy {
        oid: Oid(number(said, "oid")?),
        name: text("name")?,
        permissive: flag(said, "permissive"),
        command: PolicyCommand::named(&text("command")?)?,
        roles: list(said, "roles").filter_map(role).collect(),
        using: text("using"),
        with_check: text("with_check"),
        uses: read_uses(said),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::schema::Uses;

    #[test]
    fn what_is_written_is_read() {
        let policy = Policy {
            oid: Oid(20000),
            name: "p".to_owned(),
            permissive: false,
            command: PolicyCommand::Update,
            roles: vec![Oid::INVALID, Oid(16385)],
            using: Some("(a > 1)".to_owned()),
            with_check: None,
            uses: Uses { columns: vec![(Oid(1), 2)], ..Uses::default() },
        };
        let security = RowSecurity { enabled: true, forced: false, policies: vec![Arc::new(policy)] };
        assert_eq!(read(Some(&written(&security))), security);
        assert_eq!(read(None), RowSecurity::default());
    }
}
