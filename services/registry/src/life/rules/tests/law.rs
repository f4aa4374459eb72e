//! Whatever happens to a village's households, in any order: everybody is somewhere, and nobody is anywhere twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A village, as the database would hold it.
#[derive(Debug, Clone, Default)]
struct Village {
    households: BTreeMap<Uuid, Household>,
    residents: BTreeMap<Uuid, Resident>,
    /// Who is somewhere in it.
    people: BTreeSet<String>,
    told: BTreeSet<(String, i64)>,
    made: u128,
}

impl Village {
    fn new() -> Self {
        let mut village = Self { made: 1000, ..Self::default() };
        for n in 1..=4_u128 {
            let head = format!("户主{n}");
            village.people.insert(head.clone());
            village.households.insert(id(n), household(n, &head, Kind::Original));
            for m in 0..n {
                let name = format!("家人{n}-{m}");
                village.people.insert(name.clone());
                let resident = person(n, n * 10 + m, &name);
                village.residents.insert(resident.name.resident, resident);
            }
        }
        village
    }

    fn next(&mut self) -> Uuid {
        self.made += 1;
        id(self.made)
    }

    fn pick(&self, at: usize) -> Household {
        self.households.values().nth(at % self.households.len()).unwrap().clone()
    }

    fn somebody(&self, of: Uuid, at: usize) -> Uuid {
        let people: Vec<Uuid> = self.of(of).map(|one| one.name.resident).collect();
        if people.is_empty() { id(0) } else { people[at % people.len()] }
    }

    fn of(&self, household: Uuid) -> impl Iterator<Item = &Resident> {
        self.residents.values().filter(move |one| one.name.household == household)
    }

    fn family(&self, household: Household) -> Result<Family> {
        let people = self.of(household.name.household).cloned().collect();
        Family::of(household, people)
    }

    fn everybody(&self, of: Uuid, but: Option<Uuid>) -> Relations {
        self.of(of).map(|one| one.name.resident).filter(|id| Some(*id) != but).map(|id| (id, "亲属".into())).collect()
    }

    /// Carries one command out; which of them is for chance to say, and whether it is allowed for the rules.
    fn step(&mut self, (what, first, second, third): (u8, usize, usize, usize)) -> Result<Outcome> {
        let here = self.pick(first);
        let there = self.pick(second);
        let (id_here, fresh) = (here.name.household, self.next());
        let who = self.somebody(id_here, third);
        match what {
            0 => transfer(self.family(here)?, self.family(there)?, who, "亲属".into(), now()),
            1 => {
                let mut others = self.everybody(id_here, Some(who));
                others.retain(|id, _| id.as_u128() as usize % 2 == third % 2);
                let facts = Facts::blank(fresh.to_string(), String::new(), Kind::Original, "001".parse().unwrap());
                let household = HouseholdName::new(HERE.parse().unwrap(), fresh);
                let departure = Departure { household, facts, head: who, others };
                split(self.family(here)?, departure, &old_settlement(), day(), now())
            }
            2 => {
                let relations = self.everybody(there.name.household, None);
                let taken = Taken { family: self.family(there)?, head_relation: "亲属".into(), head_id: fresh };
                merge(self.family(here)?, vec![taken], relations, vec![], None, now())
            }
            3 => {
                let former = Former::Stays { relation: "父".into(), id: fresh };
                change_head(self.family(here)?, who, former, self.everybody(id_here, Some(who)), now())
            }
            4 => {
                let dead = here.facts.head_name.clone();
                let others = self.everybody(id_here, Some(who));
                let outcome = change_head(self.family(here)?, who, Former::Leaves, others, now())?;
                self.people.remove(&dead);
                Ok(outcome)
            }
            5 => relocate(self.family(here)?, moving(true, Some(Kind::Relocated)), &estate(), false, now()),
            6 => {
                let head = here.facts.head_name.clone();
                let outcome = mark(self.family(here)?, Mark::Demolished, vec![], None, now())?;
                self.people.remove(&head);
                Ok(outcome)
            }
            7 => mark(self.family(here)?, Mark::Away, vec![], None, now()),
            _ => mark(self.family(here)?, Mark::Back, vec![], None, now()),
        }
    }

    fn keep(&mut self, outcome: Outcome) {
        for household in outcome.households {
            self.households.insert(household.name.household, household);
        }
        for id in outcome.ended {
            self.residents.remove(&id).unwrap();
        }
        for resident in outcome.residents {
            self.residents.insert(resident.name.resident, resident);
        }
        for told in outcome.told {
            assert!(self.told.insert((told.record, told.revision)), "one record, one revision, one change");
        }
    }

    fn must_be_sound(&self) {
        let mut seen = BTreeSet::new();
        let heads = self.households.values().filter(|one| one.facts.state.is_open()).map(|one| &one.facts.head_name);
        for name in heads.chain(self.residents.values().map(|one| &one.facts.display_name)) {
            assert!(!name.is_empty(), "every open household has a head");
            assert!(seen.insert(name.clone()), "{name} is in the village twice");
        }
        assert_eq!(seen, self.people, "nobody is lost and nobody comes from nowhere");
        for resident in self.residents.values() {
            assert!(self.households[&resident.name.household].facts.state.is_open(), "a closed household is empty");
        }
        let merged = self.households.values().filter(|one| one.facts.state == State::Merged);
        assert!({ merged }.all(|one| one.facts.head_name.is_empty()));
        let numbers: BTreeSet<&str> = self.households.values().map(|one| one.facts.number.as_str()).collect();
        assert_eq!(numbers.len(), self.households.len());
    }
}

proptest! {
    #[test]
    fn whatever_happens_everybody_is_in_one_household_and_every_household_has_one_head(
        steps in prop::collection::vec((0_u8..9, 0_usize..50, 0_usize..50, 0_usize..50), 1..60)
    ) {
        let mut village = Village::new();
        village.must_be_sound();
        for step in steps {
            let before = village.clone();
            match village.step(step) {
                Ok(outcome) => village.keep(outcome),
                Err(_) => {
                    prop_assert_eq!(&village.households, &before.households);
                    prop_assert_eq!(&village.residents, &before.residents);
                }
            }
            village.must_be_sound();
        }
    }
}
