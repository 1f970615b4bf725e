//! Parts of a text that show what a query finds in it.
//!
//! Owns: [`headline`], [`Options`]. Specification: textsearch-controls.html#TEXTSEARCH-HEADLINE; prsd_headline in PostgreSQL
//! 15's wparser_def.c, hlparsetext and generateHeadline in ts_parse.c.

use super::configuration::Configuration;
use super::matching::execute;
use super::parser::Parser;
use super::query::{Node, TsQuery, Value};
use super::rank::give_places;
use super::tokens::Kind;
use super::vector::{MAX_LEXEME, MAX_POSITION};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::number_text::parse_integer;

/// How a headline looks.
#[derive(Clone, Debug)]
pub struct Options {
    max_words: i32,
    min_words: i32,
    short_word: i32,
    max_fragments: i32,
    highlight_all: bool,
    start: String,
    stop: String,
    delimiter: String,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.into())
}

impl Options {
    /// Reads `name = value, …` (deserialize_deflist).
    pub fn parse(text: &str) -> Result<Self> {
        let mut options = Options {
            max_words: 35,
            min_words: 15,
            short_word: 3,
            max_fragments: 0,
            highlight_all: false,
            start: "<b>".to_owned(),
            stop: "</b>".to_owned(),
            delimiter: " ... ".to_owned(),
        };
        let mut rest = text;
        while let Some((name, value, behind)) = next_option(rest, text)? {
            options.set(&name, value)?;
            rest = behind;
        }
        options.checked()
    }

    fn set(&mut self, name: &str, value: String) -> Result<()> {
        let number = |value: &str| Ok(parse_integer(value, "integer", i32::MIN.into(), i32::MAX.into())? as i32);
        match name.to_ascii_lowercase().as_str() {
            "maxwords" => self.max_words = number(&value)?,
            "minwords" => self.min_words = number(&value)?,
            "shortword" => self.short_word = number(&value)?,
            "maxfragments" => self.max_fragments = number(&value)?,
            "startsel" => self.start = value,
            "stopsel" => self.stop = value,
            "fragmentdelimiter" => self.delimiter = value,
            "highlightall" => {
                let value = value.to_ascii_lowercase();
                self.highlight_all = matches!(value.as_str(), "1" | "on" | "true" | "t" | "y" | "yes");
            }
            _ => return Err(invalid(format!("unrecognized headline parameter: \"{name}\""))),
        }
        Ok(())
    }

    fn checked(self) -> Result<Self> {
        if !self.highlight_all {
            if self.min_words >= self.max_words {
                return Err(invalid("MinWords should be less than MaxWords"));
            }
            if self.min_words <= 0 {
                return Err(invalid("MinWords should be positive"));
            }
            if self.short_word < 0 {
                return Err(invalid("ShortWord should be >= 0"));
            }
            if self.max_fragments < 0 {
                return Err(invalid("MaxFragments should be >= 0"));
            }
        }
        let texts = [("StartSel", &self.start), ("StopSel", &self.stop), ("FragmentDelimiter", &self.delimiter)];
        match texts.iter().find(|(_, text)| text.len() > i16::MAX as usize) {
            Some((name, _)) => Err(invalid(format!("value for \"{name}\" is too long"))),
            None => Ok(self),
        }
    }

    /// How many words are looked at for one match.
    fn max_cover(&self) -> isize {
        let cover = self.max_words.saturating_mul(10).max(100);
        (if self.max_fragments > 0 { cover.saturating_mul(self.max_fragments) } else { cover }) as isize
    }
}

/// The next option: its name, its value, and what follows.
fn next_option<'t>(rest: &'t str, whole: &str) -> Result<Option<(String, String, &'t str)>> {
    let invalid_list = || Error::new(SqlState::SYNTAX_ERROR, format!("invalid parameter list format: \"{whole}\""));
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    if rest.is_empty() {
        return Ok(None);
    }
    let (name, rest) = word(rest, '"', |c| c.is_whitespace() || c == '=').ok_or_else(invalid_list)?;
    let rest = rest.trim_start().strip_prefix('=').ok_or_else(invalid_list)?.trim_start();
    let quote = if rest.starts_with('"') { '"' } else { '\'' };
    let (value, rest) = word(rest, quote, |c| c.is_whitespace() || c == ',').ok_or_else(invalid_list)?;
    if !rest.is_empty() && !rest.starts_with(|c: char| c.is_whitespace() || c == ',') {
        return Err(invalid_list());
    }
    Ok(Some((name, value, rest)))
}

