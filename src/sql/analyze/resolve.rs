//! Which function or operator a call means: PostgreSQL's candidate selection.
//!
//! Owns: [`Analyzer::resolve_function`], [`Analyzer::operator`]. Specification: typeconv-func.html, typeconv-oper.html
//! (func_select_candidate in parse_func.c).

use crate::catalog::members;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::call::record_modifier;
use crate::sql::analyze::coerce::anonymous_input;
use crate::sql::analyze::polymorphic::is_polymorphic;
use crate::sql::analyze::rows::is_constructor;
use crate::sql::casts::CastContext;
use crate::sql::functions::{self, Function};
use crate::sql::operators::{self, Operator};
use crate::sql::tree::{Expr, ExprKind, ListedOperator, OperatorRef};
use crate::types::pg_type::{Oid, type_info};

/// The operators of btree operator classes, which every type that can be sorted has.
pub(super) fn comparison(name: &str) -> Option<&'static str> {
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

/// What is left of the candidates.
pub(super) enum Choice {
    One(usize),
    None,
    Ambiguous,
}

impl Analyzer<'_> {
    /// A binary operator applied to its operands.
    pub(super) fn operator(&mut self, name: &str, left: Expr, right: Expr) -> Result<Expr> {
        if let Some(call) = self.user_operator(None, name, (Some(&left), &right))? {
            return Ok(call);
        }
        if let Some(op) = comparison(name) {
            if let (ExprKind::Row { fields: l, .. }, ExprKind::Row { fields: r, .. }) = (&left.kind, &right.kind)
                && is_constructor(&left)
                && is_constructor(&right)
            {
                return self.compare_rows(op, l, r);
            }
            if let Some(expr) = self.compare_records(op, &left, &right)? {
                return Ok(expr);
            }
            if let Some(expr) = self.compare_same(op, &left, &right)? {
                return Ok(expr);
            }
        }
        if is_constructor(&left) && is_constructor(&right) {
            return Err(self.no_row_comparison(name, &left, &right));
        }
        let types = [left.type_oid, right.type_oid];
        let candidates = self.operators_named(name);
        let signatures: Vec<[Oid; 2]> = candidates.iter().map(|o| [o.left, o.right]).collect();
        let binary: Vec<usize> =
            (0..candidates.len()).filter(|i| signatures.get(*i).is_some_and(|s| s[0] != Oid::INVALID)).collect();
        let chosen = match self.choose_operator(&binary, &signatures, types) {
            Choice::One(chosen) => candidates.get(chosen).copied(),
            Choice::None => return Err(self.no_operator(name, Some(types[0]), types[1])),
            Choice::Ambiguous => return Err(self.ambiguous_operator(name, Some(types[0]), types[1])),
        };
        let Some(operator) = chosen else { return Err(Error::internal("operator")) };
        let declared = [operator.left, operator.right];
        self.uses_member(operator.extension, name, &declared);
        if name == "||" && declared.contains(&Oid::ANYNONARRAY) && !self.to_be_printed() {
            // PostgreSQL's function is one in SQL, and so as immutable as the conversion is.
            let same_for_all =
                |oid: Oid| matches!(oid, Oid::INT2 | Oid::INT4 | Oid::INT8 | Oid::NUMERIC | Oid::BOOL | Oid::UUID);
            let known = |oid: Oid| oid == Oid::TEXT || same_for_all(oid);
            if types.into_iter().all(known) {
                let (left, right) = (self.cast(left, Oid::TEXT, -1)?, self.cast(right, Oid::TEXT, -1)?);
                return self.operator(name, left, right);
            }
        }
        let actual = self.actual_types(&declared, &types);
        let left = self.argument(left, operator.left, actual.first().copied())?;
        let right = self.argument(right, operator.right, actual.get(1).copied())?;
        let result = self.result_type(operator.result, &declared, &actual);
        if operator.left == Oid::ANYARRAY && matches!(name, "<" | ">" | "<=" | ">=") {
            let operands = vec![self.enum_order(left), self.enum_order(right)];
            return Ok(Expr::new(ExprKind::Op(OperatorRef::Listed(ListedOperator(operator)), operands), result));
        }
        let operator = OperatorRef::Listed(ListedOperator(operator));
        let operands = vec![left, right];
        let typmod = record_modifier(&operands, result);
        Ok(Expr { typmod, ..Expr::new(ExprKind::Op(operator, operands), result) })
    }

    /// The equality of two operands, as NULLIF and IS DISTINCT FROM need it; 0A000 says of what if it is no operator's.
    pub(super) fn equality(&mut self, left: Expr, right: Expr, what: &str) -> Result<(OperatorRef, Expr, Expr)> {
        let equal = self.operator("=", left, right)?;
        match equal.kind {
            ExprKind::Op(operator, operands) => match <[Expr; 2]>::try_from(operands) {
                Ok([left, right]) => Ok((operator, left, right)),
                Err(_) => Err(Error::internal("an equality without two operands")),
            },
            _ => Err(Error::unsupported(format!("{what} over these types"))),
        }
    }

    /// The operators of that name: those of extensions only where they were created.
    fn operators_named(&self, name: &str) -> Vec<&'static Operator> {
        let there = |o: &&&Operator| o.extension.is_empty() || self.catalog().has_extension(o.extension);
        operators::named(name).iter().filter(there).copied().collect()
    }

    /// A prefix operator.
    pub(super) fn prefix_operator(&mut self, name: &str, operand: Expr) -> Result<Expr> {
        if let Some(call) = self.user_operator(None, name, (None, &operand))? {
            return Ok(call);
        }
        let candidates: Vec<&'static Operator> =
            self.operators_named(name).into_iter().filter(|o| o.left == Oid::INVALID).collect();
        let signatures: Vec<[Oid; 1]> = candidates.iter().map(|o| [o.right]).collect();
        let all: Vec<usize> = (0..candidates.len()).collect();
        let chosen = self.choose(&all, &|i| signatures.get(i).map_or(&[][..], |s| &s[..]), &[operand.type_oid]);
        let operator = match chosen {
            Choice::One(chosen) => candidates.get(chosen),
            Choice::None => return Err(self.no_operator(name, None, operand.type_oid)),
            Choice::Ambiguous => return Err(self.ambiguous_operator(name, None, operand.type_oid)),
        };
        let Some(operator) = operator else { return Err(Error::internal("operator")) };
        self.uses_member(operator.extension, name, &[Oid::INVALID, operator.right]);
        let operand = self.implicit(operand, operator.right)?;
        let kind = ExprKind::Op(OperatorRef::Listed(ListedOperator(operator)), vec![operand]);
        Ok(Expr::new(kind, operator.result))
    }

    /// Operands of one type, or one of unknown type: no table is needed, every type compares with itself.
    fn compare_same(&mut self, op: &'static str, left: &Expr, right: &Expr) -> Result<Option<Expr>> {
        let (l, r) = (left.type_oid, right.type_oid);
        let target = match (l, r) {
            (Oid::UNKNOWN, Oid::UNKNOWN) => Oid::TEXT,
            (Oid::UNKNOWN, known) | (known, Oid::UNKNOWN) => self.with_operators(known),
            _ if l == r => l,
            _ if is_integer(l) && is_integer(r) => {
                return Ok(Some(compared(op, left.clone(), right.clone())));
            }
            _ => return Ok(None),
        };
        if !operators::compare_as_stored(target) {
            return Ok(None);
        }
        let is_text = |e: &Expr| e.type_oid == Oid::UNKNOWN && !matches!(e.kind, ExprKind::Null);
        if self.is_row(target) && (is_text(left) || is_text(right)) {
            return Err(anonymous_input());
        }
        let left = self.implicit(left.clone(), target)?;
        let right = self.implicit(right.clone(), target)?;
        if !matches!(op, "=" | "<>") {
            return Ok(Some(compared(op, self.enum_order(left), self.enum_order(right))));
        }
        Ok(Some(compared(op, left, right)))
    }

    /// The type whose operators a type is compared by if it has none of its own.
    pub(super) fn with_operators(&self, oid: Oid) -> Oid {
        match oid {
            Oid::VARCHAR => Oid::TEXT,
            Oid::CIDR => Oid::INET,
            oid if type_info(oid)
                .is_some_and(|info| info.repr.array_of.is_none() && info.repr.scalar.names_object()) =>
            {
                Oid::OID
            }
            oid => oid,
        }
    }

    /// What an order by an enum's values is: that of their places.
    pub(super) fn enum_order(&self, expr: Expr) -> Expr {
        if self.is_enum(expr.type_oid) {
            return Expr::new(ExprKind::EnumOrder(Box::new(expr)), Oid::INT4);
        }
        match self.element_type(expr.type_oid) {
            Some(element) if self.is_enum(element) => Expr::new(ExprKind::EnumOrder(Box::new(expr)), Oid::INT4_ARRAY),
            _ => expr,
        }
    }

    /// (a, b) op (c, d)
    fn compare_rows(&mut self, op: &'static str, ls: &[Expr], rs: &[Expr]) -> Result<Expr> {
        if ls.len() != rs.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (l, r) in ls.iter().zip(rs) {
            // Each pair is brought to the operator's types.
            let compared = self.operator(op, l.clone(), r.clone())?;
            let ExprKind::Op(_, operands) = compared.kind else {
                return Err(Error::unsupported("this row comparison"));
            };
            let Ok([l, r]) = <[Expr; 2]>::try_from(operands) else {
                return Err(Error::internal("a comparison without two operands"));
            };
            left.push(l);
            right.push(r);
        }
        Ok(Expr::new(ExprKind::RowCompare { op, left, right }, Oid::BOOL))
    }

    /// Why ROW(…) op ROW(…) is no comparison (make_row_comparison_op).
    fn no_row_comparison(&mut self, name: &str, left: &Expr, right: &Expr) -> Error {
        if let (ExprKind::Row { fields: left, .. }, ExprKind::Row { fields: right, .. }) = (&left.kind, &right.kind) {
            for (left, right) in left.clone().into_iter().zip(right.clone()) {
                if let Err(error) = self.operator(name, left, right) {
                    return error;
                }
            }
        }
        let message = format!("could not determine interpretation of row comparison operator {name}");
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .with_hint("Row comparison operators must be associated with btree operator families.")
    }

    pub(super) fn no_operator(&self, name: &str, left: Option<Oid>, right: Oid) -> Error {
        let hint = match left {
            Some(_) => {
                "No operator matches the given name and argument types. You might need to add explicit type casts."
            }
            None => {
                "No operator matches the given name and argument type. You might need to add an explicit type cast."
            }
        };
        let left = left.map_or(String::new(), |l| format!("{} ", self.type_name(l)));
        let message = format!("operator does not exist: {left}{name} {}", self.type_name(right));
        Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint)
    }

    pub(super) fn ambiguous_operator(&self, name: &str, left: Option<Oid>, right: Oid) -> Error {
        let left = left.map_or(String::new(), |l| format!("{} ", self.type_name(l)));
        let message = format!("operator is not unique: {left}{name} {}", self.type_name(right));
        Error::new(SqlState::AMBIGUOUS_FUNCTION, message)
            .with_hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
    }

    /// oper(): an unknown operand is first taken to be of the other's type.
    pub(super) fn choose_operator(&self, among: &[usize], signatures: &[[Oid; 2]], types: [Oid; 2]) -> Choice {
        let assumed = match types {
            [Oid::UNKNOWN, known] => [known, known],
            [known, Oid::UNKNOWN] => [known, known],
            types => types,
        };
        let exact = among.iter().copied().find(|i| signatures.get(*i) == Some(&assumed));
        match exact {
            Some(exact) => Choice::One(exact),
            None => self.choose(among, &|i| signatures.get(i).map_or(&[][..], |s| &s[..]), &types),
        }
    }

    /// The functions of that name that can be seen: those of extensions only where they were created.
    pub(super) fn functions_named(&self, schema: Option<&str>, name: &str) -> Vec<&'static Function> {
        let there = |function: &&&Function| match function.extension {
            "" => schema.is_none_or(|schema| schema == "pg_catalog"),
            extension => self.extension_is_seen(extension, schema),
        };
        functions::named(name).iter().filter(there).copied().collect()
    }

    /// Whether what an extension brings is in that schema, or in one of the search path.
    pub(super) fn extension_is_seen(&self, extension: &str, schema: Option<&str>) -> bool {
        let created = self.catalog().extensions.iter().find(|created| created.name == extension);
        created.is_some_and(|created| match schema {
            Some(schema) => created.schema == schema,
            None => self.search_path.contains(&created.schema),
        })
    }

    /// Whether an extension of that schema has an operator of that name. Comparisons are those of its types.
    pub(super) fn extension_has_operator(&self, schema: &str, name: &str) -> bool {
        let mut created = self.catalog().extensions.iter().filter(|extension| extension.schema == schema);
        let listed = operators::named(name);
        created.any(|created| comparison(name).is_some() || listed.iter().any(|o| o.extension == created.name))
    }

    /// Notes that a text that is kept uses what an extension brings.
    fn uses_member(&self, extension: &str, name: &str, types: &[Oid]) {
        if !extension.is_empty() && self.in_stored_text == self.own_text {
            self.used.borrow_mut().routines.extend(members::by_signature(extension, name, types));
        }
    }

    /// The function a call means; 42883 if none fits, 42725 if several fit equally well.
    pub(super) fn resolve_function(&mut self, name: &str, types: &[Oid]) -> Result<&'static Function> {
        self.resolve_called(None, name, name, types)
    }

    /// The same of a function that the statement calls by another name, which messages say.
    pub(super) fn resolve_called(
        &mut self,
        schema: Option<&str>,
        name: &str,
        called: &str,
        types: &[Oid],
    ) -> Result<&'static Function> {
        let candidates = self.functions_named(schema, name);
        let expanded: Vec<Option<Vec<Oid>>> = candidates.iter().map(|f| expand(f, types.len())).collect();
        let mut among: Vec<usize> =
            (0..candidates.len()).filter(|i| matches!(expanded.get(*i), Some(Some(_)))).collect();
        let signature = |i: usize| expanded.get(i).and_then(Option::as_deref).unwrap_or(&[]);
        // Of two with the same arguments, the one that takes any number of them is out (FuncnameGetCandidates).
        let variadic = |i: usize| candidates.get(i).is_some_and(|function| function.variadic);
        let fixed: Vec<usize> = among.iter().copied().filter(|i| !variadic(*i)).collect();
        among.retain(|i| !variadic(*i) || !fixed.iter().any(|other| signature(*other) == signature(*i)));
        let exact = among.iter().copied().find(|i| signature(*i) == types);
        let chosen = match exact {
            Some(exact) => Choice::One(exact),
            None => self.choose(&among, &signature, types),
        };
        if let Choice::One(chosen) = chosen {
            let chosen = candidates.get(chosen).copied().ok_or_else(|| Error::internal("function"))?;
            self.uses_member(chosen.extension, chosen.name, chosen.args);
            return Ok(chosen);
        }
        let shown: Vec<String> = types.iter().map(|t| self.type_name(*t)).collect();
        let shown = shown.join(", ");
        Err(match chosen {
            Choice::Ambiguous => {
                Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("function {called}({shown}) is not unique"))
                    .with_hint("Could not choose a best candidate function. You might need to add explicit type casts.")
            }
            _ => Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {called}({shown}) does not exist"))
                .with_hint(
                    "No function matches the given name and argument types. You might need to add explicit type casts.",
                ),
        })
    }

    fn fits(&self, signature: &[Oid], types: &[Oid]) -> bool {
        signature.len() == types.len()
            && types.iter().zip(signature).all(|(from, to)| self.can_coerce(*from, *to, CastContext::Implicit))
            && self.polymorphism_fits(signature, types)
    }

    /// func_match_argtypes and func_select_candidate: exact matches, then preferred types, then the category of unknown
    /// arguments, then that they are of the type that all others are of.
    pub(super) fn choose<'s>(&self, among: &[usize], signature: &dyn Fn(usize) -> &'s [Oid], types: &[Oid]) -> Choice {
        let mut left: Vec<usize> = among.iter().copied().filter(|i| self.fits(signature(*i), types)).collect();
        if left.len() <= 1 {
            return left.first().map_or(Choice::None, |only| Choice::One(*only));
        }
        let score = |i: usize, accept: &dyn Fn(Oid, Oid) -> bool| {
            signature(i).iter().zip(types).filter(|(declared, actual)| accept(**declared, **actual)).count()
        };
        let known = |actual: Oid| actual != Oid::UNKNOWN;
        keep_best(&mut left, |i| score(i, &|declared, actual| known(actual) && declared == actual));
        let preferred = |declared: Oid, actual: Oid| {
            declared == actual || self.is_preferred(declared) && self.category(declared) == self.category(actual)
        };
        keep_best(&mut left, |i| score(i, &|declared, actual| known(actual) && preferred(declared, actual)));
        self.by_unknown_category(&mut left, signature, types);
        if let [only] = left.as_slice() {
            return Choice::One(*only);
        }
        let mut given = types.iter().copied().filter(|oid| known(*oid));
        if let Some(first) = given.next()
            && types.contains(&Oid::UNKNOWN)
            && given.all(|oid| oid == first)
        {
            let assumed = vec![first; types.len()];
            left.retain(|i| self.fits(signature(*i), &assumed));
            if let [only] = left.as_slice() {
                return Choice::One(*only);
            }
        }
        Choice::Ambiguous
    }

    /// An unknown argument is a string if any candidate takes one, else of the category all agree on, and of its preferred
    /// type if one takes that. Nothing is decided unless that tells it of every unknown argument.
    fn by_unknown_category<'s>(&self, left: &mut Vec<usize>, signature: &dyn Fn(usize) -> &'s [Oid], types: &[Oid]) {
        if left.len() <= 1 {
            return;
        }
        let declared = |i: usize, place: usize| signature(i).get(place).copied().unwrap_or(Oid::INVALID);
        let mut wanted: Vec<(usize, u8, bool)> = Vec::new();
        for (place, _) in types.iter().enumerate().filter(|(_, oid)| **oid == Oid::UNKNOWN) {
            let of = |i: &usize| self.category_of_declared(declared(*i, place));
            let Some(first) = left.first().map(of) else { return };
            let category = match left.iter().any(|i| of(i) == b'S') {
                true => b'S',
                false if left.iter().all(|i| of(i) == first) => first,
                false => return,
            };
            let mut of_category = left.iter().filter(|i| of(i) == category);
            wanted.push((place, category, of_category.any(|i| self.is_preferred(declared(*i, place)))));
        }
        let matches = |i: usize| {
            wanted.iter().all(|(place, category, preferred)| {
                let oid = declared(i, *place);
                self.category_of_declared(oid) == *category && (!preferred || self.is_preferred(oid))
            })
        };
        if left.iter().any(|i| matches(*i)) {
            left.retain(|i| matches(*i));
        }
    }

    fn category_of_declared(&self, oid: Oid) -> u8 {
        if is_polymorphic(oid) { b'P' } else { self.category(oid) }
    }

    /// An argument as its declared type asks for it.
    pub(super) fn argument(&mut self, expr: Expr, declared: Oid, actual: Option<Oid>) -> Result<Expr> {
        match actual {
            Some(actual) if is_polymorphic(declared) => self.implicit(expr, actual),
            _ => self.implicit(expr, declared),
        }
    }
}

/// A comparison of operands of one type; always boolean.
pub(super) fn compared(op: &'static str, left: Expr, right: Expr) -> Expr {
    Expr::new(ExprKind::Op(OperatorRef::Comparison(op), vec![left, right]), Oid::BOOL)
}

fn is_integer(oid: Oid) -> bool {
    matches!(oid, Oid::INT2 | Oid::INT4 | Oid::INT8 | Oid::OID)
}

/// A function's argument types for a call with that many arguments.
pub(super) fn expand(function: &Function, count: usize) -> Option<Vec<Oid>> {
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
