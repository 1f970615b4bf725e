//! Functions as PostgreSQL ran them (`fixtures/plpgsql_runs.tsv`, by `scripts/record-plpgsql`), and what of running them needs a
//! look inside.

use crate::error::Result;
use crate::plpgsql::call::{Call, Returned, Trigger, TriggerOperation, TriggerWhen};
use crate::plpgsql::compile::compile;
use crate::plpgsql::compile_tests::{rows, shown};
use crate::plpgsql::function::{Function, Options, ParameterMode, RoutineKind};
use crate::plpgsql::host::{Host, Types};
use crate::plpgsql::interpret::execute;
use crate::plpgsql::test_host::{TestHost, signature};
use crate::plpgsql::value::{Column, DataType, Typed};
use crate::types::pg_type::{Oid, Repr, Scalar};
use crate::types::value::Value;

const RUNS: &str = include_str!("../../fixtures/plpgsql_runs.tsv");

/// The arguments that `scripts/record-plpgsql` gives.
fn argument(data_type: &DataType) -> Value {
    match data_type.oid {
        Oid::TEXT => Value::Text("x".to_owned()),
        Oid::BOOL => Value::Integer(1),
        Oid::INT4_ARRAY => Value::Text("[1,2,3]".to_owned()),
        _ => Value::Integer(7),
    }
}

/// Runs a body; what it tells and gives, as the fixture has it.
pub fn run(header: &str, body: &str, host: &mut TestHost) -> Vec<String> {
    let returned = called(header, body, host);
    let mut told: Vec<String> = host.notices.iter().map(|notice| shown(notice, "")).collect();
    match returned {
        Ok((function, returned)) => told.extend(results(&function, returned, host)),
        Err(error) => told.push(shown(error.fields(), body)),
    }
    told
}

fn called(header: &str, body: &str, host: &mut TestHost) -> Result<(Function, Returned)> {
    let signature = signature(header, host);
    let function = compile(body, signature, Options::default(), host)?;
    let of = &function.signature;
    let inputs =
        of.parameters.iter().filter(|parameter| matches!(parameter.mode, ParameterMode::In | ParameterMode::InOut));
    let arguments = inputs.map(|parameter| argument(&parameter.data_type)).collect();
    let outputs: Vec<Column> = of
        .parameters
        .iter()
        .filter(|parameter| parameter.mode != ParameterMode::In)
        .map(|parameter| Column::new(parameter.name.clone().unwrap_or_default(), parameter.data_type))
        .collect();
    let result = match (outputs.is_empty(), of.returns.is_row()) {
        (false, _) => Some(outputs),
        (true, true) if of.returns != DataType::RECORD => Some(host.columns(of.returns.oid)?.to_vec()),
        (true, _) if of.returns_set => Some(vec![Column::new("f", of.returns)]),
        _ => None,
    };
    let call = Call { arguments, result: result.map(std::sync::Arc::from), ..Call::default() };
    let returned = execute(&function, &call, host)?;
    Ok((function, returned))
}

fn results(function: &Function, returned: Returned, host: &mut TestHost) -> Vec<String> {
    let of = &function.signature;
    let outputs: Vec<DataType> =
        of.parameters.iter().filter(|parameter| parameter.mode != ParameterMode::In).map(|p| p.data_type).collect();
    let mut line = |types: &[DataType], values: Vec<Value>| {
        let text = |(data_type, value): (&DataType, Value)| match value {
            Value::Null => "NULL".to_owned(),
            value => host.text(&Typed::new(*data_type, value)).unwrap(),
        };
        format!("ROW {}", types.iter().zip(values).map(text).collect::<Vec<String>>().join(" | "))
    };
    match returned {
        Returned::Nothing if of.kind == RoutineKind::Function => vec!["ROW ".to_owned()],
        Returned::Nothing => Vec::new(),
        Returned::Scalar(value) => vec![line(&[of.returns], vec![value])],
        Returned::Row(None) => vec!["ROW NULL".to_owned()],
        Returned::Row(Some(row)) if outputs.is_empty() => {
            let value = host.compose(&row.columns, &row.values).unwrap();
            vec![format!("ROW {}", host.text(&Typed::new(DataType::RECORD, value)).unwrap())]
        }
        Returned::Row(Some(row)) => vec![line(&outputs, row.values)],
        Returned::Set => {
            let rows = std::mem::take(&mut host.rows);
            let types = match (outputs.is_empty(), of.returns.is_row()) {
                (true, false) => vec![of.returns],
                (true, true) => vec![DataType::INT4, DataType::TEXT],
                _ => outputs,
            };
            let mut lines = Vec::new();
            for row in rows {
                let text = |(data_type, value): (&DataType, Value)| match value {
                    Value::Null => "NULL".to_owned(),
                    value => host.text(&Typed::new(*data_type, value)).unwrap(),
                };
                lines.push(format!("ROW {}", types.iter().zip(row).map(text).collect::<Vec<String>>().join(" | ")));
            }
            lines
        }
        Returned::Trigger(_) => Vec::new(),
    }
}

