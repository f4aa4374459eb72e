//! A small village's whole story as news: every record changes at least once.

use proto::casework::v1::{ConcernChanged, ConcernState, DemandChanged, DemandState, FollowUpOutcome, Matter};
use proto::google::r#type::Date;
use proto::liaison::v1::{LinkChanged, SeatHolder, TeamChanged, VisitChanged, VisitMode};
use proto::registry::v1::{
    GridChanged, GridState, HouseholdChanged, HouseholdState, MerchantChanged, MerchantState, VillageChanged,
};

use crate::Owners;

/// The news of one village, each kind in the order in which it happened.
pub(crate) struct Village {
    code: String,
    villages: Vec<VillageChanged>,
    grids: Vec<GridChanged>,
    households: Vec<HouseholdChanged>,
    merchants: Vec<MerchantChanged>,
    teams: Vec<TeamChanged>,
    links: Vec<LinkChanged>,
    visits: Vec<VisitChanged>,
    pub(crate) concerns: Vec<ConcernChanged>,
    demands: Vec<DemandChanged>,
}

impl Village {
    /// Three grids, one given up; two teams, one complete; three households, one away, one linked; a merchant open and
    /// one closed; three visits to two households; four concerns; three common demands, one taken apart again.
    pub(crate) fn small(code: &str) -> Self {
        let mut village = Self {
            code: code.into(),
            villages: Vec::new(),
            grids: Vec::new(),
            households: Vec::new(),
            merchants: Vec::new(),
            teams: Vec::new(),
            links: Vec::new(),
            visits: Vec::new(),
            concerns: Vec::new(),
            demands: Vec::new(),
        };
        village.called(1, "高冲");
        village.called(2, "高冲村");
        for grid in 1..=3 {
            village.grid(grid, 1, GridState::Active);
            village.team(grid, 1, None, false);
        }
        village.grid(3, 2, GridState::Retired);
        village.team(1, 2, Some(1), true);
        village.team(2, 2, Some(2), false);
        for household in 1..=3 {
            village.household(household, 1, HouseholdState::Active);
        }
        village.household(3, 2, HouseholdState::Away);
        village.merchant(1, 1, MerchantState::Open);
        village.merchant(2, 1, MerchantState::Open);
        village.merchant(2, 2, MerchantState::Closed);
        // Household 1 was linked twice, one after the other; the link of household 2 has ended.
        village.link(1, 1, 1, (2023, 1, 1), None);
        village.link(1, 2, 1, (2023, 1, 1), Some((2023, 3, 1)));
        village.link(2, 1, 1, (2023, 3, 1), None);
        village.link(3, 1, 2, (2023, 1, 1), None);
        village.link(3, 2, 2, (2023, 1, 1), Some((2023, 2, 1)));
        village.visit(1, Some(1), (2023, 5, 1), 2);
        village.visit(2, Some(1), (2023, 5, 31), 1);
        village.visit(3, Some(2), (2023, 6, 1), 4);
        let told = |state, matter, reported_on| ConcernChanged {
            state: ConcernState::into(state),
            matter: Matter::into(matter),
            reported_on: Some(date(reported_on)),
            ..ConcernChanged::default()
        };
        village.concern(1, 1, told(ConcernState::Reported, Matter::Environment, (2023, 5, 2)));
        let mut closed = told(ConcernState::Closed, Matter::Environment, (2023, 5, 2));
        (closed.resolved_on, closed.closed_on) = (Some(date((2023, 5, 9))), Some(date((2023, 6, 2))));
        closed.followed_up_on = closed.closed_on;
        closed.follow_up_outcome = FollowUpOutcome::Satisfied.into();
        village.concern(1, 6, closed);
        // Sent back by the household within the period.
        let mut back = told(ConcernState::InProgress, Matter::ResidentAffairs, (2023, 4, 2));
        (back.resolved_on, back.followed_up_on) = (Some(date((2023, 5, 3))), Some(date((2023, 5, 4))));
        back.follow_up_outcome = FollowUpOutcome::NotSatisfied.into();
        village.concern(2, 5, back);
        let mut missed = told(ConcernState::Resolved, Matter::ResidentAffairs, (2023, 5, 31));
        (missed.resolved_on, missed.followed_up_on) = (Some(date((2023, 5, 31))), Some(date((2023, 5, 31))));
        missed.follow_up_outcome = FollowUpOutcome::NotReached.into();
        village.concern(3, 5, missed);
        village.concern(4, 1, told(ConcernState::Reported, Matter::BusinessAffairs, (2023, 6, 1)));
        village.demand(1, 1, DemandState::Open, 3, (2023, 5, 9), None);
        village.demand(1, 2, DemandState::Open, 4, (2023, 5, 9), None);
        village.demand(1, 3, DemandState::Answered, 4, (2023, 5, 9), Some((2023, 6, 9)));
        village.demand(2, 1, DemandState::Open, 5, (2023, 4, 30), None);
        village.demand(2, 2, DemandState::Answered, 5, (2023, 4, 30), Some((2023, 5, 31)));
        village.demand(3, 1, DemandState::Open, 2, (2023, 5, 10), None);
        village.demand(3, 2, DemandState::Dissolved, 2, (2023, 5, 10), Some((2023, 5, 11)));
        village
    }

