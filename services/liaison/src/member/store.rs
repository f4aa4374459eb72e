//! Members in the database. Telephones are sealed on the way in and opened on the way out.

use chrono::{DateTime, NaiveDate, Utc};
use platform::vault::VillageKeys;
use platform::{Error, Page, Result, Tx};
use proto::names::{LocalCode, MemberName, VillageCode};
use uuid::Uuid;
use workbook::formats::Telephone;

use super::entrance::{Candidacy, Ground, Standing, State};
use super::rules::{Filter, Member, Office, Source, Term};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select village, id, display_name, telephone_sealed, offices, source, areas, villager_group, party_group,
                    term_start, term_end, represents_from, represents_until, state, grid, grounds, notice_until, standing,
                    standing_source, revision, created_at, updated_at
               from member ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    village: String,
    id: Uuid,
    display_name: String,
    telephone_sealed: Option<Vec<u8>>,
    offices: Vec<String>,
    source: Option<Source>,
    areas: Vec<String>,
    villager_group: Option<String>,
    party_group: Option<String>,
    term_start: NaiveDate,
    term_end: Option<NaiveDate>,
    represents_from: Option<NaiveDate>,
    represents_until: Option<NaiveDate>,
    state: State,
    grid: Option<String>,
    grounds: Vec<String>,
    notice_until: Option<NaiveDate>,
    standing: Option<State>,
    standing_source: Option<Source>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn open(self, keys: &VillageKeys) -> Result<Member> {
        let code = |code: Option<String>| code.map(|code| code.parse()).transpose().map_err(Error::internal);
        let telephone = self.telephone_sealed.map(|sealed| {
            Telephone::parse(&keys.open(&sealed)?).map_err(|_| Error::internal("a sealed telephone number is none"))
        });
        let ground =
            |word: &String| Ground::from_word(word).ok_or_else(|| Error::internal(format!("{word} is no ground")));
        let candidacy = match self.grid {
            Some(grid) => Some(Candidacy {
                grid: grid.parse().map_err(Error::internal)?,
                grounds: self.grounds.iter().map(ground).collect::<Result<_>>()?,
                notice_until: self.notice_until,
                standing: self.standing.zip(self.standing_source).map(|(state, source)| Standing { state, source }),
            }),
            None => None,
        };
        Ok(Member {
            name: MemberName::new(self.village.parse().map_err(Error::internal)?, self.id),
            display_name: self.display_name,
            telephone: telephone.transpose()?,
            offices: offices(&self.offices)?,
            source: self.source,
            areas: self.areas.iter().map(|area| area.parse()).collect::<Result<_, _>>().map_err(Error::internal)?,
            villager_group: code(self.villager_group)?,
            party_group: code(self.party_group)?,
            term_start: self.term_start,
            term_end: self.term_end,
            representing: self.represents_from.zip(self.represents_until).map(|(start, end)| Term { start, end }),
            state: self.state,
            candidacy,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Offices by their words.
pub(crate) fn offices<C: FromIterator<Office>>(words: &[String]) -> Result<C> {
    let office = |word: &String| Office::from_word(word).ok_or_else(|| Error::internal(format!("{word} is no office")));
    words.iter().map(office).collect()
}

/// One member; `for_update` keeps others from changing it until this transaction ends.
pub(crate) async fn member_get(tx: &mut Tx, keys: &VillageKeys, name: &MemberName, for_update: bool) -> Result<Member> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        select!("where village = $1 and id = $2 for update")
    } else {
        select!("where village = $1 and id = $2")
    })
    .bind(name.village.as_str())
    .bind(name.member)
    .fetch_optional(&mut **tx)
    .await?;
    row.ok_or_else(|| Error::NotFound(name.to_string()))?.open(keys)
}

/// A page of members, in the order they were entered.
pub(crate) async fn member_list(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    filter: &Filter,
    today: NaiveDate,
    page: &Page,
) -> Result<Vec<Member>> {
    let (after, after_id) = crate::keyset::after::<DateTime<Utc>>(page)?;
    let rows: Vec<Row> = sqlx::query_as(select!(
        "where village = $1
           and ($2::text is null or $2 = any (offices))
           and ($3::boolean is null or $3 = (term_start <= $4 and (term_end is null or $4 < term_end)))
           and ($5::text is null or display_name = $5)
           and (state = any ($6) or (cardinality($6) = 0 and state in ('appointed', 'ended', 'recalled')))
           and ($7::timestamptz is null or (created_at, id) > ($7, $8))
         order by created_at, id
         limit $9"
    ))
    .bind(village.as_str())
    .bind(filter.office)
    .bind(filter.serving)
    .bind(today)
    .bind(&filter.display_name)
    .bind(filter.states.iter().map(|state| state.as_str()).collect::<Vec<_>>())
    .bind(after)
    .bind(after_id)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys)).collect()
}

