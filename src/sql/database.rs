//! Statements about what all databases of a server share, as they are written.
//!
//! Owns: [`DatabaseCommand`] and its parts. Must not know: what they mean (`session::database`).

/// CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE, and the same of roles.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    CreateRole {
        name: String,
    },
    AlterRole {
        role: RoleSpec,
        options: Vec<DefElem>,
    },
    DropRole {
        roles: Vec<RoleSpec>,
        if_exists: bool,
    },
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

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSpec {
    Named(String),
    /// CURRENT_USER, CURRENT_ROLE and SESSION_USER: there is one role per session.
    Current,
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
