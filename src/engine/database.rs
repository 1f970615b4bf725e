//! One open database: its pool of connections, write ticket, catalog snapshot and durable watermark; and the set of
//! databases of a server.
//!
//! Owns: [`Database`], [`Databases`]. Must not know: sessions, messages.

use std::sync::Arc;

use crate::error::Result;

/// One open database.
pub struct Database {}

/// All databases of a server, by name; opens them when they are first asked for.
pub struct Databases {}

impl Databases {
    /// The database of that name; 3D000 if it does not exist.
    pub async fn open(&self, name: &str) -> Result<Arc<Database>> {
        let _ = name;
        todo!()
    }

    /// CREATE DATABASE; 42P04 if it exists.
    pub async fn create(&self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }

    /// DROP DATABASE; 3D000 if it does not exist, 55006 while sessions use it.
    pub async fn drop(&self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }

    /// The names of all databases, sorted.
    pub fn names(&self) -> Vec<String> {
        todo!()
    }
}
