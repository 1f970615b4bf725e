//! What can go wrong, in PostgreSQL's terms: a severity, an SQLSTATE, a message and the optional fields of
//! ErrorResponse and NoticeResponse.
//!
//! Owns: [`Error`], [`SqlState`], [`Severity`]. Must not know: rusqlite, bytes, tokio, or how a field is written to
//! the wire. Specification: protocol-error-fields.html, errcodes-appendix.html (PostgreSQL 15).

use std::borrow::Cow;
use std::fmt;

/// Result of everything that can fail towards a client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A five-character SQLSTATE (errcodes-appendix.html).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState(pub [u8; 5]);

impl SqlState {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! sql_states {
    ($($name:ident = $code:literal;)*) => {
        impl SqlState {
            $(#[doc = concat!("SQLSTATE ", stringify!($code))] pub const $name: SqlState = SqlState(*$code);)*
        }
    };
}

sql_states! {
    SUCCESSFUL_COMPLETION = b"00000";
    WARNING_PRIVILEGE_NOT_REVOKED = b"01006";
    WARNING_PRIVILEGE_NOT_GRANTED = b"01007";
    WARNING = b"01000";
    NO_DATA = b"02000";
    CONNECTION_FAILURE = b"08006";
    PROTOCOL_VIOLATION = b"08P01";
    TRANSACTION_RESOLUTION_UNKNOWN = b"08007";
    FEATURE_NOT_SUPPORTED = b"0A000";
    CARDINALITY_VIOLATION = b"21000";
    DATA_EXCEPTION = b"22000";
    ERROR_IN_ASSIGNMENT = b"22005";
    STRING_DATA_RIGHT_TRUNCATION = b"22001";
    STRING_DATA_LENGTH_MISMATCH = b"22026";
    NUMERIC_VALUE_OUT_OF_RANGE = b"22003";
    NULL_VALUE_NOT_ALLOWED = b"22004";
    INVALID_DATETIME_FORMAT = b"22007";
    DATETIME_FIELD_OVERFLOW = b"22008";
    INVALID_TIME_ZONE_DISPLACEMENT_VALUE = b"22009";
    SUBSTRING_ERROR = b"22011";
    DIVISION_BY_ZERO = b"22012";
    ZERO_LENGTH_CHARACTER_STRING = b"2200F";
    INTERVAL_FIELD_OVERFLOW = b"22015";
    INVALID_PRECEDING_OR_FOLLOWING_SIZE = b"22013";
    INVALID_ARGUMENT_FOR_NTILE = b"22014";
    INVALID_ARGUMENT_FOR_NTH_VALUE = b"22016";
    INVALID_TABLESAMPLE_ARGUMENT = b"2202H";
    INVALID_TABLESAMPLE_REPEAT = b"2202G";
    INVALID_ROW_COUNT_IN_LIMIT_CLAUSE = b"2201W";
    INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE = b"2201X";
    SEQUENCE_GENERATOR_LIMIT_EXCEEDED = b"2200H";
    INVALID_REGULAR_EXPRESSION = b"2201B";
    INVALID_ARGUMENT_FOR_LOGARITHM = b"2201E";
    INVALID_ARGUMENT_FOR_POWER_FUNCTION = b"2201F";
    INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION = b"2201G";
    INVALID_ESCAPE_SEQUENCE = b"22025";
    INVALID_USE_OF_ESCAPE_CHARACTER = b"2200C";
    INVALID_PARAMETER_VALUE = b"22023";
    CHARACTER_NOT_IN_REPERTOIRE = b"22021";
    ARRAY_SUBSCRIPT_ERROR = b"2202E";
    INVALID_TEXT_REPRESENTATION = b"22P02";
    INVALID_BINARY_REPRESENTATION = b"22P03";
    BAD_COPY_FILE_FORMAT = b"22P04";
    UNTRANSLATABLE_CHARACTER = b"22P05";
    INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION = b"22031";
    INVALID_SQL_JSON_SUBSCRIPT = b"22033";
    NON_NUMERIC_SQL_JSON_ITEM = b"22036";
    SINGLETON_SQL_JSON_ITEM_REQUIRED = b"22038";
    SQL_JSON_ARRAY_NOT_FOUND = b"22039";
    SQL_JSON_MEMBER_NOT_FOUND = b"2203A";
    SQL_JSON_NUMBER_NOT_FOUND = b"2203B";
    SQL_JSON_OBJECT_NOT_FOUND = b"2203C";
    INTEGRITY_CONSTRAINT_VIOLATION = b"23000";
    RESTRICT_VIOLATION = b"23001";
    NOT_NULL_VIOLATION = b"23502";
    FOREIGN_KEY_VIOLATION = b"23503";
    UNIQUE_VIOLATION = b"23505";
    CHECK_VIOLATION = b"23514";
    EXCLUSION_VIOLATION = b"23P01";
    INVALID_CURSOR_STATE = b"24000";
    ACTIVE_SQL_TRANSACTION = b"25001";
    READ_ONLY_SQL_TRANSACTION = b"25006";
    NO_ACTIVE_SQL_TRANSACTION = b"25P01";
    IN_FAILED_SQL_TRANSACTION = b"25P02";
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = b"25P03";
    INVALID_SQL_STATEMENT_NAME = b"26000";
    INVALID_GRANT_OPERATION = b"0LP01";
    INVALID_AUTHORIZATION_SPECIFICATION = b"28000";
    INVALID_PASSWORD = b"28P01";
    DEPENDENT_OBJECTS_STILL_EXIST = b"2BP01";
    INVALID_CURSOR_NAME = b"34000";
    INVALID_SAVEPOINT_SPECIFICATION = b"3B001";
    INVALID_CATALOG_NAME = b"3D000";
    INVALID_SCHEMA_DEFINITION = b"42P15";
    EXTERNAL_ROUTINE_INVOCATION_EXCEPTION = b"39000";
    INVALID_SCHEMA_NAME = b"3F000";
    SERIALIZATION_FAILURE = b"40001";
    DEADLOCK_DETECTED = b"40P01";
    SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION = b"42000";
    INSUFFICIENT_PRIVILEGE = b"42501";
    SYNTAX_ERROR = b"42601";
    INVALID_NAME = b"42602";
    NAME_TOO_LONG = b"42622";
    NONSTANDARD_USE_OF_ESCAPE_CHARACTER = b"22P06";
    DUPLICATE_COLUMN = b"42701";
    AMBIGUOUS_COLUMN = b"42702";
    UNDEFINED_COLUMN = b"42703";
    UNDEFINED_OBJECT = b"42704";
    DUPLICATE_OBJECT = b"42710";
    INVALID_TRANSACTION_TERMINATION = b"2D000";
    DUPLICATE_ALIAS = b"42712";
    DUPLICATE_FUNCTION = b"42723";
    AMBIGUOUS_FUNCTION = b"42725";
    GROUPING_ERROR = b"42803";
    DATATYPE_MISMATCH = b"42804";
    WRONG_OBJECT_TYPE = b"42809";
    INVALID_FOREIGN_KEY = b"42830";
    CANNOT_COERCE = b"42846";
    UNDEFINED_FUNCTION = b"42883";
    GENERATED_ALWAYS = b"428C9";
    UNDEFINED_TABLE = b"42P01";
    UNDEFINED_PARAMETER = b"42P02";
    DUPLICATE_CURSOR = b"42P03";
    DUPLICATE_DATABASE = b"42P04";
    DUPLICATE_PREPARED_STATEMENT = b"42P05";
    DUPLICATE_SCHEMA = b"42P06";
    DUPLICATE_TABLE = b"42P07";
    AMBIGUOUS_PARAMETER = b"42P08";
    AMBIGUOUS_ALIAS = b"42P09";
    INVALID_CURSOR_DEFINITION = b"42P11";
    INVALID_COLUMN_REFERENCE = b"42P10";
    INVALID_COLUMN_DEFINITION = b"42611";
    INVALID_TABLE_DEFINITION = b"42P16";
    INVALID_OBJECT_DEFINITION = b"42P17";
    INDETERMINATE_DATATYPE = b"42P18";
    INDETERMINATE_COLLATION = b"42P22";
    WINDOWING_ERROR = b"42P20";
    INVALID_RECURSION = b"42P19";
    COLLATION_MISMATCH = b"42P21";
    WITH_CHECK_OPTION_VIOLATION = b"44000";
    DISK_FULL = b"53100";
    OUT_OF_MEMORY = b"53200";
    TOO_MANY_CONNECTIONS = b"53300";
    PROGRAM_LIMIT_EXCEEDED = b"54000";
    TOO_MANY_COLUMNS = b"54011";
    TOO_MANY_ARGUMENTS = b"54023";
    RESERVED_NAME = b"42939";
    STATEMENT_TOO_COMPLEX = b"54001";
    OBJECT_NOT_IN_PREREQUISITE_STATE = b"55000";
    OBJECT_IN_USE = b"55006";
    CANT_CHANGE_RUNTIME_PARAM = b"55P02";
    LOCK_NOT_AVAILABLE = b"55P03";
    UNSAFE_NEW_ENUM_VALUE_USAGE = b"55P04";
    QUERY_CANCELED = b"57014";
    ADMIN_SHUTDOWN = b"57P01";
    CANNOT_CONNECT_NOW = b"57P03";
    IDLE_SESSION_TIMEOUT = b"57P05";
    IO_ERROR = b"58030";
    UNDEFINED_FILE = b"58P01";
    CONFIG_FILE_ERROR = b"F0000";
    CASE_NOT_FOUND = b"20000";
    STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER = b"0Z002";
    FUNCTION_EXECUTED_NO_RETURN_STATEMENT = b"2F005";
    RAISE_EXCEPTION = b"P0001";
    NO_DATA_FOUND = b"P0002";
    TOO_MANY_ROWS = b"P0003";
    ASSERT_FAILURE = b"P0004";
    TRIGGER_PROTOCOL_VIOLATED = b"39P01";
    TRIGGERED_DATA_CHANGE_VIOLATION = b"27000";
    INVALID_FUNCTION_DEFINITION = b"42P13";
    INTERNAL_ERROR = b"XX000";
    DATA_CORRUPTED = b"XX001";
}

/// How bad it is. `Error` ends the statement, `Fatal` the session, the rest are notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Fatal,
    Panic,
    Warning,
    Notice,
    Debug,
    Info,
    Log,
}

impl Severity {
    /// The word PostgreSQL writes in fields S and V.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
            Severity::Panic => "PANIC",
            Severity::Warning => "WARNING",
            Severity::Notice => "NOTICE",
            Severity::Debug => "DEBUG",
            Severity::Info => "INFO",
            Severity::Log => "LOG",
        }
    }
}

