//! Names of error conditions: EXCEPTION WHEN division_by_zero, RAISE unique_violation.
//!
//! Owns: the table of names, [`sql_state`], [`Condition`]. Must not know: statements.
//! Specification: errcodes-appendix.html; the table is that of PostgreSQL 15, in its order.

use crate::error::{Error, Result, SqlState};

/// What a handler of exceptions is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Everything but a cancelled query and a failed assertion.
    Others,
    /// This state; of a class (…000) all of its states.
    State(SqlState),
}

impl Condition {
    /// Whether the handler is for an error of this state.
    pub fn matches(self, state: SqlState) -> bool {
        match self {
            Condition::Others => state != SqlState::QUERY_CANCELED && state != SqlState::ASSERT_FAILURE,
            Condition::State(wanted) => {
                let is_class = wanted.0.ends_with(b"000");
                wanted == state || is_class && wanted.0.starts_with(state.0.get(..2).unwrap_or_default())
            }
        }
    }

    /// All that a name stands for.
    pub fn named(name: &str) -> Result<Vec<Condition>> {
        if name == "others" {
            return Ok(vec![Condition::Others]);
        }
        let found: Vec<Condition> = states(name).map(Condition::State).collect();
        if found.is_empty() { Err(unrecognized(name)) } else { Ok(found) }
    }
}

/// The state of five characters, or the first of a name.
pub fn sql_state(name: &str) -> Result<SqlState> {
    code(name).map_or_else(|| named_state(name), Ok)
}

/// The first state of a name.
pub fn named_state(name: &str) -> Result<SqlState> {
    states(name).next().ok_or_else(|| unrecognized(name))
}

/// The state if this is how one is written.
pub fn code(text: &str) -> Option<SqlState> {
    let state: [u8; 5] = text.as_bytes().try_into().ok()?;
    state.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()).then_some(SqlState(state))
}

fn states(name: &str) -> impl Iterator<Item = SqlState> {
    CONDITIONS.iter().filter(move |(known, _)| *known == name).map(|(_, state)| SqlState(**state))
}

fn unrecognized(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized exception condition \"{name}\""))
}

