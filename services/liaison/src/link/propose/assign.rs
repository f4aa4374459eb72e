//! Who should serve whom, as an assignment at the least cost. Pure numbers: what they mean is decided in `score`.
//!
//! It is a minimum-cost flow: from groups of households that are alike, to representatives, each of whom costs more with
//! every household. Successive shortest paths find it: every household takes the cheapest way in, and that may lead
//! through representatives who pass one of theirs on. Households need not be nodes for that. What representative *a* can
//! pass to *b* is decided by the cheapest group of theirs, so the graph has one node for each representative, and one
//! more for nobody. A household costs a Dijkstra over these, which ends at the first who
//! has room; 5,000 households and 75 representatives take 15 to 45 ms.

use std::collections::BTreeMap;

/// What it costs to leave a household without a representative: more than any pair, so it happens to no more than have to.
const UNSERVED: i64 = 1_000_000;

/// Households that cost the same with every representative.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) households: usize,
    /// With each representative, in their order.
    pub(super) costs: Vec<i64>,
}

/// A representative: how many households they serve already, and how many they should serve at least and at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) load: usize,
    pub(super) least: usize,
    pub(super) most: usize,
}

impl Server {
    /// What the household costs that makes it so many: the more there are, the more. Below the least it is a gain.
    pub(super) fn marginal(self, load: usize) -> i64 {
        const SPAN: i64 = 100;
        let (load, least, most) = (load as i64, self.least as i64, self.most as i64);
        if load <= least { (load - least) * SPAN / least.max(1) } else { (load - least) * SPAN / (most - least).max(1) }
    }
}

/// How many households of each group go to each representative; those that nobody has room for are in none.
pub(super) fn assign(groups: &[Group], servers: &[Server]) -> Vec<BTreeMap<usize, usize>> {
    let mut net = Net::new(groups, servers);
    for (group, Group { households, .. }) in groups.iter().enumerate() {
        for _ in 0..*households {
            net.place(group);
        }
    }
    net.flow.into_iter().map(|flow| flow.into_iter().filter(|(server, _)| *server < servers.len()).collect()).collect()
}

/// What it costs to go where nobody can: it stays larger than any way there is, whatever is added to it.
const NOWHERE: i64 = i64::MAX / 4;

/// The flow so far, which is always one of least cost. Nobody is the last of the servers.
struct Net<'n> {
    groups: &'n [Group],
    servers: &'n [Server],
    /// Of each group, how many are with each server.
    flow: Vec<BTreeMap<usize, usize>>,
    /// Of each server, which groups are with it, in no order.
    with: Vec<Vec<usize>>,
    /// How many each server has.
    loads: Vec<usize>,
    /// What it costs at least that a server passes one of theirs to another, row by row.
    passes: Vec<i64>,
    /// And one of which group that is.
    passed: Vec<usize>,
    /// How far away each server was, or more than the end was: by these no pass costs less than nothing, as Dijkstra needs it.
    potentials: Vec<i64>,
    /// What the path before cost in the end, with the household that the last on it has more.
    end: i64,
}

impl<'n> Net<'n> {
    fn new(groups: &'n [Group], servers: &'n [Server]) -> Self {
        let nodes = servers.len() + 1;
        let mut net = Self {
            groups,
            servers,
            flow: vec![BTreeMap::new(); groups.len()],
            with: vec![Vec::new(); nodes],
            loads: servers.iter().map(|server| server.load).chain([0]).collect(),
            passes: vec![NOWHERE; nodes * nodes],
            passed: vec![0; nodes * nodes],
            potentials: vec![0; nodes],
            end: 0,
        };
        net.end = (0..nodes).filter_map(|server| net.entry(server)).min().unwrap_or_default();
        net
    }

    fn nodes(&self) -> usize {
        self.servers.len() + 1
    }

    fn cost(&self, group: usize, server: usize) -> i64 {
        self.groups.get(group).and_then(|group| group.costs.get(server)).copied().unwrap_or(UNSERVED)
    }

    /// What one more household costs a server; none if it has no room. Nobody has room for all.
    fn entry(&self, server: usize) -> Option<i64> {
        let Some(terms) = self.servers.get(server) else { return Some(0) };
        let load = self.loads.get(server)? + 1;
        (load <= terms.most).then(|| terms.marginal(load))
    }