/// The fields of an ErrorResponse or NoticeResponse (protocol-error-fields.html). Empty optional fields are not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFields {
    pub severity: Severity,
    pub code: SqlState,
    pub message: Cow<'static, str>,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// 1-based character position in the query text.
    pub position: Option<u32>,
    /// The same in a text that the client did not send, and that text: a function's body, an expression in it.
    pub internal_position: Option<u32>,
    pub internal_query: Option<String>,
    /// The `where` field: the context the error arose in, such as "COPY t, line 2, column id".
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub data_type: Option<String>,
    pub constraint: Option<String>,
    /// The function of PostgreSQL's that raises it: told where a driver tells errors apart by it.
    pub routine: Option<&'static str>,
}

/// An error a client will see. One pointer wide, because it travels in every `Result`.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<ErrorFields>);

/// A warning or notice: the same fields with a lower severity; it never ends a statement.
pub type Notice = ErrorFields;

impl ErrorFields {
    /// A notice of the given severity.
    pub fn new(severity: Severity, code: SqlState, message: impl Into<Cow<'static, str>>) -> Self {
        ErrorFields {
            severity,
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            internal_position: None,
            internal_query: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            data_type: None,
            constraint: None,
            routine: None,
        }
    }
}

macro_rules! with_text_field {
    ($($(#[$doc:meta])* $name:ident => $field:ident;)*) => {
        $($(#[$doc])* #[must_use] pub fn $name(mut self, text: impl Into<String>) -> Self {
            self.0.$field = Some(text.into());
            self
        })*
    };
}

impl Error {
    /// An error of severity ERROR.
    pub fn new(code: SqlState, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(ErrorFields::new(Severity::Error, code, message)))
    }

    /// An error with all of these fields.
    pub fn of_fields(fields: ErrorFields) -> Self {
        Error(Box::new(fields))
    }

    /// An error of severity FATAL: the session ends with it.
    pub fn fatal(code: SqlState, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(ErrorFields::new(Severity::Fatal, code, message)))
    }

    /// 0A000 for something PostgreSQL can and we cannot (yet); `what` names it.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
    }

    /// XX000: a state that should not be reachable.
    pub fn internal(what: impl fmt::Display) -> Self {
        Error::new(SqlState::INTERNAL_ERROR, format!("internal error: {what}"))
    }

    /// Without its detail, for who must not see what that shows.
    #[must_use]
    pub fn without_detail(mut self) -> Self {
        self.0.detail = None;
        self
    }

    /// The SQLSTATE.
    pub fn code(&self) -> SqlState {
        self.0.code
    }

    /// The primary message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// All fields, for the one writer of ErrorResponse and for logs.
    pub fn fields(&self) -> &ErrorFields {
        &self.0
    }

    /// The severity.
    pub fn severity(&self) -> Severity {
        self.0.severity
    }

    /// Sets the severity.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    /// Takes the position away.
    #[must_use]
    pub fn without_position(mut self) -> Self {
        self.0.position = None;
        self
    }

    /// Sets the 1-based character position in the query text.
    #[must_use]
    pub fn with_position(mut self, position: u32) -> Self {
        self.0.position = Some(position);
        self
    }

    /// The place is one in the client's query.
    #[must_use]
    pub fn without_internal_position(mut self) -> Self {
        (self.0.internal_position, self.0.internal_query) = (None, None);
        self
    }

    /// Moves the position to a text that the client did not send.
    #[must_use]
    pub fn with_internal_position(mut self, position: u32, query: impl Into<String>) -> Self {
        self.0.position = None;
        self.0.internal_position = Some(position);
        self.0.internal_query = Some(query.into());
        self
    }

    /// Adds a line to the context, behind what it has: where the error passed.
    #[must_use]
    pub fn within(mut self, line: impl AsRef<str>) -> Self {
        let context = self.0.context.get_or_insert_default();
        if !context.is_empty() {
            context.push('\n');
        }
        context.push_str(line.as_ref());
        self
    }

    /// Sets the routine.
    #[must_use]
    pub fn with_routine(mut self, routine: &'static str) -> Self {
        self.0.routine = Some(routine);
        self
    }

    with_text_field! {
        /// Sets DETAIL.
        with_detail => detail;
        /// Sets HINT.
        with_hint => hint;
        /// Sets the context (`where`).
        with_context => context;
        /// Sets the schema name.
        with_schema => schema;
        /// Sets the table name.
        with_table => table;
        /// Sets the column name.
        with_column => column;
        /// Sets the data type name.
        with_data_type => data_type;
        /// Sets the constraint name.
        with_constraint => constraint;
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (SQLSTATE {})", self.0.severity.as_str(), self.0.message, self.0.code.as_str())
    }
}

impl std::error::Error for Error {}
