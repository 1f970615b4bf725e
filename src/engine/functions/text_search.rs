//! Full text search: functions over documents and queries.
//!
//! What they do is `types::text_search`. Those that take no configuration use the session's. Specification:
//! functions-textsearch.html.

use std::fmt::Display;

use super::arrays::array;
use super::elements::push_string;
use super::json::text_array;
use super::json_text::{Kind, elements, kind, members, text_value};
use super::regex::array_of_texts;
use super::{Args, ContextSlot, Definition, Output};
use crate::engine::routines::call::{Caller, LeaseCell};
use crate::engine::routines::query::values as values_of;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::limits::{memory, stack};
use crate::types::array::{Element, Part, Reader};
use crate::types::json;
use crate::types::pg_type::Oid;
use crate::types::text_search::configuration::{self, Configuration};
use crate::types::text_search::document::{Indexer, Parts, to_tsquery, too_long_notice};
use crate::types::text_search::headline::{Options, headline};
use crate::types::text_search::matching::matches;
use crate::types::text_search::query::Operator;
use crate::types::text_search::query_parser::{self, Notice, Syntax, as_it_is, distance_out_of_range};
use crate::types::text_search::rank::{DEFAULT_WEIGHTS, Weights, rank, rank_by_cover};
use crate::types::text_search::rewrite::Rewriting;
use crate::types::text_search::vector::{Lexeme, Weight};
use crate::types::text_search::{TsQuery, TsVector};
use crate::types::value::Value;