    /// Takes in one household of a group, at the least cost.
    fn place(&mut self, group: usize) {
        let Some((mut server, before)) = self.cheapest(group) else { return };
        if let Some(load) = self.loads.get_mut(server) {
            *load += 1;
        }
        // Back along the path: everyone on it takes one from the one before, the first takes the household itself.
        while let Some(from) = before.get(server).copied().flatten() {
            if let Some(group) = self.passed.get(from * self.nodes() + server).copied() {
                self.put(group, server);
                self.take(group, from);
            }
            server = from;
        }
        self.put(group, server);
    }

    /// Who has one more in the end when a household of a group is taken in at the least cost, and by way of whom each is
    /// reached. No further is looked than to find it: most representatives are far away.
    fn cheapest(&mut self, group: usize) -> Option<(usize, Vec<Option<usize>>)> {
        let nodes = self.nodes();
        let mut distances: Vec<i64> = (0..nodes).map(|server| self.cost(group, server)).collect();
        let mut before: Vec<Option<usize>> = vec![None; nodes];
        let mut open = vec![true; nodes];
        let mut best: Option<(i64, usize)> = None;
        // The nearest by distance less potential: nobody who is still open can be reached more cheaply by way of others.
        let first = distances.iter().zip(&self.potentials).map(|(distance, potential)| distance - potential);
        let mut nearest = first.zip(0..).min();
        while let Some((reduced, from)) = nearest.take() {
            if best.is_some_and(|(cost, _)| cost - self.end <= reduced) {
                break;
            }
            let (Some(is_open), Some(so_far)) = (open.get_mut(from), distances.get(from).copied()) else { break };
            *is_open = false;
            if let Some(way) = self.entry(from).map(|entry| (so_far + entry, from)) {
                best = Some(best.map_or(way, |best| best.min(way)));
            }
            let passes = self.passes.get(from * nodes..(from + 1) * nodes).unwrap_or_default();
            let ways = passes.iter().zip(&self.potentials).zip(&open);
            for (to, ((distance, before), ((pass, potential), is_open))) in
                distances.iter_mut().zip(&mut before).zip(ways).enumerate()
            {
                if so_far + pass < *distance {
                    *distance = so_far + pass;
                    *before = Some(from);
                }
                let reduced = *distance - potential;
                if *is_open && nearest.is_none_or(|(least, _)| reduced < least) {
                    nearest = Some((reduced, to));
                }
            }
        }
        let (cost, server) = best?;
        // Whoever was not reached is as far away as the end, at the least.
        for (potential, distance) in self.potentials.iter_mut().zip(&distances) {
            *potential = (*distance).min(*potential + cost - self.end);
        }
        self.end = cost;
        Some((server, before))
    }

    /// One more of a group is with a server.
    fn put(&mut self, group: usize, server: usize) {
        let Some(flow) = self.flow.get_mut(group) else { return };
        let with = flow.entry(server).or_default();
        *with += 1;
        if *with == 1 {
            if let Some(groups) = self.with.get_mut(server) {
                groups.push(group);
            }
            self.offer(group, server);
        }
    }

    /// One less of a group is with a server.
    fn take(&mut self, group: usize, server: usize) {
        let Some(flow) = self.flow.get_mut(group) else { return };
        if let Some(with) = flow.get_mut(&server) {
            *with -= 1;
            if *with > 0 {
                return;
            }
        }
        flow.remove(&server);
        let Some(groups) = self.with.get_mut(server) else { return };
        groups.retain(|other| *other != group);
        // Where another group was cheaper, it still is.
        for to in 0..self.nodes() {
            let place = server * self.nodes() + to;
            if self.passed.get(place) == Some(&group) {
                let theirs = self.with.get(server).into_iter().flatten();
                let pass = |other: &usize| (self.cost(*other, to) - self.cost(*other, server), *other);
                let cheapest = theirs.map(pass).min().unwrap_or((NOWHERE, 0));
                if let (Some(pass), Some(passed)) = (self.passes.get_mut(place), self.passed.get_mut(place)) {
                    (*pass, *passed) = cheapest;
                }
            }
        }
    }

    /// A server can pass on one of this group, where that is cheaper than what it could pass on before.
    fn offer(&mut self, group: usize, server: usize) {
        let here = self.cost(group, server);
        let nodes = self.nodes();
        let costs = self.groups.get(group).map(|group| group.costs.as_slice()).unwrap_or_default();
        let row = self.passes.iter_mut().zip(&mut self.passed).skip(server * nodes).take(nodes);
        for ((pass, passed), cost) in row.zip(costs.iter().chain([&UNSERVED])) {
            if cost - here < *pass {
                (*pass, *passed) = (cost - here, group);
            }
        }
    }
}

#[cfg(test)]
mod tests;
