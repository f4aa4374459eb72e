//! `lianxin up`: everything on one machine, in the foreground until Ctrl-C.
//!
//! Private Postgres and NATS, the four services as processes of their own, the sub-district's villages, and
//! their figures out of reporting. Run again, it goes on with the data it has.

mod services;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use platform::database::Owner;
use proto::names::VillageCode;

use crate::client::{Access, connect};
use crate::onboard::{Village, onboard};
use crate::servers::{Durability, Programs, Servers};
use crate::{migrate, report, serve, token};
use services::Services;

/// The village whose workbooks are shipped with the project.
const GAOCHONG: &str = "430112011211";

/// Where everything lies.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder for all data: databases, streams, keys, logs
    #[arg(long, default_value = ".lianxin")]
    folder: PathBuf,

    /// Folder where deploy/programs noted the programs it found
    #[arg(long, default_value = ".lianxin/programs")]
    programs: PathBuf,

    /// Folder with villages.csv and a folder of workbooks for the villages that have them
    #[arg(long, default_value = "deploy/data")]
    data: PathBuf,

    /// First of the four gRPC ports; the admin ports are 100 above
    #[arg(long, default_value_t = 7101)]
    port: u16,
}

/// Brings everything up, shows the figures, and stays until Ctrl-C.
///
/// # Errors
/// With what failed and what to do about it; whatever was started is stopped.
pub async fn run(arguments: Arguments) -> Result<()> {
    let begun = Instant::now();
    let told_to_stop = serve::told_to_stop()?;
    let villages = villages(&arguments.data)?;
    services::ports_are_free(arguments.port)?;

    say(begun, "启动本机专用的 PostgreSQL 和 NATS");
    let programs = Programs::read(&arguments.programs)?;
    let servers = Servers::start(&arguments.folder, &programs, Durability::Disk).await?;
    let folder = arguments.folder.canonicalize()?;

    let up = async {
        say(begun, "准备密钥和各服务的数据库");
        let secrets = folder.join("secrets");
        token::make_keys(&secrets)?;
        provision(&servers, &secrets).await?;

        say(begun, "启动 registry liaison casework reporting");
        let services = Services::start(&servers, &folder, arguments.port).await?;

        let access = services.access(&secrets);
        bring_villages(&villages, &access, &folder.join("imported"), begun).await?;
        println!("\n{}", next(&folder, arguments.port));
        anyhow::Ok(services)
    };
    let services = tokio::select! {
        services = up => services,
        () = told_to_stop.cancelled() => Err(anyhow::anyhow!("按要求停止")),
        error = servers.ended() => Err(error),
    };
    let outcome = match services {
        Ok(services) => {
            let outcome = tokio::select! {
                () = told_to_stop.cancelled() => Ok(()),
                error = services.watch() => Err(error),
                error = servers.ended() => Err(error),
            };
            println!("\n正在停止……");
            services.stop().await.and(outcome)
        }
        Err(_) if told_to_stop.is_cancelled() => Ok(()),
        Err(error) => Err(error),
    };
    servers.stop().await.and(outcome)?;
    println!("已停止，数据留在 {}", folder.display());
    Ok(())
}

/// Databases, roles and tables of every service, at once.
async fn provision(servers: &Servers, secrets: &Path) -> Result<()> {
    let owner = Owner { url: servers.postgres_url("postgres") };
    try_join_all(migrate::services().map(|(service, migrations)| {
        let owner = owner.clone();
        async move {
            let password = services::password(secrets, service)?;
            migrate::provision(&owner, service, &password, &migrations).await
        }
    }))
    .await?;
    Ok(())
}

/// Makes every village a tenant, imports the workbooks there are, waits until the news has reached everyone, and
/// prints the figures of reporting.
///
/// A village's workbooks are imported once; a file in `imported` says so. From then on the records are the truth, and
/// a start must not set back what people have changed in them since.
async fn bring_villages(villages: &[Village], access: &Access, imported: &Path, begun: Instant) -> Result<()> {
    let subdistrict =
        villages.first().map(|village| village.code.subdistrict()).context("villages.csv names no village")?;
    let caller = access.caller(subdistrict.as_str())?;
    std::fs::create_dir_all(imported)?;
    say(begun, &format!("建立 {} 个村(社区)，首次启动时导入花名册和台账", villages.len()));
    let mut marks = std::collections::BTreeMap::new();
    let (mut changed, mut refused) = (0, 0);
    for village in villages {
        let done_before = imported.join(village.code.as_str());
        let village = if done_before.exists() {
            Village { roster: None, ledger: None, ..village.clone() }
        } else {
            village.clone()
        };
        let done = onboard(&village, false, access, &caller, false).await.with_context(|| village.name.clone())?;
        if village.roster.is_some() || village.ledger.is_some() {
            std::fs::write(done_before, "")?;
        }
        (changed, refused) = (changed + done.changed, refused + done.refused);
        marks.extend(done.marks.into_iter().map(|mark| (mark.stream.clone(), mark)));
    }
    say(begun, &format!("工作簿中新增或更新 {changed} 行，退回 {refused} 行；等消息传到 reporting"));
    let line = connect(&access.reporting, &caller.after(marks.values())?).await?;
    let figures = report::figures(line, subdistrict.as_str(), None, None).await?;
    say(begun, "各村数字（出自 reporting）");
    println!("\n{}", report::by_village(&figures));
    println!("{}", report::in_words(report::of(&figures, GAOCHONG)?));
    Ok(())
}

/// The villages of `villages.csv`, each with the roster and ledger in its folder of workbooks, if it has one.
fn villages(data: &Path) -> Result<Vec<Village>> {
    let file = data.join("villages.csv");
    let text = std::fs::read_to_string(&file).with_context(|| format!("list of villages {}", file.display()))?;
    text.lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let malformed = || format!("{}: {line}", file.display());
            let [code, name, folder] = line.split(',').collect::<Vec<_>>().try_into().ok().with_context(malformed)?;
            let code: VillageCode = code.trim().parse().with_context(malformed)?;
            let workbook = |name: &str| Some(data.join(folder.trim()).join(name)).filter(|path| path.exists());
            let (roster, ledger) = (workbook("roster.xlsx"), workbook("ledger.xlsx"));
            Ok(Village { code, name: name.trim().to_owned(), roster, ledger })
        })
        .collect()
}

fn say(begun: Instant, what: &str) {
    println!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
}

/// What to try next.
fn next(folder: &Path, port: u16) -> String {
    let program = std::env::current_exe().map_or_else(|_| "lianxin".to_owned(), |path| path.display().to_string());
    let key = folder.join("secrets/signing.key");
    let reporting = port + 3;
    format!(
        "接下来可以试：
  {program} report {GAOCHONG} --reporting http://127.0.0.1:{reporting} --key {key}
  TOKEN=$({program} token --office clerk --scope {GAOCHONG} --key {key})
  grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" -d '{{\"parent\":\"villages/{GAOCHONG}\",\"page_size\":3}}' \\
    127.0.0.1:{port} lianxin.registry.v1.HouseholdService/ListHouseholds
花名册和台账已经导入过的不再自动导入，以免覆盖之后的修改；要再导入，用 lianxin onboard。
数据和日志都在 {}；要从头再来，停止后删除该文件夹。按 Ctrl-C 停止。",
        folder.display(),
        key = key.display(),
    )
}