/// The functions of this area; those that return sets are in `sets::text_search`.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_get_current_ts_config", 0, |a| Ok(i64::from(current(a.slot())?.oid.0).into())),
    Definition::pure("pg_to_tsvector", 2, |a| text_document(a, given(a)?, 1)),
    Definition::stable("pg_to_tsvector", 1, |a| text_document(a, current(a.slot())?, 0)),
    Definition::pure("pg_json_to_tsvector", 3, |a| json_document(a, given(a)?, 1, parts(a, 2)?)),
    Definition::stable("pg_json_to_tsvector_current", 2, |a| json_document(a, current(a.slot())?, 0, parts(a, 1)?)),
    Definition::pure("pg_json_strings_to_tsvector", 2, |a| json_document(a, given(a)?, 1, Parts::STRINGS)),
    Definition::stable("pg_json_strings_to_tsvector", 1, |a| json_document(a, current(a.slot())?, 0, Parts::STRINGS)),
    Definition::pure("pg_to_tsquery", 2, |a| text_query(a, given(a)?, 1, Syntax::Standard, Operator::Phrase(1))),
    Definition::stable("pg_to_tsquery", 1, |a| text_query(a, current(a.slot())?, 0, Syntax::Standard, Operator::Phrase(1))),
    Definition::pure("pg_plainto_tsquery", 2, |a| text_query(a, given(a)?, 1, Syntax::Plain, Operator::And)),
    Definition::stable("pg_plainto_tsquery", 1, |a| text_query(a, current(a.slot())?, 0, Syntax::Plain, Operator::And)),
    Definition::pure("pg_phraseto_tsquery", 2, |a| text_query(a, given(a)?, 1, Syntax::Plain, Operator::Phrase(1))),
    Definition::stable("pg_phraseto_tsquery", 1, |a| text_query(a, current(a.slot())?, 0, Syntax::Plain, Operator::Phrase(1))),
    Definition::pure("pg_websearch_to_tsquery", 2, |a| text_query(a, given(a)?, 1, Syntax::Web, Operator::Phrase(1))),
    Definition::stable("pg_websearch_to_tsquery", 1, |a| text_query(a, current(a.slot())?, 0, Syntax::Web, Operator::Phrase(1))),
    Definition::pure("pg_ts_lexize", 2, lexize),
    Definition::pure("pg_ts_match", 2, |a| Ok(matches(&document(a, 0)?, &*query(a, 1)?)?.into())),
    Definition::pure("pg_ts_match_query", 2, |a| Ok(matches(&document(a, 1)?, &*query(a, 0)?)?.into())),
    Definition::stable("pg_ts_match_text", 2, |a| Ok(matches(&indexed(a, current(a.slot())?, 0)?, &*query(a, 1)?)?.into())),
    Definition::stable("pg_ts_match_texts", 2, match_texts),
    Definition::pure("pg_tsvector_concat", 2, |a| print(document(a, 0)?.concat(&document(a, 1)?)?)),
    Definition::pure("pg_tsvector_length", 1, |a| Ok((document(a, 0)?.lexemes.len() as i64).into())),
    Definition::pure("pg_tsvector_strip", 1, |a| change(a, |lexeme| { lexeme.positions.clear(); true })),
    Definition::pure("pg_tsvector_setweight", 2, set_weight),
    Definition::pure("pg_tsvector_setweight", 3, set_weight_of),
    Definition::pure("pg_ts_delete", 2, |a| { let word = a.text(1)?; change(a, |lexeme| lexeme.text != word) }),
    Definition::pure("pg_ts_delete_array", 2, |a| { let words = a.text(1)?; let words = text_array(&words); change(a, |lexeme| !words.iter().flatten().any(|word| *word == lexeme.text)) }),
    Definition::pure("pg_ts_filter", 2, filter),
    Definition::pure("pg_tsvector_to_array", 1, |a| { let document = document(a, 0)?; let texts: Vec<&str> = document.lexemes.iter().map(|lexeme| lexeme.text.as_str()).collect(); Ok(array_of_texts(&texts).into()) }),
    Definition::pure("pg_array_to_tsvector", 1, of_array),
    Definition::pure("pg_ts_rewrite", 3, replaced),
    Definition::stable("pg_ts_rewrite", 2, rewrite),
    Definition::pure("pg_tsquery_and", 2, |a| print(owned_query(a, 0)?.join(Operator::And, owned_query(a, 1)?)?)),
    Definition::pure("pg_tsquery_or", 2, |a| print(owned_query(a, 0)?.join(Operator::Or, owned_query(a, 1)?)?)),
    Definition::pure("pg_tsquery_phrase", -1, phrase),
    Definition::pure("pg_tsquery_not", 1, |a| print(owned_query(a, 0)?.negated())),
    Definition::pure("pg_tsquery_contains", 2, |a| Ok(query(a, 0)?.contains(&*query(a, 1)?).into())),
    Definition::pure("pg_tsquery_contained", 2, |a| Ok(query(a, 1)?.contains(&*query(a, 0)?).into())),
    Definition::pure("pg_numnode", 1, |a| Ok((query(a, 0)?.count() as i64).into())),
    Definition::pure("pg_querytree", 1, query_tree),
    Definition::pure("pg_ts_rank", -1, |a| ranked(a, rank)),
    Definition::pure("pg_ts_rank_cd", -1, |a| ranked(a, rank_by_cover)),
    Definition::pure("pg_ts_headline", -1, |a| text_headline(a, given(a)?, 1)),
    Definition::stable("pg_ts_headline_current", -1, |a| text_headline(a, current(a.slot())?, 0)),
    Definition::pure("pg_ts_headline_json", -1, |a| json_headline(a, given(a)?, 1, false)),
    Definition::stable("pg_ts_headline_json_current", -1, |a| json_headline(a, current(a.slot())?, 0, false)),
    Definition::pure("pg_ts_headline_jsonb", -1, |a| json_headline(a, given(a)?, 1, true)),
    Definition::stable("pg_ts_headline_jsonb_current", -1, |a| json_headline(a, current(a.slot())?, 0, true)),
];

/// The configuration with the OID of argument 0.
fn given(args: &Args<'_>) -> Result<&'static Configuration> {
    find(args.int(0)?)
}

/// The configuration with that OID.
pub(super) fn find(oid: i64) -> Result<&'static Configuration> {
    u32::try_from(oid)
        .ok()
        .and_then(|oid| configuration::configuration(Oid(oid)))
        .ok_or_else(|| Error::internal(format_args!("cache lookup failed for text search configuration {oid}")))
}

/// The session's configuration.
pub(super) fn current(slot: &ContextSlot) -> Result<&'static Configuration> {
    let name = slot.with_session(|session| session.settings.show("default_text_search_config"))?;
    configuration::named(&name).ok_or_else(|| {
        let message = format!("text search configuration \"{name}\" does not exist");
        Error::new(SqlState::UNDEFINED_OBJECT, message)
    })
}