/// A word in quotes, in which they are doubled, or up to what ends it.
fn word(text: &str, quote: char, ends: impl Fn(char) -> bool) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix(quote) else {
        let end = text.find(ends).unwrap_or(text.len());
        return Some((text.get(..end)?.to_owned(), text.get(end..)?)).filter(|(word, _)| !word.is_empty());
    };
    let mut word = String::new();
    let mut rest = quoted;
    loop {
        let (before, behind) = rest.split_once(quote)?;
        word.push_str(before);
        match behind.strip_prefix(quote) {
            Some(behind) => {
                word.push(quote);
                rest = behind;
            }
            None => return Some((word, behind)),
        }
    }
}

/// A token of the text (HeadlineWordEntry). One that several of the query's words find is there once for each.
struct Word<'t, 'q> {
    text: &'t str,
    kind: Kind,
    item: Option<&'q Value>,
    place: i32,
    repeated: bool,
    selected: bool,
    /// In the headline.
    within: bool,
    /// A blank stands for it.
    replaced: bool,
    skipped: bool,
}

/// The parts of compounds follow them.
fn is_compound(kind: Kind) -> bool {
    matches!(kind, Kind::Url | Kind::NumHword | Kind::AsciiHword | Kind::Hword)
}

fn is_no_word(kind: Kind) -> bool {
    is_compound(kind) || matches!(kind, Kind::Blank | Kind::Tag)
}

fn cannot_end(kind: Kind) -> bool {
    use Kind::{Entity, Float, Int, Protocol, Sfloat, Uint, Version};
    is_no_word(kind) || matches!(kind, Sfloat | Version | Float | Int | Uint | Protocol | Entity)
}

struct Text<'t, 'q> {
    words: Vec<Word<'t, 'q>>,
    root: Option<&'q Node>,
    options: &'q Options,
}

/// Where a match stands, and what is in it.
struct Fragment {
    start: isize,
    end: isize,
    /// Words.
    length: i32,
    /// Words that the query finds.
    found: i32,
    chosen: bool,
    excluded: bool,
}

/// ts_headline
pub fn headline(
    configuration: &'static Configuration,
    text: &str,
    query: &TsQuery,
    options: &Options,
) -> Result<String> {
    let words = read(configuration, text, query)?;
    let mut text = Text { words, root: query.root.as_ref(), options };
    if options.max_fragments == 0 {
        text.mark_words()?
    } else {
        text.mark_fragments()?
    }
    text.write()
}

fn read<'t, 'q>(configuration: &'static Configuration, text: &'t str, query: &'q TsQuery) -> Result<Vec<Word<'t, 'q>>> {
    let mut values = Vec::new();
    if let Some(root) = &query.root {
        root.each_value(&mut |value| values.push(value));
    }
    let mut words: Vec<Word<'t, 'q>> = Vec::new();
    let mut place = 0u32;
    let mut parser = Parser::new(text);
    while let Some((kind, token)) = parser.next()? {
        if token.len() >= MAX_LEXEME {
            continue;
        }
        let lexeme = match configuration.dictionary_for(kind) {
            Some(dictionary) => {
                place += 1;
                dictionary.lexize(token)?
            }
            None => None,
        };
        let new = |item, repeated, place| Word {
            text: token,
            kind,
            item,
            place,
            repeated,
            selected: false,
            within: false,
            replaced: false,
            skipped: false,
        };
        let Some(lexeme) = lexeme else {
            words.push(new(None, false, 0));
            continue;
        };
        limits::work(values.len() * 16)?;
        let own_place = place.min(MAX_POSITION.into()) as i32;
        let fits = |value: &&&Value| {
            if value.prefix { lexeme.starts_with(&value.text) } else { lexeme == value.text }
        };
        let mut found = values.iter().filter(fits);
        words.push(new(found.next().copied(), false, own_place));
        words.extend(found.map(|value| new(Some(*value), true, own_place)));
    }
    Ok(words)
}

impl<'t, 'q> Text<'t, 'q> {
    fn word(&self, index: isize) -> Option<&Word<'t, 'q>> {
        self.words.get(usize::try_from(index).ok()?)
    }

    fn count(&self) -> isize {
        self.words.len() as isize
    }

    /// 1 for a word, 0 for what is none.
    fn words_at(&self, index: isize) -> i32 {
        self.word(index).is_some_and(|word| !is_no_word(word.kind)).into()
    }

