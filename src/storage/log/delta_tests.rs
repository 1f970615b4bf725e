use super::*;
use crate::storage::log::changes::{ChangedPages, Changes, lock_page};

fn header(sequence: Sequence, before: u32, after: u32) -> Header {
    Header {
        page_size: 512,
        database: Id([1; 16]),
        incarnation: Id([2; 16]),
        sequence,
        previous: Digest::start(Id([2; 16])),
        writer: Id([3; 16]),
        nonce: Id([4; 16]),
        transactions: 0,
        first_commit: Timestamp(0),
        last_commit: Timestamp(0),
        pages_before: before,
        pages_least: before.min(after),
        pages_after: after,
        pages: 0,
        full_image: false,
        post_checksum: 0x0123_4567_89ab_cdef,
    }
}

fn page(seed: u8) -> Vec<u8> {
    (0..512u32).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

fn changes(numbers: &[u32], count: u32) -> Changes {
    let pages = numbers.iter().map(|number| (*number, page(*number as u8))).collect();
    Changes { pages: ChangedPages::Here(pages), least: count, count, transactions: vec![2, 1, 4] }
}

fn draft<'d>(header: Header, changes: &'d Changes, previous: &'d Pages) -> Draft<'d> {
    let pages = changes.pages.here().expect("in memory");
    Draft { header, pages, transactions: &changes.transactions, previous, commit: Timestamp(1_000) }
}

fn previous(numbers: &[u32]) -> Pages {
    numbers.iter().map(|number| (*number, page(*number as u8 ^ 1))).collect()
}

fn of<'p>(pages: &'p Pages) -> impl Fn(u32) -> Option<&'p [u8]> {
    |number| pages.get(&number).map(Vec::as_slice)
}

#[test]
fn what_is_written_is_read_again() {
    let (changes, previous) = (changes(&[1, 2, 130, 20_000], 20_000), previous(&[1, 130]));
    let encoded = encode(draft(header(7, 200, 20_000), &changes, &previous)).expect("encodes");
    let delta = decode(&encoded.bytes).expect("decodes");
    assert_eq!(delta.header, encoded.header);
    assert_eq!(delta.digest, encoded.digest);
    assert_eq!(delta.digest, Digest::of(&encoded.bytes));
    assert_eq!(delta.needs().collect::<Vec<_>>(), [1, 130]);
    let commits: Vec<_> = delta.transactions.iter().map(|row| (row.commit.0, row.pages)).collect();
    assert_eq!(commits, [(1_000, 2), (1_001, 1), (1_002, 4)]);
    assert_eq!(delta.apply(of(&previous)).expect("applies"), *changes.pages.here().expect("in memory"));
    assert!(delta.apply(|_| None).is_err());
    assert_eq!(peek(&encoded.bytes[..220]).expect("header"), encoded.header);
}

#[test]
fn page_one_may_differ_in_what_sqlite_writes_by_itself() {
    let (changes, mut previous) = (changes(&[1], 3), previous(&[1]));
    let encoded = encode(draft(header(1, 3, 3), &changes, &previous)).expect("encodes");
    let counter = &mut previous.get_mut(&1).expect("page")[24..28];
    counter.fill(9);
    let applied = decode(&encoded.bytes).expect("decodes").apply(of(&previous)).expect("applies");
    assert_eq!(applied, *changes.pages.here().expect("in memory"));
}

#[test]
fn every_so_often_all_pages_are_plain() {
    let (changes, previous) = (changes(&[1, 2], 3), previous(&[1, 2]));
    let needs = |header| {
        let encoded = encode(draft(header, &changes, &previous)).expect("encodes");
        decode(&encoded.bytes).expect("decodes").needs().count()
    };
    assert_eq!(needs(header(PLAIN_EVERY - 1, 3, 3)), 2);
    assert_eq!(needs(header(PLAIN_EVERY, 3, 3)), 0);
    assert_eq!(needs(header(5, 1, 3)), 1, "a page that was not there before has no previous version");
    assert_eq!(needs(Header { full_image: true, ..header(5, 3, 3) }), 0);
}

#[test]
fn deltas_in_a_row_are_read_one_by_one() {
    let (changes, none) = (changes(&[2], 2), Pages::new());
    let one = encode(draft(header(1, 2, 2), &changes, &none)).expect("encodes");
    let two = encode(draft(header(2, 2, 2), &changes, &none)).expect("encodes");
    let both = Bytes::from([&one.bytes[..], &two.bytes[..]].concat());
    let (first, length) = decode_first(&both).expect("decodes");
    assert_eq!((first.header.sequence, length), (1, one.bytes.len()));
    assert_eq!(decode(&both.slice(length..)).expect("decodes").header.sequence, 2);
    assert!(decode(&both).is_err());
}