/// Everybody of a village who has been appointed: some hundred, for an import to recognise people among.
pub(crate) async fn members_all(tx: &mut Tx, keys: &VillageKeys, village: &VillageCode) -> Result<Vec<Member>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "where village = $1 and state in ('appointed', 'ended', 'recalled') order by created_at, id"
    ))
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys)).collect()
}

/// Lets one transaction at a time give a person a record: before there is one, there is no row to lock.
pub(crate) async fn lock(tx: &mut Tx, village: &VillageCode) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('members of ' || $1, 0))")
        .bind(village.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A person's record: by the name and the telephone, whatever has become of it; the one that serves, if there are several.
pub(crate) async fn member_of_person(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    display_name: &str,
    telephone: &Telephone,
) -> Result<Option<(MemberName, State)>> {
    let found: Option<(Uuid, State)> = sqlx::query_as(
        "select id, state
           from member
          where village = $1 and display_name = $2 and telephone_index = $3
          order by state = 'appointed' desc, created_at desc
          limit 1",
    )
    .bind(village.as_str())
    .bind(display_name)
    .bind(keys.index(telephone.exposed()))
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(|(id, state)| (MemberName::new(*village, id), state)))
}

/// The villages at work in which a term has run out that nobody has ended.
pub(crate) async fn villages_due(tx: &mut Tx, today: NaiveDate) -> Result<Vec<VillageCode>> {
    let villages: Vec<String> = sqlx::query_scalar(
        "select village
           from (select village from member where state = 'appointed' and term_end <= $1
                  union
                 select village
                   from member
                  where state = 'appointed' and represents_until <= $1 and 'representative' = any (offices)) as due
          where village not in (select village from village where state = 'archived')
          order by village",
    )
    .bind(today)
    .fetch_all(&mut **tx)
    .await?;
    villages.iter().map(|village| village.parse().map_err(Error::internal)).collect()
}

/// The members of a village whose term, or term as representative, has run out and has not been ended; nobody changes them
/// meanwhile.
pub(crate) async fn members_due(
    tx: &mut Tx,
    keys: &VillageKeys,
    village: &VillageCode,
    today: NaiveDate,
) -> Result<Vec<Member>> {
    let rows: Vec<Row> = sqlx::query_as(select!(
        "where village = $1 and state = 'appointed' and (term_end <= $2 or represents_until <= $2 and 'representative' = any (offices))
         order by term_end, id for update"
    ))
    .bind(village.as_str())
    .bind(today)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.open(keys)).collect()
}

/// Members as columns, for statements over many of them.
struct Columns<'m> {
    members: &'m [Member],
    sealed: Vec<Option<Vec<u8>>>,
    index: Vec<Option<Vec<u8>>>,
}

impl<'m> Columns<'m> {
    fn seal(keys: &VillageKeys, members: &'m [Member]) -> Result<Self> {
        let exposed = |member: &'m Member| member.telephone.as_ref().map(Telephone::exposed);
        let sealed = members.iter().map(|member| exposed(member).map(|number| keys.seal(number)).transpose());
        let index = members.iter().map(|member| exposed(member).map(|number| keys.index(number)));
        Ok(Self { members, sealed: sealed.collect::<Result<_>>()?, index: index.collect() })
    }

