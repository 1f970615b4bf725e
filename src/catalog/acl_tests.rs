//! Tests of access control lists; the texts are PostgreSQL 15's.

use std::sync::Arc;

use super::*;
use crate::catalog::cluster::ClusterFacts;
use crate::catalog::roles::RoleFacts;

const OWNER: Oid = Oid(101);
const A: Oid = Oid(102);
const B: Oid = Oid(103);

fn roles() -> Roles {
    let mut facts = ClusterFacts::default();
    for (oid, name) in [(OWNER, "o"), (A, "a"), (B, "b c")] {
        facts.roles.insert(oid, RoleFacts::new(name));
    }
    Roles::new(Arc::new(facts), "postgres".into())
}

fn grant(acl: &mut Acl, grantor: Oid, grantee: Oid, privileges: Privileges) -> Result<()> {
    acl.update(AclItem { grantee, grantor, privileges }, true, OWNER, Dependents::Restrict, &roles())
}

fn revoke(acl: &mut Acl, grantor: Oid, grantee: Oid, privileges: Privileges, how: Dependents) -> Result<()> {
    let change = AclItem { grantee, grantor, privileges: privileges.and(privileges.options()) };
    acl.update(change, false, OWNER, how, &roles())
}

#[test]
fn defaults_and_grants_are_written_as_postgresql_writes_them() {
    let select = Privileges::SELECT;
    let mut acl = Acl::default_of(AclKind::Relation, OWNER);
    assert_eq!(acl.texts(&roles()), ["o=arwdDxt/o"]);
    grant(&mut acl, OWNER, A, select.and(select.options())).unwrap();
    grant(&mut acl, A, B, select).unwrap();
    grant(&mut acl, OWNER, Oid::INVALID, Privileges::INSERT).unwrap();
    assert_eq!(acl.texts(&roles()), ["o=arwdDxt/o", "a=r*/o", "\"b c\"=r/a", "=a/o"]);
    assert_eq!(Acl::from_stored(&acl.to_stored()), acl);
    assert_eq!(Acl::default_of(AclKind::Database, OWNER).texts(&roles()), ["=Tc/o", "o=CTc/o"]);
    assert_eq!(Acl::default_of(AclKind::Column, OWNER), Acl::default());
}

#[test]
fn what_depends_on_a_grant_is_revoked_with_it_or_keeps_it() {
    let select = Privileges::SELECT;
    let mut acl = Acl::default_of(AclKind::Relation, OWNER);
    grant(&mut acl, OWNER, A, select.and(select.options())).unwrap();
    grant(&mut acl, A, B, select.and(select.options())).unwrap();
    let kept = revoke(&mut acl.clone(), OWNER, A, select, Dependents::Restrict).unwrap_err();
    assert_eq!(kept.code(), SqlState::DEPENDENT_OBJECTS_STILL_EXIST);
    let back = grant(&mut acl.clone(), B, A, select.and(select.options())).unwrap_err();
    assert_eq!(back.message(), "grant options cannot be granted back to your own grantor");
    revoke(&mut acl, OWNER, A, select, Dependents::Cascade).unwrap();
    assert_eq!(acl.texts(&roles()), ["o=arwdDxt/o"]);
}

#[test]
fn a_role_has_what_is_granted_to_it_and_to_public_and_owners_have_all_options() {
    let mut acl = Acl::default_of(AclKind::Relation, OWNER);
    grant(&mut acl, OWNER, Oid::INVALID, Privileges::SELECT).unwrap();
    grant(&mut acl, OWNER, A, Privileges::INSERT).unwrap();
    let all = Privileges(0x7f);
    let of = |role| acl.mask(&Holder::new(&roles(), role, Oid::INVALID), OWNER, all);
    assert_eq!(of(A), Privileges::SELECT.and(Privileges::INSERT));
    assert_eq!(of(B), Privileges::SELECT);
    assert_eq!(of(OWNER), all);
    let owner = Holder::new(&roles(), OWNER, Oid::INVALID);
    assert_eq!(acl.best_grantor(&owner, OWNER, all), (OWNER, all.options()));
    assert_eq!(acl.with_owner(OWNER, B).texts(&roles()), ["\"b c\"=arwdDxt/\"b c\"", "=r/\"b c\"", "a=a/\"b c\""]);
}
