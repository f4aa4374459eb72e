//! Who is who: one person may stand in several sheets, and may be a member already. Pure.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proto::names::{GridCode, LocalCode};
use workbook::formats::Telephone;

use super::sheets::{Entry, Says};
use crate::member::entrance::State;
use crate::member::rules::{Member, Office, Source, Term};

/// A person, as the whole file describes them. What no row says is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub(super) display_name: String,
    pub(super) telephone: Option<Telephone>,
    pub(super) offices: BTreeSet<Office>,
    pub(super) source: Option<Source>,
    pub(super) areas: Option<BTreeSet<LocalCode>>,
    pub(super) villager_group: Option<LocalCode>,
    pub(super) party_group: Option<LocalCode>,
    pub(super) elected_on: Option<NaiveDate>,
    /// The grid that the sheet of representatives gives; it tells people of the same name apart.
    pub(super) grid: Option<GridCode>,
    /// Where the person stands.
    pub(super) rows: Vec<(&'static str, u32)>,
}

impl Person {
    fn new(entry: &Entry) -> Self {
        Self {
            display_name: entry.display_name.clone(),
            telephone: entry.telephone.clone(),
            offices: BTreeSet::new(),
            source: None,
            areas: None,
            villager_group: None,
            party_group: None,
            elected_on: None,
            grid: None,
            rows: Vec::new(),
        }
    }

    /// Adds what one more row says. A second group of the same kind is not kept: a member heads one.
    fn hear(&mut self, entry: Entry) {
        self.rows.push((entry.sheet, entry.row));
        let office = match entry.office {
            Says::Cadre { area } => {
                self.areas.get_or_insert_default().insert(area);
                Office::Cadre
            }
            Says::VillagerGroupLeader { group } => {
                self.villager_group.get_or_insert(group);
                Office::VillagerGroupLeader
            }
            Says::PartyGroupLeader { group } => {
                self.party_group.get_or_insert(group);
                Office::PartyGroupLeader
            }
            Says::GridWorker { areas } => {
                self.areas.get_or_insert_default().extend(areas);
                Office::GridWorker
            }
            Says::Representative { source, grid, since } => {
                (self.source, self.grid, self.elected_on) = (Some(source), Some(grid), since);
                Office::Representative
            }
        };
        self.offices.insert(office);
    }
}

/// The people of a file: rows with the same name and telephone are one person. A row without a telephone is about the
/// one person of that name, if there is just one.
pub(super) fn people(entries: Vec<Entry>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let (with, without): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.telephone.is_some());
    for entry in with {
        let same = |person: &Person| person.display_name == entry.display_name && person.telephone == entry.telephone;
        let place = people.iter().position(same).unwrap_or_else(|| add(&mut people, Person::new(&entry)));
        people.get_mut(place).into_iter().for_each(|person| person.hear(entry.clone()));
    }
    for entry in without {
        let named = |person: &Person| person.display_name == entry.display_name;
        let found = match people.iter().filter(|person| named(person)).count() {
            0 => None,
            1 => people.iter().position(named),
            _ => people.iter().position(|person| named(person) && person.telephone.is_none()),
        };
        let place = found.unwrap_or_else(|| add(&mut people, Person::new(&entry)));
        people.get_mut(place).into_iter().for_each(|person| person.hear(entry.clone()));
    }
    people
}

fn add(people: &mut Vec<Person>, person: Person) -> usize {
    people.push(person);
    people.len() - 1
}

