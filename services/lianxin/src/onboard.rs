//! `lianxin onboard`: a village becomes a tenant, out of the workbooks it already keeps.
//!
//! Each service reads its own sheets of the same file. No step guesses when the one before has been
//! heard of: it takes a mark and lets the next call come after it.

mod printed;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use proto::casework::v1 as casework;
use proto::liaison::v1 as liaison;
use proto::names::{VillageCode, VillageName};
use proto::platform::v1::{ImportProgress, ImportReport, Mark};
use proto::reasons;
use proto::registry::v1 as registry;
use proto::registry::v1::village_service_client::VillageServiceClient;
use tonic::{Code, Status, Streaming};

use crate::client::{Access, Line, Metadata, connect, mark, reason, told};
use printed::print;

/// A workbook is one message, and no larger.
const LARGEST_WORKBOOK: usize = 32 * 1024 * 1024;

/// Which village, from which files.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Official 12-digit division code, for instance 430112011211
    village: VillageCode,

    /// Name of the village, for instance 高冲村
    #[arg(long)]
    name: String,

    /// Workbook with 片区 村民小组 党小组 网格员 微网格 村民代表 三人组 住户 家庭成员 商户
    #[arg(long)]
    roster: Option<PathBuf>,

    /// Workbook with 走访 and 民意
    #[arg(long)]
    ledger: Option<PathBuf>,

    /// Only say what would be done and what is wrong; change nothing. The village has to be there already
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    access: Access,
}

/// A village to be onboarded.
#[derive(Debug, Clone)]
pub struct Village {
    /// Its code.
    pub code: VillageCode,
    /// Its name.
    pub name: String,
    /// Its roster, if it has one.
    pub roster: Option<PathBuf>,
    /// Its ledger, if it has one.
    pub ledger: Option<PathBuf>,
}

/// Onboards one village, and says what was done with every sheet.
///
/// # Errors
/// When a service or a file cannot be reached, or a file is not a workbook. Bad rows are no error: they are
/// listed, and the good ones are in.
pub async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { village, name, roster, ledger, check, access } = arguments;
    let caller = access.caller(village.as_str())?;
    let village = Village { code: village, name, roster, ledger };
    let done = onboard(&village, check, &access, &caller, true).await?;
    if done.sheets == 0 && (village.roster.is_some() || village.ledger.is_some()) {
        bail!("没有可导入的工作表：请核对工作表的名称（片区、村民小组、微网格、住户、走访、民意……）");
    }
    if check {
        println!("\n只做了检查，没有改动任何数据。去掉 --check 即可导入。");
    } else if done.refused > 0 {
        println!("\n好的行已导入；改正上面列出的行后再导入同一文件即可，已导入的行不会重复。");
    } else {
        println!("\n完成。查看数字：lianxin report {}", village.code);
    }
    Ok(())
}

/// What onboarding did.
#[derive(Debug, Default)]
pub struct Done {
    /// Marks of all that it committed, one for each service: what is called after them sees it.
    pub marks: Vec<Mark>,
    /// Sheets that were read.
    pub sheets: usize,
    /// Rows that were not taken.
    pub refused: i32,
    /// Rows that made or changed a record.
    pub changed: i32,
}

/// Onboards one village; with `aloud`, shows progress and every report.
///
/// # Errors
/// As [`run`].
pub async fn onboard(village: &Village, check: bool, access: &Access, caller: &Metadata, aloud: bool) -> Result<Done> {
    let parent = VillageName(village.code).to_string();
    let mut done = Done::default();

    let line = connect(&access.registry, caller).await?;
    if check {
        must_exist(line.clone(), village).await?;
    } else {
        create(line.clone(), village).await?;
    }
    if let Some(roster) = &village.roster {
        done.add("registry", import_places(&line, &parent, roster, check, aloud).await?, aloud);
    }
    done.marks.push(mark(&line, &parent).await?);

    let line = connect(&access.liaison, &caller.after(&done.marks)?).await?;
    if let Some(roster) = &village.roster {
        done.add("liaison", import_members(&line, &parent, roster, check, aloud).await?, aloud);
    }
    if let Some(ledger) = &village.ledger {
        done.add("liaison", import_visits(&line, &parent, ledger, check, aloud).await?, aloud);
    }
    done.marks.push(mark(&line, &parent).await?);

    if let Some(ledger) = &village.ledger {
        let line = connect(&access.casework, &caller.after(&done.marks)?).await?;
        done.add("casework", import_concerns(&line, &parent, ledger, check, aloud).await?, aloud);
        done.marks.push(mark(&line, &parent).await?);
    }
    Ok(done)
}

