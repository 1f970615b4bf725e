//! What the recorded expressions (`fixtures/functions.tsv`) do not show: bounds, and that what is printed can be read.

use super::query_parser::{Syntax, as_it_is, parse};
use super::*;
use crate::error::SqlState;
use crate::limits::stack;

fn query(text: &str) -> crate::error::Result<TsQuery> {
    parse(text, Syntax::Standard, &mut as_it_is).map(|(query, _)| query)
}

#[test]
fn a_printed_query_reads_as_itself() {
    for text in ["a & (b | !c:*AB) <-> d", "!(a & b) | c <3> (d <-> e)", "'it''s' & '\\\\'", "!!a <-> !(b | c)"] {
        let read = query(text).unwrap();
        assert_eq!(query(&read.to_string()).unwrap(), read, "{text}");
    }
}

#[test]
fn every_nesting_is_bounded() {
    std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(|| {
            stack::begin_thread();
            let code = |text: &str| query(text).unwrap_err().code();
            let deep = "(".repeat(200_000) + "a" + &")".repeat(200_000);
            assert_eq!(code(&deep), SqlState::STATEMENT_TOO_COMPLEX);
            let long = "a & ".repeat(200_000) + "a";
            assert_eq!(code(&long), SqlState::STATEMENT_TOO_COMPLEX);
            // What is just not too deep goes through everything that is done with queries, or is refused.
            let words = "a & ".repeat(9_999) + "a";
            if let Ok(words) = query(&words) {
                let (text, mut bytes) = (words.to_string(), bytes::BytesMut::new());
                words.write_binary(&mut bytes);
                assert_eq!((text.len(), words.count()), (39_997, 19_999));
                assert!(words.compare(&words).is_eq() && words.contains(&words));
                let document = TsVector::parse("a:1").unwrap();
                let _ = words.root.as_ref().unwrap().without_not();
                let _ = matching::matches(&document, &words);
                let _ = rank::rank_by_cover(&rank::DEFAULT_WEIGHTS, &document, &words, 0);
                let options = headline::Options::parse("MaxFragments=3").unwrap();
                let _ = headline::headline(configuration::named("simple").unwrap(), "a b", &words, &options);
            }
            let mut binary = bytes::BytesMut::from(&[0, 3, 13, 64][..]);
            binary.extend_from_slice(&[2, 1].repeat(200_000));
            let read = TsQuery::read_binary(&binary).unwrap_err();
            assert_eq!(read.code(), SqlState::STATEMENT_TOO_COMPLEX);
            let host = "a.".repeat(200_000) + "com/" + &"x/".repeat(200_000);
            document::Indexer::new(configuration::named("simple").unwrap()).add(&host).unwrap();
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_document_is_bounded() {
    let word = |text: &str| TsVector::parse(text).unwrap_err();
    assert_eq!(word(&"x".repeat(2_047)).message(), "word is too long (2047 bytes, max 2046 bytes)");
    let many: String = (0..300_000).map(|number| format!("{number} ")).collect();
    assert_eq!(word(&many).code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
    let places: Vec<String> = (1..1_000).map(|place| place.to_string()).collect();
    let kept = TsVector::parse(&format!("a:{}", places.join(","))).unwrap();
    assert_eq!(kept.lexemes[0].positions.len(), vector::MAX_POSITIONS);
}

#[test]
fn stop_words_are_of_known_languages() {
    for line in include_str!("../../../fixtures/stop_words.tsv").lines() {
        let language = line.split('\t').next().unwrap();
        assert!(configuration::named(language).is_some(), "{language}");
    }
}
