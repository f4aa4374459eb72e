//! Text that is meant for everybody: what in it looks like a number of somebody's, and where a name stands in it.
//!
//! Whoever wants to publish a text has it looked through as it will be read, and people read past spaces, hyphens and the
//! width of a digit. So numbers are put together from their pieces before they are judged. What is found is told by its
//! kind and place only; places count characters of the text, from 0.

use std::collections::{BTreeSet, HashSet};

use chrono::{Datelike, NaiveDate};

use crate::formats::{CitizenId, CreditCode, Telephone};
use crate::text;

/// Signs between two pieces of one number: `190 - 0000 - 0001` has three.
const MOST_BETWEEN: usize = 3;
/// The longest number that is looked for is written in so many signs: a telephone with 0086 has fewer.
const LONGEST: usize = 18;
/// Nobody living was born earlier.
const FIRST_YEAR: i32 = 1880;
/// A name of one character is a character.
const SHORTEST_NAME: usize = 2;
/// Shorter words in Latin letters stand within others.
const SHORTEST_LATIN_NAME: usize = 4;

/// What sort of number was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    /// One that has the form of a citizen's, the check character right or not; of 15 digits too.
    CitizenId,
    /// A mobile number, or a landline with its area code.
    Telephone,
    /// A unified social credit code whose check character is right.
    CreditCode,
}

/// Something that was found: its kind, and which characters of the text it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Found<K> {
    /// What it is.
    pub kind: K,
    /// Its first character's place.
    pub start: usize,
    /// How many characters it takes, those in between included.
    pub length: usize,
}

/// The text as it would be published: letters and digits in half width, nothing invisible in it.
#[must_use]
pub fn cleaned(written: &str) -> String {
    text::clean(written)
}

/// All numbers in a text that look like somebody's, in the order of their places.
#[must_use]
pub fn numbers(text: &str, today: NaiveDate) -> Vec<Found<Number>> {
    let mut found = Vec::new();
    for run in runs(text, digit) {
        look_through(&run, &mut found, |pieces, written| number_of(pieces, written, today));
        for piece in &run {
            found.extend(piece.windows(|window| CitizenId::parse(window, today).is_ok(), Number::CitizenId));
            found.extend(telephones_in_a_row(piece));
        }
    }
    for run in runs(text, letter_or_digit) {
        let is_code = |code: &str| CreditCode::parse(code).is_ok();
        look_through(&run, &mut found, |_, written| is_code(written).then_some(Number::CreditCode));
        for piece in &run {
            found.extend(piece.windows(is_code, Number::CreditCode));
        }
    }
    apart(found)
}

/// Where these words stand in a text, however it is spaced, in the order of their places; of several that begin at one
/// place the longest.
pub fn mentions<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Vec<Found<()>> {
    let words: HashSet<String> = words.into_iter().map(squeezed).filter(|word| is_long_enough(word)).collect();
    let lengths: BTreeSet<usize> = words.iter().map(|word| word.chars().count()).collect();
    let signs: Vec<(usize, char)> =
        text.chars().enumerate().filter_map(|(place, sign)| Some((place, comparable(sign)?))).collect();
    let mut found = Vec::new();
    let mut from = 0;
    while from < signs.len() {
        let word = lengths.iter().rev().find_map(|length| {
            let piece = signs.get(from..from + length)?;
            words.contains(&piece.iter().map(|(_, sign)| *sign).collect::<String>()).then_some(piece)
        });
        match word {
            Some([(start, _), .., (last, _)]) => {
                found.push(Found { kind: (), start: *start, length: last - start + 1 });
                from += 1;
            }
            _ => from += 1,
        }
    }
    apart(found)
}

/// A text for comparing: nothing in it but what a reader reads.
fn squeezed(text: &str) -> String {
    text.chars().filter_map(comparable).collect()
}

