//! A hundred households of 高冲村 move on one day: to estates outside the village, into the rebuilt area and out of it, to the
//! other side of the road. Who serves them, on which line, what is covered and what the figures say follows by itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use harness::Call;
use lianxin::onboard::Done;
use platform::{Clock, Office};
use proto::google::r#type::Date;
use proto::liaison::v1 as liaison;
use proto::liaison::v1::coverage_service_client::CoverageServiceClient;
use proto::liaison::v1::link_service_client::LinkServiceClient;
use proto::liaison::v1::team_service_client::TeamServiceClient;
use proto::platform::v1::MarkRequest;
use proto::platform::v1::news_service_client::NewsServiceClient;
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use proto::registry::v1::{
    Household, HouseholdKind, LineKind, ListHouseholdsRequest, Occasion, RelocateHouseholdRequest,
};
use proto::time::{date, naive_date};
use tests::{GAOCHONG, World};

/// The grids of each sort of place, as the roster has them.
const SETTLEMENTS: std::ops::RangeInclusive<u32> = 1..=26;
const RESETTLED: std::ops::RangeInclusive<u32> = 27..=51;
const ESTATES: std::ops::RangeInclusive<u32> = 52..=66;
/// The estate that has no representative while they move.
const LEFT_ALONE: u32 = 66;

fn village() -> String {
    format!("villages/{GAOCHONG}")
}

fn grid(code: u32) -> String {
    format!("{}/grids/{code:03}", village())
}

/// The three digits of a grid, from its name.
fn code(grid: &str) -> u32 {
    grid.rsplit('/').next().unwrap().parse().unwrap()
}

/// The line that reaches a kind, as long as the village has not said otherwise.
fn line(kind: HouseholdKind) -> LineKind {
    match kind {
        HouseholdKind::Original | HouseholdKind::Relocated => LineKind::Relocated,
        _ => LineKind::Rebuilt,
    }
}

/// Where every household is, and what sort of household.
type Places = BTreeMap<String, (u32, HouseholdKind)>;

/// How many households are in each estate by line.
fn by_estate(places: &Places) -> BTreeMap<(u32, LineKind), i32> {
    let mut parts = BTreeMap::new();
    for (grid, kind) in places.values().filter(|(grid, _)| ESTATES.contains(grid)) {
        *parts.entry((*grid, line(*kind))).or_default() += 1;
    }
    parts
}

/// The hundred moves: the household, the grid it goes to, what it is afterwards, and whether it then lives outside.
fn moves(households: &[Household], landlords: &BTreeSet<String>) -> Vec<(String, u32, HouseholdKind, bool)> {
    let of = |kind: HouseholdKind| households.iter().filter(move |household| household.kind() == kind);
    let mut original = of(HouseholdKind::Original);
    let rebuilt = of(HouseholdKind::RebuiltArea).filter(|household| !landlords.contains(&household.name));
    let mut moves = Vec::new();
    let mut estates = ESTATES.cycle();
    for household in original.by_ref().take(50) {
        moves.push((household.name.clone(), estates.next().unwrap(), HouseholdKind::Relocated, true));
    }
    for (household, grid) in original.by_ref().take(25).zip(RESETTLED) {
        moves.push((household.name.clone(), grid, HouseholdKind::RebuiltArea, false));
    }
    for household in original.take(10) {
        let here = code(&household.grid);
        let there = SETTLEMENTS.clone().find(|grid| *grid != here).unwrap();
        moves.push((household.name.clone(), there, HouseholdKind::Original, false));
    }
    for household in rebuilt.take(15) {
        moves.push((household.name.clone(), estates.next().unwrap(), HouseholdKind::Relocated, true));
    }
    moves
}

/// The village as its clerk sees it, after all that has been said so far.
struct Village<'w> {
    world: &'w World,
    clerk: Call,
    /// The marks that calls come after: the registry's, then liaison's.
    said: Done,
}

