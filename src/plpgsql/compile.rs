//! A function's body, compiled.
//!
//! Owns: [`compile`]: the variables that a function has before its body, and what its errors say. Must not know: the
//! grammar, how it runs. Specification: do_compile() and plpgsql_compile_inline() in pl_comp.c.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::plpgsql::function::{
    Function, Options, Output, ParameterMode, RoutineKind, Signature, TriggerVariable, TriggerVariables,
};
use crate::plpgsql::host::Types;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::scope::LabelKind;
use crate::plpgsql::tree::{Block, Kind, ReturnValue, Statement};
use crate::plpgsql::value::DataType;

/// Compiles a body. An error has its place in the body as internal position; CONTEXT says which line it is near if it has
/// none, or if the function is compiled to be run.
pub fn compile(source: &str, signature: Signature, options: Options, types: &mut dyn Types) -> Result<Function> {
    let mut parser = Parser::new(source, &signature, options, types);
    let compiled = parse(&mut parser, &signature);
    let line = parser.latest_line;
    // What is wrong with the signature alone, PostgreSQL's validator says before it compiles.
    let has_begun = parser.has_begun();
    let compiled = compiled.map_err(|error| {
        let is_located = error.fields().internal_position.is_some();
        let is_compiled = has_begun || signature.kind == RoutineKind::Trigger;
        if options.check_syntax && (is_located || !is_compiled) {
            return error;
        }
        error.within(format!("compilation of PL/pgSQL function \"{}\" near line {line}", signature.name))
    })?;
    let Compiled { body, arguments, found, trigger } = compiled;
    Ok(Function {
        variable_conflict: parser.variable_conflict,
        print_strict_params: parser.options().print_strict_params,
        names: parser.names,
        variables: parser.variables,
        texts: parser.texts,
        is_dynamic: parser.is_dynamic,
        warnings: parser.warnings,
        output: parser.output,
        arguments,
        found,
        trigger,
        body,
        display: Arc::from(signature.display.as_str()),
        signature,
    })
}

struct Compiled {
    body: Statement,
    arguments: Vec<u32>,
    found: u32,
    trigger: Option<TriggerVariables>,
}

fn parse(parser: &mut Parser<'_>, signature: &Signature) -> Result<Compiled> {
    parser.names.begin(Some(&signature.name), LabelKind::Block);
    let mut arguments = Vec::new();
    let mut trigger = None;
    match signature.kind {
        RoutineKind::Trigger | RoutineKind::EventTrigger => trigger = Some(trigger_variables(parser, signature)?),
        _ => {
            arguments = parameters(parser, signature)?;
            check_returns(parser, signature)?;
        }
    }
    let found = parser.declare("found", 0, DataType::BOOL)?;
    let body = parser.pl_function()?;
    let returns_nothing = signature.kind != RoutineKind::Trigger
        && (!matches!(parser.output, Output::None)
            || signature.returns.oid == DataType::VOID.oid
            || signature.returns_set);
    let body = if returns_nothing { with_return(body, parser.output_value()) } else { body };
    Ok(Compiled { body, arguments, found, trigger })
}

/// The variables of all parameters, under $n and under their names; gives those of the input parameters.
fn parameters(parser: &mut Parser<'_>, signature: &Signature) -> Result<Vec<u32>> {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for (index, parameter) in signature.parameters.iter().enumerate() {
        if parameter.data_type.is_pseudo() {
            let message = format!("PL/pgSQL functions cannot accept type {}", parser.display(&parameter.data_type));
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let dollar = format!("${}", index + 1);
        let name = parameter.name.as_deref().filter(|name| !name.is_empty());
        let number = parser.add_variable(name.unwrap_or(&dollar), 0, parameter.data_type)?;
        if matches!(parameter.mode, ParameterMode::In | ParameterMode::InOut) {
            inputs.push(number);
        }
        if parameter.mode != ParameterMode::In {
            outputs.push(number);
        }
        for name in [Some(dollar.as_str()), name].into_iter().flatten() {
            if parser.names.is_declared_here(name) {
                let message = format!("parameter name \"{name}\" used more than once");
                return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message));
            }
            parser.names.declare(name, number, parameter.data_type.is_row());
        }
    }
    let is_procedure = signature.kind == RoutineKind::Procedure;
    parser.output = match outputs.as_slice() {
        [] => Output::None,
        [only] if !is_procedure => Output::One(*only),
        _ => Output::Row(outputs),
    };
    Ok(inputs)
}