#[test]
fn functions_run_as_recorded() {
    let mut wrong = Vec::new();
    for (header, body, recorded) in rows(RUNS) {
        let mut host = TestHost::default();
        let told = run(&header, &body, &mut host).join("\n");
        let told = if told.is_empty() { "ok".to_owned() } else { told };
        if told != recorded {
            wrong.push(format!("{header} {body:?}\n  recorded {recorded}\n  told     {told}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn subtransactions_end_as_their_blocks() {
    let mut host = TestHost::default();
    let body = "declare x int := 0; begin begin x := 1 / x; exception when division_by_zero then x := 3; end; \
                begin x := 4; exception when others then null; end; \
                begin begin x := 1 / 0; exception when unique_violation then null; end; exception when others then null; end; end";
    assert_eq!(run("do", body, &mut host), [""; 0]);
    let nested = ["begin", "begin", "rollback", "rollback"];
    assert_eq!(host.blocks, [&["begin", "rollback", "begin", "release"][..], &nested].concat());
}

fn trigger(operation: TriggerOperation, new: Option<Vec<Value>>, old: Option<Vec<Value>>) -> Trigger {
    Trigger {
        name: "t".to_owned(),
        when: TriggerWhen::Before,
        operation,
        table: Oid(90_001),
        table_name: "sample".to_owned(),
        schema_name: "public".to_owned(),
        arguments: vec!["first".to_owned(), "second".to_owned()],
        row_type: DataType {
            oid: Oid(90_001),
            typmod: -1,
            repr: Repr::scalar(Scalar::Record),
            kind: crate::plpgsql::value::TypeKind::Composite,
        },
        columns: std::sync::Arc::from([Column::new("a", DataType::INT4), Column::new("b", DataType::TEXT)]),
        for_each_row: true,
        new,
        old,
    }
}

fn fire(body: &str, trigger: Trigger) -> Result<Returned> {
    let mut host = TestHost::default();
    let signature = signature("function() returns trigger", &mut host);
    let function = compile(body, signature, Options::default(), &mut host)?;
    execute(&function, &Call { trigger: Some(trigger), ..Call::default() }, &mut host)
}

#[test]
fn triggers_give_rows() {
    let row = |a, b: &str| vec![Value::Integer(a), Value::Text(b.to_owned())];
    let insert = || trigger(TriggerOperation::Insert, Some(row(1, "one")), None);
    let update = || trigger(TriggerOperation::Update, Some(row(2, "two")), Some(row(1, "one")));
    let given = |row| Ok(Returned::Trigger(row));
    assert_eq!(
        fire("begin new.b := tg_op || tg_argv[1] || tg_nargs; return new; end", insert()),
        given(Some(row(1, "INSERTsecond2")))
    );
    assert_eq!(fire("begin return old; end", update()), given(Some(row(1, "one"))));
    assert_eq!(fire("begin return null; end", update()), given(None));
    assert_eq!(fire("begin return old; end", insert()), given(None), "OLD is NULL");
    assert_eq!(
        fire("begin if old.a is null then new.a := 5; end if; return new; end", insert()),
        given(Some(row(5, "one"))),
        "fields of a row that is not there are NULL"
    );
    let error = fire("begin return 1; end", insert()).unwrap_err();
    assert_eq!(error.message(), "cannot return non-composite value from function returning composite type");
    let error = fire("declare r record; begin r := row(1); return r; end", insert()).unwrap_err();
    assert_eq!(error.message(), "returned row structure does not match the structure of the triggering table");
    let error = fire("begin null; end", insert()).unwrap_err();
    assert_eq!(error.message(), "control reached end of trigger procedure without RETURN");
}

/// What is computed without the host.
#[test]
fn loops_over_integers_need_no_host() {
    let mut host = TestHost::default();
    let body = "declare s bigint := 0; b text := ''; begin for i in 1..1000 loop continue when i % 2 = 0; s := s + i; \
                exit when s > 200000 or not true; if i < 10 and b is not null then b := b || i; end if; end loop; \
                a := s; while a > 7 loop a := a - 7; end loop; b := b || a; raise notice '%', b; end";
    let body = body.replace("declare ", "declare a int; ");
    assert_eq!(run("do", &body, &mut host).len(), 1);
}