    fn is_interesting(&self, index: isize) -> bool {
        self.word(index).is_some_and(|word| word.item.is_some() && !word.repeated)
    }

    fn is_bad_end(&self, index: isize) -> bool {
        let short = self.options.short_word;
        let poor = |word: &Word<'_, '_>| cannot_end(word.kind) || word.text.len() as i64 <= i64::from(short);
        self.word(index).is_some_and(poor) && !self.is_interesting(index)
    }

    fn first_found(&self, from: isize) -> Option<isize> {
        (from.max(0)..self.count()).find(|index| self.word(*index).is_some_and(|word| word.item.is_some()))
    }

    /// The next match from a word on (hlCover).
    fn cover(&self, from: isize) -> Result<Option<(isize, isize)>> {
        let Some(root) = self.root else { return Ok(None) };
        let max_cover = self.options.max_cover();
        let mut first = self.first_found(from);
        while let Some(start) = first {
            let mut next_start = None;
            let mut last = Some(start);
            while let Some(end) = last.filter(|end| *end == start || *end - start < max_cover) {
                if self.fulfils(root, start, end)? {
                    return Ok(Some((start, end)));
                }
                last = self.first_found(end + 1);
                if end == start {
                    next_start = last;
                }
            }
            first = next_start;
        }
        Ok(None)
    }

    fn fulfils(&self, root: &Node, start: isize, end: isize) -> Result<bool> {
        let words = self.words.get(start as usize..=end as usize).unwrap_or(&[]);
        execute(root, &mut |value, out| {
            limits::work(words.len())?;
            let is = |word: &&Word<'_, '_>| word.item.is_some_and(|item| std::ptr::eq(item, value));
            let mut places: Vec<i32> = words.iter().filter(is).map(|word| word.place).collect();
            places.dedup();
            Ok(give_places(out, places))
        })
    }

    fn mark(&mut self, start: isize, end: isize) {
        let all = self.options.highlight_all;
        let range = start.max(0) as usize..(end + 1).max(0) as usize;
        for word in self.words.get_mut(range).unwrap_or(&mut []) {
            word.selected |= word.item.is_some();
            if !all && word.kind == Kind::Tag {
                word.replaced = true;
            } else if is_compound(word.kind) {
                word.skipped = true;
            }
            word.within = !word.repeated;
        }
    }

    /// The first words, where nothing is found.
    fn mark_beginning(&mut self) {
        let (mut end, mut length) = (-1, 0);
        while end + 1 < self.count() && length < self.options.min_words {
            end += 1;
            length += self.words_at(end);
        }
        self.mark(0, end);
    }

    /// One part (mark_hl_words).
    fn mark_words(&mut self) -> Result<()> {
        if self.options.highlight_all {
            let last = self.count() - 1;
            self.mark(0, last);
            return Ok(());
        }
        let mut best: Option<(isize, isize, i32, bool)> = None;
        let mut from = 0;
        while let Some((start, end)) = self.cover(from)? {
            let (part_start, part_end, found) = self.part(start, end)?;
            let whole = part_start <= start && part_end >= end;
            let better = best.is_none_or(|(_, best_end, best_found, best_whole)| {
                whole & !best_whole
                    || whole == best_whole
                        && (found > best_found
                            || found == best_found && !self.is_bad_end(part_end) && self.is_bad_end(best_end))
            });
            if better {
                best = Some((part_start, part_end, found, whole));
            }
            from = start + 1;
        }
        match best {
            Some((start, end, ..)) => self.mark(start, end),
            None => self.mark_beginning(),
        }
        Ok(())
    }

    /// A match made longer or shorter: its ends and how much it finds.
    fn part(&self, start: isize, end: isize) -> Result<(isize, isize, i32)> {
        let (min, max) = (self.options.min_words, self.options.max_words);
        let interesting = |index| i32::from(self.is_interesting(index));
        let (mut part_start, mut part_end, mut length, mut found) = (start, start, 0, 0);
        let mut index = start;
        while index <= end && length < max {
            length += self.words_at(index);
            found += interesting(index);
            part_end = index;
            index += 1;
        }
        limits::work((index - start) as usize * 4)?;
        if length < max {
            index -= 1;
            while index < self.count() && length < max {
                if index > end {
                    length += self.words_at(index);
                    found += interesting(index);
                }
                part_end = index;
                if !self.is_bad_end(index) && length >= min {
                    break;
                }
                index += 1;
            }
            if length < min {
                index = start - 1;
                while index >= 0 {
                    length += self.words_at(index);
                    found += interesting(index);
                    if length >= max || !self.is_bad_end(index) && length >= min {
                        break;
                    }
                    index -= 1;
                }
                part_start = index.max(0);
            }
        } else {
            index = index.min(end);
            while length > min && self.is_bad_end(index) {
                length -= self.words_at(index);
                found -= interesting(index);
                part_end = index - 1;
                index -= 1;
            }
        }
        Ok((part_start, part_end, found))
    }

