//! The catalog's expressions with fewer parentheses: what `pretty` asks of pg_get_expr, pg_get_constraintdef and
//! pg_get_indexdef.
//!
//! Owns: [`pretty`]. The catalog keeps expressions as PostgreSQL prints them without `pretty`, every operand in
//! parentheses; here those are left out that PostgreSQL's isSimpleNode calls needless. Must not know: what the names
//! in an expression mean. Specification: ruleutils.c.

/// What is left of an expression without the parentheses that nobody needs.
pub fn pretty(expression: &str) -> String {
    let tokens = tokens(expression);
    let mut out = String::with_capacity(expression.len());
    emit(&tokens, &mut out);
    out
}

/// A word, a constant, an operator or a bracket, with the blanks before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) blanks: &'a str,
    pub(super) text: &'a str,
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        let blanks = rest.get(..rest.len() - trimmed.len()).unwrap_or_default();
        let Some(first) = trimmed.chars().next() else { return tokens };
        let (token, after) = trimmed.split_at(token_length(trimmed, first));
        tokens.push(Token { blanks, text: token });
        rest = after;
    }
}

fn token_length(text: &str, first: char) -> usize {
    let run = |accepts: fn(char) -> bool| text.find(|c| !accepts(c)).unwrap_or(text.len());
    match first {
        '\'' | '"' => quoted_length(text, first),
        '(' | ')' | ',' | '[' | ']' => 1,
        c if is_word(c) => run(is_word),
        c if is_operator(c) => run(is_operator),
        c => c.len_utf8(),
    }
}

/// A constant or a quoted name; a doubled quote is part of it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = text.get(at..).and_then(|rest| rest.find(quote)) {
        at += end + 1;
        if !text.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return at;
        }
        at += 1;
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.' || c == '$'
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?:".contains(c)
}

/// What an expression is, as far as parentheses go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape<'a> {
    /// A constant, a column, a call, a conversion of one.
    Simple,
    And,
    Or,
    Not,
    /// IS NULL and its kin.
    Test,
    Operator(&'a str),
    /// CASE and what is not known: left as it is.
    Other,
}

/// The shape of a run of tokens without a comma at its level.
fn shape<'a>(tokens: &[Token<'a>]) -> Shape<'a> {
    let mut shape = Shape::Simple;
    let mut level = 0usize;
    for token in tokens {
        match token.text {
            "(" | "[" => level += 1,
            ")" | "]" => level = level.saturating_sub(1),
            _ if level > 0 => {}
            "CASE" => return Shape::Other,
            "AND" => return Shape::And,
            "OR" => return Shape::Or,
            "NOT" if shape == Shape::Simple => shape = Shape::Not,
            "IS" => shape = Shape::Test,
            "::" | ":" => {}
            text if text.chars().all(is_operator) && shape == Shape::Simple => shape = Shape::Operator(text),
            _ => {}
        }
    }
    shape
}

/// Writes a run of tokens: arguments between commas, each an expression.
fn emit(tokens: &[Token<'_>], out: &mut String) {
    let mut start = 0;
    let mut level = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" => level += 1,
            ")" | "]" => level = level.saturating_sub(1),
            "," if level == 0 => {
                emit_expression(tokens.get(start..at).unwrap_or_default(), out);
                out.push(',');
                start = at + 1;
            }
            _ => {}
        }
    }
    emit_expression(tokens.get(start..).unwrap_or_default(), out);
}

fn emit_expression(tokens: &[Token<'_>], out: &mut String) {
    let outer = shape(tokens);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let (open, closing) = (token.text, closing(tokens, at));
        let Some(end) = closing else {
            push(*token, out);
            at += 1;
            continue;
        };
        let inner = tokens.get(at + 1..end).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|b| tokens.get(b));
        let after = tokens.get(end + 1);
        if open == "(" && is_needless(outer, inner, before, after, !token.blanks.is_empty(), at == 0) {
            let mut plain = String::new();
            emit(inner, &mut plain);
            out.push_str(token.blanks);
            out.push_str(plain.trim_start());
        } else {
            push(*token, out);
            emit(inner, out);
            out.push_str(if open == "(" { ")" } else { "]" });
        }
        at = end + 1;
    }
}

fn push(token: Token<'_>, out: &mut String) {
    out.push_str(token.blanks);
    out.push_str(token.text);
}

