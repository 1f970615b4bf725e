//! Statements about what all databases of a server share, as they are written.
//!
//! Owns: [`DatabaseCommand`] and its parts. Must not know: what they mean (`session::database`).

use crate::sql::role::RoleCommand;
use crate::sql::syntax::ast::statement::RoleSpec;

/// CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE, and the same of roles.
#[derive(Clone, Debug, PartialEq)]
pub enum DatabaseCommand {
    Create {
        name: String,
        options: Vec<DefElem>,
    },
    Alter {
        name: String,
        options: Vec<DefElem>,
    },
    Rename {
        name: String,
        to: String,
    },
    Owner {
        name: String,
        owner: RoleSpec,
    },
    /// REFRESH COLLATION VERSION
    RefreshCollation {
        name: String,
    },
    Drop {
        name: String,
        if_exists: bool,
        force: bool,
    },
    Comment {
        name: String,
        text: Option<String>,
    },
    /// ALTER DATABASE … SET, and ALTER ROLE … [IN DATABASE …] SET, where no role is ALL.
    Set {
        database: Option<String>,
        role: Option<RoleSpec>,
        change: SettingChange,
    },
    Role(RoleCommand),
}

impl DatabaseCommand {
    /// Its name, if it cannot be part of a transaction.
    pub fn stands_alone(&self) -> Option<&'static str> {
        match self {
            DatabaseCommand::Create { .. } => Some("CREATE DATABASE"),
            DatabaseCommand::Drop { .. } => Some("DROP DATABASE"),
            _ => None,
        }
    }
}

/// An option: its name in lower case, its value, where it stands (characters, from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefElem {
    pub name: String,
    pub value: DefValue,
    pub position: u32,
}

/// An option's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefValue {
    /// DEFAULT, or NULL for a password.
    Default,
    Number(String),
    Text(String),
}

/// What becomes of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingChange {
    /// Without a value: DEFAULT.
    Set(String, Option<String>),
    FromCurrent(String),
    Reset(String),
    ResetAll,
}