fn is_long_enough(word: &str) -> bool {
    let length = word.chars().count();
    length >= if word.is_ascii() { SHORTEST_LATIN_NAME } else { SHORTEST_NAME }
}

/// A sign as names are compared: none for what may stand between the characters of a name.
fn comparable(sign: char) -> Option<char> {
    let sign = narrow(sign);
    let between =
        sign.is_whitespace() || is_invisible(sign) || matches!(sign, '·' | '•' | '・' | '‧' | '-' | '.' | '*');
    (!between).then_some(sign.to_ascii_lowercase())
}

/// Signs of one script that stand together, as a number is written, and where.
struct Piece {
    start: usize,
    end: usize,
    written: String,
}

impl Piece {
    /// Numbers of the longest kind within a piece that is longer still.
    fn windows<K: Copy>(&self, is_one: impl Fn(&str) -> bool, kind: K) -> Vec<Found<K>> {
        // Only where each sign of it is a character of the text are places within it known.
        if self.written.len() <= LONGEST || self.end - self.start != self.written.len() {
            return Vec::new();
        }
        let at = |from: usize| self.written.get(from..from + LONGEST).filter(|window| is_one(window));
        (0..=self.written.len() - LONGEST)
            .filter(|from| at(*from).is_some())
            .map(|from| Found { kind, start: self.start + from, length: LONGEST })
            .collect()
    }
}

/// Pieces that may belong together: nothing between them but spaces and hyphens, and few of these.
fn runs(text: &str, read: impl Fn(char) -> Option<(char, Script)>) -> Vec<Vec<Piece>> {
    let mut runs: Vec<Vec<Piece>> = Vec::new();
    let mut last: Option<Script> = None;
    let mut between = usize::MAX;
    for (place, sign) in text.chars().enumerate() {
        match read(sign) {
            Some((read, script)) => {
                let joined = last == Some(script) || (script == Script::Check && last == Some(Script::Latin));
                match runs.last_mut().filter(|_| between <= MOST_BETWEEN) {
                    Some(run) => match run.last_mut().filter(|_| between == 0 && joined) {
                        Some(piece) => {
                            piece.written.push(read);
                            piece.end = place + 1;
                        }
                        None => run.push(Piece { start: place, end: place + 1, written: read.into() }),
                    },
                    None => runs.push(vec![Piece { start: place, end: place + 1, written: read.into() }]),
                }
                (last, between) = (Some(script), 0);
            }
            None if is_invisible(sign) => {}
            None if is_between(sign) => between = between.saturating_add(1),
            None => between = usize::MAX,
        }
    }
    runs
}

/// Which digits stand together as one number: 第二19000000001 is a number and a word before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Chinese,
    /// The X at the end of a citizen's number.
    Check,
}

fn digit(sign: char) -> Option<(char, Script)> {
    let narrow = narrow(sign);
    if narrow.is_ascii_digit() {
        return Some((narrow, Script::Latin));
    }
    if matches!(narrow, 'X' | 'x') {
        return Some(('X', Script::Check));
    }
    let number = match sign {
        '①'..='⑨' => u32::from(sign) - u32::from('①') + 1,
        '⓪' | '零' | '〇' => 0,
        '一' | '壹' | '幺' => 1,
        '二' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    };
    char::from_digit(number, 10).map(|digit| (digit, Script::Chinese))
}

fn letter_or_digit(sign: char) -> Option<(char, Script)> {
    let narrow = narrow(sign);
    narrow.is_ascii_alphanumeric().then(|| (narrow.to_ascii_uppercase(), Script::Latin))
}

