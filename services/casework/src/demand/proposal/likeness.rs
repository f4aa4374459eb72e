//! Which concerns say the same: by pairs of neighbouring characters, as Chinese is written without spaces between its words.
//! Pure.
//!
//! Each concern is compared with the first of every group that there is, and joins the one it is most like or begins another:
//! so a group is held together by one text and does not wander from one thing to the next by small steps. An open demand is a
//! group from the beginning, with the first of its concerns. Which groups have a pair is looked up, so that a thousand concerns
//! take some milliseconds however unlike they are.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use proto::names::GridCode;
use uuid::Uuid;

/// Texts of different grids are near from this likeness on, in percent: the same sentence in other words, or with another
/// house in it, has 45 to 90; two things of one type, 0 to 35.
const NEAR: usize = 45;
/// Texts of one grid: it is likelier there that they are of the same thing.
const NEAR_IN_GRID: usize = 30;
/// Characters that say nothing of the thing.
const EMPTY: &str = "的了着过吗呢吧啊请很也都又还我们您你";

/// Two characters that stand beside each other.
type Pair = [char; 2];

/// A concern as far as it is compared.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) concern: Uuid,
    pub(super) household: Option<Uuid>,
    pub(super) grid: Option<GridCode>,
    pub(super) text: String,
}

/// An open demand as far as it is compared: by the first of its concerns.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    pub(super) demand: Uuid,
    pub(super) first: Candidate,
}

/// Concerns that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// The open demand whose first concern they are like; it is none of them.
    pub(super) joins: Option<Uuid>,
    /// In the order in which they were raised.
    pub(super) concerns: Vec<Uuid>,
    pub(super) households: BTreeSet<Uuid>,
    pub(super) grids: BTreeSet<GridCode>,
    /// Of the least like one to the first, or to the demand's, in percent.
    pub(super) likeness: i32,
}

/// What a group's first concern is compared by.
struct First {
    pairs: usize,
    grid: Option<GridCode>,
}

impl Group {
    fn add(&mut self, one: &Candidate, likeness: usize) {
        self.concerns.push(one.concern);
        self.households.extend(one.household);
        self.grids.extend(one.grid);
        self.likeness = self.likeness.min(i32::try_from(likeness).unwrap_or(100));
    }
}

/// Groups in the making, and what they are found by.
#[derive(Default)]
struct Making {
    groups: Vec<Group>,
    firsts: Vec<First>,
    with_pair: HashMap<Pair, Vec<usize>>,
    /// How many pairs the concern at hand shares with the first of each group: counted a million times, so in one row.
    shared: Vec<usize>,
}

impl Making {
    /// Begins a group that is held together by this concern, and has none yet.
    fn begin(&mut self, first: &Candidate, pairs: &BTreeSet<Pair>, joins: Option<Uuid>) {
        for pair in pairs {
            self.with_pair.entry(*pair).or_default().push(self.groups.len());
        }
        self.firsts.push(First { pairs: pairs.len(), grid: first.grid });
        self.shared.push(0);
        let (concerns, households, grids) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        self.groups.push(Group { joins, concerns, households, grids, likeness: 100 });
    }

    /// Puts a concern into the group that it is most like, of those that are open to it: rather an open demand's, and of two that
    /// it is as like, the earlier. Says whether there is any.
    fn put(&mut self, one: &Candidate, pairs: &BTreeSet<Pair>, is_apart: impl Fn(Uuid) -> bool) -> bool {
        self.shared.fill(0);
        for group in pairs.iter().filter_map(|pair| self.with_pair.get(pair)).flatten() {
            if let Some(many) = self.shared.get_mut(*group) {
                *many += 1;
            }
        }
        let likeness = |(group, (shared, first)): (usize, (&usize, &First))| {
            let likeness = 200 * shared / (pairs.len() + first.pairs).max(1);
            let needed = if one.grid.is_some() && one.grid == first.grid { NEAR_IN_GRID } else { NEAR };
            let joins = self.groups.get(group).and_then(|group| group.joins);
            (likeness >= needed && !joins.is_some_and(&is_apart)).then_some((joins.is_some(), likeness, Reverse(group)))
        };
        let nearest = self.shared.iter().zip(&self.firsts).enumerate().filter_map(likeness).max();
        let Some((_, likeness, Reverse(group))) = nearest else { return false };
        self.groups.get_mut(group).map(|group| group.add(one, likeness)).is_some()
    }
}

