//! The default parser: text to tokens.
//!
//! Owns: [`Parser`]. Specification: textsearch-parsers.html; TParserGet in PostgreSQL 15's wparser_def.c, a machine that keeps
//! states on a stack to come back to. Its table is `states`.

use super::marks::is_mark;
use super::rules::rules;
use super::states::{BINGO, CLEAR, CLEAR_ALL, Class, MERGE, POP, PUSH, RERUN, Rule, State, Then};
use super::tokens::Kind;
use crate::error::Result;
use crate::limits::session as limits;
use crate::limits::stack;

/// Where the machine is, and what it has read for the token.
#[derive(Clone, Copy)]
struct Place {
    state: State,
    at: usize,
    bytes: usize,
    characters: usize,
    /// The rule that kept this state; behind it is where it goes on.
    pushed: Option<usize>,
}

/// Reads a text token by token.
pub struct Parser<'t> {
    text: &'t str,
    /// The last one is the current one.
    places: Vec<Place>,
    /// Inside of a script or style sheet, whose text is none.
    ignore: bool,
    /// Only a host's name is looked for.
    want_host: bool,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str) -> Self {
        Parser::starting_in(text, State::Base)
    }

    fn starting_in(text: &'t str, state: State) -> Self {
        let place = Place { state: State::Base, at: 0, bytes: 0, characters: 0, pushed: None };
        let mut places = vec![place];
        if state != State::Base {
            places.push(Place { state, ..place });
        }
        Parser { text, places, ignore: false, want_host: false }
    }

    fn place(&mut self) -> &mut Place {
        if self.places.is_empty() {
            self.places.push(Place { state: State::Base, at: self.text.len(), bytes: 0, characters: 0, pushed: None });
        }
        let last = self.places.len() - 1;
        &mut self.places[last]
    }

    /// The next token.
    pub fn next_token(&mut self) -> Result<Option<(Kind, &'t str)>> {
        let text = self.text;
        let start = self.place().at;
        if start >= text.len() {
            return Ok(None);
        }
        self.place().pushed = None;
        loop {
            limits::work(8)?;
            let Place { state, at, pushed, .. } = *self.place();
            let next = text.get(at..).and_then(|rest| rest.chars().next());
            self.place().pushed = None;
            let Some((index, rule)) = self.fitting(rules(state), pushed.map_or(0, |pushed| pushed + 1), next)? else {
                return Ok(None);
            };
            self.then(rule.then, start);
            let mut token = None;
            if let Some(kind) = rule.kind.filter(|_| rule.actions & BINGO != 0) {
                let place = self.place();
                token = Some((kind, text.get(start..start + place.bytes).unwrap_or("")));
                (place.bytes, place.characters) = (0, 0);
            }
            self.act(rule.actions, index);
            if let Some(to) = rule.to {
                self.place().state = to;
            }
            if token.is_some() {
                return Ok(token);
            }
            if self.place().at >= text.len() && rule.actions & RERUN == 0 {
                return Ok(None);
            }
            if rule.actions & (RERUN | POP) == 0
                && let Some(next) = next
            {
                let place = self.place();
                place.at += next.len_utf8();
                place.bytes += next.len_utf8();
                place.characters += 1;
            }
        }
    }

    /// The first of a state's rules that fits, from one of them on.
    fn fitting(
        &mut self,
        rules: &'static [Rule],
        from: usize,
        next: Option<char>,
    ) -> Result<Option<(usize, &'static Rule)>> {
        for (index, rule) in rules.iter().enumerate().skip(from) {
            if self.fits(rule.class, next)? {
                return Ok(Some((index, rule)));
            }
        }
        Ok(None)
    }

    fn fits(&mut self, class: Class, next: Option<char>) -> Result<bool> {
        let is = |test: fn(char) -> bool| next.is_some_and(test);
        Ok(match class {
            Class::Any => true,
            Class::End => next.is_none(),
            Class::Is(character) => next == Some(character),
            Class::Alphabetic => is(char::is_alphabetic),
            Class::Alphanumeric => is(char::is_alphanumeric),
            Class::NotAlphanumeric => !is(char::is_alphanumeric),
            Class::AsciiLetter => is(|c| c.is_ascii_alphabetic()),
            Class::Digit => is(|c| c.is_ascii_digit()),
            Class::HexDigit => is(|c| c.is_ascii_hexdigit()),
            Class::Space => is(char::is_whitespace),
            Class::UrlCharacter => is(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c)),
            Class::Special => next.is_none_or(is_mark),
            Class::Ignore => self.ignore,
            Class::StopHost => std::mem::take(&mut self.want_host),
            Class::IsHost => self.takes(State::Base, Kind::Host)?,
            Class::IsUrlPath => self.takes(State::InURLPathFirst, Kind::UrlPath)?,
        })
    }

    /// Whether a token of that kind follows, which then is part of this one.
    fn takes(&mut self, state: State, kind: Kind) -> Result<bool> {
        stack::check()?;
        let rest = self.text.get(self.place().at..).unwrap_or("");
        let mut inner = Parser::starting_in(rest, state);
        inner.want_host = kind == Kind::Host;
        match inner.next_token()? {
            Some((found, token)) if found == kind => {
                let place = self.place();
                place.at += token.len();
                place.bytes += token.len();
                place.characters += token.chars().count();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn then(&mut self, then: Then, start: usize) {
        let Place { at, bytes, characters, .. } = *self.place();
        match then {
            Then::Nothing => {}
            Then::SkipTags => {
                let token = self.text.get(start..at).unwrap_or("");
                let begins = |tag: &str| {
                    characters == tag.len()
                        && token.get(..tag.len()).is_some_and(|token| token.eq_ignore_ascii_case(tag))
                };
                if begins("</script") || begins("</style") {
                    self.ignore = false;
                } else if begins("<script") || begins("<style") {
                    self.ignore = true;
                }
            }
            Then::ReadUrl => {
                self.want_host = true;
                self.place().at = at.saturating_sub(bytes);
            }
            Then::ReadAgain => self.place().at = at.saturating_sub(bytes),
            Then::Forget => {
                let place = self.place();
                place.at = at.saturating_sub(bytes);
                (place.bytes, place.characters) = (0, 0);
            }
        }
    }

    /// What a rule does to the states kept.
    fn act(&mut self, actions: u8, index: usize) {
        let current = *self.place();
        if actions & POP != 0 {
            self.places.pop();
        } else if actions & PUSH != 0 {
            self.place().pushed = Some(index);
            self.places.push(current);
        } else if actions & CLEAR != 0 {
            if self.places.len() > 1 {
                self.places.remove(self.places.len() - 2);
            }
        } else if actions & CLEAR_ALL != 0 {
            self.places = vec![current];
        } else if actions & MERGE != 0 {
            self.places.pop();
            let place = self.place();
            (place.at, place.bytes, place.characters) = (current.at, current.bytes, current.characters);
        }
    }
}