/// Where the bracket at `at` is closed; none if there is none.
fn closing(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut level = 0usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.text {
            "(" | "[" => level += 1,
            ")" | "]" if level == 1 => return Some(place),
            ")" | "]" => level -= 1,
            _ if level == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Whether parentheses can go: those around `inner` in an expression of shape `outer`.
fn is_needless(
    outer: Shape<'_>,
    inner: &[Token<'_>],
    before: Option<&Token<'_>>,
    after: Option<&Token<'_>>,
    spaced: bool,
    first: bool,
) -> bool {
    let content = shape(unwrapped(inner));
    let is_call = before.is_some_and(|b| !spaced && (b.text.ends_with('"') || b.text.ends_with(is_word)));
    if is_call || before.is_some_and(|b| matches!(b.text, "ANY" | "ALL" | "SOME" | "IN" | "ROW" | "EXISTS")) {
        return false;
    }
    if after.is_some_and(|a| a.text == "::") {
        return content == Shape::Simple;
    }
    let branch = |token: Option<&Token<'_>>| token.is_some_and(|t| matches!(t.text, "WHEN" | "THEN" | "ELSE" | "END"));
    match (outer, content) {
        // The whole of an argument or of the expression.
        (Shape::Simple, _) => before.is_none() && after.is_none(),
        (_, Shape::Other) => false,
        (Shape::Other, _) => branch(before) && branch(after),
        (_, Shape::Simple) => true,
        (Shape::And | Shape::Or | Shape::Not, Shape::Operator(_)) => !compares_elements(inner),
        (Shape::And | Shape::Or | Shape::Not, Shape::Test) => true,
        (Shape::And | Shape::Or, Shape::And | Shape::Not) => true,
        (Shape::Or, Shape::Or) => true,
        (Shape::Operator(parent), Shape::Operator(child)) => binds_tighter(child, parent, first),
        _ => false,
    }
}

/// Whether an operator compares with the elements of an array.
fn compares_elements(tokens: &[Token<'_>]) -> bool {
    let mut level = 0usize;
    unwrapped(tokens).iter().any(|token| {
        match token.text {
            "(" | "[" => level += 1,
            ")" | "]" => level = level.saturating_sub(1),
            _ => {}
        }
        level == 0 && matches!(token.text, "ANY" | "ALL")
    })
}

/// An expression without the parentheses around the whole of it.
fn unwrapped<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    match tokens {
        [first, inner @ .., _] if first.text == "(" && closing(tokens, 0) == Some(tokens.len() - 1) => unwrapped(inner),
        _ => tokens,
    }
}

/// Arithmetic binds as everybody knows; everything else keeps its parentheses.
fn binds_tighter(child: &str, parent: &str, first: bool) -> bool {
    let high = |op: &str| matches!(op, "*" | "/" | "%");
    let low = |op: &str| matches!(op, "+" | "-");
    match () {
        () if high(child) && low(parent) => true,
        () if low(child) && high(parent) => false,
        () => first && (high(child) || low(child)) && (high(parent) || low(parent)),
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn parentheses_go_as_postgresql_lets_them_go() {
        // Recorded: pg_get_constraintdef(oid) and pg_get_constraintdef(oid, true).
        for (plain, expected) in [
            ("((a > 0) AND (b < 1))", "a > 0 AND b < 1"),
            ("(((a > 0) OR (b < 1)) AND (c IS NOT NULL))", "(a > 0 OR b < 1) AND c IS NOT NULL"),
            ("(((a > 0) AND (b < 1)) OR (NOT d))", "a > 0 AND b < 1 OR NOT d"),
            ("((a + (b * 2)) > ((a - b) - c))", "(a + b * 2) > (a - b - c)"),
            ("((a - (b - c)) > 0)", "(a - (b - c)) > 0"),
            ("(((a + b) * c) = 0)", "((a + b) * c) = 0"),
            (
                "((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                "s::text = ANY (ARRAY['a'::character varying, 'b'::character varying]::text[])",
            ),
            ("(length((s)::text) > (2 + 3))", "length(s::text) > (2 + 3)"),
            ("((s)::text ~~ 'x(%'::text)", "s::text ~~ 'x(%'::text"),
            ("(COALESCE(a, (b + 1)) > 0)", "COALESCE(a, b + 1) > 0"),
            ("(NOT ((a > 0) AND (b > 0)))", "NOT (a > 0 AND b > 0)"),
            ("((m >= (1)::numeric) AND (m <= (2)::numeric))", "m >= 1::numeric AND m <= 2::numeric"),
            ("((t ~ '^a'::text) OR ((a = 1) OR (b = 2)))", "t ~ '^a'::text OR a = 1 OR b = 2"),
            ("((a > 0) IS TRUE)", "(a > 0) IS TRUE"),
            ("((- a) > 0)", "(- a) > 0"),
            ("(a = ANY (ARRAY[1, 2]))", "a = ANY (ARRAY[1, 2])"),
            ("(lower(t) = t)", "lower(t) = t"),
            ("(((a % 2) = 0) AND ((b > 0) = (c > 0)))", "(a % 2) = 0 AND (b > 0) = (c > 0)"),
            ("((t IS NOT NULL) AND (t <> ''::text))", "t IS NOT NULL AND t <> ''::text"),
            ("(m > '-1.5'::numeric)", "m > '-1.5'::numeric"),
            ("((t || (s)::text) <> 'x'::text)", "(t || s::text) <> 'x'::text"),
            ("CASE WHEN (a > 0) THEN (b = 1) ELSE (c IS NULL) END", "CASE WHEN a > 0 THEN b = 1 ELSE c IS NULL END"),
            ("nextval('t_id_seq'::regclass)", "nextval('t_id_seq'::regclass)"),
        ] {
            assert_eq!(pretty(plain), expected, "{plain}");
        }
    }
}