fn print(value: impl Display) -> Result<Output> {
    Ok(value.to_string().into())
}

/// Tells the client, if there is one.
fn notice(slot: &ContextSlot, fields: ErrorFields) -> Result<()> {
    if slot.session().is_ok() {
        slot.with_session(|session| {
            session.notices.push(fields);
            Ok(())
        })?;
    }
    Ok(())
}

pub(super) fn notice_of_query(slot: &ContextSlot, said: Option<Notice>) -> Result<()> {
    match said {
        Some(Notice(message)) => {
            notice(slot, ErrorFields::new(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message))
        }
        None => Ok(()),
    }
}

fn document(args: &Args<'_>, index: usize) -> Result<TsVector> {
    TsVector::parse(&args.text(index)?)
}

fn owned_query(args: &Args<'_>, index: usize) -> Result<TsQuery> {
    read_query(&args.text(index)?)
}

fn query(args: &Args<'_>, index: usize) -> Result<std::sync::Arc<TsQuery>> {
    args.cached(index, || owned_query(args, index))
}

fn finish(args: &Args<'_>, indexer: Indexer) -> Result<TsVector> {
    for _ in 0..indexer.too_long {
        let (message, detail) = too_long_notice();
        let mut fields = ErrorFields::new(Severity::Notice, SqlState::PROGRAM_LIMIT_EXCEEDED, message.to_owned());
        fields.detail = Some(detail);
        notice(args.slot(), fields)?;
    }
    indexer.finish()
}

fn indexed(args: &Args<'_>, configuration: &'static Configuration, index: usize) -> Result<TsVector> {
    let mut indexer = Indexer::new(configuration);
    indexer.add(&args.text(index)?)?;
    finish(args, indexer)
}

fn text_document(args: &Args<'_>, configuration: &'static Configuration, index: usize) -> Result<Output> {
    print(indexed(args, configuration, index)?)
}

/// What of the JSON is asked for.
fn parts(args: &Args<'_>, index: usize) -> Result<Parts> {
    Parts::parse(&json::parse(&args.text(index)?)?)
}

fn json_document(args: &Args<'_>, configuration: &'static Configuration, index: usize, parts: Parts) -> Result<Output> {
    let mut indexer = Indexer::new(configuration);
    add_json(&mut indexer, &args.text(index)?, parts)?;
    print(finish(args, indexer)?)
}

fn add_json(indexer: &mut Indexer, value: &str, parts: Parts) -> Result<()> {
    stack::check()?;
    match kind(value) {
        Kind::String if parts.strings => indexer.add_apart(&text_value(value).unwrap_or_default()),
        Kind::Number if parts.numbers => indexer.add_apart(value.trim()),
        Kind::Boolean if parts.booleans => indexer.add_apart(value.trim()),
        Kind::Array => elements(value).try_for_each(|element| add_json(indexer, element, parts)),
        Kind::Object => members(value).try_for_each(|(key, member)| {
            if parts.keys {
                indexer.add_apart(&key)?;
            }
            add_json(indexer, member, parts)
        }),
        _ => Ok(()),
    }
}

fn text_query(
    args: &Args<'_>,
    configuration: &'static Configuration,
    index: usize,
    syntax: Syntax,
    joined: Operator,
) -> Result<Output> {
    let (query, said) = to_tsquery(configuration, &args.text(index)?, syntax, joined)?;
    notice_of_query(args.slot(), said)?;
    print(query)
}

fn lexize(args: &Args<'_>) -> Result<Output> {
    let oid = args.int(0)?;
    let dictionary = u32::try_from(oid).ok().and_then(|oid| configuration::dictionary(Oid(oid)));
    let missing = || Error::internal(format_args!("cache lookup failed for text search dictionary {oid}"));
    let lexeme = dictionary.ok_or_else(missing)?.lexize(&args.text(1)?)?;
    Ok(array_of_texts(lexeme.as_slice()).into())
}

fn match_texts(args: &Args<'_>) -> Result<Output> {
    let configuration = current(args.slot())?;
    let document = indexed(args, configuration, 0)?;
    let (query, said) = to_tsquery(configuration, &args.text(1)?, Syntax::Plain, Operator::And)?;
    notice_of_query(args.slot(), said)?;
    Ok(matches(&document, &query)?.into())
}

