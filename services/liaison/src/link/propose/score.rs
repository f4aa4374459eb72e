//! How well a household and a representative fit, by the three principles, and in what words a clerk is told. Pure.

use std::collections::BTreeMap;

use proto::names::{GridCode, LocalCode};
use uuid::Uuid;

use super::assign::{Group, Server, assign};
use crate::places::GridKind;

/// The most that fits by one principle.
const FULL: i32 = 100;
/// A visit in the past year counts so much, and more than three of them no more.
const VISIT: (i32, i32) = (20, 3);
/// The same villager group.
const SAME_GROUP: i32 = 40;

/// Where somebody lives, or serves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) grid: GridCode,
    pub(super) area: Option<LocalCode>,
    pub(super) kind: Option<GridKind>,
}

/// A household that is to be served. Those that are alike but for their id are decided together.
#[derive(Debug, Clone)]
pub(super) struct Household {
    pub(super) id: Uuid,
    pub(super) place: Place,
    pub(super) villager_group: Option<LocalCode>,
    /// Visits in the past year, by who made them.
    pub(super) visits: BTreeMap<Uuid, i32>,
}

/// Somebody who may serve it.
#[derive(Debug, Clone)]
pub(super) struct Representative {
    pub(super) id: Uuid,
    pub(super) place: Option<Place>,
    /// The group that most of their households are of, or that they lead.
    pub(super) villager_group: Option<LocalCode>,
    pub(super) load: usize,
}

/// How many households each is to serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) least: usize,
    pub(super) most: usize,
}

/// How well two fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Score {
    pub(crate) near: i32,
    pub(crate) convenient: i32,
    pub(crate) familiar: i32,
}

/// Who is to serve whom: each household with its representative, by their places in what was given.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// Of each household; none: nobody has room.
    pub(super) served_by: Vec<Option<usize>>,
    /// How many households each representative then serves.
    pub(super) loads: Vec<usize>,
}

/// Gives households to representatives, as well as can be within the bounds.
pub(super) fn plan(households: &[Household], representatives: &[Representative], bounds: Bounds) -> Plan {
    // Households of one place and group that the same people have visited cost the same.
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, household) in households.iter().enumerate() {
        let visits: Vec<(Uuid, i32)> = household.visits.iter().map(|(by, times)| (*by, *times)).collect();
        alike.entry((&household.place, &household.villager_group, visits)).or_default().push(place);
    }
    let costs = |household: &Household| {
        let cost = |with: &Representative| i64::from(2 * FULL - near(household, with) - familiar(household, with));
        representatives.iter().map(cost).collect()
    };
    let groups: Vec<Group> = alike
        .values()
        .filter_map(|places| Some((places.len(), households.get(*places.first()?)?)))
        .map(|(count, household)| Group { households: count, costs: costs(household) })
        .collect();
    let servers: Vec<Server> =
        representatives.iter().map(|with| Server { load: with.load, least: bounds.least, most: bounds.most }).collect();
    let flow = assign(&groups, &servers);
    let mut served_by = vec![None; households.len()];
    let mut loads: Vec<usize> = representatives.iter().map(|with| with.load).collect();
    for (places, flow) in alike.values().zip(flow) {
        let servers = flow.into_iter().flat_map(|(server, count)| std::iter::repeat_n(server, count));
        for (place, server) in places.iter().zip(servers) {
            if let Some(served_by) = served_by.get_mut(*place) {
                *served_by = Some(server);
            }
            if let Some(load) = loads.get_mut(server) {
                *load += 1;
            }
        }
    }
    Plan { served_by, loads }
}

/// 就近.
fn near(household: &Household, with: &Representative) -> i32 {
    let Some(place) = &with.place else { return 0 };
    let same_area = place.area.is_some() && place.area == household.place.area;
    if place.grid == household.place.grid {
        FULL
    } else if same_area && place.kind == household.place.kind {
        60
    } else if same_area {
        40
    } else {
        0
    }
}

/// 就熟.
fn familiar(household: &Household, with: &Representative) -> i32 {
    let same_group = with.villager_group.is_some() && with.villager_group == household.villager_group;
    let visits = household.visits.get(&with.id).copied().unwrap_or_default();
    let (each, most) = VISIT;
    visits.min(most) * each + if same_group { SAME_GROUP } else { 0 }
}