#[test]
fn a_part_belongs_to_one_delta() {
    let (changes, of) = (changes(&[1, 2, 3], 3), header(7, 3, 3));
    let pages = changes.pages.here().expect("in memory");
    let part = encode_part(of.clone(), pages).expect("encodes");
    let parts = [Part { size: part.bytes.len() as u64, blake3: part.digest }];
    let whole = encode_in_parts(of, (3, &parts), &[2, 1], Timestamp(5)).expect("encodes");
    let delta = decode(&whole.bytes).expect("decodes");
    assert_eq!((delta.parts.as_slice(), delta.pages.len(), delta.transactions.len()), (&parts[..], 0, 2));
    let read = decode_part(&part.bytes, &delta.header).expect("decodes");
    assert_eq!(read.iter().map(|page| (page.number, page.bytes.to_vec())).collect::<Pages>(), *pages);
    let another = Header { nonce: Id([9; 16]), ..delta.header.clone() };
    assert!(decode_part(&part.bytes, &another).is_err());
    assert!(decode(&part.bytes).is_err(), "a part is no delta");
    assert!(decode_part(&whole.bytes, &delta.header).is_err(), "a delta is no part");
    for (what, change) in [("no whole entry", 152_usize), ("fewer pages than parts", 148)] {
        let mut object = whole.bytes.to_vec();
        object[change..change + 4].fill(0);
        assert!(decode(&forge(&object).expect("long enough")).is_err(), "{what}");
    }
}

#[test]
fn no_damage_goes_unnoticed_and_none_panics() {
    let (changes, previous) = (changes(&[1, 2, 3], 3), previous(&[1, 2]));
    let encoded = encode(draft(header(1, 3, 3), &changes, &previous)).expect("encodes");
    for at in 0..encoded.bytes.len() {
        let mut damaged = encoded.bytes.to_vec();
        damaged[at] ^= 1 << (at % 8);
        assert!(decode(&Bytes::from(damaged)).is_err(), "byte {at}");
        assert!(decode(&encoded.bytes.slice(..at)).is_err(), "cut at {at}");
    }
}

/// An object whose checksums are right whatever else is in it: somebody else's, or an attack.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let (changes, none) = (changes(&[1, 2, 3], 3), Pages::new());
    let encoded = encode(draft(header(1, 3, 3), &changes, &none)).expect("encodes");
    let mut object = encoded.bytes.to_vec();
    change(&mut object);
    forge(&object).expect("it is long enough")
}

#[test]
fn an_object_with_right_checksums_may_still_lie() {
    assert!(decode(&forged(|_| ())).is_ok());
    let word = |at: usize, value: u32| {
        forged(move |object: &mut Vec<u8>| object[at..at + 4].copy_from_slice(&value.to_le_bytes()))
    };
    for (what, object) in [
        ("more pages", word(148, u32::MAX)),
        ("fewer pages", word(148, 1)),
        ("pages beyond the end", word(144, 2)),
        ("more transactions", word(116, u32::MAX)),
        ("a longer payload", word(152, u32::MAX)),
        ("a shorter payload", word(152, 3)),
        ("more stored", word(160, u32::MAX)),
        ("a page size", word(8, 1 << 31)),
        ("in parts", forged(|object| object[6] |= 16)),
        ("a part", forged(|object| object[6] |= 32)),
        ("encrypted", forged(|object| object[6] |= 4)),
        ("an unknown flag", forged(|object| object[7] |= 128)),
        ("a newer version", forged(|object| object[4] = 2)),
    ] {
        assert!(decode(&object).is_err(), "{what}");
    }
}

#[test]
fn the_lock_page_is_refused() {
    let lock = lock_page(512);
    let (changes, none) = (changes(&[lock], lock), Pages::new());
    let encoded = encode(draft(header(1, lock, lock), &changes, &none)).expect("encodes");
    assert!(decode(&encoded.bytes).is_err());
}

#[test]
fn identities_are_written_in_hexadecimal() {
    let id: Id = "000102030405060708090a0b0c0d0eff".parse().expect("parses");
    assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
    for wrong in [
        "",
        "00",
        "000102030405060708090a0b0c0d0ef",
        "+00102030405060708090a0b0c0d0eff",
        "é0102030405060708090a0b0c0d0ef",
    ] {
        assert!(wrong.parse::<Id>().is_err(), "{wrong}");
    }
}
