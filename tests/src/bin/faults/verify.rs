//! Afterwards: is everything that was acknowledged there once, is nothing half there, does everybody know the same, is
//! nothing stuck? Looks into every database as their owner.

mod mirrors;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use proto::reporting::v1::FigureSet;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::model::{Found, Noun, Record};
use crate::system::{SERVICES, System};
use mirrors::{MIRRORS, RECORDS};

/// How long everything may take to come to rest once nobody writes.
const REST: Duration = Duration::from_secs(90);
/// Who reads whose news.
const READERS: [(&str, &[&str]); 3] = [
    ("registry", &["liaison", "casework", "reporting"]),
    ("liaison", &["casework", "reporting"]),
    ("casework", &["reporting"]),
];
/// So many differences of one kind are told.
const TOLD: usize = 5;

/// The databases, and what was found wrong in them.
pub(crate) struct Verification<'a> {
    system: &'a System,
    databases: BTreeMap<&'static str, PgConnection>,
    /// Everything that is not as it must be, in words.
    pub(crate) broken: Vec<String>,
}

impl<'a> Verification<'a> {
    /// Opens the databases.
    pub(crate) async fn of(system: &'a System) -> Result<Self> {
        let mut databases = BTreeMap::new();
        for service in SERVICES {
            databases.insert(service, system.owner(service).await?);
        }
        Ok(Self { system, databases, broken: Vec::new() })
    }

