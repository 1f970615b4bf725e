//! pgserver: a PostgreSQL server over SQLite files.
//!
//! Data flows one way, and a folder is one step of the flow:
//!
//! ```text
//!  bytes -> net -> protocol -> session -> sql (parse, analyse, translate) -> engine -> SQLite file -> storage
//!                                 ^            | types, catalog               |                          |
//!                                 '---- rows, tags, errors <------------------'<---- durable watermark --'
//! ```
//!
//! Imports only go down the list below; `scripts/check-imports` holds the code to it. `ARCHITECTURE.md` is the map.

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: limits::memory::Counting = limits::memory::Counting;

mod debug_log;
pub mod error;
pub mod metrics;

pub mod limits {
    //! What a session may take: memory, time, stack.
    pub mod memory;
    pub mod session;
    pub mod stack;
}

pub mod types {
    //! Data types: what they are, how values are stored, how they look on the wire. Pure.
    pub mod array;
    pub mod array_assign;
    pub mod array_wire;
    pub mod bits;
    pub mod bytes_text;
    pub mod calendar;
    pub mod charset;
    pub mod datetime;
    pub mod datetime_fields;
    pub mod datetime_input;
    pub mod datetime_lexer;
    pub mod datetime_math;
    pub mod datetime_output;
    pub mod datetime_template;
    pub mod datetime_tokens;
    pub mod encoding;
    pub mod encoding_check;
    mod encoding_rare;
    pub mod extension;
    pub mod format;
    pub mod from_char;
    pub mod geometry;
    pub mod gin;
    pub mod hash;
    pub mod in_range;
    pub mod interval;
    pub mod interval_input;
    pub mod interval_output;
    pub mod json;
    pub mod jsonpath;
    pub mod mac_address;
    pub mod money;
    pub mod network;
    pub mod network_math;
    pub mod number_template;
    pub mod number_text;
    pub mod number_to_char;
    pub mod numeric;
    pub mod numeric_math;
    pub mod numeric_wire;
    pub mod order;
    pub mod pattern;
    pub mod pg_range;
    pub mod pg_type;
    pub mod qualified_name;
    pub mod range;
    pub mod range_offset;
    pub mod range_text;
    pub mod row_type;
    pub mod row_wire;
    pub mod system_ids;
    pub mod template;
    pub mod text_search;
    pub mod time_zone;
    pub mod time_zone_abbreviations;
    pub mod to_char;
    pub mod to_number;
    pub mod value;
    pub mod xml;
}

pub mod settings {
    //! Session variables ("GUCs"): the table of them, and their values in a session.
    pub mod check;
    pub mod identity;
    pub mod session;
    #[cfg(test)]
    mod session_tests;
    pub mod table;
    pub mod variable;

    pub use session::Settings;
}

pub mod protocol {
    //! Bytes to messages and back.
    pub mod backend;
    pub mod codec;
    pub mod codec_check;
    pub mod conn;
    pub mod message;
    pub mod socket;
    pub mod translate;
}

pub mod storage {
    //! Where databases live durably, and the watermark.
    pub mod blob;
    pub mod kill_point;
    pub mod local;
    pub mod log {
        //! Databases in an object store: a chain of deltas, and what is made of it.
        pub mod append;
        pub mod append_io;
        pub mod base;
        pub mod chain;
        pub mod changes;
        pub mod clock;
        pub mod delta;
        pub mod delta_check;
        pub mod dropping;
        pub mod fault;
        pub mod fetch;
        #[cfg(test)]
        pub(crate) mod fixture;
        pub mod hlc;
        pub mod image;
        pub mod in_parts;
        pub mod keys;
        pub mod manifest;
        #[cfg(test)]
        pub(crate) mod memory_store;
        pub mod orphans;
        pub mod pace;
        pub mod page_checksum;
        mod publish;
        pub mod restore;
        pub mod retry;
        mod rule;
        mod segment;
        #[cfg(test)]
        mod simulation;
        pub mod state;
        pub mod upkeep;
        pub mod versions;
        pub mod wal;
        pub mod wal_check;
    }
    pub mod own_directory;
    pub mod sink;
    pub mod watermark;
}