/// The document with its lexemes changed, without those that `keep` says no to.
fn change(args: &Args<'_>, mut keep: impl FnMut(&mut Lexeme) -> bool) -> Result<Output> {
    let mut document = document(args, 0)?;
    document.lexemes.retain_mut(|lexeme| keep(lexeme));
    print(document)
}

fn weight(args: &Args<'_>, shown_as_number: bool) -> Result<Weight> {
    let letter = args.text(1)?;
    let letter = letter.chars().next().unwrap_or('\0');
    Weight::of_letter(letter).ok_or_else(|| {
        let shown = if shown_as_number { u32::from(letter).to_string() } else { letter.to_string() };
        Error::new(SqlState::INTERNAL_ERROR, format!("unrecognized weight: {shown}"))
    })
}

fn put_weight(lexeme: &mut Lexeme, weight: Weight) {
    lexeme.positions.iter_mut().for_each(|position| position.weight = weight);
}

fn set_weight(args: &Args<'_>) -> Result<Output> {
    let weight = weight(args, true)?;
    change(args, |lexeme| {
        put_weight(lexeme, weight);
        true
    })
}

fn set_weight_of(args: &Args<'_>) -> Result<Output> {
    let (weight, words) = (weight(args, false)?, args.text(2)?);
    let words = text_array(&words);
    change(args, |lexeme| {
        if words.iter().flatten().any(|word| *word == lexeme.text) {
            put_weight(lexeme, weight);
        }
        true
    })
}

fn filter(args: &Args<'_>) -> Result<Output> {
    let letters = args.text(1)?;
    let mut wanted = Vec::new();
    for letter in text_array(&letters) {
        let letter =
            letter.ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "weight array may not contain nulls"))?;
        let letter = letter.chars().next().unwrap_or('\0');
        wanted.push(Weight::of_letter(letter).ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unrecognized weight: \"{letter}\""))
        })?);
    }
    change(args, |lexeme| {
        lexeme.positions.retain(|position| wanted.contains(&position.weight));
        !lexeme.positions.is_empty()
    })
}

fn of_array(args: &Args<'_>) -> Result<Output> {
    let words = args.text(0)?;
    let mut lexemes = Vec::new();
    let mut reader = Reader::new(&words);
    while let Some(part) = reader.next_part()? {
        let word = match part {
            Part::Element(Element::Text(word)) => Some(word),
            Part::Element(_) => None,
            _ => continue,
        };
        let word =
            word.ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "lexeme array may not contain nulls"))?;
        if word.is_empty() {
            let code = SqlState::ZERO_LENGTH_CHARACTER_STRING;
            return Err(Error::new(code, "lexeme array may not contain empty strings"));
        }
        lexemes.push(Lexeme { text: word.into_owned(), positions: Vec::new() });
    }
    print(TsVector::new(lexemes)?)
}

fn read_query(text: &str) -> Result<TsQuery> {
    query_parser::parse(text, Syntax::Standard, &mut as_it_is).map(|(query, _)| query)
}

/// ts_rewrite(query, target, substitute)
fn replaced(args: &Args<'_>) -> Result<Output> {
    let (original, target) = (query(args, 0)?, query(args, 1)?);
    if original.root.is_none() || target.root.is_none() {
        return Ok(Output::Argument(0));
    }
    let mut rewriting = Rewriting::new(&original)?;
    rewriting.replace(&target, &*query(args, 2)?)?;
    print(rewriting.query()?)
}

/// ts_rewrite(query, statement): the statement gives what is replaced, and by what.
fn rewrite(args: &Args<'_>) -> Result<Output> {
    let mut rewriting = Rewriting::new(&*query(args, 0)?)?;
    let (link, lease) = args.slot().linked()?;
    let found = values_of(&Caller { link, lease: LeaseCell::new(lease) }, &args.text(1)?)?;
    let wrong = || Error::new(SqlState::INVALID_PARAMETER_VALUE, "ts_rewrite query must return two tsquery columns");
    let found = found.ok_or_else(wrong)?;
    if found.columns.len() != 2 || found.columns.iter().any(|column| column.data_type.oid != Oid::TSQUERY) {
        return Err(wrong());
    }
    for row in &found.rows {
        if let [Value::Text(target), Value::Text(substitute)] = row.as_slice() {
            let target = read_query(target)?;
            if target.root.is_some() {
                rewriting.replace(&target, &read_query(substitute)?)?;
                rewriting.go_on()?;
            }
        }
    }
    print(rewriting.query()?)
}