    /// Waits until all news is published and read.
    pub(crate) async fn at_rest(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let left = self.left().await;
            match left {
                Ok(left) if left.is_empty() => return Ok(()),
                Ok(left) if begun.elapsed() > REST => {
                    self.broken.extend(left.into_iter().map(|what| format!("after {} s, {what}", REST.as_secs())));
                    return Ok(());
                }
                Err(error) if begun.elapsed() > REST => return Err(error),
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    async fn left(&mut self) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for (owner, _) in READERS {
            let waiting: i64 = self.number(owner, "select count(*) from outbox").await?;
            if waiting > 0 {
                left.push(format!("{waiting} changes of {owner} are not published"));
            }
        }
        let context = jetstream::new(self.system.cluster.client().await?);
        for (owner, readers) in READERS {
            let stream = context.get_stream(owner.to_ascii_uppercase()).await?;
            for reader in readers {
                let mut consumer: PullConsumer = match stream.get_consumer(reader).await {
                    Ok(consumer) => consumer,
                    Err(error) => bail!("{reader} has no consumer of {owner}: {error}"),
                };
                let info = consumer.info().await?;
                let pending = info.num_pending + info.num_ack_pending as u64;
                if pending > 0 {
                    left.push(format!("{pending} pieces of {owner}'s news are not read by {reader}"));
                }
            }
        }
        Ok(left)
    }

    /// What the load was told is so, is so, once; what it gave up is whole or not at all; and nothing else is there.
    pub(crate) async fn model(&mut self, records: &[Record], before: &BTreeMap<Noun, BTreeSet<Uuid>>) -> Result<()> {
        for noun in Noun::ALL {
            let mut found = self.found(noun).await?;
            for record in records.iter().filter(|record| record.noun == noun) {
                if let Err(wrong) = record.judge(&found.remove(&record.id).unwrap_or_default()) {
                    self.broken.push(format!("{} {wrong}", record.name()));
                }
            }
            let nobodys = found.keys().filter(|id| !before.get(&noun).is_some_and(|before| before.contains(id)));
            let nobodys: Vec<String> =
                nobodys.map(|id| format!("{} {id} was asked for by nobody", noun.collection())).collect();
            self.tell(nobodys);
        }
        Ok(())
    }

    /// The ids that a noun has.
    pub(crate) async fn ids(&mut self, noun: Noun) -> Result<BTreeSet<Uuid>> {
        Ok(self.found(noun).await?.into_keys().collect())
    }

    async fn found(&mut self, noun: Noun) -> Result<BTreeMap<Uuid, Found>> {
        let mut found: BTreeMap<Uuid, Found> = BTreeMap::new();
        let database = self.database(noun.service());
        let rows: Vec<(Uuid, i64, String)> = sqlx::query_as(noun.query()).fetch_all(&mut *database).await?;
        for (id, revision, content) in rows {
            found.entry(id).or_default().row = Some((revision, content));
        }
        let changes: Vec<(String, i64)> = sqlx::query_as(
            "select split_part(record, '/', 4), revision
               from change_log
              where split_part(record, '/', 3) = $1 and split_part(record, '/', 5) = ''
              order by revision",
        )
        .bind(noun.collection())
        .fetch_all(&mut *database)
        .await?;
        for (id, revision) in changes {
            found.entry(id.parse()?).or_default().changes.push(revision);
        }
        if noun == Noun::Concern {
            let moves: Vec<(Uuid, i64)> =
                sqlx::query_as("select concern, revision from move order by revision").fetch_all(database).await?;
            for (id, revision) in moves {
                found.entry(id).or_default().moves.push(revision);
            }
        }
        Ok(found)
    }

    /// Every record has its whole history in the change log, and nothing else has one.
    pub(crate) async fn histories(&mut self) -> Result<()> {
        for (service, records) in RECORDS {
            let rows = self.pairs(service, records).await?;
            let history =
                "select record, format('%s of %s, from %s', max(revision), count(*), min(revision)) from change_log
                            group by record";
            let histories = self.pairs(service, history).await?;
            self.compare(&format!("{service}: the record"), &rows, "the change log", &histories);
        }
        Ok(())
    }

    /// Every projection equals what its owner has.
    pub(crate) async fn projections(&mut self) -> Result<()> {
        for mirror in MIRRORS {
            let owned = self.pairs(mirror.owner, mirror.owned).await?;
            let known = self.pairs(mirror.reader, mirror.known).await?;
            let owner = format!("{} of {}", mirror.noun, mirror.owner);
            self.compare(&owner, &owned, mirror.reader, &known);
        }
        Ok(())
    }

    /// No letter is dead, every active household has one link until further notice, every concern has reached a team.
    pub(crate) async fn nothing_left_behind(&mut self) -> Result<()> {
        for service in SERVICES {
            let letters: Vec<(String, String)> =
                sqlx::query_as("select format('%s at %s', record, revision), error from dead_letter")
                    .fetch_all(self.database(service))
                    .await?;
            self.tell(
                letters
                    .into_iter()
                    .map(|(record, error)| format!("{service} cannot apply {record}: {error}"))
                    .collect(),
            );
        }
        let unlinked: Vec<String> = sqlx::query_scalar(
            "select format('%s has %s links until further notice', household.id, count(link.id))
               from household
               left join link on link.village = household.village and link.household = household.id
                             and link.valid_to is null
              where household.state = 'active'
              group by household.id
             having count(link.id) <> 1",
        )
        .fetch_all(self.database("liaison"))
        .await?;
        self.tell(unlinked);
        let waiting: Vec<String> =
            sqlx::query_scalar("select format('concern %s was never routed', id) from concern where not routed")
                .fetch_all(self.database("casework"))
                .await?;
        self.tell(waiting);
        Ok(())
    }

    /// The figures of reporting are what the owners count.
    pub(crate) async fn figures(&mut self, figures: &FigureSet) -> Result<()> {
        let households = self.number("registry", "select count(*) from household where state = 'active'").await?;
        let linked = "select count(distinct household.id)
                        from household
                        join link on link.village = household.village and link.household = household.id
                       where household.state = 'active'
                         and valid_from <= (now() at time zone 'Asia/Shanghai')::date
                         and (valid_to is null or valid_to > (now() at time zone 'Asia/Shanghai')::date)";
        let linked = self.number("liaison", linked).await?;
        let visits = self.number("liaison", "select count(*) from visit").await?;
        let persons = self.number("liaison", "select coalesce(sum(persons), 0) from visit").await?;
        let concerns = self.number("casework", "select count(*) from concern").await?;
        let by_state = figures.concerns_by_state.iter().map(|state| i64::from(state.count)).sum();
        for (what, shown, counted) in [
            ("households", i64::from(figures.households), households),
            ("households linked", i64::from(figures.households_linked), linked),
            ("visits", i64::from(figures.visits), visits),
            ("persons met", i64::from(figures.person_visits), persons),
            ("concerns", i64::from(figures.concerns_reported), concerns),
            ("concerns of all states", by_state, concerns),
        ] {
            if shown != counted {
                self.broken.push(format!("reporting shows {shown} {what}, the owners have {counted}"));
            }
        }
        let coverage = if households == 0 { 1.0 } else { linked as f64 / households as f64 };
        if (figures.coverage - coverage).abs() > 1e-9 {
            self.broken.push(format!("reporting shows a coverage of {}, it is {coverage}", figures.coverage));
        }
        let states: Vec<(String, i64)> = sqlx::query_as("select state, count(*) from concern group by state")
            .fetch_all(self.database("casework"))
            .await?;
        for (state, count) in states {
            let shown = figures.concerns_by_state.iter().find(|shown| {
                shown.state().as_str_name().trim_start_matches("CONCERN_STATE_").eq_ignore_ascii_case(&state)
            });
            if shown.map(|shown| i64::from(shown.count)) != Some(count) {
                self.broken.push(format!("reporting shows {shown:?} for {count} concerns {state}"));
            }
        }
        Ok(())
    }

    fn database(&mut self, service: &str) -> &mut PgConnection {
        self.databases.get_mut(service).expect("a service")
    }

    async fn number(&mut self, service: &str, query: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(query).fetch_one(self.database(service)).await?)
    }

    async fn pairs(&mut self, service: &str, query: &'static str) -> Result<BTreeMap<String, String>> {
        let rows: Vec<(String, String)> = sqlx::query_as(query).fetch_all(self.database(service)).await?;
        Ok(rows.into_iter().collect())
    }

    fn compare(
        &mut self,
        left: &str,
        lefts: &BTreeMap<String, String>,
        right: &str,
        rights: &BTreeMap<String, String>,
    ) {
        let names: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
        let nothing = "nothing".to_owned();
        let differences = names.into_iter().filter_map(|name| {
            let (one, other) = (lefts.get(name).unwrap_or(&nothing), rights.get(name).unwrap_or(&nothing));
            (one != other).then(|| format!("{left} {name} is {one}, and {right} has {other}"))
        });
        self.tell(differences.collect());
    }

    /// Notes findings of one kind: the first few, and how many there are.
    fn tell(&mut self, findings: Vec<String>) {
        let more = findings.len().saturating_sub(TOLD);
        let kind = findings.first().cloned().unwrap_or_default();
        self.broken.extend(findings.into_iter().take(TOLD));
        if more > 0 {
            self.broken.push(format!("… and {more} more like: {kind}"));
        }
    }
}
