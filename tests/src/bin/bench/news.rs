//! From the acknowledgement of a concern to its figure, as a caller has it who shows the mark.

use std::time::{Duration, Instant};

use platform::Office;
use proto::casework::v1 as casework;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::platform::v1::MarkRequest;
use proto::platform::v1::news_service_client::NewsServiceClient;
use proto::reporting::v1::GetFiguresRequest;
use proto::reporting::v1::figure_service_client::FigureServiceClient;
use tests::GAOCHONG;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::lifecycle::People;
use crate::table::{Figures, heading, line, ms, number};
use crate::{Arguments, System, fill, load};

/// Looks in one repetition.
const LOOKS: usize = 100;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) async fn measure(system: &System, arguments: &Arguments) {
    heading(
        "News: from the acknowledgement of a concern to its figure (Mark of casework, GetFigures of reporting)",
        &["load", "p50 ms, min / median / max", "p99 ms, min / median / max"],
    );
    let mut owner = system.owner("casework").await;
    fill::villages(&mut owner, 15).await;
    let people = People::of(system, 15).await;
    let report = {
        let people = people.clone();
        move |number| {
            let people = people.clone();
            async move { people.report(number).await.map(|_| ()) }
        }
    };
    looks(system, arguments, "idle").await;
    let most = load::closed(arguments.clients, arguments.time(), report.clone()).await.must_be_right("reports").rate();
    fill::published(&mut owner).await;
    // As long as the looks take, and some more.
    let lasts = Duration::from_secs(30 * arguments.times as u64);
    let loading = tokio::spawn(load::open(most / 2.0, lasts, report));
    tokio::time::sleep(Duration::from_secs(2)).await;
    looks(system, arguments, &format!("half: {} concerns a second", number(most / 2.0))).await;
    loading.abort();
}

async fn looks(system: &System, arguments: &Arguments, load: &str) {
    let casework = system.channels("casework").await.remove(0);
    let reporting = system.channels("reporting").await.remove(0);
    let token = system.token("looker", Office::Clerk, GAOCHONG);
    let (mut half, mut most) = (Figures::default(), Figures::default());
    for _ in 0..arguments.times {
        let mut seen = Vec::new();
        for _ in 0..LOOKS {
            if let Err(refused) = report(&casework, &token).await {
                eprintln!("not acknowledged: {refused}");
                continue;
            }
            let acknowledged = Instant::now();
            let parent = format!("villages/{GAOCHONG}");
            let mut request = Request::new(MarkRequest { parent: parent.clone() });
            request.metadata_mut().insert("authorization", token.clone());
            let answer = NewsServiceClient::new(casework.clone()).mark(request).await.expect("a mark");
            let mark = answer.into_inner().mark.unwrap().to_string();
            let mut request = Request::new(GetFiguresRequest { parent, ..Default::default() });
            request.metadata_mut().insert("authorization", token.clone());
            request.metadata_mut().insert(proto::mark::METADATA_KEY, mark.parse().unwrap());
            FigureServiceClient::new(reporting.clone()).get_figures(request).await.expect("figures");
            seen.push(ms(acknowledged.elapsed()));
            tokio::time::sleep(PAUSE).await;
        }
        seen.sort_by(f64::total_cmp);
        half.add(seen[seen.len() / 2]);
        most.add(seen[seen.len() * 99 / 100]);
    }
    line(&[load.into(), half.range(), most.range()]);
}

/// Reports a concern in the village of the shipped workbooks, whose figures are the most work.
async fn report(casework: &Channel, token: &MetadataValue<Ascii>) -> Result<(), Status> {
    let concern = casework::Concern {
        matter: casework::Matter::Environment.into(),
        matter_type: "路灯".into(),
        text: "3栋后路灯不亮，晚上看不清路".into(),
        grid: format!("villages/{GAOCHONG}/grids/016"),
        ..casework::Concern::default()
    };
    let mut request = Request::new(casework::CreateConcernRequest {
        parent: format!("villages/{GAOCHONG}"),
        concern: Some(concern),
        ..Default::default()
    });
    request.metadata_mut().insert("authorization", token.clone());
    ConcernServiceClient::new(casework.clone()).create_concern(request).await.map(|_| ())
}