/// Names may be there more than once.
#[rustfmt::skip]
static CONDITIONS: &[(&str, &[u8; 5])] = &[
    ("sql_statement_not_yet_complete", b"03000"),
    ("connection_exception", b"08000"),
    ("connection_does_not_exist", b"08003"),
    ("connection_failure", b"08006"),
    ("sqlclient_unable_to_establish_sqlconnection", b"08001"),
    ("sqlserver_rejected_establishment_of_sqlconnection", b"08004"),
    ("transaction_resolution_unknown", b"08007"),
    ("protocol_violation", b"08P01"),
    ("triggered_action_exception", b"09000"),
    ("feature_not_supported", b"0A000"),
    ("invalid_transaction_initiation", b"0B000"),
    ("locator_exception", b"0F000"),
    ("invalid_locator_specification", b"0F001"),
    ("invalid_grantor", b"0L000"),
    ("invalid_grant_operation", b"0LP01"),
    ("invalid_role_specification", b"0P000"),
    ("diagnostics_exception", b"0Z000"),
    ("stacked_diagnostics_accessed_without_active_handler", b"0Z002"),
    ("case_not_found", b"20000"),
    ("cardinality_violation", b"21000"),
    ("data_exception", b"22000"),
    ("array_subscript_error", b"2202E"),
    ("character_not_in_repertoire", b"22021"),
    ("datetime_field_overflow", b"22008"),
    ("division_by_zero", b"22012"),
    ("error_in_assignment", b"22005"),
    ("escape_character_conflict", b"2200B"),
    ("indicator_overflow", b"22022"),
    ("interval_field_overflow", b"22015"),
    ("invalid_argument_for_logarithm", b"2201E"),
    ("invalid_argument_for_ntile_function", b"22014"),
    ("invalid_argument_for_nth_value_function", b"22016"),
    ("invalid_argument_for_power_function", b"2201F"),
    ("invalid_argument_for_width_bucket_function", b"2201G"),
    ("invalid_character_value_for_cast", b"22018"),
    ("invalid_datetime_format", b"22007"),
    ("invalid_escape_character", b"22019"),
    ("invalid_escape_octet", b"2200D"),
    ("invalid_escape_sequence", b"22025"),
    ("nonstandard_use_of_escape_character", b"22P06"),
    ("invalid_indicator_parameter_value", b"22010"),
    ("invalid_parameter_value", b"22023"),
    ("invalid_preceding_or_following_size", b"22013"),
    ("invalid_regular_expression", b"2201B"),
    ("invalid_row_count_in_limit_clause", b"2201W"),
    ("invalid_row_count_in_result_offset_clause", b"2201X"),
    ("invalid_tablesample_argument", b"2202H"),
    ("invalid_tablesample_repeat", b"2202G"),
    ("invalid_time_zone_displacement_value", b"22009"),
    ("invalid_use_of_escape_character", b"2200C"),
    ("most_specific_type_mismatch", b"2200G"),
    ("null_value_not_allowed", b"22004"),
    ("null_value_no_indicator_parameter", b"22002"),
    ("numeric_value_out_of_range", b"22003"),
    ("sequence_generator_limit_exceeded", b"2200H"),
    ("string_data_length_mismatch", b"22026"),
    ("string_data_right_truncation", b"22001"),
    ("substring_error", b"22011"),
    ("trim_error", b"22027"),
    ("unterminated_c_string", b"22024"),
    ("zero_length_character_string", b"2200F"),
    ("floating_point_exception", b"22P01"),
    ("invalid_text_representation", b"22P02"),
    ("invalid_binary_representation", b"22P03"),
    ("bad_copy_file_format", b"22P04"),
    ("untranslatable_character", b"22P05"),
    ("not_an_xml_document", b"2200L"),
    ("invalid_xml_document", b"2200M"),
    ("invalid_xml_content", b"2200N"),
    ("invalid_xml_comment", b"2200S"),
    ("invalid_xml_processing_instruction", b"2200T"),
    ("duplicate_json_object_key_value", b"22030"),
    ("invalid_argument_for_sql_json_datetime_function", b"22031"),
    ("invalid_json_text", b"22032"),
    ("invalid_sql_json_subscript", b"22033"),
    ("more_than_one_sql_json_item", b"22034"),
    ("no_sql_json_item", b"22035"),
    ("non_numeric_sql_json_item", b"22036"),
    ("non_unique_keys_in_a_json_object", b"22037"),
    ("singleton_sql_json_item_required", b"22038"),
    ("sql_json_array_not_found", b"22039"),
    ("sql_json_member_not_found", b"2203A"),
    ("sql_json_number_not_found", b"2203B"),
    ("sql_json_object_not_found", b"2203C"),
    ("too_many_json_array_elements", b"2203D"),
    ("too_many_json_object_members", b"2203E"),
    ("sql_json_scalar_required", b"2203F"),
    ("sql_json_item_cannot_be_cast_to_target_type", b"2203G"),
    ("integrity_constraint_violation", b"23000"),
    ("restrict_violation", b"23001"),
    ("not_null_violation", b"23502"),
    ("foreign_key_violation", b"23503"),
    ("unique_violation", b"23505"),
    ("check_violation", b"23514"),
    ("exclusion_violation", b"23P01"),
    ("invalid_cursor_state", b"24000"),
    ("invalid_transaction_state", b"25000"),
    ("active_sql_transaction", b"25001"),
    ("branch_transaction_already_active", b"25002"),
    ("held_cursor_requires_same_isolation_level", b"25008"),
    ("inappropriate_access_mode_for_branch_transaction", b"25003"),
    ("inappropriate_isolation_level_for_branch_transaction", b"25004"),
    ("no_active_sql_transaction_for_branch_transaction", b"25005"),
    ("read_only_sql_transaction", b"25006"),
    ("schema_and_data_statement_mixing_not_supported", b"25007"),
    ("no_active_sql_transaction", b"25P01"),
    ("in_failed_sql_transaction", b"25P02"),
    ("idle_in_transaction_session_timeout", b"25P03"),
    ("invalid_sql_statement_name", b"26000"),
    ("triggered_data_change_violation", b"27000"),
    ("invalid_authorization_specification", b"28000"),
    ("invalid_password", b"28P01"),
    ("dependent_privilege_descriptors_still_exist", b"2B000"),
    ("dependent_objects_still_exist", b"2BP01"),
    ("invalid_transaction_termination", b"2D000"),
    ("sql_routine_exception", b"2F000"),
    ("function_executed_no_return_statement", b"2F005"),
    ("modifying_sql_data_not_permitted", b"2F002"),
    ("prohibited_sql_statement_attempted", b"2F003"),
    ("reading_sql_data_not_permitted", b"2F004"),
    ("invalid_cursor_name", b"34000"),
    ("external_routine_exception", b"38000"),
    ("containing_sql_not_permitted", b"38001"),
    ("modifying_sql_data_not_permitted", b"38002"),
    ("prohibited_sql_statement_attempted", b"38003"),
    ("reading_sql_data_not_permitted", b"38004"),
    ("external_routine_invocation_exception", b"39000"),
    ("invalid_sqlstate_returned", b"39001"),
    ("null_value_not_allowed", b"39004"),
    ("trigger_protocol_violated", b"39P01"),
    ("srf_protocol_violated", b"39P02"),
    ("event_trigger_protocol_violated", b"39P03"),
    ("savepoint_exception", b"3B000"),
    ("invalid_savepoint_specification", b"3B001"),
    ("invalid_catalog_name", b"3D000"),
    ("invalid_schema_name", b"3F000"),
    ("transaction_rollback", b"40000"),
    ("transaction_integrity_constraint_violation", b"40002"),
    ("serialization_failure", b"40001"),
    ("statement_completion_unknown", b"40003"),
    ("deadlock_detected", b"40P01"),
    ("syntax_error_or_access_rule_violation", b"42000"),
    ("syntax_error", b"42601"),
    ("insufficient_privilege", b"42501"),
    ("cannot_coerce", b"42846"),
    ("grouping_error", b"42803"),
    ("windowing_error", b"42P20"),
    ("invalid_recursion", b"42P19"),
    ("invalid_foreign_key", b"42830"),
    ("invalid_name", b"42602"),
    ("name_too_long", b"42622"),
    ("reserved_name", b"42939"),
    ("datatype_mismatch", b"42804"),
    ("indeterminate_datatype", b"42P18"),
    ("collation_mismatch", b"42P21"),
    ("indeterminate_collation", b"42P22"),
    ("wrong_object_type", b"42809"),
    ("generated_always", b"428C9"),
    ("undefined_column", b"42703"),
    ("undefined_function", b"42883"),
    ("undefined_table", b"42P01"),
    ("undefined_parameter", b"42P02"),
    ("undefined_object", b"42704"),
    ("duplicate_column", b"42701"),
    ("duplicate_cursor", b"42P03"),
    ("duplicate_database", b"42P04"),
    ("duplicate_function", b"42723"),
    ("duplicate_prepared_statement", b"42P05"),
    ("duplicate_schema", b"42P06"),
    ("duplicate_table", b"42P07"),
    ("duplicate_alias", b"42712"),
    ("duplicate_object", b"42710"),
    ("ambiguous_column", b"42702"),
    ("ambiguous_function", b"42725"),
    ("ambiguous_parameter", b"42P08"),
    ("ambiguous_alias", b"42P09"),
    ("invalid_column_reference", b"42P10"),
    ("invalid_column_definition", b"42611"),
    ("invalid_cursor_definition", b"42P11"),
    ("invalid_database_definition", b"42P12"),
    ("invalid_function_definition", b"42P13"),
    ("invalid_prepared_statement_definition", b"42P14"),
    ("invalid_schema_definition", b"42P15"),
    ("invalid_table_definition", b"42P16"),
    ("invalid_object_definition", b"42P17"),
    ("with_check_option_violation", b"44000"),
    ("insufficient_resources", b"53000"),
    ("disk_full", b"53100"),
    ("out_of_memory", b"53200"),
    ("too_many_connections", b"53300"),
    ("configuration_limit_exceeded", b"53400"),
    ("program_limit_exceeded", b"54000"),
    ("statement_too_complex", b"54001"),
    ("too_many_columns", b"54011"),
    ("too_many_arguments", b"54023"),
    ("object_not_in_prerequisite_state", b"55000"),
    ("object_in_use", b"55006"),
    ("cant_change_runtime_param", b"55P02"),
    ("lock_not_available", b"55P03"),
    ("unsafe_new_enum_value_usage", b"55P04"),
    ("operator_intervention", b"57000"),
    ("query_canceled", b"57014"),
    ("admin_shutdown", b"57P01"),
    ("crash_shutdown", b"57P02"),
    ("cannot_connect_now", b"57P03"),
    ("database_dropped", b"57P04"),
    ("idle_session_timeout", b"57P05"),
    ("system_error", b"58000"),
    ("io_error", b"58030"),
    ("undefined_file", b"58P01"),
    ("duplicate_file", b"58P02"),
    ("snapshot_too_old", b"72000"),
    ("config_file_error", b"F0000"),
    ("lock_file_exists", b"F0001"),
    ("fdw_error", b"HV000"),
    ("fdw_column_name_not_found", b"HV005"),
    ("fdw_dynamic_parameter_value_needed", b"HV002"),
    ("fdw_function_sequence_error", b"HV010"),
    ("fdw_inconsistent_descriptor_information", b"HV021"),
    ("fdw_invalid_attribute_value", b"HV024"),
    ("fdw_invalid_column_name", b"HV007"),
    ("fdw_invalid_column_number", b"HV008"),
    ("fdw_invalid_data_type", b"HV004"),
    ("fdw_invalid_data_type_descriptors", b"HV006"),
    ("fdw_invalid_descriptor_field_identifier", b"HV091"),
    ("fdw_invalid_handle", b"HV00B"),
    ("fdw_invalid_option_index", b"HV00C"),
    ("fdw_invalid_option_name", b"HV00D"),
    ("fdw_invalid_string_length_or_buffer_length", b"HV090"),
    ("fdw_invalid_string_format", b"HV00A"),
    ("fdw_invalid_use_of_null_pointer", b"HV009"),
    ("fdw_too_many_handles", b"HV014"),
    ("fdw_out_of_memory", b"HV001"),
    ("fdw_no_schemas", b"HV00P"),
    ("fdw_option_name_not_found", b"HV00J"),
    ("fdw_reply_handle", b"HV00K"),
    ("fdw_schema_not_found", b"HV00Q"),
    ("fdw_table_not_found", b"HV00R"),
    ("fdw_unable_to_create_execution", b"HV00L"),
    ("fdw_unable_to_create_reply", b"HV00M"),
    ("fdw_unable_to_establish_connection", b"HV00N"),
    ("plpgsql_error", b"P0000"),
    ("raise_exception", b"P0001"),
    ("no_data_found", b"P0002"),
    ("too_many_rows", b"P0003"),
    ("assert_failure", b"P0004"),
    ("internal_error", b"XX000"),
    ("data_corrupted", b"XX001"),
    ("index_corrupted", b"XX002"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_others_match() {
        let matches =
            |name, state: &[u8; 5]| Condition::named(name).unwrap().iter().any(|c| c.matches(SqlState(*state)));
        assert!(matches("data_exception", b"22012") && !matches("division_by_zero", b"22000"));
        assert!(matches("others", b"22012") && !matches("others", b"57014") && !matches("others", b"P0004"));
        assert!(matches("string_data_right_truncation", b"22001"));
        assert!(!matches("string_data_right_truncation", b"01004"));
        assert_eq!(sql_state("12345").unwrap(), SqlState(*b"12345"));
        assert_eq!(sql_state("1234a").unwrap_err().message(), "unrecognized exception condition \"1234a\"");
    }
}