/// Puts the concerns of one type, in the order in which they were raised, into groups that are alike; those of the open demands
/// come first, and may have none. `is_apart` says of a concern and a demand that they are not to be compared.
pub(super) fn groups(
    matter_type: &str,
    demands: &[Gathered],
    candidates: &[Candidate],
    is_apart: impl Fn(&Candidate, Uuid) -> bool,
) -> Vec<Group> {
    let title: BTreeSet<Pair> = neighbours(&plain(matter_type)).collect();
    let mut making = Making::default();
    for Gathered { demand, first } in demands {
        making.begin(first, &telling_pairs(&title, &first.text), Some(*demand));
    }
    for one in candidates {
        let pairs = telling_pairs(&title, &one.text);
        if !making.put(one, &pairs, |demand| is_apart(one, demand)) {
            making.begin(one, &pairs, None);
            making.groups.last_mut().into_iter().for_each(|group| group.add(one, 100));
        }
    }
    making.groups
}

/// The words that more than half of these texts share, the longest first and five at most; of the type's own title, nothing:
/// it is the same for all.
pub(super) fn shared_words(matter_type: &str, texts: &[&str]) -> Vec<String> {
    /// More would not be read.
    const MOST: usize = 5;
    if texts.len() < 2 {
        return Vec::new();
    }
    let title: BTreeSet<Pair> = neighbours(&plain(matter_type)).collect();
    let mut having: HashMap<Pair, usize> = HashMap::new();
    for pair in texts.iter().flat_map(|text| telling_pairs(&title, text)) {
        *having.entry(pair).or_default() += 1;
    }
    let mut words: Vec<String> = Vec::new();
    for text in texts {
        let mut word = String::new();
        for pair in neighbours(&plain(text)) {
            if having.get(&pair).is_some_and(|many| 2 * many > texts.len()) {
                if word.is_empty() {
                    word.push(pair[0]);
                }
                word.push(pair[1]);
            } else {
                words.push(std::mem::take(&mut word));
            }
        }
        words.push(word);
    }
    words.retain(|word| !word.is_empty());
    words.sort_by_key(|word| Reverse(word.chars().count()));
    let mut told: Vec<String> = Vec::new();
    for word in words {
        if !told.iter().any(|longer| longer.contains(&word)) {
            told.push(word);
        }
    }
    told.truncate(MOST);
    told
}

/// The pairs of a text that tell it from others of its type: without those of the type's title, unless it has no others.
fn telling_pairs(title: &BTreeSet<Pair>, text: &str) -> BTreeSet<Pair> {
    let all: BTreeSet<Pair> = neighbours(&plain(text)).collect();
    let telling: BTreeSet<Pair> = all.difference(title).copied().collect();
    if telling.is_empty() { all } else { telling }
}

/// The characters of a text that say something, in one way of writing.
fn plain(text: &str) -> Vec<char> {
    text.chars()
        .map(|sign| match sign {
            // Full-width letters and digits.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(sign) - 0xfee0).unwrap_or(sign),
            other => other,
        })
        .filter(|sign| sign.is_alphanumeric() && !EMPTY.contains(*sign))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Of a single character, that with itself.
fn neighbours(signs: &[char]) -> impl Iterator<Item = Pair> {
    let alone = match signs {
        [alone] => Some([*alone, *alone]),
        _ => None,
    };
    signs.windows(2).filter_map(|two| Pair::try_from(two).ok()).chain(alone)
}

#[cfg(test)]
mod tests;
