#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;
use proto::names::VillageCode;

use super::*;
use crate::line::rules::LineKind;
use crate::link::rules::{Current, Standing, settle};
use crate::places::GridKind;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn village() -> VillageCode {
    "430112011211".parse().unwrap()
}

fn code(grid: usize) -> GridCode {
    format!("{grid:03}").parse().unwrap()
}

fn member(id: usize) -> Member {
    Member {
        name: MemberName::new(village(), Uuid::from_u128(id as u128)),
        display_name: format!("代表{id}"),
        telephone: None,
        offices: [Office::Representative, Office::Cadre].into(),
        source: None,
        areas: BTreeSet::new(),
        villager_group: None,
        party_group: None,
        term_start: day("2023-02-01"),
        term_end: None,
        state: crate::member::entrance::State::Appointed,
        representing: None,
        candidacy: None,
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

/// Three grids, of which `seats` names the representatives, and households with their links.
#[derive(Debug, Clone)]
struct World {
    today: NaiveDate,
    seats: [Option<(usize, NaiveDate)>; 3],
    homes: Vec<Home>,
    links: Vec<Link>,
}

#[derive(Debug, Clone)]
struct Home {
    grid: usize,
    line: LineKind,
    active: bool,
}

fn household(place: usize) -> HouseholdName {
    HouseholdName::new(village(), Uuid::from_u128(1000 + place as u128))
}

impl World {
    fn new() -> Self {
        let homes = (0..6).map(|place| Home { grid: place % 3, line: LineKind::Relocated, active: true }).collect();
        let seats = [0, 1, 2].map(|grid| Some((grid + 1, day("2023-02-01"))));
        let mut world = Self { today: day("2026-06-01"), seats, homes, links: Vec::new() };
        world.settle(&[0, 1, 2, 3, 4, 5]);
        world
    }

    fn open(&self, place: usize) -> Option<&Link> {
        self.links.iter().find(|link| link.valid_to.is_none() && link.household == household(place))
    }

    /// What the database does with links that end and begin.
    fn store(&mut self, ends: &[LinkName], begins: Vec<Link>, on: NaiveDate) {
        for link in self.links.iter_mut().filter(|link| ends.contains(&link.name)) {
            link.valid_to = Some(link.valid_from.max(on));
        }
        for link in begins {
            match self.links.iter_mut().find(|known| known.name == link.name) {
                Some(known) => known.valid_to = None,
                None => self.links.push(link),
            }
        }
    }

    fn settle(&mut self, places: &[usize]) {
        for place in places {
            let home = self.homes[*place].clone();
            let current = self.open(*place).map(|link| Current {
                name: link.name.clone(),
                representative: link.representative.clone(),
                line: link.line,
                origin: link.origin,
                valid_from: link.valid_from,
            });
            let of_household = self.links.iter().filter(|link| link.household == household(*place));
            let standing = Standing {
                household: household(*place),
                active: home.active,
                active_since: None,
                line: Some(home.line),
                default: self.seats[home.grid].map(|(id, since)| (member(id).name, since)),
                current,
                unlinked_since: of_household.filter_map(|link| link.valid_to).max(),
            };
            let done = settle(&standing, self.today, now());
            self.store(&Vec::from_iter(done.end), Vec::from_iter(done.begin), self.today);
        }
    }

    fn plan(&self, from: usize, parts: Vec<Part>, day: NaiveDate) -> Result<Plan> {
        let order = Order { member: member(from).name, parts, day: Some(day), reason: "轮换".into(), preview: None };
        let team = |(grid, id): (usize, usize)| {
            let mut team = Team::new(village(), code(grid), now());
            team.representative = Some(Holder::of(&member(id), Office::Representative));
            team
        };
        let sits = self.seats.iter().enumerate().filter_map(|(grid, seat)| Some((grid, (*seat)?)));
        let served = (0..self.homes.len()).filter_map(|place| {
            let link = self.open(place).filter(|link| link.representative == member(from).name)?.clone();
            let grid = self.homes[place].grid;
            let default = self.seats[grid].map(|(id, since)| (Uuid::from_u128(id as u128), since));
            Some(Served { link, number: format!("{place:05}"), grid: code(grid), default })
        });
        let successors = order.successors().into_iter().map(|name| member(name.member.as_u128() as usize)).collect();
        let situation = Situation {
            from: member(from),
            successors,
            teams: sits.clone().filter(|(_, (id, _))| *id == from).map(|(grid, (id, _))| team((grid, id))).collect(),
            held_since: sits.map(|(grid, (_, since))| ((code(grid), Seat::Representative), since)).collect(),
            served: served.collect(),
            grids: (0..3).map(grid).collect(),
            lines: Vec::new(),
        };
        plan(&order, situation, now(), self.today)
    }

    fn carry_out(&mut self, plan: Plan) {
        for seat in &plan.seats {
            let grid: usize = seat.team.grid.to_string().parse().unwrap();
            self.seats[grid] = seat.successor.as_ref().map(|holder| (holder.member.as_u128() as usize, plan.day));
        }
        let ends: Vec<LinkName> = plan.households.iter().map(|one| one.link.clone()).collect();
        self.store(&ends, plan.households.into_iter().filter_map(|one| one.begin).collect(), plan.day);
    }
}

fn grid(grid: usize) -> Grid {
    Grid {
        name: proto::names::GridName::new(village(), code(grid)),
        area: None,
        kind: GridKind::OriginalSettlement,
        line: None,
        retired: false,
        retired_on: None,
        revision: 1,
    }
}

fn everything_to(successor: Option<usize>) -> Part {
    Part {
        successor: successor.map(|id| member(id).name),
        grids: BTreeSet::new(),
        seats: BTreeSet::new(),
        households_only: false,
    }
}

#[test]
fn seat_and_households_go_together_and_the_links_follow_on() {
    let mut world = World::new();
    let plan = world.plan(1, vec![everything_to(Some(7))], world.today).unwrap();
    assert_eq!((plan.seats.len(), plan.households.len()), (1, 2));
    assert!(plan.households.iter().all(|one| one.begin.as_ref().unwrap().origin == Origin::Default));
    let same = world.plan(1, vec![everything_to(Some(7))], world.today).unwrap();
    assert_eq!(plan.etag, same.etag);
    assert!(same.must_be_as_shown(Some(&plan.etag)).is_ok());
    assert!(matches!(same.must_be_as_shown(Some("x")), Err(Error::Stale { .. })));
    world.carry_out(plan);
    let link = world.open(0).unwrap();
    assert_eq!((link.representative.clone(), link.valid_from), (member(7).name, world.today));
}

#[test]
fn households_alone_are_chosen_and_the_seat_stays() {
    let world = World::new();
    let part = Part { households_only: true, ..everything_to(Some(2)) };
    let plan = world.plan(1, vec![part], world.today).unwrap();
    assert_eq!((plan.seats.len(), plan.households.len(), plan.teams.len()), (0, 2, 0));
    let link = plan.households[0].begin.clone().unwrap();
    assert_eq!((link.origin, link.reason.as_str()), (Origin::Chosen, "轮换"));
}

#[test]
fn without_successor_households_become_gaps_and_seats_vacant() {
    let world = World::new();
    let plan = world.plan(1, vec![everything_to(None)], world.today).unwrap();
    assert!(plan.seats[0].successor.is_none() && plan.households.iter().all(|one| one.begin.is_none()));
    assert_eq!(plan.message(None).uncovered_count, 2);
}

#[test]
fn what_is_not_named_stays_and_where_nothing_moves_it_is_refused() {
    let world = World::new();
    let elsewhere = Part { grids: [code(2)].into(), ..everything_to(Some(7)) };
    assert!(matches!(
        world.plan(1, vec![elsewhere], world.today),
        Err(Error::Refused { reason: reasons::ILLEGAL_MOVE, .. })
    ));
    assert!(world.plan(1, vec![everything_to(Some(1))], world.today).is_err(), "to oneself");
    assert!(world.plan(1, vec![everything_to(Some(7))], day("2026-06-02")).is_err(), "to come");
    assert!(world.plan(1, vec![everything_to(Some(7))], day("2023-01-31")).is_err(), "before the term");
    assert!(world.plan(1, vec![everything_to(Some(7))], day("2026-05-20")).is_ok());
}

/// Something that happens in the village.
#[derive(Debug, Clone)]
enum Happening {
    /// A household moves to another grid, line or state, and liaison reacts.
    Moves {
        place: usize,
        grid: usize,
        rebuilt: bool,
        active: bool,
    },
    /// A member hands over some days ago: everything, one grid, or households alone; to somebody or nobody.
    HandsOver {
        from: usize,
        to: Option<usize>,
        grid: Option<usize>,
        households_only: bool,
        ago: u64,
    },
    /// A seat is given that is vacant.
    Seated {
        grid: usize,
        id: usize,
    },
    /// A household chooses.
    Chooses {
        place: usize,
        id: usize,
    },
    Days(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0..6_usize, 0..3_usize, any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(place, grid, rebuilt, active)| Happening::Moves { place, grid, rebuilt, active }),
        4 => (1..7_usize, proptest::option::weighted(0.8, 1..7_usize), proptest::option::of(0..3_usize), any::<bool>(), 0..5_u64)
            .prop_map(|(from, to, grid, households_only, ago)| Happening::HandsOver { from, to, grid, households_only, ago }),
        2 => (0..3_usize, 1..7_usize).prop_map(|(grid, id)| Happening::Seated { grid, id }),
        1 => (0..6_usize, 1..7_usize).prop_map(|(place, id)| Happening::Chooses { place, id }),
        2 => (0..4_u64).prop_map(Happening::Days),
    ]
}

/// The days on which a household has a link, of those that matter.
fn covered(world: &World, place: usize, on: NaiveDate) -> usize {
    let of_household = world.links.iter().filter(|link| link.household == household(place));
    of_household.filter(|link| link.valid_from <= on && link.valid_to.is_none_or(|end| on < end)).count()
}

proptest! {
    /// The law of links over random histories: never two on a day; a handover to somebody leaves no day without; and what
    /// the member had is nobody's but the successor's.
    #[test]
    fn no_day_without_a_representative_and_no_day_with_two(history in proptest::collection::vec(happening(), 0..40)) {
        let mut world = World::new();
        for happening in history {
            let before = world.clone();
            match happening.clone() {
                Happening::Moves { place, grid, rebuilt, active } => {
                    let line = if rebuilt { LineKind::Rebuilt } else { LineKind::Relocated };
                    world.homes[place] = Home { grid, line, active };
                    world.settle(&[place]);
                }
                Happening::HandsOver { from, to, grid, households_only, ago } => {
                    let elsewhere = |id: usize| world.seats.iter().flatten().any(|(held, _)| *held == id);
                    // The database refuses a second grid, whenever it was.
                    if to.is_some_and(|id| elsewhere(id) && !households_only) {
                        continue;
                    }
                    let part = Part { grids: grid.map(code).into_iter().collect(), households_only, ..everything_to(to) };
                    let on = world.today - chrono::Days::new(ago);
                    if let Ok(plan) = world.plan(from, vec![part], on) {
                        let moved: Vec<usize> = (0..6).filter(|place| plan.households.iter().any(|one| one.household == household(*place))).collect();
                        world.carry_out(plan);
                        for place in moved {
                            let Some(to) = to else { continue };
                            prop_assert_eq!(&world.open(place).unwrap().representative, &member(to).name);
                            for ago in 0..10 {
                                let on = world.today - chrono::Days::new(ago);
                                prop_assert_eq!(covered(&world, place, on), covered(&before, place, on), "{}", on);
                            }
                        }
                    }
                }
                Happening::Seated { grid, id } => {
                    if world.seats[grid].is_none() && !world.seats.iter().flatten().any(|(held, _)| *held == id) {
                        world.seats[grid] = Some((id, world.today));
                        world.settle(&[0, 1, 2, 3, 4, 5]);
                    }
                }
                Happening::Chooses { place, id } => {
                    if let Some(link) = world.open(place).filter(|link| link.valid_from < world.today).cloned() {
                        let chosen = link.followed_by(member(id).name, world.today, Origin::Chosen, "就熟".into(), now());
                        world.store(&[link.name], vec![chosen], world.today);
                    }
                }
                Happening::Days(days) => world.today = world.today + chrono::Days::new(days),
            }
            for place in 0..6 {
                let of_household: Vec<&Link> = world.links.iter()
                    .filter(|link| link.household == household(place) && link.valid_to != Some(link.valid_from))
                    .collect();
                for (at, one) in of_household.iter().enumerate() {
                    for other in &of_household[at + 1..] {
                        let apart = |a: &Link, b: &Link| a.valid_to.is_some_and(|end| end <= b.valid_from);
                        prop_assert!(apart(one, other) || apart(other, one), "after {happening:?}: {one:?} and {other:?}");
                    }
                }
                let home = &world.homes[place];
                if home.active && world.seats[home.grid].is_some() {
                    prop_assert!(world.open(place).is_some(), "after {happening:?}: {place} is linked to nobody");
                }
            }
        }
    }
}