/// 就便: of somebody who then serves so many.
fn convenient(load: usize, bounds: Bounds) -> i32 {
    let over = load.saturating_sub(bounds.least);
    let span = bounds.most.saturating_sub(bounds.least).max(1);
    FULL - i32::try_from(over.min(span) * 100 / span).unwrap_or(FULL)
}

/// How well two fit, when the representative then serves so many.
pub(super) fn score(household: &Household, with: &Representative, load: usize, bounds: Bounds) -> Score {
    Score { near: near(household, with), convenient: convenient(load, bounds), familiar: familiar(household, with) }
}

/// Why the two, in words.
pub(super) fn explain(household: &Household, with: &Representative, load: usize, bounds: Bounds) -> String {
    let near = match near(household, with) {
        FULL if household.place.kind == Some(GridKind::OutsideEstate) => "就近：同住一个小区".to_owned(),
        FULL => format!("就近：同在微网格{}", household.place.grid),
        60 => "就近：同片区的同类微网格".to_owned(),
        40 => "就近：同一片区".to_owned(),
        _ => "就近：不在同一片区".to_owned(),
    };
    let visits = household.visits.get(&with.id).copied().unwrap_or_default();
    let same_group = with.villager_group.is_some() && with.villager_group == household.villager_group;
    let familiar = match (same_group, visits) {
        (true, 0) => "就熟：同一村民小组".to_owned(),
        (true, visits) => format!("就熟：同一村民小组，近一年走访{visits}次"),
        (false, 0) => "就熟：尚无走访".to_owned(),
        (false, visits) => format!("就熟：近一年走访{visits}次"),
    };
    format!("{near}；就便：共联系{load}户（应为{}至{}户）；{familiar}", bounds.least, bounds.most)
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

    const BOUNDS: Bounds = Bounds { least: 5, most: 15 };

    fn place(grid: &str, area: &str) -> Place {
        let kind = Some(GridKind::OriginalSettlement);
        Place { grid: grid.parse().unwrap(), area: Some(area.parse().unwrap()), kind }
    }

    fn household(id: u128, grid: &str, group: &str) -> Household {
        let villager_group = Some(group.parse().unwrap());
        Household { id: Uuid::from_u128(id), place: place(grid, "P01"), villager_group, visits: BTreeMap::new() }
    }

    fn representative(id: u128, grid: &str, area: &str, load: usize) -> Representative {
        let villager_group = Some("01".parse().unwrap());
        Representative { id: Uuid::from_u128(id), place: Some(place(grid, area)), villager_group, load }
    }

    #[test]
    fn whoever_is_nearest_serves_as_long_as_there_is_room() {
        let households: Vec<Household> = (0..4).map(|id| household(id, "001", "09")).collect();
        let all = [representative(91, "001", "P01", 5), representative(92, "002", "P01", 5)];
        assert_eq!(plan(&households, &all, BOUNDS).loads, [9, 5]);
        let all = [representative(91, "001", "P01", 14), representative(92, "002", "P01", 5)];
        let plan = plan(&households, &all, BOUNDS);
        assert_eq!(plan.loads, [14, 9], "whoever has much to do is not given more for being near");
        assert!(plan.served_by.iter().all(Option::is_some));
    }

    #[test]
    fn the_familiar_one_is_preferred_to_another_equally_near() {
        let mut known = household(1, "003", "01");
        known.visits.insert(Uuid::from_u128(92), 2);
        let all = [representative(91, "001", "P01", 5), representative(92, "002", "P01", 5)];
        assert_eq!(plan(std::slice::from_ref(&known), &all, BOUNDS).served_by, [Some(1)]);
        let score = score(&known, &all[1], 6, BOUNDS);
        assert_eq!((score.near, score.convenient, score.familiar), (60, 90, 80));
        let said = explain(&known, &all[1], 6, BOUNDS);
        assert_eq!(said, "就近：同片区的同类微网格；就便：共联系6户（应为5至15户）；就熟：同一村民小组，近一年走访2次");
    }

    #[test]
    fn nobody_is_proposed_where_nobody_has_room() {
        let households = [household(1, "001", "01"), household(2, "001", "01")];
        let plan = plan(&households, &[representative(91, "001", "P01", 14)], BOUNDS);
        assert_eq!(plan.served_by.iter().flatten().count(), 1);
        let nobody = super::plan(&households, &[], BOUNDS);
        assert_eq!((nobody.served_by, nobody.loads.len()), (vec![None, None], 0));
    }
}