fn phrase(args: &Args<'_>) -> Result<Output> {
    let distance = if args.len() > 2 { args.int(2)? } else { 1 };
    let distance = u16::try_from(distance).ok().filter(|distance| *distance <= 16_384);
    let operator = Operator::Phrase(distance.ok_or_else(distance_out_of_range)?);
    print(owned_query(args, 0)?.join(operator, owned_query(args, 1)?)?)
}

fn query_tree(args: &Args<'_>) -> Result<Output> {
    let Some(root) = owned_query(args, 0)?.root else { return Ok("".into()) };
    match root.without_not()? {
        Some(root) => print(TsQuery { root: Some(root) }),
        None => Ok("T".into()),
    }
}

/// ts_rank([weights,] document, query [, method])
fn ranked(args: &Args<'_>, rank: fn(&Weights, &TsVector, &TsQuery, i64) -> Result<f32>) -> Result<Output> {
    // An array stands in front if the third argument is a query.
    let weighted = args.len() == 4 || args.len() == 3 && !matches!(args.raw(2), rusqlite::types::ValueRef::Integer(_));
    let first = usize::from(weighted);
    let weights = if weighted { weights(args)? } else { DEFAULT_WEIGHTS };
    let method = if args.len() > first + 2 { args.int(first + 2)? } else { 0 };
    let ranked = rank(&weights, &document(args, first)?, &*query(args, first + 1)?, method)?;
    Ok(f64::from(ranked).into())
}

fn weights(args: &Args<'_>) -> Result<Weights> {
    let subscript = |message: &'static str| Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message);
    let given = array(args, 0)?;
    if given.is_empty() || given.iter().any(serde_json::Value::is_array) {
        return Err(subscript("array of weight must be one-dimensional"));
    }
    if given.len() < DEFAULT_WEIGHTS.len() {
        return Err(subscript("array of weight is too short"));
    }
    if given.iter().any(serde_json::Value::is_null) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array of weight must not contain nulls"));
    }
    let mut weights = DEFAULT_WEIGHTS;
    for (weight, given) in weights.iter_mut().zip(&given) {
        let given = given.as_f64().unwrap_or(f64::NAN) as f32;
        if given >= 0.0 {
            *weight = given;
        }
        if *weight > 1.0 {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "weight out of range"));
        }
    }
    Ok(weights)
}

fn options(args: &Args<'_>, index: usize) -> Result<Options> {
    Options::parse(&args.text(index)?)
}

fn text_headline(args: &Args<'_>, configuration: &'static Configuration, first: usize) -> Result<Output> {
    let options = options(args, first + 2)?;
    Ok(headline(configuration, &args.text(first)?, &*query(args, first + 1)?, &options)?.into())
}

/// The same JSON with a headline for every string.
fn json_headline(args: &Args<'_>, configuration: &'static Configuration, first: usize, binary: bool) -> Result<Output> {
    let (options, query) = (options(args, first + 2)?, query(args, first + 1)?);
    let mut out = String::new();
    let mut show = |text: &str| headline(configuration, text, &query, &options);
    rewrite_strings(&args.text(first)?, &mut show, &mut out)?;
    Ok(if binary { json::normalize(&out)?.into() } else { out.into() })
}

/// JSON without blanks, its strings replaced (transform_json_string_values).
fn rewrite_strings(value: &str, show: &mut dyn FnMut(&str) -> Result<String>, out: &mut String) -> Result<()> {
    stack::check()?;
    memory::room(out.len(), 64)?;
    match kind(value) {
        Kind::String => push_string(&show(&text_value(value).unwrap_or_default())?, out),
        Kind::Array => {
            out.push('[');
            for (index, element) in elements(value).enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                rewrite_strings(element, show, out)?;
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            for (index, (key, member)) in members(value).enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                push_string(&key, out);
                out.push(':');
                rewrite_strings(member, show, out)?;
            }
            out.push('}');
        }
        _ => out.push_str(value.trim()),
    }
    Ok(())
}