pub mod catalog {
    //! What a database contains, as PostgreSQL describes it.
    pub mod acl;
    pub mod aggregates;
    pub mod cluster;
    pub mod composite;
    pub mod definitions;
    pub mod dependencies;
    pub mod enum_labels;
    pub mod extensions;
    pub mod inheritance;
    pub mod members;
    pub mod named;
    pub mod object_text;
    pub mod objects;
    pub mod partition_constraint;
    pub mod password;
    pub mod policy;
    pub mod privileges;
    pub mod qualify;
    pub mod roles;
    pub mod routine_text;
    pub mod routines;
    pub mod schema;
    pub mod server_keys;
    pub mod shared_map;
    pub mod statistics;
    pub mod store;
    pub mod tables {
        //! pg_catalog and information_schema as SQLite virtual tables.
        pub mod classes;
        pub mod constraints;
        pub mod contents;
        pub mod descriptions;
        pub mod extensions;
        pub mod index_columns;
        pub mod information_columns;
        pub mod information_objects;
        pub mod key_triggers;
        pub mod operators;
        pub mod own;
        pub mod policies;
        pub mod privileges;
        pub mod proc_text;
        pub mod procs;
        pub mod recorded;
        pub mod relations;
        pub mod roles;
        pub mod row_types;
        pub mod rows;
        #[cfg(test)]
        pub mod sample;
        pub mod server;
        pub mod source;
        pub mod statistics;
        pub mod triggers;
        pub mod types;
        pub mod views;
        pub mod vtab;
    }
    pub mod trigger;
}

pub mod sql {
    //! Text to plans: scan, parse, analyse, translate. Pure.
    pub mod analyze {
        //! Names and types against a catalog.
        pub mod analyzer;
        mod assignment;
        mod call;
        mod coerce;
        mod comparable;
        mod conflict;
        mod copied;
        mod cte;
        mod current_of;
        mod enums;
        mod expr;
        mod from;
        mod function_from;
        mod grouping;
        mod inline;
        pub(in crate::sql) mod key_constants;
        mod lists;
        mod locking;
        mod membership;
        mod merge;
        mod missing_column;
        pub mod modify;
        mod named;
        pub(in crate::sql) mod names;
        mod ordered_set;
        pub mod outer;
        mod polymorphic;
        mod query;
        mod recursion;
        mod resolve;
        mod result_relation;
        pub mod routine;
        mod row_security;
        pub mod rows;
        mod same_query;
        mod scope;
        mod search_cycle;
        mod shapes;
        pub(in crate::sql) mod stored;
        mod subscript;
        pub mod support;
        mod table_sample;
        mod target_security;
        pub mod type_name;
        pub(in crate::sql) mod updatable_view;
        mod user_aggregate;
        mod user_operator;
        pub(in crate::sql) mod variadic;
        mod window;
        mod with_list;
        pub(in crate::sql) mod written;
        mod xml;
    }
    pub mod casts;
    pub mod collations;
    mod copy;
    pub mod database;
    pub mod ddl;
    mod declared;
    pub mod define;
    pub mod explain;
    pub mod folding;
    pub mod functions;
    pub mod lower;
    pub mod operators;
    pub mod permission;
    pub mod plan;
    pub mod planner;
    pub mod policy;
    pub mod regclass;
    pub mod role;
    pub mod row_change;
    pub mod ruleutils;
    pub mod scan;
    pub mod stored;
    pub mod trigger;
    pub mod syntax {
        //! Text to the tree of what was written: lexer, grammar, AST, printer. The shape is gram.y's.
        pub mod ast {
            //! The nodes.
            pub mod definition;
            pub mod expression;
            pub mod location;
            pub mod query;
            pub mod routine;
            pub mod statement;
        }
        pub mod grammar {
            //! The productions of gram.y, as methods of the parser.
            mod alter;
            mod alter_table;
            mod column;
            mod comment;
            mod copy;
            mod create;
            mod cursor;
            mod define;
            #[cfg(test)]
            mod definition_tests;
            mod drop;
            mod expression;
            mod extension;
            mod foreign;
            mod from;
            mod function;
            mod function_definition;
            mod index;
            pub mod locations;
            mod maintenance;
            mod modify;
            mod object;
            mod operand;
            mod options;
            mod privilege;
            mod query;
            mod role;
            mod schema;
            pub mod statement;
            mod table;
            mod transaction;
            mod trigger;
            mod type_definition;
            pub mod type_name;
            mod variable;
            mod view;
            mod xml;
        }
        pub mod keywords;
        pub mod lexer;
        pub mod lexical_notices;
        pub mod parser;
        pub mod print;
        pub mod token_value;

