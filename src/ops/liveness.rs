//! A real `SELECT 1`, the way any session's goes after its client has been read: planned, run, its row looked at.
//!
//! Owns: [`select_one`]. Must not know: who asks.

use std::sync::{Arc, Mutex};

use crate::engine::context::SessionContext;
use crate::engine::databases::Databases;
use crate::engine::session::EngineSession;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::sql::plan::Action;
use crate::sql::planner::PlanContext;
use crate::types::value::ValueRef;

/// Opens the database if need be and asks it. An error says what is wrong.
pub async fn select_one(databases: &Databases, database: &str, user: &str) -> Result<()> {
    let opened = databases.open(database).await?;
    let catalog = opened.catalog();
    let settings = Settings::default();
    let plans = Arc::clone(opened.plans());
    let sources = plans.parse("SELECT 1")?;
    let source = sources.first().ok_or_else(|| Error::internal("SELECT 1 is no statement"))?;
    let context =
        PlanContext { catalog: &catalog, settings: &settings, user, database, may_use: &|_| true, security: None };
    let planned = plans.plan(source, &[], context)?;
    let Action::Sqlite(statement) = &planned.plan.action else {
        return Err(Error::internal("SELECT 1 is no query"));
    };
    let context = SessionContext::new(settings, user, database, catalog);
    let mut session = EngineSession::probe(opened, Arc::new(Mutex::new(context)));
    session.start_statement(None, None);
    let mut cursor = session.open(statement, &[], &planned.literals).await?;
    match cursor.step()? {
        true if matches!(cursor.column(0), ValueRef::Integer(1)) => Ok(()),
        _ => Err(Error::internal("SELECT 1 did not answer 1")),
    }
}
