//! Functions and procedures that users made: how they are checked, compiled, and run over the session's connection.
//!
//! Owns: what implements `plpgsql::host`, and the ways in: [`call::call`] for what SQL calls, [`call::call_trigger`] for
//! triggers, [`call::run_block`] for DO. Must not know: messages, the grammar of bodies. A function runs where SQLite calls
//! it, inside of a statement that is being stepped: its own statements are further ones of the same connection.

pub(crate) mod blocks;
pub(crate) mod cache;
pub(crate) mod call;
mod casts;
pub(crate) mod cursors;
mod effects;
mod execute;
pub(crate) mod host;
mod plan;
pub(crate) mod query;
mod records;
pub(crate) mod session;
pub(crate) mod signature;
mod sql_body;
pub(crate) mod types;
mod validate;

pub(crate) use validate::{uses, validate};
