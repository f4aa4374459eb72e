//! `lianxin report`: the figures of a village or a sub-district, out of reporting and nowhere else.

use std::io::Write;

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use proto::casework::v1::{ConcernState, Matter};
use proto::reporting::v1::figure_service_client::FigureServiceClient;
use proto::reporting::v1::{FigureSet, Figures, GetFiguresRequest};
use proto::time::date;

use crate::client::{Access, Line, connect, told};
use crate::table::Table;

/// Of what place and period.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// 12 digits of a village or 9 of a sub-district
    place: String,

    /// First day, for instance 2023-01-01; from the beginning if left out
    #[arg(long)]
    from: Option<NaiveDate>,

    /// Last day; until now if left out
    #[arg(long)]
    to: Option<NaiveDate>,

    #[command(flatten)]
    access: Access,
}

/// Prints the figures.
///
/// # Errors
/// When reporting cannot be reached, or the place is outside the caller's scope.
pub async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { place, from, to, access } = arguments;
    let line = connect(&access.reporting, &access.caller(&place)?).await?;
    let figures = figures(line, &place, from, to).await?;
    let known = figures.total.as_ref().filter(|total| !figures.villages.is_empty() || !total.display_name.is_empty());
    let Some(total) = known else {
        bail!("reporting 没有 {place} 的数字：没有这个村(社区)或街道，或者还没有建立（lianxin onboard）");
    };
    let mut out = std::io::stdout().lock();
    if !figures.villages.is_empty() {
        writeln!(out, "{}", by_village(&figures))?;
    }
    writeln!(out, "{}", in_words(total))?;
    Ok(())
}

/// Asks reporting for the figures of a place, by village if it is more than one.
///
/// # Errors
/// As [`run`].
pub async fn figures(line: Line, place: &str, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Figures> {
    let collection = match place.len() {
        12 => "villages",
        9 => "subdistricts",
        _ => bail!("a place is the 12 digits of a village or the 9 of a sub-district"),
    };
    let request = GetFiguresRequest {
        parent: format!("{collection}/{place}"),
        start_date: from.map(date),
        end_date: to.map(date),
        by_village: collection == "subdistricts",
    };
    Ok(FigureServiceClient::new(line).get_figures(request).await.map_err(told)?.into_inner())
}

/// A line for each village.
pub(crate) fn by_village(figures: &Figures) -> Table {
    let mut table = Table::new(&["村(社区)", "户数", "微网格", "三人组齐", "联户", "覆盖率"]);
    for set in &figures.villages {
        table.row(&[
            name(set),
            set.households.to_string(),
            set.grids.to_string(),
            format!("{}/{}", set.teams_complete, set.teams),
            set.households_linked.to_string(),
            coverage(set),
        ]);
    }
    table
}

/// The account of one place.
pub(crate) fn in_words(set: &FigureSet) -> String {
    let matters = [
        (Matter::ResidentAffairs, "民"),
        (Matter::BusinessAffairs, "商"),
        (Matter::Environment, "环"),
        (Matter::OutreachEducation, "育"),
    ]
    .map(|(matter, word)| {
        let count = set.concerns_by_matter.iter().find(|count| count.matter() == matter).map_or(0, |count| count.count);
        format!("{word} {count}")
    })
    .join("、");
    let states = [
        (ConcernState::Reported, "待受理"),
        (ConcernState::Accepted, "已受理"),
        (ConcernState::InProgress, "办理中"),
        (ConcernState::Deliberating, "商议中"),
        (ConcernState::Resolved, "待回访"),
        (ConcernState::Closed, "已办结"),
        (ConcernState::Returned, "已退回"),
        (ConcernState::Declined, "不予受理"),
        (ConcernState::Withdrawn, "已撤回"),
        (ConcernState::Merged, "已合并"),
    ]
    .map(|(state, word)| {
        let count = set.concerns_by_state.iter().find(|count| count.state() == state).map_or(0, |count| count.count);
        (state, count, word)
    })
    .into_iter()
    // Those that most places never have are told where there are any.
    .filter(|(state, count, _)| *count > 0 || *state <= ConcernState::Closed)
    .map(|(_, count, word)| format!("{word} {count}"))
    .collect::<Vec<_>>()
    .join("、");
    // Most villages have none.
    let demands = match (set.demands_opened, set.demands_answered) {
        (0, 0) => String::new(),
        (opened, answered) => {
            format!("\n  普遍性诉求  归并 {opened} 项（涉及民意 {} 件），答复 {answered} 项", set.concerns_in_demands)
        }
    };
    format!(
        "{}\n  一张网    微网格 {} 个，村民代表 {} 名，三人组齐 {}/{}\n  户户有人联  {} 户，已联 {} 户，覆盖率 {}；商户 {} 家\n  走访      {} 人次，走到 {} 户\n  四件事    收集民意 {} 件（{matters}）\n  办理      {states}\n  化解      已化解 {} 件，群众确认 {} 件（回访 {} 件，答复 {} 件）{demands}",
        name(set),
        set.grids,
        set.representatives,
        set.teams_complete,
        set.teams,
        set.households,
        set.households_linked,
        coverage(set),
        set.merchants,
        set.person_visits,
        set.households_visited,
        set.concerns_reported,
        set.concerns_resolved,
        set.concerns_confirmed,
        set.concerns_followed_up,
        set.concerns_answered,
    )
}

/// What people call the place, and that nobody works there any more.
fn name(set: &FigureSet) -> String {
    let name = if set.display_name.is_empty() { &set.place } else { &set.display_name };
    if set.archived { format!("{name}（已归档）") } else { name.clone() }
}

fn coverage(set: &FigureSet) -> String {
    if set.households == 0 { "—".to_owned() } else { format!("{:.1} %", set.coverage * 100.0) }
}

/// The figures of one village among those of its sub-district.
///
/// # Errors
/// When it is not among them.
pub(crate) fn of<'a>(figures: &'a Figures, village: &str) -> Result<&'a FigureSet> {
    figures.villages.iter().find(|set| set.place.ends_with(village)).with_context(|| format!("no figures of {village}"))
}
