//! The relations that an expression names as constants of type regclass, as nextval('s'::regclass) does.
//!
//! Must not know: the catalog.

use crate::limits::stack;
use crate::sql::syntax::ast::expression::{ConstValue, Expr, Indirection, TypeName};
use crate::types::qualified_name;

/// The names, each with the schema that was written.
pub fn named_relations(expr: &Expr) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &Expr, found: &mut Vec<(Option<String>, String)>) {
    // What is stored has been analysed, which goes as deep.
    if stack::is_deep() {
        return;
    }
    let mut all = |exprs: &[Expr]| exprs.iter().for_each(|expr| collect(expr, found));
    match expr {
        Expr::TypeCast(cast) => match &cast.arg {
            Expr::Const(constant) if is_regclass(&cast.type_name) => {
                if let ConstValue::String(text) = &constant.value {
                    found.extend(relation_name(text));
                }
            }
            arg => collect(arg, found),
        },
        Expr::Collate(clause) => clause.arg.iter().for_each(|arg| collect(arg, found)),
        Expr::AExpr(operation) => {
            operation.left.iter().chain([&operation.right]).for_each(|operand| collect(operand, found));
        }
        Expr::Bool(expr) => all(&expr.args),
        Expr::FuncCall(call) => all(&call.args),
        Expr::Indirection(indirection) => {
            collect(&indirection.arg, found);
            for step in &indirection.indirection {
                if let Indirection::Index(index) = step {
                    collect(index, found);
                }
            }
        }
        Expr::Array(array) => all(&array.elements),
        Expr::Row(row) => all(&row.args),
        Expr::Case(case) => {
            case.arg.iter().chain(&case.defresult).for_each(|expr| collect(expr, found));
            for when in &case.args {
                collect(&when.expr, found);
                collect(&when.result, found);
            }
        }
        Expr::Coalesce(expr) => all(&expr.args),
        Expr::MinMax(expr) => all(&expr.args),
        Expr::NullTest(test) => collect(&test.arg, found),
        Expr::BooleanTest(test) => collect(&test.arg, found),
        Expr::NamedArg(named) => collect(&named.arg, found),
        Expr::List(exprs) => all(exprs),
        _ => {}
    }
}

fn is_regclass(type_name: &TypeName) -> bool {
    type_name.names.last().is_some_and(|name| name == "regclass") && type_name.array_bounds.is_empty()
}

fn relation_name(text: &str) -> Option<(Option<String>, String)> {
    let mut parts = qualified_name::name_parts(text).ok()?;
    let name = parts.pop()?;
    Some((parts.pop(), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::syntax::parse;

    #[test]
    fn constants_are_found_wherever_they_stand() {
        let found = |text: &str| named_relations(&parse::expression(text).unwrap());
        let named = |schema: Option<&str>, name: &str| (schema.map(str::to_owned), name.to_owned());
        assert_eq!(found("nextval('s'::regclass)"), [named(None, "s")]);
        assert_eq!(
            found("case when true then coalesce(nextval('a.\"S\"'::regclass), 1) + 2 else 'x'::regclass::int end"),
            [named(None, "x"), named(Some("a"), "S")]
        );
        assert!(found("'s'::text || regclass 'oid'::text").iter().all(|(_, name)| name == "oid"));
    }
}