impl Village<'_> {
    /// What is asked from now on comes after all that the two services have committed.
    async fn mark(&mut self) {
        for service in ["registry", "liaison"] {
            let caller = if service == "liaison" { self.after() } else { self.clerk.clone() };
            let mut news = NewsServiceClient::new(self.world.line(service, &caller));
            let mark = news.mark(MarkRequest { parent: village() }).await.unwrap().into_inner().mark.unwrap();
            self.said.marks.push(mark);
        }
    }

    /// The clerk, whose calls to liaison come after what the registry has said.
    fn after(&self) -> Call {
        let registry = self.said.marks.iter().rev().find(|mark| mark.stream == "REGISTRY");
        self.clerk.after(registry.expect("the registry was marked"))
    }

    async fn households(&self) -> Vec<Household> {
        let mut client = HouseholdServiceClient::new(self.world.line("registry", &self.clerk));
        let (mut households, mut page_token) = (Vec::new(), String::new());
        loop {
            let list = ListHouseholdsRequest { parent: village(), page_size: 1000, page_token, ..Default::default() };
            let page = client.list_households(list).await.unwrap().into_inner();
            households.extend(page.households);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return households;
            }
        }
    }

    async fn landlords(&self) -> BTreeSet<String> {
        let list = liaison::ListMerchantLinksRequest { parent: village(), page_size: 1000, ..Default::default() };
        let mut client = LinkServiceClient::new(self.world.line("liaison", &self.after()));
        let links = client.list_merchant_links(list).await.unwrap().into_inner().merchant_links;
        assert_eq!(links.len(), 183);
        links.into_iter().map(|link| link.landlord).collect()
    }

    /// The representative of every grid.
    async fn representatives(&self) -> BTreeMap<u32, String> {
        let list = liaison::ListTeamsRequest { parent: village(), page_size: 1000, ..Default::default() };
        let mut client = TeamServiceClient::new(self.world.line("liaison", &self.after()));
        let teams = client.list_teams(list).await.unwrap().into_inner().teams;
        let holder = |team: liaison::Team| Some((code(&team.grid), team.representative?.member));
        teams.into_iter().filter_map(holder).collect()
    }

    /// The links as somebody sees them: those in force on a day, or all there ever were.
    async fn links_of(&self, caller: &Call, as_of: Option<NaiveDate>, household: &str) -> Vec<liaison::Link> {
        let mut client = LinkServiceClient::new(self.world.line("liaison", caller));
        let (mut links, mut page_token) = (Vec::new(), String::new());
        loop {
            let list = liaison::ListLinksRequest {
                parent: village(),
                page_size: 1000,
                page_token,
                filter: Some(liaison::LinkFilter { household: household.to_owned(), ..Default::default() }),
                as_of: as_of.map(date),
                show_ended: as_of.is_none(),
            };
            let page = client.list_links(list).await.unwrap().into_inner();
            links.extend(page.links);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return links;
            }
        }
    }

    /// Who serves each household on a day, and on which line.
    async fn served(&self, as_of: NaiveDate) -> BTreeMap<String, (String, LineKind)> {
        let links = self.links_of(&self.after(), Some(as_of), "").await;
        let count = links.len();
        let served: BTreeMap<_, _> = links
            .into_iter()
            .map(|link| {
                let line = link.line();
                (link.household, (link.representative, line))
            })
            .collect();
        assert_eq!(served.len(), count, "nobody is served twice on {as_of}");
        served
    }

    /// The days of every household's links, those that were never in force left out, in their order.
    async fn days(&self) -> BTreeMap<String, Vec<(NaiveDate, Option<NaiveDate>)>> {
        let day = |day: &Date| naive_date(day).unwrap();
        let mut days: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for link in self.links_of(&self.after(), None, "").await {
            let (start, end) = (day(link.start_date.as_ref().unwrap()), link.end_date.as_ref().map(day));
            if end != Some(start) {
                days.entry(link.household).or_default().push((start, end));
            }
        }
        days.values_mut().for_each(|days| days.sort_unstable());
        days
    }

    /// Coverage on a day, and by estate and line: how many households, and how many of these are linked.
    async fn coverage(&self, as_of: NaiveDate) -> (liaison::Coverage, BTreeMap<(u32, LineKind), (i32, i32)>) {
        let mut client = CoverageServiceClient::new(self.world.line("liaison", &self.after()));
        let get = liaison::GetCoverageRequest {
            parent: village(),
            as_of: Some(date(as_of)),
            breakdown: liaison::CoverageBreakdown::Estate.into(),
        };
        let coverage = client.get_coverage(get).await.unwrap().into_inner();
        let parts = coverage.parts.iter().map(|part| ((code(&part.grid), part.line()), (part.households, part.linked)));
        let parts = parts.collect();
        (coverage, parts)
    }

    async fn gaps(&self) -> Vec<liaison::Gap> {
        let mut client = CoverageServiceClient::new(self.world.line("liaison", &self.after()));
        let list = liaison::ListGapsRequest { parent: village(), page_size: 1000, ..Default::default() };
        client.list_gaps(list).await.unwrap().into_inner().gaps
    }

    async fn relocate(&self, (name, to, kind, outside): &(String, u32, HouseholdKind, bool)) {
        let mut client = HouseholdServiceClient::new(self.world.line("registry", &self.clerk));
        let relocate = RelocateHouseholdRequest {
            name: name.clone(),
            occasion: Some(Occasion { day: None, reason: "房屋拆迁".into() }),
            grid: grid(*to),
            outside: *outside,
            kind: (*kind).into(),
            ..Default::default()
        };
        let moved = client.relocate_household(relocate).await.unwrap().into_inner();
        assert_eq!((moved.grid.as_str(), moved.kind(), moved.outside), (grid(*to).as_str(), *kind, *outside));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_households_move_and_links_coverage_gaps_and_figures_follow() {
    let world = World::start().await;
    let said = world.onboard_gaochong().await;
    let mut gaochong = Village { world: &world, clerk: world.stage.caller(Office::Clerk, GAOCHONG, &[]), said };
    let today = Clock::system().today();
    let yesterday = today.pred_opt().unwrap();

    let households = gaochong.households().await;
    let place = |household: &Household| (household.name.clone(), (code(&household.grid), household.kind()));
    let before: Places = households.iter().map(place).collect();
    let moves = moves(&households, &gaochong.landlords().await);
    let mut after = before.clone();
    after.extend(moves.iter().map(|(name, grid, kind, _)| (name.clone(), (*grid, *kind))));
    assert_eq!(moves.iter().map(|(name, ..)| name).collect::<BTreeSet<_>>().len(), 100);
    assert_eq!(moves.iter().filter(|(name, ..)| line(before[name].1) != line(after[name].1)).count(), 25 + 15);
    let representatives = gaochong.representatives().await;
    assert_eq!(representatives.len(), 75);

    // One estate has lost its representative on the very morning.
    let mut teams = TeamServiceClient::new(world.line("liaison", &gaochong.clerk));
    let team = format!("{}/teams/{LEFT_ALONE:03}", village());
    let seat = liaison::Seat::Representative.into();
    teams.vacate_seat(liaison::VacateSeatRequest { name: team.clone(), seat, ..Default::default() }).await.unwrap();
    for one in &moves {
        gaochong.relocate(one).await;
    }
    gaochong.mark().await;

    // Until yesterday everything is as it was; from today on each has the representative of the grid it is in now.
    let expected = |places: &Places, but: Option<u32>| -> BTreeMap<String, (String, LineKind)> {
        let there = places.iter().filter(|(_, (grid, _))| Some(*grid) != but);
        there.map(|(name, (grid, kind))| (name.clone(), (representatives[grid].clone(), line(*kind)))).collect()
    };
    let counted = |places: &Places| -> BTreeMap<(u32, LineKind), (i32, i32)> {
        by_estate(places).into_iter().map(|(part, households)| (part, (households, households))).collect()
    };
    assert_eq!(gaochong.served(yesterday).await, expected(&before, None));
    assert_eq!(gaochong.served(today).await, expected(&after, Some(LEFT_ALONE)));
    let (covered, estates) = gaochong.coverage(yesterday).await;
    assert_eq!((covered.households, covered.linked, covered.coverage), (1186, 1186, Some(1.0)));
    assert_eq!((covered.lines[0].households, covered.lines[1].households), (645, 541));
    assert_eq!(estates, counted(&before));

    // Whoever is in the estate without a representative is missing one, old neighbours and new.
    let alone: BTreeSet<String> =
        after.iter().filter(|(_, (grid, _))| *grid == LEFT_ALONE).map(|(name, _)| name.clone()).collect();
    let arrived = moves.iter().filter(|(_, to, ..)| *to == LEFT_ALONE).count();
    assert!(arrived >= 3 && alone.len() > arrived);
    let linked = 1186 - i32::try_from(alone.len()).unwrap();
    let (covered, estates) = gaochong.coverage(today).await;
    assert_eq!((covered.households, covered.linked, covered.teams_complete), (1186, linked, 74));
    assert_eq!((covered.lines[0].households, covered.lines[1].households), (645 - 25 + 15, 541 + 25 - 15));
    assert_eq!(covered.lines[1].linked, 541 + 25 - 15);
    let mut missing = counted(&after);
    missing.get_mut(&(LEFT_ALONE, LineKind::Relocated)).unwrap().1 = 0;
    assert_eq!(estates, missing);
    let gaps = gaochong.gaps().await;
    let of_kind = |kind| gaps.iter().filter(move |gap| gap.kind() == kind);
    let without: BTreeSet<String> =
        of_kind(liaison::GapKind::HouseholdWithoutLink).map(|gap| gap.household.clone()).collect();
    assert_eq!(without, alone);
    assert!(gaps.iter().all(|gap| gap.grid == grid(LEFT_ALONE) && gap.since == Some(date(today))), "{gaps:?}");
    assert_eq!((of_kind(liaison::GapKind::VacantSeat).count(), gaps.len()), (1, alone.len() + 1));
    let figures = world.figures(&[&gaochong.said]).await.total.unwrap();
    assert_eq!((figures.households, figures.households_linked, figures.representatives), (1186, linked, 74));
    assert_eq!((figures.teams, figures.teams_complete, figures.merchants), (75, 74, 183));

    // The seat is taken again, and nobody is missing anything.
    let member = representatives[&LEFT_ALONE].clone();
    let take = liaison::SeatMemberRequest { name: team, seat, member, ..Default::default() };
    teams.seat_member(take).await.unwrap();
    gaochong.mark().await;
    assert_eq!(gaochong.served(today).await, expected(&after, None));
    assert!(gaochong.gaps().await.is_empty());
    let (covered, estates) = gaochong.coverage(today).await;
    assert_eq!((covered.households, covered.linked, covered.teams_complete), (1186, 1186, 75));
    assert_eq!(estates, counted(&after));
    let figures = world.figures(&[&gaochong.said]).await.total.unwrap();
    assert_eq!((figures.households, figures.households_linked, figures.representatives), (1186, 1186, 75));
    assert_eq!((figures.teams_complete, figures.person_visits, figures.concerns_reported), (75, 912, 45));

    // No day without a representative since the first, and no day with two.
    let days = gaochong.days().await;
    assert_eq!(days.len(), 1186);
    for (household, days) in &days {
        assert!(days.windows(2).all(|pair| pair[0].1 == Some(pair[1].0)), "{household}: {days:?}");
        assert_eq!(days.last().unwrap().1, None, "{household}");
        assert!(days[0].0 < yesterday, "{household}");
    }
    let moved = days.iter().filter(|(_, days)| days.last().unwrap().0 == today).map(|(name, _)| name.clone());
    let concerned: BTreeSet<String> = moves.iter().map(|(name, ..)| name.clone()).chain(alone).collect();
    assert_eq!(moved.collect::<BTreeSet<_>>(), concerned, "whoever stayed kept the link there was");

    // What may be seen went along: the old grid's representative sees it no longer, the new one's does.
    let (name, to, ..) = &moves[0];
    for (grid, seen) in [(before[name].0, 0), (*to, 1)] {
        let caller = world.stage.caller(Office::Representative, GAOCHONG, &[&format!("{grid:03}")]);
        assert_eq!(gaochong.links_of(&caller, Some(today), name).await.len(), seen, "grid {grid:03}");
    }
}