/// The member that a person of the file is: by name and telephone; else by a telephone that is one person's only, and
/// whose member does not stand in the file by name; else by a name that is one person's only. So no two persons of the
/// file are the same member, even when a number has gone from one to the other.
pub(super) fn recognise<'m>(person: &Person, file: &[Person], members: &'m [Member]) -> Option<&'m Member> {
    let same_number = |member: &&Member| person.telephone.is_some() && member.telephone == person.telephone;
    let same_name = |member: &&Member| member.display_name == person.display_name;
    if let Some(member) = members.iter().find(|member| same_number(member) && same_name(member)) {
        return Some(member);
    }
    let others = || file.iter().filter(|other| *other != person);
    let number_is_theirs = person.telephone.is_some() && others().all(|other| other.telephone != person.telephone);
    let name_is_theirs = others().all(|other| other.display_name != person.display_name);
    let handed_on = |member: &&Member| others().any(|other| other.display_name == member.display_name);
    let by_number = || only(members.iter().filter(same_number)).filter(|member| !handed_on(member));
    number_is_theirs.then(by_number).flatten().or_else(|| {
        let serving = |member: &&Member| member.term_end.is_none();
        name_is_theirs.then(|| only(members.iter().filter(same_name).filter(serving))).flatten()
    })
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The member as the file says. Offices are added, never taken: who laid one down is not in the file. A representative
/// who was elected again after the end of a term serves again; of one whose term has run out since, the file is old.
pub(super) fn renewed(member: &Member, person: &Person) -> Member {
    let mut member = member.clone();
    member.display_name.clone_from(&person.display_name);
    let elected_after = |term: Term| person.elected_on.is_some_and(|day| day >= term.end);
    let ran_out = member.representing.filter(|_| !member.offices.contains(&Office::Representative));
    member.offices.extend(&person.offices);
    let is_old = ran_out.is_some_and(|term| !elected_after(term));
    if is_old {
        member.offices.remove(&Office::Representative);
    }
    member.representing = member.representing.filter(|term| !elected_after(*term));
    member.telephone = person.telephone.clone().or(member.telephone);
    member.source = person.source.filter(|_| !is_old).or(member.source);
    member.areas = person.areas.clone().unwrap_or(member.areas);
    member.villager_group = person.villager_group.clone().or(member.villager_group);
    member.party_group = person.party_group.clone().or(member.party_group);
    match (person.elected_on, member.term_end) {
        // Whoever serves in another office too began to represent later, and by the entrance.
        (Some(_), None) if member.representing.is_some() => {}
        (Some(elected), None) => member.term_start = elected,
        (Some(elected), Some(end)) if elected >= end => {
            (member.term_start, member.term_end, member.state) = (elected, None, State::Appointed);
        }
        _ => {}
    }
    if person.offices.contains(&Office::Representative)
        && let Some(candidacy) = &mut member.candidacy
    {
        candidacy.standing = None;
    }
    member
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )]
    use super::*;
    use proto::names::MemberName;
    use uuid::Uuid;

    fn number(text: &str) -> Option<Telephone> {
        (!text.is_empty()).then(|| Telephone::parse(text).unwrap())
    }

    fn entry(row: u32, name: &str, telephone: &str, office: Says) -> Entry {
        Entry { sheet: "表", row, display_name: name.into(), telephone: number(telephone), office }
    }

    fn cadre(area: &str) -> Says {
        Says::Cadre { area: area.parse().unwrap() }
    }

    fn worker(area: &str) -> Says {
        Says::GridWorker { areas: vec![area.parse().unwrap()] }
    }

    fn representative(on: &str) -> Says {
        Says::Representative {
            source: Source::Volunteer,
            grid: "001".parse().unwrap(),
            since: Some(on.parse().unwrap()),
        }
    }

    fn member(id: u128, name: &str, telephone: &str) -> Member {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        Member {
            name: MemberName::new("430112011211".parse().unwrap(), Uuid::from_u128(id)),
            display_name: name.into(),
            telephone: number(telephone),
            offices: [Office::Cadre].into(),
            source: None,
            areas: BTreeSet::new(),
            villager_group: None,
            party_group: None,
            term_start: "2023-01-01".parse().unwrap(),
            term_end: None,
            representing: None,
            state: State::Appointed,
            candidacy: None,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    const ONE: &str = "19000040001";
    const TWO: &str = "19000040002";

    #[test]
    fn the_same_name_and_telephone_in_several_sheets_are_one_person_in_several_offices() {
        let found = people(vec![
            entry(2, "田秀坤", ONE, cadre("P01")),
            entry(3, "田秀坤", ONE, worker("P02")),
            entry(4, "田秀坤", "", representative("2023-02-01")),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].offices, [Office::Cadre, Office::GridWorker, Office::Representative].into());
        assert_eq!(found[0].areas.as_ref().unwrap().len(), 2);
        assert_eq!(found[0].rows.len(), 3);
    }

    #[test]
    fn whose_term_as_representative_ran_out_represents_again_when_elected_again_and_not_by_an_old_file() {
        let term = Term { start: "2023-02-01".parse().unwrap(), end: "2026-02-01".parse().unwrap() };
        let before = Member { representing: Some(term), ..member(1, "李明", ONE) };
        let elected = |day| people(vec![entry(2, "李明", ONE, representative(day))]).remove(0);
        assert_eq!(renewed(&before, &elected("2023-02-01")), before, "the file is older than the end of the term");
        let again = renewed(&before, &elected("2026-02-01"));
        assert_eq!(again.offices, [Office::Cadre, Office::Representative].into());
        assert_eq!((again.representing, again.term_start), (None, term.end), "no term of their own is left to run out");
        assert!(again.source.is_some());
        assert_eq!(renewed(&again, &elected("2026-02-01")), again);
    }

    #[test]
    fn people_of_the_same_name_with_their_own_telephones_are_two() {
        let found = people(vec![entry(2, "李明", ONE, cadre("P01")), entry(3, "李明", TWO, cadre("P02"))]);
        assert_eq!(found.len(), 2);
        let members = [member(1, "李明", ONE)];
        assert_eq!(recognise(&found[0], &found, &members).unwrap().name, members[0].name);
        assert!(recognise(&found[1], &found, &members).is_none(), "the other one is somebody new");
    }

    #[test]
    fn a_member_is_known_by_the_telephone_after_a_change_of_name_and_by_the_name_after_a_change_of_telephone() {
        let members = [member(1, "李明", ONE), member(2, "王芳", "")];
        let file = people(vec![entry(2, "李铭", ONE, cadre("P01")), entry(3, "王芳", TWO, cadre("P02"))]);
        assert_eq!(recognise(&file[0], &file, &members).unwrap().name, members[0].name);
        assert_eq!(recognise(&file[1], &file, &members).unwrap().name, members[1].name);
    }

    #[test]
    fn a_telephone_that_went_from_one_person_to_another_makes_nobody_somebody_else() {
        let members = [member(1, "王芳", ONE)];
        let file = people(vec![entry(2, "王芳", TWO, cadre("P01")), entry(3, "李四", ONE, cadre("P02"))]);
        assert_eq!(recognise(&file[0], &file, &members).unwrap().name, members[0].name);
        assert!(recognise(&file[1], &file, &members).is_none(), "has the number, but is somebody new");
        let members = [member(1, "王芳", ONE), member(2, "李四", TWO)];
        assert_eq!(recognise(&file[0], &file, &members).unwrap().name, members[0].name);
        assert_eq!(recognise(&file[1], &file, &members).unwrap().name, members[1].name);
    }

    #[test]
    fn a_name_that_two_members_share_recognises_neither() {
        let members = [member(1, "李明", ONE), member(2, "李明", TWO)];
        let file = people(vec![entry(2, "李明", "", cadre("P01"))]);
        assert!(recognise(&file[0], &file, &members).is_none());
    }

    #[test]
    fn what_the_file_does_not_say_stays() {
        let mut before = member(1, "李明", ONE);
        before.offices.insert(Office::GridWorker);
        let file = people(vec![entry(2, "李明", "", representative("2023-02-01"))]);
        let after = renewed(&before, &file[0]);
        assert_eq!(after.offices, [Office::Cadre, Office::GridWorker, Office::Representative].into());
        assert_eq!((after.telephone.clone(), after.term_start), (number(ONE), "2023-02-01".parse().unwrap()));
        assert_eq!(renewed(&after, &file[0]), after);
    }

    #[test]
    fn only_a_later_election_begins_a_new_term() {
        let mut ended = member(1, "李明", ONE);
        ended.term_end = Some("2026-01-01".parse().unwrap());
        let old = people(vec![entry(2, "李明", ONE, representative("2023-02-01"))]);
        assert_eq!(renewed(&ended, &old[0]).term_end, ended.term_end);
        let new = people(vec![entry(2, "李明", ONE, representative("2026-02-01"))]);
        assert_eq!(renewed(&ended, &new[0]).term_end, None);
    }
}