/// Which types a function can return, and $0.
fn check_returns(parser: &mut Parser<'_>, signature: &Signature) -> Result<()> {
    let returns = &signature.returns;
    if returns.is_pseudo() && returns.oid != DataType::VOID.oid {
        let message = match returns.oid == DataType::TRIGGER.oid || returns.oid == DataType::EVENT_TRIGGER.oid {
            true => "trigger functions can only be called as triggers".to_owned(),
            false => format!("PL/pgSQL functions cannot return type {}", parser.display(returns)),
        };
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    if signature.returns_polymorphic && matches!(parser.output, Output::None) {
        parser.declare("$0", 0, *returns)?;
    }
    Ok(())
}

const TRIGGER_VARIABLES: [(&str, TriggerVariable, DataType); 10] = [
    ("tg_name", TriggerVariable::Name, DataType::NAME),
    ("tg_when", TriggerVariable::When, DataType::TEXT),
    ("tg_level", TriggerVariable::Level, DataType::TEXT),
    ("tg_op", TriggerVariable::Operation, DataType::TEXT),
    ("tg_relid", TriggerVariable::Relid, DataType::OID),
    ("tg_relname", TriggerVariable::TableName, DataType::NAME),
    ("tg_table_name", TriggerVariable::TableName, DataType::NAME),
    ("tg_table_schema", TriggerVariable::TableSchema, DataType::NAME),
    ("tg_nargs", TriggerVariable::ArgumentCount, DataType::INT4),
    ("tg_argv", TriggerVariable::Arguments, DataType::TEXT_ARRAY),
];

const EVENT_TRIGGER_VARIABLES: [(&str, TriggerVariable, DataType); 2] =
    [("tg_event", TriggerVariable::Event, DataType::TEXT), ("tg_tag", TriggerVariable::Tag, DataType::TEXT)];

/// NEW, OLD and TG_…. Those that the body does not name need no value.
fn trigger_variables(parser: &mut Parser<'_>, signature: &Signature) -> Result<TriggerVariables> {
    let is_event = signature.kind == RoutineKind::EventTrigger;
    if !signature.parameters.is_empty() {
        let error = |message| Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message);
        return Err(match is_event {
            true => error("event trigger functions cannot have declared arguments"),
            false => error("trigger functions cannot have declared arguments")
                .with_hint("The arguments of the trigger can be accessed through TG_NARGS and TG_ARGV instead."),
        });
    }
    let mut variables = TriggerVariables::default();
    let rows = if is_event { [None, None] } else { [Some("new"), Some("old")] };
    for (name, number) in rows.into_iter().zip([&mut variables.new, &mut variables.old]) {
        if let Some(name) = name {
            *number = parser.declare(name, 0, DataType::RECORD)?;
        }
    }
    let special: &[_] = if is_event { &EVENT_TRIGGER_VARIABLES } else { &TRIGGER_VARIABLES };
    for (name, what, data_type) in special {
        let number = parser.declare(name, 0, *data_type)?;
        if *what == TriggerVariable::Arguments {
            variables.arguments = Some(number);
            parser.arguments_of_trigger = Some(number);
        }
        if parser.mentions(name) {
            variables.special.push((*what, number));
        }
    }
    Ok(variables)
}

/// Control may fall off the end: the RETURN that is not written (add_dummy_return). It stands outside of the block's
/// EXCEPTION, and where EXIT from the block leads to.
fn with_return(body: Statement, value: Option<ReturnValue>) -> Statement {
    let value = value.unwrap_or(ReturnValue::None);
    let ends = Statement { line: 0, kind: Kind::Return(value) };
    match body.kind {
        Kind::Block(mut block) if block.exceptions.is_none() && block.label.is_none() => {
            if !matches!(block.body.last(), Some(Statement { kind: Kind::Return(_), .. })) {
                block.body.push(ends);
            }
            Statement { line: body.line, kind: Kind::Block(block) }
        }
        kind => {
            let body = vec![Statement { line: body.line, kind }, ends];
            let block = Block { label: None, variables: Vec::new(), body, exceptions: None };
            Statement { line: 0, kind: Kind::Block(block) }
        }
    }
}
