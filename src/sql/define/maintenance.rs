//! REINDEX and CLUSTER: what may be said of them before names are looked up.
//!
//! Owns: [`reindex`], [`cluster`]. Specification: indexcmds.c's ExecReindex, cluster.c.

use super::options::check_tablespace;
use super::{Defined, ddl, relation_name};
use crate::sql::ddl::Ddl;
use crate::sql::syntax::ast::definition::DefArg;
use crate::sql::syntax::ast::statement::{ClusterStmt, ReindexStmt};
use crate::sql::utility::{check_options, is_on};

pub(super) fn reindex(stmt: &ReindexStmt, text: &str) -> Defined {
    check_options(&stmt.params, "REINDEX", &["verbose", "concurrently", "tablespace"], text)?;
    let tablespace = stmt.params.iter().rev().find(|param| param.name == "tablespace");
    let tablespace = match tablespace.and_then(|param| param.arg.as_ref()) {
        Some(DefArg::String(name)) => Some(name),
        _ => None,
    };
    check_tablespace(tablespace)?;
    let concurrently = is_on(&stmt.params, "concurrently");
    ddl(Ddl::Reindex { target: stmt.target.clone(), concurrently }, "REINDEX")
}

pub(super) fn cluster(stmt: &ClusterStmt, text: &str) -> Defined {
    check_options(&stmt.params, "CLUSTER", &["verbose"], text)?;
    let cluster = match &stmt.relation {
        Some(table) => Ddl::Cluster { table: relation_name(table), index: stmt.index.clone() },
        None => Ddl::ClusterAll,
    };
    ddl(cluster, "CLUSTER")
}