/// Tries what pieces that follow one another come to, from each piece on; the longest counts.
fn look_through(run: &[Piece], found: &mut Vec<Found<Number>>, judge: impl Fn(&[Piece], &str) -> Option<Number>) {
    let mut from = 0;
    while let Some(first) = run.get(from) {
        let mut written = String::new();
        let mut longest = None;
        for (to, piece) in run.iter().enumerate().skip(from) {
            written.push_str(&piece.written);
            if written.len() > LONGEST {
                break;
            }
            if let Some(kind) = run.get(from..=to).and_then(|pieces| judge(pieces, &written)) {
                longest = Some((to, Found { kind, start: first.start, length: piece.end - first.start }));
            }
        }
        from = longest.as_ref().map_or(from, |(to, _)| *to) + 1;
        found.extend(longest.map(|(_, one)| one));
    }
}

fn number_of(pieces: &[Piece], written: &str, today: NaiveDate) -> Option<Number> {
    if is_like_a_citizens(written, today) {
        return Some(Number::CitizenId);
    }
    let written = written.strip_suffix('X').unwrap_or(written);
    if Telephone::parse(written).is_err() {
        return None;
    }
    // `2026-03-12 2000000` is a day and a sum: a landline is written with its area code as a piece of its own, or as one.
    let national = written.strip_prefix("0086").or_else(|| written.strip_prefix("86")).unwrap_or(written);
    let mobile = national.len() == 11 && national.starts_with('1');
    let area = pieces.first().is_some_and(|piece| piece.written.starts_with('0') && piece.written.len() >= 3);
    let one_by_one = pieces.iter().all(|piece| piece.written.len() == 1);
    (mobile || area || one_by_one).then_some(Number::Telephone)
}

/// The form with a day of birth in it: a slip in the check character, or in the other digits, does not make it nobody's.
fn is_like_a_citizens(written: &str, today: NaiveDate) -> bool {
    let born = match written.len() {
        18 if !written.get(..17).unwrap_or_default().contains('X') => {
            day(written.get(6..10), written.get(10..12), written.get(12..14))
        }
        15 if !written.contains('X') => {
            let year = written.get(6..8).map(|year| format!("19{year}"));
            day(year.as_deref(), written.get(8..10), written.get(10..12))
        }
        _ => None,
    };
    born.is_some_and(|born| born <= today && born.year() >= FIRST_YEAR)
}

fn day(year: Option<&str>, month: Option<&str>, day: Option<&str>) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year?.parse().ok()?, month?.parse().ok()?, day?.parse().ok()?)
}

/// Mobile numbers that were written one behind the other.
fn telephones_in_a_row(piece: &Piece) -> Vec<Found<Number>> {
    const MOBILE: usize = 11;
    let many = piece.written.len() / MOBILE;
    let number = |place: usize| piece.written.get(place * MOBILE..(place + 1) * MOBILE).unwrap_or_default();
    let all = (0..many).all(|place| number(place).starts_with('1') && Telephone::parse(number(place)).is_ok());
    if many < 2 || !piece.written.len().is_multiple_of(MOBILE) || !all {
        return Vec::new();
    }
    vec![Found { kind: Number::Telephone, start: piece.start, length: piece.end - piece.start }]
}

/// In order, and of those that overlap the first.
fn apart<K: Ord + Copy>(mut found: Vec<Found<K>>) -> Vec<Found<K>> {
    found.sort_by_key(|one| (one.start, std::cmp::Reverse(one.length), one.kind));
    let mut end = 0;
    found.retain(|one| {
        let is_apart = one.start >= end;
        if is_apart {
            end = one.start + one.length;
        }
        is_apart
    });
    found
}

fn narrow(sign: char) -> char {
    match sign {
        '！'..='～' => u32::from(sign).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(sign),
        _ => sign,
    }
}

fn is_between(sign: char) -> bool {
    let sign = narrow(sign);
    sign.is_whitespace()
        || matches!(sign, '-' | '.' | '_' | '(' | ')' | '+' | '·' | '•' | '—' | '–' | '―' | '‐' | '‑' | '‒' | '−')
}

fn is_invisible(sign: char) -> bool {
    text::clean(sign.encode_utf8(&mut [0; 4])).is_empty() && !sign.is_whitespace()
}

#[cfg(test)]
mod tests;
