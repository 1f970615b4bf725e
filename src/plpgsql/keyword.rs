//! The language's own keywords.
//!
//! Owns: [`Word`]. Must not know: SQL's keywords, tokens. The words and which of them are reserved are those of PostgreSQL
//! 15's pl_reserved_kwlist.h and pl_unreserved_kwlist.h.

macro_rules! words {
    ($($variant:ident $word:literal $reserved:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Word {
            $($variant,)*
        }

        /// Each with its text and whether it is reserved.
        const WORDS: &[(Word, &str, bool)] = &[$((Word::$variant, $word, $reserved),)*];
    };
}

#[rustfmt::skip]
words! {
    All "all" true,
    Begin "begin" true,
    By "by" true,
    Case "case" true,
    Declare "declare" true,
    Else "else" true,
    End "end" true,
    Execute "execute" true,
    For "for" true,
    Foreach "foreach" true,
    From "from" true,
    If "if" true,
    In "in" true,
    Into "into" true,
    Loop "loop" true,
    Not "not" true,
    Null "null" true,
    Or "or" true,
    Strict "strict" true,
    Then "then" true,
    To "to" true,
    Using "using" true,
    When "when" true,
    While "while" true,
    Absolute "absolute" false,
    Alias "alias" false,
    And "and" false,
    Array "array" false,
    Assert "assert" false,
    Backward "backward" false,
    Call "call" false,
    Chain "chain" false,
    Close "close" false,
    Collate "collate" false,
    Column "column" false,
    ColumnName "column_name" false,
    Commit "commit" false,
    Constant "constant" false,
    Constraint "constraint" false,
    ConstraintName "constraint_name" false,
    Continue "continue" false,
    Current "current" false,
    Cursor "cursor" false,
    Datatype "datatype" false,
    Debug "debug" false,
    Default "default" false,
    Detail "detail" false,
    Diagnostics "diagnostics" false,
    Do "do" false,
    Dump "dump" false,
    Elsif "elsif" false,
    Errcode "errcode" false,
    Error "error" false,
    Exception "exception" false,
    Exit "exit" false,
    Fetch "fetch" false,
    First "first" false,
    Forward "forward" false,
    Get "get" false,
    Hint "hint" false,
    Import "import" false,
    Info "info" false,
    Insert "insert" false,
    Is "is" false,
    Last "last" false,
    Log "log" false,
    Merge "merge" false,
    Message "message" false,
    MessageText "message_text" false,
    Move "move" false,
    Next "next" false,
    No "no" false,
    Notice "notice" false,
    Open "open" false,
    Option "option" false,
    Perform "perform" false,
    PgContext "pg_context" false,
    PgDatatypeName "pg_datatype_name" false,
    PgExceptionContext "pg_exception_context" false,
    PgExceptionDetail "pg_exception_detail" false,
    PgExceptionHint "pg_exception_hint" false,
    PrintStrictParams "print_strict_params" false,
    Prior "prior" false,
    Query "query" false,
    Raise "raise" false,
    Relative "relative" false,
    Return "return" false,
    ReturnedSqlstate "returned_sqlstate" false,
    Reverse "reverse" false,
    Rollback "rollback" false,
    RowCount "row_count" false,
    Rowtype "rowtype" false,
    Schema "schema" false,
    SchemaName "schema_name" false,
    Scroll "scroll" false,
    Slice "slice" false,
    Sqlstate "sqlstate" false,
    Stacked "stacked" false,
    Table "table" false,
    TableName "table_name" false,
    Type "type" false,
    UseColumn "use_column" false,
    UseVariable "use_variable" false,
    VariableConflict "variable_conflict" false,
    Warning "warning" false,
}

impl Word {
    fn find(text: &str, reserved: bool) -> Option<Word> {
        let same = |row: &&(Word, &str, bool)| row.2 == reserved && row.1.eq_ignore_ascii_case(text);
        WORDS.iter().find(same).map(|row| row.0)
    }

    /// A word that can be no name.
    pub fn reserved(text: &str) -> Option<Word> {
        Word::find(text, true)
    }

    /// A word that is a name unless a keyword can stand there.
    pub fn unreserved(text: &str) -> Option<Word> {
        if text.eq_ignore_ascii_case("elseif") { Some(Word::Elsif) } else { Word::find(text, false) }
    }

    /// As it is written, in lower case.
    pub fn text(self) -> &'static str {
        WORDS.get(self as usize).map_or("", |row| row.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert_eq!((Word::reserved("LOOP"), Word::unreserved("loop")), (Some(Word::Loop), None));
        assert_eq!((Word::reserved("exit"), Word::unreserved("Exit")), (None, Some(Word::Exit)));
        assert_eq!(Word::unreserved("ELSEIF"), Some(Word::Elsif));
        assert!(WORDS.iter().all(|(word, text, _)| word.text() == *text));
    }
}