impl Done {
    /// Adds what a service did with its sheets; nothing, if the workbook has none of them.
    fn add(&mut self, service: &str, report: Option<ImportReport>, aloud: bool) {
        let Some(report) = report else {
            if aloud {
                println!("{service}：文件里没有它的工作表");
            }
            return;
        };
        self.sheets += report.sheets.len();
        self.refused += report.sheets.iter().map(|sheet| sheet.refused).sum::<i32>();
        self.changed += report.sheets.iter().map(|sheet| sheet.created + sheet.updated).sum::<i32>();
        if aloud {
            print(service, &report);
        }
    }
}

/// The village as the registry has it, if it is a tenant already.
async fn find(line: Line, village: &Village) -> Result<Option<registry::Village>> {
    let request = registry::GetVillageRequest { name: VillageName(village.code).to_string() };
    match VillageServiceClient::new(line).get_village(request).await {
        Ok(found) => Ok(Some(found.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(told(status)),
    }
}

/// Makes the village a tenant, unless it is one.
async fn create(line: Line, village: &Village) -> Result<()> {
    let Village { code, name, .. } = village;
    if let Some(found) = find(line.clone(), village).await? {
        if found.display_name != *name {
            println!("{code} 已经建立，名称是{}，没有改为{name}（改名用 UpdateVillage）", found.display_name);
        }
        return Ok(());
    }
    let request = registry::CreateVillageRequest {
        village_id: code.to_string(),
        village: Some(registry::Village { display_name: name.clone(), ..registry::Village::default() }),
        request_id: String::new(),
    };
    match VillageServiceClient::new(line).create_village(request).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()), // somebody else was faster
        Err(status) => Err(told(status)),
    }
}

/// A check changes nothing, so it cannot make the village whose workbooks it looks at.
async fn must_exist(line: Line, village: &Village) -> Result<()> {
    let Village { code, name, .. } = village;
    if find(line, village).await?.is_none() {
        bail!(
            "{name}（{code}）还没有建立，无法检查它的工作簿。请先只建立这个村(社区)，再检查：\n  \
             lianxin onboard {code} --name {name}"
        );
    }
    Ok(())
}

/// One message of an import's answer.
enum Step {
    Progress(ImportProgress),
    Report(ImportReport),
}

/// The imports differ in nothing but their types: each hands a workbook to its service and follows it to the report.
macro_rules! import {
    ($name:ident, $client:ty, $method:ident, $package:ident::$request:ident, $step:path) => {
        async fn $name(
            line: &Line,
            parent: &str,
            file: &Path,
            check: bool,
            aloud: bool,
        ) -> Result<Option<ImportReport>> {
            use $step as Contract;
            let request = $package::$request { parent: parent.to_owned(), content: read(file)?, validate_only: check };
            let mut client = <$client>::new(line.clone()).max_encoding_message_size(LARGEST_WORKBOOK);
            let step = |step| match step {
                Contract::Progress(progress) => Step::Progress(progress),
                Contract::Report(report) => Step::Report(report),
            };
            let outcome = match client.$method(request).await {
                Ok(steps) => follow(steps.into_inner(), aloud, |message| message.step.map(step)).await,
                Err(status) => Err(status),
            };
            match outcome {
                Ok(report) => Ok(Some(report)),
                // A workbook may hold the sheets of one service and not of another.
                Err(status) if reason(&status).as_deref() == Some(reasons::SHEET_MISSING) => Ok(None),
                Err(status) => Err(told(status)),
            }
        }
    };
}
import!(
    import_places,
    registry::roster_service_client::RosterServiceClient<Line>,
    import_roster,
    registry::ImportRosterRequest,
    registry::import_roster_response::Step
);
import!(
    import_members,
    liaison::roster_service_client::RosterServiceClient<Line>,
    import_roster,
    liaison::ImportRosterRequest,
    liaison::import_roster_response::Step
);
import!(
    import_visits,
    liaison::roster_service_client::RosterServiceClient<Line>,
    import_ledger,
    liaison::ImportLedgerRequest,
    liaison::import_ledger_response::Step
);
import!(
    import_concerns,
    casework::ledger_service_client::LedgerServiceClient<Line>,
    import_ledger,
    casework::ImportLedgerRequest,
    casework::import_ledger_response::Step
);

/// Follows an import to its report, showing how far it is.
async fn follow<T>(
    mut steps: Streaming<T>,
    aloud: bool,
    read: impl Fn(T) -> Option<Step>,
) -> Result<ImportReport, Status> {
    let bar = if aloud { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(
        ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    while let Some(message) = steps.message().await? {
        match read(message) {
            Some(Step::Progress(progress)) => {
                bar.set_prefix(progress.sheet);
                bar.set_length(u64::try_from(progress.total).unwrap_or(0));
                bar.set_position(u64::try_from(progress.done).unwrap_or(0));
            }
            Some(Step::Report(report)) => {
                bar.finish_and_clear();
                return Ok(report);
            }
            None => {}
        }
    }
    Err(Status::unavailable("the import ended without a report; import the same file again"))
}

fn read(file: &Path) -> Result<bytes::Bytes> {
    Ok(std::fs::read(file).with_context(|| format!("workbook {}", file.display()))?.into())
}
