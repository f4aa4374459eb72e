//! Which concerns say the same: by pairs of neighbouring characters, as Chinese is written without spaces between its words.
//! Pure.
//!
//! Each concern is compared with the first of every group that there is, and joins the one it is most like or begins another:
//! so a group is held together by one text and does not wander from one thing to the next by small steps. Which groups
//! have a pair is looked up, so that a thousand concerns take some milliseconds however unlike they are.

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

/// Concerns that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// In the order in which they were raised.
    pub(super) concerns: Vec<Uuid>,
    pub(super) households: BTreeSet<Uuid>,
    pub(super) grids: BTreeSet<GridCode>,
    /// Of the least like one to the first, in percent.
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

/// Puts the concerns of one type, in the order in which they were raised, into groups that are alike.
pub(super) fn groups(matter_type: &str, candidates: &[Candidate]) -> Vec<Group> {
    let title: BTreeSet<Pair> = neighbours(&plain(matter_type)).collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut firsts: Vec<First> = Vec::new();
    let mut with_pair: HashMap<Pair, Vec<usize>> = HashMap::new();
    // How many pairs the concern at hand shares with the first of each group: counted a million times, so in one row.
    let mut shared: Vec<usize> = Vec::new();
    for one in candidates {
        let pairs = telling_pairs(&title, &one.text);
        shared.fill(0);
        for group in pairs.iter().filter_map(|pair| with_pair.get(pair)).flatten() {
            if let Some(many) = shared.get_mut(*group) {
                *many += 1;
            }
        }
        let likeness = |(group, (shared, first)): (usize, (&usize, &First))| {
            let likeness = 200 * shared / (pairs.len() + first.pairs).max(1);
            let needed = if one.grid.is_some() && one.grid == first.grid { NEAR_IN_GRID } else { NEAR };
            // Of two that it is as like, the earlier.
            (likeness >= needed).then_some((likeness, Reverse(group)))
        };
        if let Some((likeness, Reverse(group))) = shared.iter().zip(&firsts).enumerate().filter_map(likeness).max()
            && let Some(group) = groups.get_mut(group)
        {
            group.add(one, likeness);
            continue;
        }
        for pair in &pairs {
            with_pair.entry(*pair).or_default().push(groups.len());
        }
        firsts.push(First { pairs: pairs.len(), grid: one.grid });
        shared.push(0);
        let (concerns, households, grids) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut group = Group { concerns, households, grids, likeness: 100 };
        group.add(one, 100);
        groups.push(group);
    }
    groups
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
