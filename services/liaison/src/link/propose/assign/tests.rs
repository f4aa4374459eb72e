#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

/// What an assignment costs altogether.
fn price(groups: &[Group], servers: &[Server], flow: &[BTreeMap<usize, usize>]) -> i64 {
    let pairs: i64 = groups
        .iter()
        .zip(flow)
        .map(|(group, flow)| {
            let served: i64 = flow.iter().map(|(server, count)| group.costs[*server] * *count as i64).sum();
            served + UNSERVED * (group.households - flow.values().sum::<usize>()) as i64
        })
        .sum();
    let load = |server: usize| servers[server].load + flow.iter().filter_map(|flow| flow.get(&server)).sum::<usize>();
    let loads: i64 = (0..servers.len())
        .map(|server| (servers[server].load + 1..=load(server)).map(|load| servers[server].marginal(load)).sum::<i64>())
        .sum();
    pairs + loads
}

/// The least that any assignment costs: all of them tried.
fn cheapest(groups: &[Group], servers: &[Server], left: &[usize], flow: &mut Vec<BTreeMap<usize, usize>>) -> i64 {
    let Some((group, rest)) = left.split_first() else { return price(groups, servers, flow) };
    let mut best = cheapest(groups, servers, rest, flow);
    for server in 0..servers.len() {
        let load = servers[server].load + flow.iter().filter_map(|flow| flow.get(&server)).sum::<usize>();
        if load < servers[server].most {
            *flow[*group].entry(server).or_default() += 1;
            best = best.min(cheapest(groups, servers, rest, flow));
            *flow[*group].get_mut(&server).unwrap() -= 1;
        }
    }
    best
}

fn village(groups: usize, households: usize) -> impl Strategy<Value = (Vec<Group>, Vec<Server>)> {
    let server =
        (0..3_usize, 0..3_usize, 0..3_usize).prop_map(|(load, least, more)| Server { load, least, most: least + more });
    prop::collection::vec(server, 1..4).prop_flat_map(move |servers| {
        let costs = prop::collection::vec(0..200_i64, servers.len());
        let group = (0..=households, costs).prop_map(|(households, costs)| Group { households, costs });
        (prop::collection::vec(group, 0..=groups), Just(servers))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No assignment is cheaper than the one that is found.
    #[test]
    fn nothing_is_cheaper((groups, servers) in village(3, 2)) {
        let flow = assign(&groups, &servers);
        let each: Vec<usize> =
            groups.iter().enumerate().flat_map(|(place, group)| vec![place; group.households]).collect();
        let least = cheapest(&groups, &servers, &each, &mut vec![BTreeMap::new(); groups.len()]);
        prop_assert_eq!(price(&groups, &servers, &flow), least);
    }

    /// Nobody gets more than they may have, and whoever can be served is.
    #[test]
    fn nobody_is_overloaded_and_nobody_left_out_for_whom_there_is_room((groups, servers) in village(8, 6)) {
        let flow = assign(&groups, &servers);
        let mut placed = 0;
        for (server, terms) in servers.iter().enumerate() {
            let new: usize = flow.iter().filter_map(|flow| flow.get(&server)).sum();
            prop_assert!(new == 0 || terms.load + new <= terms.most);
            placed += new;
        }
        for (group, flow) in groups.iter().zip(&flow) {
            prop_assert!(flow.values().sum::<usize>() <= group.households);
        }
        let room: usize = servers.iter().map(|server| server.most.saturating_sub(server.load)).sum();
        let all: usize = groups.iter().map(|group| group.households).sum();
        prop_assert_eq!(placed, all.min(room));
    }
}

#[test]
fn a_household_is_passed_on_where_that_is_cheaper_for_all() {
    let one = Server { load: 0, least: 0, most: 1 };
    // The first would like either, the second only the one that the first would take.
    let groups = [Group { households: 1, costs: vec![0, 10] }, Group { households: 1, costs: vec![0, 500] }];
    let flow = assign(&groups, &[one, one]);
    assert_eq!((flow[0].get(&1), flow[1].get(&0)), (Some(&1), Some(&1)));
}

#[test]
fn loads_are_balanced_where_nothing_else_tells() {
    let server = Server { load: 0, least: 5, most: 15 };
    let groups = [Group { households: 24, costs: vec![0, 0, 0] }];
    let flow = assign(&groups, &[server, server, Server { load: 6, ..server }]);
    assert_eq!(flow[0], BTreeMap::from([(0, 10), (1, 10), (2, 4)]));
}