    /// Several parts (mark_hl_fragments).
    fn mark_fragments(&mut self) -> Result<()> {
        let mut fragments = Vec::new();
        let mut from = 0;
        while let Some((start, end)) = self.cover(from)? {
            self.cut(start, end, &mut fragments)?;
            from = start + 1;
        }
        let mut marked = false;
        for _ in 0..self.options.max_fragments {
            limits::work(fragments.len() * 16 + 16)?;
            let mut best: Option<(usize, &Fragment)> = None;
            for (index, fragment) in fragments.iter().enumerate() {
                let better = best.is_none_or(|(_, best)| {
                    best.found < fragment.found || best.found == fragment.found && best.length > fragment.length
                });
                if !fragment.chosen && !fragment.excluded && fragment.found >= 0 && better {
                    best = Some((index, fragment));
                }
            }
            let Some((best, fragment)) = best else { break };
            let (start, end) = self.stretch(fragment);
            self.mark(start, end);
            marked = true;
            for (index, other) in fragments.iter_mut().enumerate() {
                if index == best {
                    other.chosen = true;
                } else if other.start <= end && other.end >= start {
                    other.excluded = true;
                }
            }
        }
        if !marked {
            self.mark_beginning();
        }
        Ok(())
    }

    /// Cuts a match into parts that are not too long (get_next_fragment).
    fn cut(&self, start: isize, end: isize, fragments: &mut Vec<Fragment>) -> Result<()> {
        let max = self.options.max_words;
        let mut start = start;
        while start <= end {
            limits::work(128)?;
            let mut last = end;
            let first = (start..=end).find(|index| self.is_interesting(*index)).unwrap_or(end);
            let (mut length, mut found, mut index) = (0, 0, first);
            while index <= last && length < max {
                length += self.words_at(index);
                found += i32::from(self.is_interesting(index));
                index += 1;
            }
            if last > index {
                last = index;
                while last >= first && !self.is_interesting(last) {
                    length -= self.words_at(last);
                    if last == first {
                        break;
                    }
                    last -= 1;
                }
            }
            fragments.push(Fragment { start: first, end: last, length, found, chosen: false, excluded: false });
            start = last + 1;
        }
        Ok(())
    }

    /// A part with words on both sides as far as there is room, its ends good ones.
    fn stretch(&self, fragment: &Fragment) -> (isize, isize) {
        let max = self.options.max_words;
        let Fragment { mut start, mut end, mut length, .. } = *fragment;
        if length >= max {
            return (start, end);
        }
        let taken = |index| self.word(index).is_some_and(|word| word.within);
        let most = (max - length) / 2;
        let (mut stretched, mut marker, mut index) = (0, start, start - 1);
        while index >= 0 && stretched < most && !taken(index) {
            length += self.words_at(index);
            stretched += self.words_at(index);
            marker = index;
            index -= 1;
        }
        while marker < start && self.is_bad_end(marker) {
            length -= self.words_at(marker);
            marker += 1;
        }
        start = marker;
        (marker, index) = (end, end + 1);
        while index < self.count() && length < max && !taken(index) {
            length += self.words_at(index);
            marker = index;
            index += 1;
        }
        while marker > end && self.is_bad_end(marker) {
            marker -= 1;
        }
        end = marker;
        (start, end)
    }

    fn write(&self) -> Result<String> {
        let Options { start, stop, delimiter, .. } = self.options;
        let mut out = String::new();
        let (mut inside, mut fragments) = (false, 0);
        for word in self.words.iter().filter(|word| !word.repeated) {
            if !word.within {
                inside = false;
                continue;
            }
            memory::room(out.len(), word.text.len() + start.len() + stop.len() + delimiter.len())?;
            if !inside {
                inside = true;
                fragments += 1;
                out.push_str(if fragments > 1 { delimiter } else { "" });
            }
            if word.replaced {
                out.push(' ');
            } else if !word.skipped {
                out.push_str(if word.selected { start } else { "" });
                out.push_str(word.text);
                out.push_str(if word.selected { stop } else { "" });
            }
        }
        Ok(out)
    }
}