    fn name(&self, collection: &str, part: impl std::fmt::Display) -> String {
        format!("villages/{}/{collection}/{part}", self.code)
    }

    fn called(&mut self, revision: i64, display_name: &str) {
        let name = format!("villages/{}", self.code);
        self.villages.push(VillageChanged { name, revision, display_name: display_name.into(), ..Default::default() });
    }

    fn grid(&mut self, grid: u8, revision: i64, state: GridState) {
        let name = self.name("grids", format_args!("{grid:03}"));
        self.grids.push(GridChanged { name, revision, state: state.into(), ..Default::default() });
    }

    fn team(&mut self, grid: u8, revision: i64, representative: Option<u8>, complete: bool) {
        let representative = representative.map(|member| SeatHolder {
            member: self.name("members", id(member)),
            display_name: "代表".into(),
            ..Default::default()
        });
        let name = self.name("teams", format_args!("{grid:03}"));
        self.teams.push(TeamChanged { name, revision, representative, complete, ..Default::default() });
    }

    fn household(&mut self, household: u8, revision: i64, state: HouseholdState) {
        let name = self.name("households", id(household));
        let grid = self.name("grids", "001");
        self.households.push(HouseholdChanged { name, revision, grid, state: state.into(), ..Default::default() });
    }

    fn merchant(&mut self, merchant: u8, revision: i64, state: MerchantState) {
        let name = self.name("merchants", id(merchant));
        self.merchants.push(MerchantChanged { name, revision, state: state.into(), ..Default::default() });
    }

    fn link(&mut self, link: u8, revision: i64, household: u8, start: (i32, i32, i32), end: Option<(i32, i32, i32)>) {
        let name = self.name("links", id(link));
        let household = self.name("households", id(household));
        let (start_date, end_date) = (Some(date(start)), end.map(date));
        self.links.push(LinkChanged { name, revision, household, start_date, end_date, ..Default::default() });
    }

    fn visit(&mut self, visit: u8, household: Option<u8>, on: (i32, i32, i32), persons: i32) {
        let name = self.name("visits", id(visit));
        let household = household.map(|household| self.name("households", id(household))).unwrap_or_default();
        let (visited_on, mode) = (Some(date(on)), VisitMode::DoorStep.into());
        self.visits.push(VisitChanged {
            name,
            revision: 1,
            household,
            visited_on,
            mode,
            persons,
            ..Default::default()
        });
    }

    fn concern(&mut self, concern: u8, revision: i64, changed: ConcernChanged) {
        let name = self.name("concerns", id(concern));
        self.concerns.push(ConcernChanged { name, revision, ..changed });
    }

    fn demand(
        &mut self,
        demand: u8,
        revision: i64,
        state: DemandState,
        concerns: i32,
        opened: (i32, i32, i32),
        ended: Option<(i32, i32, i32)>,
    ) {
        self.demands.push(DemandChanged {
            name: self.name("demands", id(demand)),
            revision,
            state: state.into(),
            concern_count: concerns,
            opened_on: Some(date(opened)),
            ended_on: ended.map(date),
            ..Default::default()
        });
    }

    /// Tells all of it, piece by piece, forwards or backwards.
    pub(crate) async fn tell(mut self, owners: &Owners, backwards: bool) {
        macro_rules! tell {
            ($owner:ident: $($news:ident),+) => {$(
                if backwards {
                    self.$news.reverse();
                }
                for one in self.$news {
                    owners.$owner.tells(&[one]).await;
                }
            )+};
        }
        if backwards {
            tell!(casework: demands, concerns);
            tell!(liaison: visits, links, teams);
            tell!(registry: merchants, households, grids, villages);
        } else {
            tell!(registry: villages, grids, households, merchants);
            tell!(liaison: teams, links, visits);
            tell!(casework: concerns, demands);
        }
    }
}

fn id(number: u8) -> String {
    format!("018f5e9e-0000-7000-8000-{number:012}")
}

fn date((year, month, day): (i32, i32, i32)) -> Date {
    Date { year, month, day }
}
