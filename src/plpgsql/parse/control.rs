//! IF, CASE and the loops: pl_gram.y from stmt_if to foreach_slice.
//!
//! Must not know: other statements.

use crate::error::{Result, SqlState};
use crate::plpgsql::function::Variable;
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::{Tok, TokKind};
use crate::plpgsql::parse::sql::{Construct, Until};
use crate::plpgsql::query::QueryKind;
use crate::plpgsql::scope::LabelKind;
use crate::plpgsql::tree::{Body, Case, Expression, ForInteger, Kind, Label, QuerySource, Root, Statement, Target};
use crate::plpgsql::value::{DataType, TypeKind};

/// What stands between FOR and IN. A name may be that of a variable, or of a new one.
struct ForVariable {
    name: String,
    start: usize,
    line: u32,
    known: Known,
}

/// The variables that are known.
enum Known {
    None,
    Record(u32),
    Scalar(Root),
    /// More than one.
    List(Target),
}

const ROWS_VARIABLE: &str = "loop variable of loop over rows must be a record variable or list of scalar variables";

impl Parser<'_> {
    /// Behind IF.
    pub(super) fn stmt_if(&mut self) -> Result<Kind> {
        let mut branches = Vec::new();
        loop {
            let condition = self.expression_until(Word::Then, "THEN")?;
            branches.push((condition, self.proc_sect()?));
            if !self.eat(Word::Elsif)? {
                break;
            }
        }
        let otherwise = if self.eat(Word::Else)? { self.proc_sect()? } else { Vec::new() };
        self.expect(Word::End)?;
        self.expect(Word::If)?;
        self.expect_symbol(b';')?;
        Ok(Kind::If { branches, otherwise })
    }

    /// Behind CASE.
    pub(super) fn stmt_case(&mut self, start: usize) -> Result<Kind> {
        let subject = match self.at_word(Word::When)? {
            true => None,
            false => {
                let (subject, until) = self.expression(&[Until::Word(Word::When)], "WHEN")?;
                if until == Until::End {
                    return Err(self.raw_error("missing expression"));
                }
                self.at -= 1;
                Some(subject)
            }
        };
        let mut branches: Vec<(Construct, Body)> = Vec::new();
        loop {
            self.expect(Word::When)?;
            let construct = self.construct(&[Until::Word(Word::Then)], "THEN", true)?;
            self.check(&format!("SELECT {}", self.text(&construct)), construct.start, -7)?;
            branches.push((construct, self.proc_sect()?));
            if !self.at_word(Word::When)? {
                break;
            }
        }
        let otherwise = if self.eat(Word::Else)? { Some(self.proc_sect()?) } else { None };
        self.expect(Word::End)?;
        self.expect(Word::Case)?;
        self.expect_symbol(b';')?;
        let line = self.line(start);
        let subject = match subject {
            Some(subject) => Some((self.case_variable(&subject, line)?, subject)),
            None => None,
        };
        let variable = subject.as_ref().map(|(number, _)| *number);
        let branch = |(construct, body)| Ok((self.case_when(&construct, variable)?, body));
        let branches = branches.into_iter().map(branch).collect::<Result<Vec<(Expression, Body)>>>()?;
        Ok(Kind::Case(Case { subject: subject.map(|(number, subject)| (subject, number)), branches, otherwise }))
    }

    /// The variable that holds what is compared. Its type is known now for a simple expression, and else when it has its
    /// value.
    fn case_variable(&mut self, subject: &Expression, line: u32) -> Result<u32> {
        let unknown = DataType { kind: TypeKind::Pseudo, ..DataType::UNKNOWN };
        let data_type = subject.simple.as_ref().map_or(unknown, |simple| simple.data_type());
        let number = self.variables.len() as u32;
        let name = format!("__Case__Variable_{number}__");
        self.names.declare(&name, number, false);
        self.variables.push(Variable {
            name,
            line,
            data_type,
            columns: None,
            constant: false,
            not_null: false,
            default: None,
            cursor: None,
        });
        Ok(number)
    }

    fn case_when(&mut self, construct: &Construct, variable: Option<u32>) -> Result<Expression> {
        let Some(variable) = variable else { return self.expression_of(construct) };
        let text = format!("\"{}\" IN ({})", self.variable(variable)?.name, self.text(construct));
        self.make_expression(&text, &text, QueryKind::Expression, construct.start)
    }

    // ----- loops

    /// A loop, behind its label.
    pub(super) fn loop_statement(&mut self, label: Label) -> Result<Statement> {
        self.names.begin(label.as_deref(), LabelKind::Loop);
        let tok = self.take()?;
        let kind = match tok.kind {
            TokKind::Word(Word::Loop) => Kind::Loop { label: label.clone(), body: self.loop_body(&label)? },
            TokKind::Word(Word::While) => {
                let condition = self.expression_until(Word::Loop, "LOOP")?;
                Kind::While { label: label.clone(), condition, body: self.loop_body(&label)? }
            }
            TokKind::Word(Word::For) => self.stmt_for(&label)?,
            _ => self.stmt_foreach(&label)?,
        };
        self.names.end();
        let line = self.line(tok.start);
        Ok(Statement { line, kind })
    }

    /// loop_body, behind LOOP.
    fn loop_body(&mut self, label: &Label) -> Result<Body> {
        let body = self.proc_sect()?;
        self.expect(Word::End)?;
        self.expect(Word::Loop)?;
        self.end_label(label)?;
        self.expect_symbol(b';')?;
        Ok(body)
    }

    fn for_variable(&mut self) -> Result<ForVariable> {
        let tok = self.take()?;
        let line = self.line(tok.start);
        let known = match &tok.kind {
            TokKind::Variable(found) if found.is_record => match found.root {
                Root::Variable(number) | Root::Field(number, _) => Known::Record(number),
            },
            TokKind::Variable(_) if self.at_symbol(b',') => Known::List(self.scalar_list(&tok)?),
            TokKind::Variable(found) => Known::Scalar(found.root.clone()),
            TokKind::Name if !self.at_symbol(b',') => Known::None,
            _ => return Err(self.not_a_variable(&tok)),
        };
        Ok(ForVariable { name: tok.name(), start: tok.start, line, known })
    }

    /// What takes the rows.
    fn rows_target(&self, variable: &ForVariable, code: SqlState) -> Result<Target> {
        match &variable.known {
            Known::None => Err(self.error_at(variable.start, code, ROWS_VARIABLE)),
            Known::Record(number) => {
                self.check_assignable(&Root::Variable(*number), variable.start)?;
                Ok(Target::Record(*number))
            }
            Known::Scalar(root) => {
                self.check_assignable(root, variable.start)?;
                Ok(Target::List(vec![root.clone()]))
            }
            Known::List(target) => Ok(target.clone()),
        }
    }

    fn stmt_for(&mut self, label: &Label) -> Result<Kind> {
        let variable = self.for_variable()?;
        self.expect(Word::In)?;
        let tok = self.peek()?;
        if tok.kind == TokKind::Word(Word::Execute) {
            self.take()?;
            return self.for_execute(&variable, label);
        }
        if let TokKind::Variable(found) = &tok.kind
            && let Root::Variable(cursor) = found.root
            && self.variable(cursor)?.data_type.oid == DataType::REFCURSOR.oid
        {
            self.take()?;
            return self.for_cursor(variable, cursor, &tok, label);
        }
        let reverse = self.eat_loosely(Word::Reverse)?;
        let first = self.construct(&[Until::DotDot, Until::Word(Word::Loop)], "LOOP", true)?;
        if first.until == Until::DotDot {
            return self.for_integer(variable, &first, reverse, label);
        }
        if reverse {
            return Err(self.wrong_syntax(tok.start, "cannot specify REVERSE in query FOR loop"));
        }
        let text = self.text(&first);
        self.check(text, first.start, 0)?;
        let target = self.rows_target(&variable, SqlState::SYNTAX_ERROR)?;
        let query = self.make_query(text.to_owned(), text.to_owned(), QueryKind::Statement, 0);
        let body = self.loop_body(label)?;
        Ok(Kind::ForQuery { label: label.clone(), target, source: QuerySource::Query(query), body })
    }

    fn for_execute(&mut self, variable: &ForVariable, label: &Label) -> Result<Kind> {
        self.is_dynamic = true;
        let ends = [Until::Word(Word::Loop), Until::Word(Word::Using)];
        let (text, until) = self.expression(&ends, "LOOP or USING")?;
        let target = self.rows_target(variable, SqlState::DATATYPE_MISMATCH)?;
        let using = match until {
            Until::Word(Word::Using) => self.expressions(Until::Word(Word::Loop), ", or LOOP")?,
            _ => Vec::new(),
        };
        let body = self.loop_body(label)?;
        Ok(Kind::ForQuery { label: label.clone(), target, source: QuerySource::Execute { text, using }, body })
    }

    fn for_cursor(&mut self, variable: ForVariable, cursor: u32, tok: &Tok, label: &Label) -> Result<Kind> {
        if matches!(variable.known, Known::List(_)) {
            return Err(self.wrong_syntax(variable.start, "cursor FOR loop must have only one target variable"));
        }
        if self.variable(cursor)?.cursor.is_none() {
            return Err(self.wrong_syntax(tok.start, "cursor FOR loop must use a bound cursor variable"));
        }
        let arguments = self.cursor_arguments(cursor, Until::Word(Word::Loop))?;
        let record = self.declare(&variable.name, variable.line, DataType::RECORD)?;
        let body = self.loop_body(label)?;
        Ok(Kind::ForCursor { label: label.clone(), cursor, arguments, record, body })
    }

    fn for_integer(&mut self, variable: ForVariable, lower: &Construct, reverse: bool, label: &Label) -> Result<Kind> {
        let lower = self.expression_of(lower)?;
        let (upper, until) = self.expression(&[Until::Word(Word::Loop), Until::Word(Word::By)], "LOOP")?;
        let step = match until {
            Until::Word(Word::By) => Some(self.expression_until(Word::Loop, "LOOP")?),
            _ => None,
        };
        if matches!(variable.known, Known::List(_)) {
            return Err(self.wrong_syntax(variable.start, "integer FOR loop must have only one target variable"));
        }
        let number = self.declare(&variable.name, variable.line, DataType::INT4)?;
        let body = self.loop_body(label)?;
        let label = label.clone();
        Ok(Kind::ForInteger(Box::new(ForInteger { label, variable: number, reverse, lower, upper, step, body })))
    }

    fn stmt_foreach(&mut self, label: &Label) -> Result<Kind> {
        let variable = self.for_variable()?;
        let slice = match self.eat(Word::Slice)? {
            true => match self.take()? {
                tok if tok.kind == TokKind::Integer => {
                    self.scanner.text.get(tok.start..tok.end).and_then(|n| n.parse().ok()).unwrap_or(0)
                }
                tok => return Err(self.syntax_error(&tok)),
            },
            false => 0,
        };
        self.expect(Word::In)?;
        self.expect(Word::Array)?;
        let array = self.expression_until(Word::Loop, "LOOP")?;
        let body = self.loop_body(label)?;
        let target = match &variable.known {
            Known::None => {
                let message = "loop variable of FOREACH must be a known variable or list of variables";
                return Err(self.wrong_syntax(variable.start, message));
            }
            _ => self.rows_target(&variable, SqlState::SYNTAX_ERROR)?,
        };
        Ok(Kind::ForEach { label: label.clone(), target, slice, array, body })
    }
}
