//! The type of a declaration: pl_gram.y's read_datatype(), and %TYPE and %ROWTYPE.
//!
//! Must not know: which types there are.

use crate::error::Result;
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::TokKind;
use crate::plpgsql::value::DataType;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parse;

impl Parser<'_> {
    /// decl_datatype
    pub(super) fn decl_datatype(&mut self) -> Result<DataType> {
        let first = self.peek()?;
        let is_name = match &first.kind {
            TokKind::Name | TokKind::CompoundName => true,
            TokKind::Word(word) => Word::reserved(word.text()).is_none(),
            _ => false,
        };
        if is_name && self.scanner.raw(first.next).kind == TokenKind::Symbol(b'%') {
            let from = std::mem::replace(&mut self.at, first.next + 1);
            let of = self.peek()?;
            let found = match () {
                () if of.is(Word::Type) => self.type_of(&first.names)?,
                () if of.is(Word::Rowtype) && first.names.len() <= 2 => Some(self.types.of_row(&first.names)?),
                () => None,
            };
            if let Some(found) = found {
                self.at = of.next;
                return Ok(found);
            }
            self.at = from;
        }
        let end = self.type_end()?;
        let text = self.scanner.text.get(first.start..end).unwrap_or("").trim_end();
        if text.is_empty() {
            return Err(self.error_near(&self.peek()?, "missing data type declaration"));
        }
        self.named_type(text, first.start)
    }

    /// Goes to what can follow a type; where that stands.
    fn type_end(&mut self) -> Result<usize> {
        let mut depth = 0_i32;
        loop {
            let tok = self.peek()?;
            match tok.kind {
                TokKind::End if depth != 0 => return Err(self.error_near(&tok, "mismatched parentheses")),
                TokKind::End => return Err(self.error_near(&tok, "incomplete data type declaration")),
                TokKind::Word(Word::Collate | Word::Not | Word::Default) => return Ok(tok.start),
                TokKind::Symbol(b';' | b'=') | TokKind::ColonEquals => return Ok(tok.start),
                TokKind::Symbol(b',' | b')') if depth == 0 => return Ok(tok.start),
                TokKind::Symbol(b'(') => depth += 1,
                TokKind::Symbol(b')') => depth -= 1,
                TokKind::Other => return Err(self.syntax_error(&tok)),
                _ => {}
            }
            self.at = tok.next;
        }
    }

    /// What %TYPE gives: a variable's type, a type's own, a column's.
    fn type_of(&mut self, names: &[String]) -> Result<Option<DataType>> {
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let scalar = match self.names.lookup(self.names.top(), &parts) {
            Some(named) if !named.is_record && parts.len() <= 2 => Some(self.variable(named.number)?.data_type),
            Some(_) if parts.len() == 1 => return Ok(None),
            _ => None,
        };
        match names {
            _ if scalar.is_some() => Ok(scalar),
            [name] => {
                let quoted = format!("\"{}\"", name.replace('"', "\"\""));
                Ok(self.types.named(&quoted).ok().filter(|data_type| !data_type.is_row()))
            }
            names => self.types.of_column(names),
        }
    }

    /// parse_datatype()
    fn named_type(&mut self, text: &str, start: usize) -> Result<DataType> {
        if let Err(error) = parse::type_name(text) {
            return Err(self.within(error.within(format!("invalid type name \"{text}\"")), start, 0));
        }
        self.types.named(text).map_err(|error| self.within(error, start, 0))
    }
}