        pub use grammar::statement as parse;
    }
    pub mod tree;
    mod type_names;
    pub mod types;
    mod utility;
}

pub mod plpgsql {
    //! The procedural language: a function's body, compiled and interpreted over a host that runs its SQL. Pure.
    pub mod call;
    pub mod compile;
    #[cfg(test)]
    mod compile_tests;
    pub mod condition;
    pub mod context;
    pub mod function;
    pub mod host;
    pub mod interpret {
        //! Running a function.
        mod block;
        mod control;
        mod cursor;
        mod frame;
        mod raise;
        mod returning;
        mod run;
        mod sql;
        mod subscript;

        pub use run::execute;
    }
    mod keyword;
    mod parse {
        //! The grammar, a method per production.
        mod control;
        mod cursor;
        mod declare;
        pub(super) mod parser;
        mod raise;
        mod scanner;
        mod sql;
        mod statement;
        mod type_name;
    }
    pub mod query;
    #[cfg(test)]
    mod run_tests;
    pub mod scope;
    mod simple;
    #[cfg(test)]
    mod test_host;
    mod tree;
    pub mod value;
    pub mod variables;
}

pub mod engine {
    //! SQLite: connections, cursors, transactions, functions.
    pub mod advisory;
    pub mod allocator;
    mod authorizer;
    pub mod backends;
    #[cfg(test)]
    mod catalog_queries_tests;
    mod catalog_source;
    mod checkpoint;
    pub mod cluster;
    #[cfg(test)]
    mod cluster_tests;
    mod connection;
    mod constraint_errors;
    mod constraint_timing;
    pub mod context;
    pub mod cursor;
    pub mod database;
    mod database_copy;
    mod database_file;
    pub mod databases;
    pub mod ddl;
    pub mod descriptors;
    mod durable_reads;
    mod error_map;
    mod event_queue;
    pub mod explaining;
    mod foreign_key_errors;
    pub mod functions;
    mod gate;
    pub mod identity;
    pub mod interrupt;
    pub(crate) mod journal;
    pub mod kept;
    mod key_checks;
    pub(crate) mod large_objects;
    mod maintenance;
    pub mod notifications;
    mod parking;
    mod partitioning;
    mod pool;
    mod postings;
    mod privileges;
    pub mod process;
    mod progress;
    mod referential_actions;
    pub mod remote;
    pub(crate) mod routines;
    mod row_capture;
    mod row_change;
    pub mod row_locks;
    mod row_sql;
    mod row_store;
    mod row_table;
    #[cfg(test)]
    mod schema_tests;
    pub mod sequences;
    pub mod session;
    mod session_constraints;
    mod session_notifications;
    mod session_schema;
    #[cfg(test)]
    mod session_tests;
    mod statement;
    mod statement_statistics;
    mod steps;
    pub mod tape;
    mod transaction;
    mod trigger_functions;
    mod triggers;
    mod unique_keys;
}

pub mod session {
    //! One client: messages in, messages out, the transaction's state.
    mod body_position;
    mod charset;
    mod copy_binary;
    mod copy_in;
    mod copy_lines;
    mod copy_out;
    mod cursors;
    mod database;
    mod dependent_roles;
    mod execute;
    mod explain;
    mod extended;
    mod function_call;
    mod greeting;
    pub mod machine;
    mod query;
    mod redact;
    mod repeat;
    mod role;
    mod routine;
    mod rows;
    pub mod start;
    mod state;
    mod transaction;
    mod utility;
}

pub mod net {
    //! Sockets: accept, start-up, TLS, authentication.
    pub mod admission;
    mod admit;
    pub mod auth;
    pub mod failed_logins;
    pub mod scram;
    pub mod server;
    pub mod tls;
}

pub mod ops {
    //! Command line, configuration, logs, health, metrics over HTTP.
    pub mod command;
    pub mod config;
    pub mod exposition;
    pub mod health;
    pub mod http;
    pub mod liveness;
    pub mod log;
    pub mod object_store;
    pub mod signals;
    pub mod versions;
}

pub mod server;