    fn of<T>(&self, column: impl FnMut(&'m Member) -> T) -> Vec<T> {
        self.members.iter().map(column).collect()
    }

    /// Several words in one text, since an array of arrays would have to be rectangular.
    fn joined<'w, I: Iterator<Item = &'w str>>(&self, words: impl Fn(&'m Member) -> I) -> Vec<String> {
        self.of(|member| words(member).collect::<Vec<_>>().join(","))
    }

    fn bind<'q>(&self, query: Query<'q>) -> Query<'q> {
        query
            .bind(self.of(|member| member.name.village.to_string()))
            .bind(self.of(|member| member.name.member))
            .bind(self.of(|member| member.display_name.clone()))
            .bind(self.sealed.clone())
            .bind(self.index.clone())
            .bind(self.joined(|member| member.offices.iter().map(|office| office.as_str())))
            .bind(self.of(|member| member.source.map(Source::as_str)))
            .bind(self.joined(|member| member.areas.iter().map(LocalCode::as_str)))
            .bind(self.of(|member| member.villager_group.as_ref().map(ToString::to_string)))
            .bind(self.of(|member| member.party_group.as_ref().map(ToString::to_string)))
            .bind(self.of(|member| member.term_start))
            .bind(self.of(|member| member.term_end))
            .bind(self.of(|member| member.revision))
            .bind(self.of(|member| member.created_at))
            .bind(self.of(|member| member.updated_at))
            .bind(self.of(|member| member.state.as_str()))
            .bind(self.of(|member| member.candidacy.as_ref().map(|candidacy| candidacy.grid.to_string())))
            .bind(self.joined(|member| {
                member.candidacy.iter().flat_map(|candidacy| &candidacy.grounds).map(|ground| ground.as_str())
            }))
            .bind(self.of(|member| member.candidacy.as_ref().and_then(|candidacy| candidacy.notice_until)))
            .bind(self.of(|member| member.representing.map(|term| term.start)))
            .bind(self.of(|member| member.representing.map(|term| term.end)))
            .bind(self.of(|member| standing(member).map(|standing| standing.state.as_str())))
            .bind(self.of(|member| standing(member).map(|standing| standing.source.as_str())))
    }
}

fn standing(member: &Member) -> Option<Standing> {
    member.candidacy.as_ref().and_then(|candidacy| candidacy.standing)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Enters members. What the database says to it is for the caller to read: a single one may exist already.
pub(crate) async fn members_insert(
    tx: &mut Tx,
    keys: &VillageKeys,
    members: &[Member],
) -> Result<Result<(), sqlx::Error>> {
    let columns = Columns::seal(keys, members)?;
    let query = sqlx::query(
        "insert into member (village, id, display_name, telephone_sealed, telephone_index, offices, source, areas,
                             villager_group, party_group, term_start, term_end, revision, created_at, updated_at,
                             state, grid, grounds, notice_until, represents_from, represents_until, standing,
                             standing_source)
         select village, id, display_name, telephone_sealed, telephone_index, string_to_array(offices, ','), source,
                string_to_array(areas, ','), villager_group, party_group, term_start, term_end, revision, created_at,
                updated_at, state, grid, string_to_array(grounds, ','), notice_until, represents_from, represents_until,
                standing, standing_source
           from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::text[],
                       $8::text[], $9::text[], $10::text[], $11::date[], $12::date[], $13::bigint[],
                       $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[], $18::text[], $19::date[],
                       $20::date[], $21::date[], $22::text[], $23::text[])
                as new (village, id, display_name, telephone_sealed, telephone_index, offices, source, areas,
                        villager_group, party_group, term_start, term_end, revision, created_at, updated_at, state,
                        grid, grounds, notice_until, represents_from, represents_until, standing, standing_source)",
    );
    Ok(columns.bind(query).execute(&mut **tx).await.map(|_| ()))
}

/// Stores members as they now are.
pub(crate) async fn members_update(tx: &mut Tx, keys: &VillageKeys, members: &[Member]) -> Result<()> {
    let columns = Columns::seal(keys, members)?;
    let query = sqlx::query(
        "update member
            set display_name = new.display_name, telephone_sealed = new.telephone_sealed,
                telephone_index = new.telephone_index, offices = string_to_array(new.offices, ','),
                source = new.source, areas = string_to_array(new.areas, ','), villager_group = new.villager_group,
                party_group = new.party_group, term_start = new.term_start, term_end = new.term_end,
                revision = new.revision, updated_at = new.updated_at, state = new.state, grid = new.grid,
                grounds = string_to_array(new.grounds, ','), notice_until = new.notice_until,
                represents_from = new.represents_from, represents_until = new.represents_until,
                standing = new.standing, standing_source = new.standing_source
           from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::text[],
                       $8::text[], $9::text[], $10::text[], $11::date[], $12::date[], $13::bigint[],
                       $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[], $18::text[], $19::date[],
                       $20::date[], $21::date[], $22::text[], $23::text[])
                as new (village, id, display_name, telephone_sealed, telephone_index, offices, source, areas,
                        villager_group, party_group, term_start, term_end, revision, created_at, updated_at, state,
                        grid, grounds, notice_until, represents_from, represents_until, standing, standing_source)
          where member.village = new.village and member.id = new.id",
    );
    columns.bind(query).execute(&mut **tx).await?;
    Ok(())
}
