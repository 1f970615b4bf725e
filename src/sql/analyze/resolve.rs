//! Which function or operator a call means: PostgreSQL's candidate selection.
//!
//! Owns: [`Analyzer::resolve_function`], [`Analyzer::operator`]. Specification: typeconv-func.html, typeconv-oper.html
//! (func_select_candidate in parse_func.c).

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::sql::functions::{self, Call, Function};
use crate::sql::operators::{self, Operator};
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;

/// SQLite's comparison operators; they need the operands' collation and nothing else.
fn comparison(name: &str) -> Option<&'static str> {
    Some(match name {
        "=" => "=",
        "<>" | "!=" => "<>",
        "<" => "<",
        ">" => ">",
        "<=" => "<=",
        ">=" => ">=",
        _ => return None,
    })
}

/// Whether a comparison's call does more to its operands than compare them: dates and timestamps meet in one type.
fn converts(call: Call) -> bool {
    matches!(call, Call::Template(template) if template.contains("pg_"))
}

fn is_polymorphic(oid: Oid) -> bool {
    matches!(oid, Oid::ANY | Oid::ANYELEMENT | Oid::ANYARRAY | Oid::ANYNONARRAY | Oid::ANYENUM)
}

impl Analyzer<'_> {
    /// A binary operator applied to its operands.
    pub(super) fn operator(&mut self, name: &str, left: Expr, right: Expr) -> Result<Expr> {
        if let Some(op) = comparison(name) {
            if let (ExprKind::Row(_), ExprKind::Row(_)) = (&left.kind, &right.kind) {
                return self.compare_rows(name, op, left, right);
            }
            if let Some(expr) = self.compare_same(op, &left, &right)? {
                return Ok(expr);
            }
        }
        let types = [left.type_oid, right.type_oid];
        let candidates = operators::named(name);
        let signatures: Vec<[Oid; 2]> = candidates.iter().map(|o| [o.left, o.right]).collect();
        let binary: Vec<usize> =
            (0..candidates.len()).filter(|i| signatures.get(*i).is_some_and(|s| s[0] != Oid::INVALID)).collect();
        let Some(chosen) = self.choose_operator(&binary, &signatures, types) else {
            return Err(self.no_operator(name, Some(types[0]), types[1]));
        };
        let Some(operator) = candidates.get(chosen).copied() else { return Err(Error::internal("operator")) };
        let declared = [operator.left, operator.right];
        let actual = self.actual_types(&declared, &types);
        let left = self.argument(left, operator.left, actual.first().copied())?;
        let right = self.argument(right, operator.right, actual.get(1).copied())?;
        let result = self.result_type(operator.result, &declared, &actual);
        match comparison(name) {
            Some(op) if !converts(operator.call) => Ok(compare(op, left, right)),
            _ => Ok(self.call(operator.call, vec![left, right], result)),
        }
    }

    /// A call; where the SQLite function wants to know its arguments' types they are put in front.
    pub(super) fn call(&self, call: Call, mut args: Vec<Expr>, result: Oid) -> Expr {
        if let Call::Typed(name) = call {
            args.insert(0, self.types_of(&args));
            return Expr::function(name, args, result);
        }
        Expr::new(ExprKind::Call(call, args), result)
    }

    /// The arguments' types as [`Call::Typed`] passes them.
    pub(super) fn types_of(&self, args: &[Expr]) -> Expr {
        let names: Vec<String> = args.iter().map(|arg| self.internal_name(arg.type_oid)).collect();
        Expr::text(names.join(","))
    }

    /// A prefix operator.
    pub(super) fn prefix_operator(&mut self, name: &str, operand: Expr) -> Result<Expr> {
        let candidates: Vec<&'static Operator> =
            operators::named(name).iter().filter(|o| o.left == Oid::INVALID).copied().collect();
        let signatures: Vec<[Oid; 1]> = candidates.iter().map(|o| [o.right]).collect();
        let all: Vec<usize> = (0..candidates.len()).collect();
        let chosen = self.choose(&all, &|i| signatures.get(i).map_or(&[][..], |s| &s[..]), &[operand.type_oid]);
        match chosen.and_then(|i| candidates.get(i)) {
            Some(operator) => {
                let operand = self.implicit(operand, operator.right)?;
                Ok(self.call(operator.call, vec![operand], operator.result))
            }
            None => Err(self.no_operator(name, None, operand.type_oid)),
        }
    }

    /// Operands of one type, or one of unknown type: no table is needed, every type compares with itself.
    fn compare_same(&mut self, op: &'static str, left: &Expr, right: &Expr) -> Result<Option<Expr>> {
        let (l, r) = (left.type_oid, right.type_oid);
        let target = match (l, r) {
            (Oid::UNKNOWN, Oid::UNKNOWN) => Oid::TEXT,
            // varchar has no operators of its own.
            (Oid::UNKNOWN, Oid::VARCHAR) | (Oid::VARCHAR, Oid::UNKNOWN) => Oid::TEXT,
            (Oid::UNKNOWN, known) | (known, Oid::UNKNOWN) => known,
            _ if l == r => l,
            _ if is_integer(l) && is_integer(r) => {
                return Ok(Some(compare(op, left.clone(), right.clone())));
            }
            _ => return Ok(None),
        };
        if matches!(target, Oid::JSON | Oid::XML | Oid::VOID) {
            return Err(self.no_operator(op, Some(l), r));
        }
        let left = self.implicit(left.clone(), target)?;
        let right = self.implicit(right.clone(), target)?;
        if self.is_enum(target) && !matches!(op, "=" | "<>") {
            let (left, right) = (self.enum_order(left), self.enum_order(right));
            return Ok(Some(compare(op, left, right)));
        }
        Ok(Some(compare(op, left, right)))
    }

    /// A value of an enum as its place in the enum's order.
    pub(super) fn enum_order(&self, expr: Expr) -> Expr {
        use crate::catalog::schema::UserTypeKind;
        match self.catalog().types.get(&expr.type_oid).map(|t| &t.kind) {
            Some(UserTypeKind::Enum(labels)) => {
                let labels = Expr::text(serde_json::to_string(labels).unwrap_or_default());
                Expr::function("pg_enum_order", vec![expr, labels], Oid::INT4)
            }
            _ => expr,
        }
    }

    /// (a, b) op (c, d)
    fn compare_rows(&mut self, name: &str, op: &'static str, left: Expr, right: Expr) -> Result<Expr> {
        let (ExprKind::Row(ls), ExprKind::Row(rs)) = (left.kind, right.kind) else {
            return Err(Error::internal("row comparison"));
        };
        if ls.len() != rs.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (l, r) in ls.into_iter().zip(rs) {
            // Each pair is brought to the operator's types, then compared as SQLite compares row values.
            let compared = self.operator(name, l, r)?;
            let ExprKind::Compare(_, l, r) = compared.kind else {
                return Err(Error::unsupported("this row comparison"));
            };
            left.push(*l);
            right.push(*r);
        }
        let row = |items| Expr::new(ExprKind::Row(items), Oid::RECORD);
        Ok(compare(op, row(left), row(right)))
    }

    fn no_operator(&self, name: &str, left: Option<Oid>, right: Oid) -> Error {
        let left = left.map_or(String::new(), |l| format!("{} ", self.type_name(l)));
        let message = format!("operator does not exist: {left}{name} {}", self.type_name(right));
        Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts.",
        )
    }

    /// oper(): an unknown operand is first taken to be of the other's type.
    fn choose_operator(&self, among: &[usize], signatures: &[[Oid; 2]], types: [Oid; 2]) -> Option<usize> {
        let assumed = match types {
            [Oid::UNKNOWN, known] => [known, known],
            [known, Oid::UNKNOWN] => [known, known],
            types => types,
        };
        let exact = among.iter().copied().find(|i| signatures.get(*i) == Some(&assumed));
        exact.or_else(|| self.choose(among, &|i| signatures.get(i).map_or(&[][..], |s| &s[..]), &types))
    }

    /// The functions of that name that this database has: those of extensions only where they were created.
    fn functions_named(&self, name: &str) -> Vec<&'static Function> {
        let there =
            |function: &&&Function| function.extension.is_empty() || self.catalog().has_extension(function.extension);
        functions::named(name).iter().filter(there).copied().collect()
    }

    /// The function a call means; 42883 if none fits, 42725 if several fit equally well.
    pub(super) fn resolve_function(&mut self, name: &str, types: &[Oid]) -> Result<&'static Function> {
        let candidates = self.functions_named(name);
        let expanded: Vec<Option<Vec<Oid>>> = candidates.iter().map(|f| expand(f, types.len())).collect();
        let mut among: Vec<usize> =
            (0..candidates.len()).filter(|i| matches!(expanded.get(*i), Some(Some(_)))).collect();
        let signature = |i: usize| expanded.get(i).and_then(Option::as_deref).unwrap_or(&[]);
        // Of two with the same arguments, the one that takes any number of them is out (FuncnameGetCandidates).
        let variadic = |i: usize| candidates.get(i).is_some_and(|function| function.variadic);
        let fixed: Vec<usize> = among.iter().copied().filter(|i| !variadic(*i)).collect();
        among.retain(|i| !variadic(*i) || !fixed.iter().any(|other| signature(*other) == signature(*i)));
        let exact = among.iter().copied().find(|i| signature(*i) == types);
        let chosen = exact.or_else(|| self.choose(&among, &signature, types));
        match chosen.and_then(|i| candidates.get(i)) {
            Some(function) => Ok(function),
            None => {
                let shown: Vec<String> = types.iter().map(|t| self.type_name(*t)).collect();
                let fitting = among.iter().filter(|i| self.fits(signature(**i), types)).count();
                if fitting > 1 {
                    let message = format!("function {name}({}) is not unique", shown.join(", "));
                    return Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, message).with_hint(
                        "Could not choose a best candidate function. You might need to add explicit type casts.",
                    ));
                }
                let message = format!("function {name}({}) does not exist", shown.join(", "));
                Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
                    "No function matches the given name and argument types. You might need to add explicit type casts.",
                ))
            }
        }
    }

    fn fits(&self, signature: &[Oid], types: &[Oid]) -> bool {
        signature.len() == types.len()
            && types.iter().zip(signature).all(|(from, to)| self.can_coerce(*from, *to, CastContext::Implicit))
            && self.polymorphism_fits(signature, types)
    }

    /// anyelement and anyarray must agree with each other.
    fn polymorphism_fits(&self, signature: &[Oid], types: &[Oid]) -> bool {
        let mut element: Option<Oid> = None;
        for (declared, actual) in signature.iter().zip(types) {
            let this = match *declared {
                _ if *actual == Oid::UNKNOWN => continue,
                Oid::ANYARRAY => self.element_type(*actual),
                Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM => Some(*actual),
                _ => continue,
            };
            match (element, this) {
                (None, this) => element = this,
                (Some(a), Some(b)) if a == b => {}
                _ => return false,
            }
        }
        true
    }

    /// func_select_candidate: exact matches, then preferred types, then the category of unknown arguments.
    fn choose<'s>(&self, among: &[usize], signature: &dyn Fn(usize) -> &'s [Oid], types: &[Oid]) -> Option<usize> {
        let mut left: Vec<usize> = among.iter().copied().filter(|i| self.fits(signature(*i), types)).collect();
        if left.len() <= 1 {
            return left.first().copied();
        }
        let score = |i: usize, accept: &dyn Fn(Oid, Oid) -> bool| {
            signature(i).iter().zip(types).filter(|(declared, actual)| accept(**declared, **actual)).count()
        };
        keep_best(&mut left, |i| score(i, &|declared, actual| actual != Oid::UNKNOWN && declared == actual));
        if left.len() > 1 {
            keep_best(&mut left, |i| {
                score(i, &|declared, actual| {
                    actual != Oid::UNKNOWN
                        && (declared == actual
                            || self.is_preferred(declared) && self.category(declared) == self.category(actual))
                })
            });
        }
        if left.len() > 1 {
            self.by_unknown_category(&mut left, signature, types);
        }
        if left.len() > 1 {
            // If all known arguments are of one type, unknown ones are taken to be of it too.
            let mut known = types.iter().copied().filter(|t| *t != Oid::UNKNOWN);
            if let Some(first) = known.next()
                && known.all(|t| t == first)
            {
                let assumed = vec![first; types.len()];
                let exact: Vec<usize> = left.iter().copied().filter(|i| self.fits(signature(*i), &assumed)).collect();
                if exact.len() == 1 {
                    left = exact;
                }
            }
        }
        match left.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Step 4.e: an unknown argument is a string if any candidate takes one, else of the category all agree on.
    fn by_unknown_category<'s>(&self, left: &mut Vec<usize>, signature: &dyn Fn(usize) -> &'s [Oid], types: &[Oid]) {
        for (position, _) in types.iter().enumerate().filter(|(_, t)| **t == Oid::UNKNOWN) {
            let declared = |i: usize| signature(i).get(position).copied().unwrap_or(Oid::INVALID);
            let categories: Vec<u8> = left.iter().map(|i| self.category_of_declared(declared(*i))).collect();
            let category = if categories.contains(&b'S') {
                b'S'
            } else if categories.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
                categories.first().copied().unwrap_or(b'X')
            } else {
                return;
            };
            left.retain(|i| self.category_of_declared(declared(*i)) == category);
            if left.iter().any(|i| self.is_preferred(declared(*i))) {
                left.retain(|i| self.is_preferred(declared(*i)));
            }
        }
    }

    fn category_of_declared(&self, oid: Oid) -> u8 {
        if is_polymorphic(oid) { b'P' } else { self.category(oid) }
    }

    /// What each declared argument type stands for in this call: polymorphic ones are replaced.
    pub(super) fn actual_types(&self, declared: &[Oid], types: &[Oid]) -> Vec<Oid> {
        let element = declared.iter().zip(types).find_map(|(declared, actual)| match *declared {
            _ if *actual == Oid::UNKNOWN => None,
            Oid::ANYARRAY => self.element_type(*actual),
            Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM => Some(*actual),
            _ => None,
        });
        let element = element.unwrap_or(Oid::TEXT);
        declared
            .iter()
            .zip(types)
            .map(|(declared, actual)| match *declared {
                Oid::ANYARRAY => self.array_type(element).unwrap_or(Oid::TEXT_ARRAY),
                Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM => element,
                Oid::ANY if *actual == Oid::UNKNOWN => Oid::TEXT,
                Oid::ANY => *actual,
                declared => declared,
            })
            .collect()
    }

    /// The result type, polymorphic ones replaced.
    pub(super) fn result_type(&self, result: Oid, declared: &[Oid], actual: &[Oid]) -> Oid {
        let element = declared.iter().zip(actual).find_map(|(declared, actual)| match *declared {
            Oid::ANYARRAY => self.element_type(*actual),
            Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM => Some(*actual),
            _ => None,
        });
        match (result, element) {
            (Oid::ANYELEMENT | Oid::ANYNONARRAY | Oid::ANYENUM, Some(element)) => element,
            (Oid::ANYARRAY, Some(element)) => self.array_type(element).unwrap_or(Oid::TEXT_ARRAY),
            (result, _) => result,
        }
    }

    /// An argument as its declared type asks for it.
    pub(super) fn argument(&mut self, expr: Expr, declared: Oid, actual: Option<Oid>) -> Result<Expr> {
        match actual {
            Some(actual) if is_polymorphic(declared) => self.implicit(expr, actual),
            _ => self.implicit(expr, declared),
        }
    }
}

/// A comparison; always boolean.
pub(super) fn compare(op: &'static str, left: Expr, right: Expr) -> Expr {
    Expr::new(ExprKind::Compare(op, Box::new(left), Box::new(right)), Oid::BOOL)
}

fn is_integer(oid: Oid) -> bool {
    matches!(oid, Oid::INT2 | Oid::INT4 | Oid::INT8 | Oid::OID)
}

/// A function's argument types for a call with that many arguments.
fn expand(function: &Function, count: usize) -> Option<Vec<Oid>> {
    let args = function.args;
    if !function.variadic {
        return (args.len() == count).then(|| args.to_vec());
    }
    let last = *args.last()?;
    (count >= args.len() - 1).then(|| {
        let mut types: Vec<Oid> = args.iter().copied().take(args.len() - 1).collect();
        types.resize(count, last);
        types
    })
}

fn keep_best(left: &mut Vec<usize>, score: impl Fn(usize) -> usize) {
    let best = left.iter().map(|i| score(*i)).max().unwrap_or(0);
    if best > 0 {
        left.retain(|i| score(*i) == best);
    }
}
