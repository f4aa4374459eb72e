//! Members out of a roster: 片区, 村民小组, 党小组, 网格员, 村民代表.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use events::Change;
use platform::clock::village_day;
use platform::import::{CHUNK, Outcome};
use platform::vault::VillageKeys;
use platform::{Authority, Result, Tx};
use proto::liaison::v1::member_changed::Happened;
use proto::names::{GridCode, MemberName, VillageCode, VillageName};
use proto::reasons;
use uuid::Uuid;
use workbook::Refusal;

use super::people::{self, Person};
use super::sheets::{Entry, REPRESENTATIVES, Says};
use super::{Report, Rosters, unknown_grid};
use crate::member::entrance::Record;
use crate::member::rules::Member;
use crate::member::steps::steps_insert;
use crate::member::store::{lock, members_all, members_insert, members_update};
use crate::{link, team};

/// A member as the import leaves it, and the grid that the sheet of representatives gives.
pub(super) type Told = (Member, Option<GridCode>);

impl Rosters {
    /// Enters and renews members, and answers them as they then are.
    pub(super) async fn import_members(
        &self,
        authority: &Authority,
        village: &VillageCode,
        entries: Vec<Entry>,
        grids: &BTreeSet<GridCode>,
        report: &mut Report,
    ) -> Result<Vec<Told>> {
        let known = |entry: &Entry| match &entry.office {
            Says::Representative { grid, .. } => grids.contains(grid),
            _ => true,
        };
        let (entries, strangers): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(known);
        for entry in strangers {
            report.refuse(entry.sheet, entry.row, "微网格编号", unknown_grid());
        }
        // Who holds a seat would hold it outside the term.
        let today = self.clock.today();
        let to_come =
            |entry: &Entry| matches!(&entry.office, Says::Representative { since: Some(since), .. } if *since > today);
        let (early, entries): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(to_come);
        for entry in early {
            let refusal = Refusal::new(reasons::IN_THE_FUTURE, "当选日期还没有到");
            report.refuse(entry.sheet, entry.row, "当选日期", refusal);
        }
        let people = people::people(entries);
        let mut told = Vec::with_capacity(people.len());
        for chunk in people.chunks(CHUNK) {
            told.extend(self.import_people(authority, village, chunk, &people, report).await?);
            let sheet = chunk.last().and_then(|person| person.rows.last()).map_or(REPRESENTATIVES, |(sheet, _)| sheet);
            report.import.progress(sheet, told.len(), people.len()).await?;
        }
        Ok(told)
    }

    /// One chunk of people, in one transaction.
    async fn import_people(
        &self,
        authority: &Authority,
        village: &VillageCode,
        chunk: &[Person],
        file: &[Person],
        report: &mut Report,
    ) -> Result<Vec<Told>> {
        let now = self.clock.now();
        let mut tx = self.database.begin(authority.scope()).await?;
        let keys = self.vault.keys(&mut tx, village).await?;
        link::lock(&mut tx, [*village]).await?;
        lock(&mut tx, village).await?;
        let members = members_all(&mut tx, &keys, village).await?;

        let (mut new, mut changed, mut renamed, mut told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for person in chunk {
            let entered = enter(village, &keys, person, now);
            let recognised = people::recognise(person, file, &members);
            // Whom this very name and number once made may have another number now, or no longer serve.
            let made = members.iter().find(|member| member.name == entered.name);
            let somebody_else = |member: &Member| {
                let is = |other| people::recognise(other, file, &members).is_some_and(|one| one.name == member.name);
                file.iter().any(|other| other != person && is(other))
            };
            if recognised.is_none() && made.is_some_and(somebody_else) {
                for (sheet, row) in &person.rows {
                    let message = "有多位同名的人，分不清是哪一位，请填写联系电话";
                    report.refuse(sheet, *row, "", Refusal::new("AMBIGUOUS_MEMBER", message));
                }
                continue;
            }
            let (member, outcome) = match recognised.or(made) {
                None => {
                    new.push(entered.clone());
                    (entered, Outcome::Created)
                }
                Some(before) => {
                    let mut member = people::renewed(before, person);
                    if member == *before {
                        (member, Outcome::Unchanged)
                    } else {
                        (member.revision, member.updated_at) = (before.revision + 1, now);
                        if member.display_name != before.display_name {
                            renamed.push(member.name.clone());
                        }
                        changed.push(member.clone());
                        (member, Outcome::Updated)
                    }
                }
            };
            for (place, (sheet, _)) in person.rows.iter().enumerate() {
                // The first row made the member, the others add to it.
                let added = if outcome == Outcome::Created && place > 0 { Outcome::Updated } else { outcome };
                report.import.note(sheet, added);
            }
            told.push((member, person.grid));
        }
        let mut changes = new.iter().map(|member| member.news(Happened::Created)).collect::<Result<Vec<Change>>>()?;
        changes.extend(changed.iter().map(|member| member.news(Happened::Updated)).collect::<Result<Vec<_>>>()?);
        if changes.is_empty() || report.import.validate_only() {
            return Ok(told);
        }
        if !new.is_empty() {
            members_insert(&mut tx, &keys, &new).await??;
            let records: Vec<Record> = new.iter().map(Record::entered).collect();
            let steps: Vec<_> = new.iter().map(|member| &member.name).zip(&records).collect();
            steps_insert(&mut tx, authority, &steps, now).await?;
        }
        if !changed.is_empty() {
            members_update(&mut tx, &keys, &changed).await?;
        }
        changes.extend(tell_teams_of(&mut tx, &renamed, self.clock.today(), now).await?);
        self.changes.append(&mut tx, authority, &changes).await?;
        self.changes.commit(tx).await?;
        Ok(told)
    }
}

/// A member who is entered out of the file. The id follows from who it is, by the village's key, so that it tells
/// nothing of a telephone number.
fn enter(village: &VillageCode, keys: &VillageKeys, person: &Person, now: DateTime<Utc>) -> Member {
    let number = person.telephone.as_ref().map_or("", |telephone| telephone.exposed());
    let cause = keys.index(&format!("{}/members {} {number}", VillageName(*village), person.display_name));
    Member {
        name: MemberName::new(*village, Uuid::new_v5(&Uuid::NAMESPACE_URL, &cause)),
        display_name: person.display_name.clone(),
        telephone: person.telephone.clone(),
        offices: person.offices.clone(),
        source: person.source,
        areas: person.areas.clone().unwrap_or_default(),
        villager_group: person.villager_group.clone(),
        party_group: person.party_group.clone(),
        term_start: person.elected_on.unwrap_or_else(|| village_day(now)),
        term_end: None,
        representing: None,
        state: crate::member::entrance::State::Appointed,
        candidacy: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Tells the teams of members whose names changed. There are hardly ever any.
async fn tell_teams_of(
    tx: &mut Tx,
    renamed: &[MemberName],
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    let mut teams = BTreeSet::new();
    for member in renamed {
        teams.extend(team::store::teams_of_member(tx, member, today).await?.into_iter().map(|team| team.name));
        teams.extend(team::seating::teams_covered_by(tx, member, today).await?);
    }
    team::tell_again(tx, &teams, today, now).await
}
